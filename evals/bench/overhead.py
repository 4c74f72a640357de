"""``python -m evals.bench overhead [--lines 5000] [--turns 10] [--calls 3] [--runs 5] [--json]``: what our own code costs.

A scripted model (in a process of its own) asks for parallel tool calls turn after turn; OnCalm plays it through the whole
product, over HTTP, in a conversation that is checkpointed. The peer is the bare ``openai`` SDK in a loop that sends the
very same requests and reads the same replies, in the same run; and below both, ``http.client`` with the same bytes, which
is as near to the model's own time as a client comes. From OnCalm's wall time per turn are taken away: the time in which
a tool itself ran, and the model's time. What is left is ours; the SDK's share of it counts as ours too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from shutil import copytree
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from agent.llm.endpoint import Endpoint
from agent.scripted.server import ScriptedServer
from api.wiring.product import Product
from evals.bench.query import NOW
from evals.bench.stopwatch import Stopwatch, Timed
from evals.bench.synthetic import write

GOALS = {"turn_ms": 25.0, "tool_call_ms": 5.0}
"""Medians."""
MODEL, KEY = "scripted", "sk-bench"
ASKED = "how many lines"
Body = dict[str, Any]
Round = tuple[Stopwatch, list[float], list[float]]
"""One run of OnCalm, and the milliseconds of each request by the SDK and by plain HTTP."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of OnCalm, in milliseconds; ``tools``: any tool ran. ``ours`` is what is left beside the model."""

    wall: float
    tools: float
    model: float
    sdk: float

    @property
    def ours(self) -> float:
        return self.wall - self.tools - self.model

    @property
    def beside_sdk(self) -> float:
        """What is left beside the bare SDK's time."""
        return self.wall - self.tools - self.sdk


def script(lines: int, turns: int, calls: int) -> list[dict[str, Any]]:
    """The model's replies: parallel calls that bring something new each turn, then a conclusion that E1 shows."""
    words = ("status", "password", "session", "Order", "block", "Job", "finished", "declined", "Timeout", "cache", "index", "lease")
    fields, replies = ("service", "host", "level"), []
    for turn in range(turns):
        window = {"start": "2026-03-02T00:00:00Z", "end": f"2026-03-{3 + turn // 12:02}T{turn % 12 + 6:02}:00:00Z"}
        made: list[tuple[str, dict[str, Any]]] = [
            ("logs_count", {"contains": [words[turn % len(words)]], "by": ["service"], **window}),
            ("logs_top", {"field": fields[turn % 3], **window}),
            ("logs_trend", {"bucket_seconds": 1800 * (turn + 1), **window}),
            ("logs_lines", {"contains": [words[-1 - turn % len(words)]], "limit": 10, **window}),
            ("logs_summary", {**window}),
            ("logs_search_templates", {"words": words[turn % len(words)], **window}),
        ]
        replies.append({"calls": [{"name": name, "arguments": given} for name, given in made[:calls]],
                        "usage": {"input": 900, "cached": 500, "output": 60}})
    answer = {"text": f"There are {lines:,} records.", "evidence": ["E1"]}
    whole = {"answer": answer, "claims": [], "ruled_out": [], "unchecked": [], "result_from": "E1", "confidence": 0.9}
    return [*replies, {"text": json.dumps(whole), "usage": {"input": 900, "cached": 500, "output": 60}}]


def run(lines: int = 5000, turns: int = 10, calls: int = 3, runs: int = 5) -> dict[str, Any]:
    """Build a home, play the script ``runs`` times with each client, and return milliseconds. Raises ValueError when
    OnCalm did not play the whole script."""
    if not 1 <= turns <= 11 or not 1 <= calls <= 6 or runs < 1:
        raise ValueError("--turns takes 1 to 11 (the loop guard ends longer runs), --calls 1 to 6, --runs at least 1")
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder, "home"), Path(folder, "synthetic.log")
        write(log, lines)
        product = Product(home)
        product.ingest([log])
        product.index()
        played = Path(folder, "script.json")
        replies = script(lines, turns, calls)
        played.write_text(json.dumps(replies), encoding="utf-8")
        bodies = _bodies(_copied(home, "warm-up"), replies)
        found = [_round(_copied(home, str(number)), played, bodies) for number in range(runs)]
    return _report(found, lines=lines, turns=turns, calls=calls, runs=runs)


def _copied(home: Path, name: str) -> Path:
    """A home of its own for each run, so that nothing kept by an earlier one answers."""
    return Path(copytree(home, home.parent / f"home-{name}"))


def _bodies(home: Path, replies: Sequence[dict[str, Any]]) -> list[Body]:
    """What OnCalm sends: played once in this process, which also warms it up."""
    with ScriptedServer(replies) as server:
        _ours(home, server.url, len(replies))
        return [received.body for received in server.received]


def _round(home: Path, played: Path, bodies: Sequence[Body]) -> Round:
    """OnCalm, the SDK and plain HTTP, one after the other, each with a fresh server."""
    with _serving(played) as url:
        watch = _ours(home, url, len(bodies))
    with _serving(played) as url:
        sdk = _sdk(url, bodies)
    with _serving(played) as url:
        return watch, sdk, _plain(url, bodies)


@contextmanager
def _serving(played: Path) -> Iterator[str]:
    """A scripted endpoint in another process."""
    command = [sys.executable, "-m", "agent.scripted", str(played)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _ours(home: Path, url: str, requests: int) -> Stopwatch:
    """Ask one question; the stopwatch knows each model call and tool call."""
    timed = Timed(Endpoint(model=MODEL, base_url=url, api_key=KEY))
    begun = time.perf_counter()
    answer = Product(home, thinking=timed).ask(ASKED, conversation="bench", now=NOW, analyst="llm")
    timed.watch.add("ask", begun, time.perf_counter())
    failed = [call for call in answer["evidence"] if call["status"] in {"failed", "not_assessed"}]
    if answer.get("fallback") or failed or len(timed.watch.of("model")) != requests:
        raise ValueError(f"the script was not played to its end: {answer.get('fallback') or failed or answer['notes']}")
    return timed.watch


def _sdk(url: str, bodies: Sequence[Body]) -> list[float]:
    """The peer: milliseconds of each call and of reading its reply."""
    from openai import OpenAI

    taken = []
    with OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        client.models.list()  # connected before the first turn, as OnCalm's first turn is not measured either
        for body in bodies:
            begun = time.perf_counter()
            text, arguments = "", dict[int, str]()
            stream: Any = client.chat.completions.create(**body)
            for chunk in stream:
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    for call in choice.delta.tool_calls or ():
                        arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "" if call.function else "")
            assert text or all(json.loads(given) for given in arguments.values())
            taken.append(1000 * (time.perf_counter() - begun))
    return taken


def _plain(url: str, bodies: Sequence[Body]) -> list[float]:
    """The same bytes over one connection: the time the server holds a request, and its way there and back."""
    to, taken = urlsplit(url), []
    connection = HTTPConnection(to.netloc)
    connection.request("GET", f"{to.path}/models")
    connection.getresponse().read()
    for body in bodies:
        sent = json.dumps(body).encode()
        begun = time.perf_counter()
        connection.request("POST", f"{to.path}/chat/completions", sent, {"Content-Type": "application/json"})
        connection.getresponse().read()
        taken.append(1000 * (time.perf_counter() - begun))
    connection.close()
    return taken


def turns_of(watch: Stopwatch, sdk: Sequence[float], plain: Sequence[float]) -> list[Turn]:
    """From each request to the next. The first pays for imports and connecting and is left out; so is the last."""
    begins = [span.start for span in watch.of("model")]
    return [
        Turn(1000 * (end - start), 1000 * watch.busy("tool", start, end), plain[number], sdk[number])
        for number, (start, end) in enumerate(zip(begins, begins[1:], strict=False)) if number
    ]


def _report(found: Sequence[Round], **given: int) -> dict[str, Any]:
    turns = [turns_of(*one) for one in found]
    figures = {name: _spread([[figure(turn) for turn in one] for one in turns]) for name, figure in BY_TURN.items()}
    del figures["turn_beside_sdk"]["best_run"]  # a slow peer would make it look best
    figures |= {name: _spread([figure(watch) for watch, _, _ in found]) for name, figure in BY_RUN.items()}
    without = median(turn.wall - turn.tools for one in turns for turn in one)
    kept = {"turn_ms": figures["turn"]["median"], "tool_call_ms": figures["tool_call"]["median"]}
    return {
        "given": given, "peer": "bare openai SDK, the same requests and replies in a loop", "ms": figures,
        "ratio": {"turn_to_sdk": round(without / figures["sdk_turn"]["median"], 2)},
        "goals": {name: {"goal": goal, "met": kept[name] < goal} for name, goal in GOALS.items()},
    }


def _spread(runs: Sequence[Sequence[float]]) -> dict[str, float]:
    """Over all runs; ``best_run`` is the median of the run that the machine disturbed least."""
    ordered = sorted(value for one in runs for value in one)
    best = min(median(one) for one in runs)
    return {"median": round(median(ordered), 2), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
            "best_run": round(best, 2), "n": len(ordered)}


BY_TURN: dict[str, Callable[[Turn], float]] = {
    "turn": lambda turn: turn.ours, "turn_beside_sdk": lambda turn: turn.beside_sdk, "model": lambda turn: turn.model,
    "sdk_turn": lambda turn: turn.sdk, "tools_in_turn": lambda turn: turn.tools,
}
BY_RUN: dict[str, Callable[[Stopwatch], list[float]]] = {
    "tool_call": lambda watch: [1000 * each for each in watch.around("call", "tool")],
    "before_first_turn": lambda watch: [1000 * watch.opening()], "after_last_reply": lambda watch: [1000 * watch.ending()],
}
NAMES = {
    "turn": "our own code, per model turn (the SDK within it included)", "turn_beside_sdk": "  the same beside the bare SDK's time",
    "tool_call": "our own code, per tool call", "model": "model and transport (http.client), per turn",
    "sdk_turn": "bare SDK loop, per turn", "tools_in_turn": "tools themselves, per turn",
    "before_first_turn": "before the first request, without its tool", "after_last_reply": "after the last reply",
}


def table(report: dict[str, Any]) -> str:
    """The report as people read it."""
    given, goals = report["given"], report["goals"]
    rows = [f"{NAMES[name]:62}{each['median']:9.2f}{each['p95']:9.2f}{each.get('best_run', '-'):>10}{each['n']:6}" for name, each in report["ms"].items()]
    held = [f"goal {name}: under {each['goal']:g}: {'met' if each['met'] else 'MISSED'}" for name, each in goals.items()]
    return "\n".join([
        ", ".join(f"{value:,} {name}" for name, value in given.items()), f"peer: {report['peer']}",
        f"{'milliseconds':62}{'median':>9}{'p95':>9}{'best run':>10}{'n':>6}", *rows,
        f"turn without its tools, to the bare SDK's: {report['ratio']['turn_to_sdk']} times", *held])

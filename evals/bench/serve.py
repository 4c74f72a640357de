"""``python -m evals.bench serve [--streams 200] [--answers 60] [--minutes 1] [--wait 0.5] [--json]``: what the server adds, and what it holds.

``oncalm serve`` runs as users run it, in a process of its own, with a home of synthetic records and a scripted model (a
third process) that waits before it answers, as models do. Told are: as many chats at once as ``--streams``, how many came
to their answer and when their first event came; what HTTP, the door and keeping the conversation add to an answer that is
not streamed, beside the same questions asked of the product in this process, by turns; and the server's resident memory
while chats go on for ``--minutes``. Clients share the machine with the server, so each wait holds theirs, too.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from api.wiring.product import Product
from evals.bench.synthetic import write

FIRST_MS, ADDED_MS, GROWTH = 200.0, 15.0, 0.05
"""Goals: medians of the first event and of what is added; the part by which memory may grow over its second half."""
_AT_ONCE = 8
"""Clients of the memory run."""
_FIELDS = ("service", "host", "level")


@dataclass(frozen=True, slots=True)
class Chat:
    """Milliseconds to the first event and to the last, whose name is ``last``."""

    first: float
    whole: float
    last: str


def run(streams: int, answers: int, minutes: float, wait: float, lines: int = 20_000) -> dict[str, object]:
    """Counts, milliseconds and mebibytes."""
    with tempfile.TemporaryDirectory() as folder:
        home, log, script = Path(folder, "home"), Path(folder, "synthetic.log"), Path(folder, "script.json")
        write(log, lines)
        product = Product(home)
        product.ingest([log])
        product.index()
        script.write_text(json.dumps({"replies": [_conclusion(wait)], "repeat": True}), encoding="utf-8")
        with _started([sys.executable, "-m", "agent.scripted", str(script)], "stdout", {}) as (_, model), _served(home, model) as (pid, url):
            asyncio.run(_together(url, 24, "auto"))  # all have imported what they need
            scripted = asyncio.run(_together(url, streams, "auto"))
            offline = asyncio.run(_together(url, streams, "offline"))
            added = _added(product, url, answers)
            memory = asyncio.run(_memory(url, pid, minutes)) if minutes else {}
    first = scripted["first_event_ms"]["median"]
    met = {"none_dropped": scripted["answered"] == streams == offline["answered"], "first_event": first < FIRST_MS, "added": added["median"] < ADDED_MS}
    return {"bench": "serve", "streams": streams, "model_waits_seconds": wait, "scripted_model": scripted, "offline_analyst": offline,
            "added_ms": added, "memory": memory, "goals": met | ({"memory_flat": bool(memory["flat"])} if memory else {})}


def table(report: Mapping[str, object]) -> str:
    """The report, a line each."""
    return "\n".join(f"{name}: {value}" for name, value in report.items())


def _conclusion(wait: float) -> dict[str, Any]:
    answer = {"answer": {"text": "This is what the records show.", "evidence": ["E1"]}, "claims": [], "ruled_out": [], "unchecked": [],
              "result_from": "E1", "confidence": 0.9}
    return {"text": json.dumps(answer), "wait": wait, "usage": {"input": 900, "cached": 500, "output": 60}}


@contextmanager
def _served(home: Path, model: str) -> Iterator[tuple[int, str]]:
    settings = {"OPENAI_BASE_URL": model, "OPENAI_API_KEY": "sk-bench", "ONCALM_MODEL": "scripted", "ONCALM_RATE_REQUESTS": "1000000"}
    command = [sys.executable, "-m", "api.cli", "--home", str(home), "serve", "--port", "0"]
    with _started(command, "stderr", settings) as (pid, told):
        yield pid, told


@contextmanager
def _started(command: list[str], pipe: str, more: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """A process, and the URL that it tells once it listens. Raises ValueError when it tells none."""
    with subprocess.Popen(command, text=True, env={**os.environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE if pipe == "stderr" else None) as one:
        try:
            reading = one.stderr if pipe == "stderr" else one.stdout
            assert reading is not None
            seen: list[str] = []
            for line in reading:
                seen.append(line)
                if found := re.search(r"http://\S+", line):
                    yield one.pid, found[0]
                    return
            raise ValueError(f"{command[-1]} told no address: {''.join(seen)[-500:]}")
        finally:
            one.terminate()


async def _together(url: str, streams: int, analyst: str) -> dict[str, Any]:
    """Begin all chats at once."""
    began = time.perf_counter()
    found = await asyncio.gather(*(_chat(url, {"question": _question(number), "analyst": analyst}) for number in range(streams)))
    seconds = time.perf_counter() - began
    return {"answered": sum(one.last == "answer" for one in found), "dropped": sum(one.last not in {"answer", "error"} for one in found),
            "failed": sum(one.last == "error" for one in found), "seconds": round(seconds, 2), "answers_per_second": round(streams / seconds, 1),
            "first_event_ms": _spread([one.first for one in found]), "answer_ms": _spread([one.whole for one in found])}


def _question(number: int) -> str:
    """No two alike, so that no cache answers."""
    return f"how many lines contain order {number + 1000} by {_FIELDS[number % 3]}?"


async def _chat(url: str, body: dict[str, Any]) -> Chat:
    """One chat over a connection of its own, read as it comes."""
    host, _, port = url.removeprefix("http://").partition(":")
    sent = json.dumps(body).encode()
    began, first, last = time.perf_counter(), 0.0, "none"
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 24)
    try:
        writer.write(b"POST /v1/chat HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
                     % (url.removeprefix("http://").encode(), len(sent), sent))
        async for line in reader:
            if line.startswith(b"event: "):
                first = first or time.perf_counter()
                last = line[7:].decode().strip()
    except OSError:
        last = "cut"
    finally:
        writer.close()
    ended = time.perf_counter()
    return Chat(1_000 * ((first or ended) - began), 1_000 * (ended - began), last)


def _added(product: Product, url: str, answers: int) -> dict[str, Any]:
    """Answers that are not streamed, beside the product asked in this process, by turns; pairs of like questions."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    served, alone = [], []
    for number in range(answers + 5):
        question = _question(number)
        body = json.dumps({"model": "oncalm-offline", "messages": [{"role": "user", "content": question}]})
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = json.loads(answer.read())
        middle = time.perf_counter()
        if answer.status != 200:
            raise ValueError(f"no answer: {told}")
        product.ask(question, conversation=f"alone-{number}", analyst="offline")
        if number >= 5:
            served.append(1_000 * (middle - began))
            alone.append(1_000 * (time.perf_counter() - middle))
    connection.close()
    return {**_spread([one - other for one, other in zip(served, alone, strict=True)]), "served_ms": _spread(served), "product_ms": _spread(alone)}


async def _memory(url: str, pid: int, minutes: float) -> dict[str, Any]:
    """Resident memory over the time in which a few clients chat without a pause."""
    ends, chats, failed, seen = time.monotonic() + 60 * minutes, 0, 0, list[float]()

    async def client() -> None:
        nonlocal chats, failed
        while time.monotonic() < ends:
            chats += 1
            one = await _chat(url, {"question": _question(chats), "analyst": "offline"})
            failed += one.last != "answer"

    async def look() -> None:
        while time.monotonic() < ends:
            seen.append(_resident(pid))
            await asyncio.sleep(1)

    await asyncio.gather(look(), *(client() for _ in range(_AT_ONCE)))
    half = seen[len(seen) // 2 :]
    tenth = max(1, len(half) // 10)
    low, high = median(half[:tenth]), median(half[-tenth:])
    return {"minutes": minutes, "chats": chats, "failed": failed, "mib_at_start": seen[0], "mib_at_half": low, "mib_at_end": high, "mib_most": max(seen),
            "grown_in_second_half": round(high / low - 1, 3), "flat": high / low - 1 < GROWTH,
            "mib": seen[:: max(1, len(seen) // 20)]}


def _resident(pid: int) -> float:
    """MiB (proc_pid_statm(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": round(median(ordered), 1), "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1)}

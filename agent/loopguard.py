"""Notices when a model goes in circles: first a nudge, then its tools are withdrawn, then the run is concluded.

Pure: the whole transcript in, a verdict on its last turn out. Asked after every turn that did not conclude, so
the same transcript always gives the same verdict and nothing needs to be remembered between turns.

Trouble is a turn that
- only repeats calls already made with the same arguments (one retry of a failed call is none),
- swings between two sets of calls (A B A B),
- is the third in a row in which every call failed,
- is the third in a row that brought only results already seen,
- says something, or nothing, and neither calls a tool nor concludes.

The first trouble is a nudge. Trouble again within two turns, or for the fourth time, withdraws the tools, and a
turn without tools that still does not conclude ends the run. So does the limit of turns.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agent.analyst import Progress
from tools.registry import Status, ToolResult

Measure = Literal["go_on", "nudge", "withdraw_tools", "conclude"]
_WITHOUT = frozenset({"failed", "not_assessed"})


@dataclass(frozen=True, slots=True)
class Made:
    """One call of a turn: its name, its arguments in canonical form, how it ended, and what it brought."""

    name: str
    arguments: str
    status: Status
    brought: str = ""
    """Digest of the result; empty when unknown, and then never taken for one seen before."""

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Any], result: ToolResult) -> Made:
        """The call ``name`` and its result."""
        return cls(name, canonical(arguments), result.status, fingerprint(result))


@dataclass(frozen=True, slots=True)
class Round:
    """A run's :class:`agent.analyst.Turn` as it is judged: what its calls were and brought."""

    calls: tuple[Made, ...] = ()
    had_text: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """``turns``: replies with tools at most; ``streak``: turns of errors, or without news, that are too many."""

    turns: int = 12
    streak: int = 3
    nudges: int = 3
    near: int = 2
    """Trouble this many turns after a nudge, or sooner, is not nudged again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do after the last turn; ``reason`` is a sentence for the model and for the record."""

    step: Measure
    reason: str = ""

    @property
    def withdraws(self) -> bool:
        """Whether the next turn gets no tools."""
        return self.step == "withdraw_tools"

    @property
    def ends(self) -> bool:
        """Whether there is no next turn."""
        return self.step == "conclude"


GO_ON = Verdict("go_on")
LIMITS = Limits()


def judge(turns: Sequence[Round], limits: Limits = LIMITS) -> Verdict:
    """Judge the last of ``turns`` by all of them. At most ``limits.turns + 1`` turns pass before "conclude"."""
    verdict, nudges, nudged_at = GO_ON, 0, -limits.near - 1
    for last in range(len(turns)):
        if verdict.step in {"withdraw_tools", "conclude"}:
            return Verdict("conclude", verdict.reason)
        trouble = _trouble(turns[: last + 1], limits)
        if last + 1 >= limits.turns:
            verdict = Verdict("withdraw_tools", f"The limit of {limits.turns} turns is reached.")
        elif not trouble:
            verdict = GO_ON
        elif last - nudged_at <= limits.near or nudges >= limits.nudges:
            verdict = Verdict("withdraw_tools", trouble)
        else:
            verdict, nudges, nudged_at = Verdict("nudge", trouble), nudges + 1, last
    return verdict


def transcript(progress: Progress, made: dict[str, Made] | None = None) -> list[Round]:
    """A run's turns as they are judged; a call without a result was not assessed.

    ``made`` keeps the calls by evidence id from one turn to the next, as a result does not change.
    """
    kept = {} if made is None else made
    turns = []
    for turn in progress.turns:
        calls = []
        for name, call in turn.calls.items():
            result = progress.results.get(name)
            if result is not None and name not in kept:
                kept[name] = Made.of(call.tool, call.arguments, result)
            calls.append(kept.get(name) or Made(call.tool, canonical(call.arguments), "not_assessed"))
        turns.append(Round(tuple(calls), had_text=bool(turn.text)))
    return turns


def canonical(arguments: Mapping[str, Any]) -> str:
    """Arguments as one text, whatever the order of their keys and however whole numbers are written."""
    return json.dumps(_whole(arguments), sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)


def fingerprint(result: ToolResult) -> str:
    """A digest of what a call brought, without the question that led to it or the time it took."""
    brought = result.model_dump(mode="json", exclude={"tool", "query", "window", "seconds", "stored"})
    if isinstance(brought.get("found"), dict):
        brought["found"].pop("window", None)
    return hashlib.sha256(canonical(brought).encode("utf-8", "replace")).hexdigest()[:16]


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _trouble(turns: Sequence[Round], limits: Limits) -> str:
    """What is wrong with the last turn, as a sentence; nothing when it made progress."""
    last = turns[-1]
    if not last.calls:
        return "You wrote text, but neither called a tool nor concluded." if last.had_text else "Your reply was empty."
    if _swings(turns):
        return "You go back and forth between the same two steps."
    repeated = _repeated(turns)
    if repeated:
        return f"You already called {repeated} with the same arguments; its result is above."
    streak = turns[-limits.streak:]
    if len(streak) < limits.streak:
        return ""
    if all(turn.calls and all(call.status in _WITHOUT for call in turn.calls) for turn in streak):
        return f"Every call of the last {limits.streak} turns failed."
    if all(_no_news(turns[: len(turns) - back]) for back in range(limits.streak)):
        return f"The last {limits.streak} turns brought only results you had already."
    return ""


def _key(turn: Round) -> frozenset[tuple[str, str]]:
    return frozenset((call.name, call.arguments) for call in turn.calls)


def _swings(turns: Sequence[Round]) -> bool:
    if len(turns) < 4:
        return False
    a, b, c, d = (_key(turn) for turn in turns[-4:])
    return bool(a) and bool(b) and a == c and b == d and a != b


def _repeated(turns: Sequence[Round]) -> str:
    """The name of a call made before, when all calls of the last turn were; a failed one may be tried once more."""
    made: Counter[tuple[str, str]] = Counter()
    answered: set[tuple[str, str]] = set()
    for turn in turns[:-1]:
        for key in _key(turn):
            made[key] += 1
        answered |= {(call.name, call.arguments) for call in turn.calls if call.status not in _WITHOUT}
    keys = [(call.name, call.arguments) for call in turns[-1].calls]
    again = all(key in answered or made[key] >= 2 for key in keys)
    return keys[0][0] if again else ""


def _no_news(turns: Sequence[Round]) -> bool:
    """Whether all the last turn brought had been brought before."""
    seen = {call.brought for turn in turns[:-1] for call in turn.calls if call.brought}
    return bool(turns[-1].calls) and all(call.brought in seen for call in turns[-1].calls)

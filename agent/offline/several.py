"""A question with several parts: the first is read alone, each later one once the first is answered, and none is dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.analyst import Given, Progress, Step, ToolCall, Triage, Turn
from agent.offline.complaint import asks_why
from agent.offline.followup import SAID
from agent.offline.parts import Narrowed, alone, grouped, narrowed, plainly, refers, split
from agent.offline.understanding import Reading
from tools.registry import ToolResult

TOOL = "logs.query"
_HOW_MANY = re.compile(r"(?:and )?(?:how (?:many|often)|count)\b", re.IGNORECASE)
_SAID_WITH_GAPS = re.compile(r"^(?:how long|when)\b", re.IGNORECASE)
"""What a silence is always told with."""
Read = Callable[[Given], Triage]
"""Reads one question; a later part is given what it follows as the conversation's last reading."""


@dataclass(frozen=True, slots=True)
class Later:
    """A later part as read: ``held`` says to what of the first answer it was held."""

    part: str
    triage: Triage
    held: str = ""

    @property
    def call(self) -> ToolCall | None:
        """What answers it; None when it cannot be read."""
        query = self.triage.query
        return None if query is None or self.triage.refusal is not None else ToolCall(tool=TOOL, arguments=query.model_dump(mode="json"))


def first(given: Given, read: Read) -> Triage:
    """The reading of a question, or of its first part, which then names the ``parts`` behind it."""
    parts = split(given.question)
    if len(parts) == 1:
        return read(given)
    begun = read(replace(given, question=parts[0]))
    if begun.refusal is None and begun.query is not None and not _counted(begun, parts):
        return begun.model_copy(update={"parts": list(parts[1:])})
    whole = read(given)
    if whole.refusal is not None or _counted(whole, parts):
        return whole
    asked = "; ".join(f'"{part}"' for part in parts)
    return whole.model_copy(update={"statements": [*whole.statements, f"This was read as one question; to have each part answered, ask it alone: {asked}"]})


def _counted(found: Triage, parts: tuple[str, ...]) -> bool:
    """Whether what is asked besides is how many: templates are told with their counts."""
    return found.query is not None and found.query.operation == "templates" and all(_HOW_MANY.match(part) for part in parts[1:])


def later(given: Given, triage: Triage, results: Mapping[str, ToolResult], read: Read) -> list[Later]:
    """The later parts, read over what the first one found; none before that."""
    done = results.get("E1")
    if not triage.parts or triage.reading is None or triage.query is None or done is None or done.found is None:
        return []
    reading = Reading.from_json(triage.reading)
    begun = split(given.question)[0]
    query = triage.query
    parts = [part for part in triage.parts if not (query.operation == "gaps" and _SAID_WITH_GAPS.search(part))]
    return [_read(given, part, narrowed(reading, query, done.found, part), read, of=refers(part, begun) or query.operation == "stats" and bool(grouped(part)))
            for part in parts]


def _read(given: Given, part: str, before: Narrowed, read: Read, *, of: bool) -> Later:
    if asks_why(part) or re.fullmatch(r"why\W*", part, re.IGNORECASE):
        return Later(part, Triage(refusal="A cause is looked for by a question of its own"), before.said)
    if of:
        plain = (grouped(part) if before.reading.operation == "stats" else "") or plainly(part)
        found = read(replace(given, question=f"and {plain}", window=None, previous=before.reading.to_json()))
        if found.refusal is None and _adds_nothing(found, before.reading):
            found = Triage(refusal="I read nothing in this that the first part does not ask")
        told = [one for one in found.statements if one != SAID]
        return Later(part, found.model_copy(update={"statements": told}), before.said)
    found = read(replace(given, question=part, previous=None))
    query = found.query
    if query is not None and query.window.start is None and query.window.end is None and query.operation != "compare":
        found = found.model_copy(update={"query": query.model_copy(update={"window": before.reading.window})})
    return Later(part, found)


def _adds_nothing(found: Triage, before: Reading) -> bool:
    """Whether a later part was read as the first part over again."""
    if found.reading is None:
        return False
    after = Reading.from_json(found.reading)
    return all(getattr(after, name) == getattr(before, name) for name in ("operation", "window", "target", "filters", "field", "stats", "group_by", "limit", "excluded"))


def next_step(given: Given, triage: Triage, progress: Progress, read: Read) -> Step:
    """The calls of later parts that were not made yet; an end when there are none."""
    made = [_asked(result) for result in progress.results.values()]
    calls = [one.call for one in later(given, triage, progress.results, read)]
    wanted = [call for call in calls if call is not None and call.arguments not in made]
    free = max((int(name.lstrip("E")) for name in progress.results), default=0) + 1
    return Step(turn=Turn(calls={f"E{free + place}": call for place, call in enumerate(wanted)})) if wanted else Step(done=True)


def _asked(result: ToolResult) -> dict[str, object]:
    return result.query if result.tool == TOOL else {}


def evidence_of(one: Later, results: Mapping[str, ToolResult]) -> str | None:
    """The evidence id of a later part's result."""
    return next((name for name, result in results.items() if one.call is not None and _asked(result) == one.call.arguments), None)


def unanswered(part: str, reason: str, reading: Reading | None, held: str = "") -> str:
    """That a part was not answered, why, and how to ask it."""
    said = reason.rstrip(". ")
    return f'Not answered: "{part}". {said}. Ask it alone: "{alone(part, reading, held)}".'

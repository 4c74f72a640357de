"""The analyst of incidents without a model: weigh everything once, fetch what proves it, say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.analyst import Given, Progress, Step, Summary, ToolCall, Triage, Turn
from agent.offline.complaint import asks_why, read_complaint
from agent.offline.failing import Failing
from agent.offline.narrative import narrated
from agent.offline.parts import split
from agent.offline.several import unanswered
from telemetry.models import Catalog, Result
from tools.incident import LOOK_BACK, NAME
from tools.registry import ToolResult

_PROVED = 2
"""Suspects whose evidence is fetched."""
_TEMPLATES = 3
_SHOWN = 3


@dataclass(slots=True)
class Investigator:
    """Deterministic: the same symptom over the same store gives the same diagnosis. ``services`` are those any record names."""

    catalog: Catalog
    services: Sequence[str]
    first: datetime | None
    last: datetime | None
    at: datetime | None = None
    """A moment within the incident, from the command line."""
    failing: Callable[[str, str], Failing | None] = lambda words, service: None
    """Where the failures lie that words, and a service, complain of."""
    tools: frozenset[str] = frozenset()
    """Names of the tools there are: evidence is fetched with these."""
    name: str = "offline"

    def triage(self, given: Given) -> Triage:
        said = read_complaint(given.question, self.services, given.now, self.last, self.first, given.window)
        window, statements = said.window, list(said.statements)
        if given.window is None and self.at is None and window.start is None and window.end is None:
            known = self.failing(said.about, said.service)
            window, statements = (known.window or window, [*statements, known.statement]) if known is not None else (window, statements)
        arguments: dict[str, Any] = {"service": said.service or None, "aspect": said.aspect,
                                     "at": self.at.isoformat() if self.at else None,
                                     **window.model_dump(mode="json")}
        return Triage(opening=ToolCall(tool=NAME, arguments=arguments), statements=statements, confidence=0.9)

    def step(self, given: Given, triage: Triage, progress: Progress) -> Step:
        """Weigh; then fetch the proof of the first suspects; then end."""
        if not progress.turns and triage.opening is not None:
            return Step(turn=Turn(calls={"E1": triage.opening}))
        weighed = progress.results.get("E1")
        if len(progress.turns) == 1 and weighed is not None and weighed.output is not None:
            calls = [call for call in _proof(weighed) if call.tool in self.tools]
            if calls:
                return Step(turn=Turn(calls={f"E{number}": call for number, call in enumerate(calls, start=2)}))
        return Step(done=True)

    def summarise(
        self, given: Given, triage: Triage, results: Mapping[str, ToolResult], conclusion: dict[str, Any] | None
    ) -> Summary:
        weighed = results.get("E1")
        if weighed is None or weighed.output is None:
            why = (weighed.error or weighed.reason if weighed else None) or "nothing was weighed"
            return Summary(answer=f"I could not investigate: {why}", interpretation="", result=Result(kind="none"), confidence=0.0)
        found = narrated(weighed, results, triage.statements)
        return found.model_copy(update={"answer": "\n".join([found.answer, *_dropped(given.question)])})


def _dropped(question: str) -> list[str]:
    """What a question for a cause asks besides, which nobody looked up."""
    later = split(question)[1:] if asks_why(question) else ()
    return [unanswered(part, "A cause was looked for, and nothing else", None) for part in later if not asks_why(part)]


def _proof(weighed: ToolResult) -> list[ToolCall]:
    """Calls that show what the suspects rest on: changes, lines of their templates, their failing or slowest spans."""
    made = weighed.output or {}
    start, end = weighed.window.start, weighed.window.end
    span = {"start": start.isoformat() if start else None, "end": end.isoformat() if end else None}
    before = {**span, "start": (start - LOOK_BACK).isoformat() if start else None}
    calls = [ToolCall(tool="changes.list", arguments={**before, "limit": 10})]
    for suspect in made.get("suspects", [])[:_PROVED]:
        refs = dict.fromkeys(ref for sign in suspect["signs"] for ref in sign["refs"])
        templates = [ref.removeprefix("template:") for ref in refs if ref.startswith("template:")][:_TEMPLATES]
        calls += [ToolCall(tool="logs.lines", arguments={**span, "templates": [one], "limit": _SHOWN}) for one in templates]
        if suspect["entity"]["kind"] == "service" and any(ref.startswith("span:") for ref in refs):
            failing = any(sign["kind"] in {"error_origin", "error_ratio"} for sign in suspect["signs"])
            calls.append(ToolCall(tool="traces.find", arguments={
                **span, "service": suspect["entity"]["name"], "errors_only": failing, "order": "slowest", "limit": _SHOWN}))
    return list({str(call): call for call in calls}.values())

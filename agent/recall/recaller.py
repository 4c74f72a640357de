"""Recalling within a run: find an investigation, fetch its evidence anew, and say whether it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from agent.analyst import Given, Progress, ToolCall, Triage, Turn
from agent.cache.counters import Counters
from agent.evidence import Claim, Grounded
from agent.placeholders import PLACEHOLDER
from agent.recall.evidence import apart, fingerprint, moved, window_of
from agent.recall.memory import Investigation, Made, Memory
from agent.recall.symptom import Symptom, symptom
from telemetry.models import Query
from tools.registry import ToolResult

EARNED = 0.6
"""Confidence of a conclusion below which it is not kept."""
_CITED = re.compile(r"(?<=[\[(, ])E(\d+)(?=[\]),])")
_FIXED = frozenset({"logs.context", "evidence.read"})
"""Tools that name single lines or results of their run: called again only over the same window."""


class Selected(Protocol):
    """Tells what a query selects: the ids of its templates, and its services."""

    def __call__(self, query: Query) -> tuple[frozenset[str], frozenset[str]]: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """An investigation whose evidence is being fetched; ``names`` maps its evidence ids to those of this run."""

    investigation: Investigation
    names: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"investigation": self.investigation.model_dump(mode="json"), "names": self.names}

    @classmethod
    def of(cls, value: Any) -> Pending | None:
        """What a checkpoint kept; None when it kept none."""
        try:
            return cls(Investigation.model_validate(value["investigation"]), dict(value["names"]))
        except (TypeError, KeyError, ValueError):
            return None


@dataclass(slots=True)
class Recaller:
    """Recalls for one run, over what the store holds now (``selected``)."""

    memory: Memory
    selected: Selected
    environment: str = ""
    counters: Counters = field(default_factory=Counters)
    _symptoms: dict[str, Symptom] = field(default_factory=dict)
    _kept: str = ""
    """The id of what this run has kept or recalled."""

    def link(self, document: str) -> None:
        """Note the id of this run's document with what it kept or recalled, so that its actions' outcomes find it."""
        if self._kept and document:
            self.memory.link(self._kept, document)

    def begin(self, given: Given, triage: Triage, results: Mapping[str, ToolResult]) -> tuple[Pending, Turn] | None:
        """An investigation of the same symptom, and the calls that fetch its evidence again."""
        found = self._candidate(given, triage, results)
        by = apart(window_of(found.query), triage.query.window) if found and triage.query else None
        others = [call for call in found.calls if call.evidence != "E1"] if found else []
        if found is None or by is None or by and any(call.tool in _FIXED for call in others):
            self.counters.looked_up("recall", hit=False)
            return None
        names = {"E1": "E1", **{call.evidence: f"E{place}" for place, call in enumerate(others, start=2)}}
        calls = {names[call.evidence]: ToolCall(tool=call.tool, arguments=moved(call.arguments, by)) for call in others}
        return Pending(found, names), Turn(calls=calls)

    def holds(self, pending: Pending, results: Mapping[str, ToolResult]) -> bool:
        """Whether every result that the investigation rested on is there again, apart from its numbers and times."""
        held = all(
            (result := results.get(pending.names[call.evidence])) is not None and fingerprint(result) == call.gave
            for call in pending.investigation.calls
        )
        self.counters.looked_up("recall", hit=held)
        return held

    def conclusion(self, pending: Pending, now: datetime) -> dict[str, Any]:
        """The kept conclusion with the evidence ids of this run, and what it is a recall of."""
        kept, then = Grounded.model_validate(pending.investigation.conclusion), pending.investigation
        self._kept = then.id
        answer = _renamed(kept.answer, pending.names) if kept.answer else None
        trust = then.trust(now)
        found = kept.model_copy(update={
            "answer": answer, "claims": [_renamed(c, pending.names) for c in kept.claims],
            "ruled_out": [_renamed(c, pending.names) for c in kept.ruled_out], "result_from": "E1",
            "confidence": round(kept.confidence * trust, 2), "notes": [],
        })
        about = {"id": then.id, "made": then.made.isoformat(), "model": then.model, "trust": round(trust, 2), "window": then.query.get("window"),
                 "good": then.good, "bad": then.bad, "runs": list(then.runs), "confirmed_by": sorted(pending.names.values())}
        return {**found.model_dump(mode="json"), "recall": about}

    def keep(
        self, given: Given, triage: Triage, progress: Progress, conclusion: Grounded, model: str
    ) -> None:
        """Remember a conclusion that earned it: shown by its evidence, none of it dropped, and surely meant."""
        if conclusion.answer is None or conclusion.dropped or conclusion.confidence < EARNED:
            return
        said = [conclusion.answer, *conclusion.claims, *conclusion.ruled_out]
        cited = {name for claim in said for name in claim.evidence} | {"E1"}
        asked = {name: call for turn in progress.turns for name, call in turn.calls.items()}
        results = {name: progress.results.get(name) for name in sorted(cited)}
        if any(PLACEHOLDER.search(claim.text) for claim in said) or not cited <= asked.keys():
            return
        found = self._symptom(given, triage, progress.results)
        if found is None or triage.query is None or any(r is None or r.status not in {"found", "nothing_found"} for r in results.values()):
            return
        calls = [Made(evidence=name, tool=asked[name].tool, arguments=asked[name].arguments, gave=fingerprint(result))
                 for name, result in results.items() if result is not None]
        made = Investigation(
            made=given.now, question=given.question, query=triage.query.model_dump(mode="json"), calls=calls,
            conclusion=conclusion.model_dump(mode="json"), model=model,
        )
        self.memory.keep(found.signature, made)
        self._kept = made.id

    def _candidate(self, given: Given, triage: Triage, results: Mapping[str, ToolResult]) -> Investigation | None:
        found = self._symptom(given, triage, results)
        return self.memory.find(found.signature, given.now) if found else None

    def _symptom(self, given: Given, triage: Triage, results: Mapping[str, ToolResult]) -> Symptom | None:
        """None when there is nothing to know a symptom by: no query, or one that selects nothing."""
        first = results.get("E1")
        if triage.query is None or first is None or first.status != "found":
            return None
        if given.question not in self._symptoms:
            templates, services = self.selected(triage.query)
            if not templates:
                return None
            self._symptoms[given.question] = symptom(
                given.question, triage.query, templates=templates, services=services, environment=self.environment)
        return self._symptoms[given.question]


def _renamed(claim: Claim, names: Mapping[str, str]) -> Claim:
    """A claim with the evidence ids of this run, also where its text names them."""
    text = _CITED.sub(lambda match: names.get(match[0], match[0]), claim.text)
    return Claim(text=text, evidence=[names[name] for name in claim.evidence if name in names])

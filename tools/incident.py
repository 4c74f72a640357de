"""Who is to blame: everything the store holds of an incident's time, weighed by :mod:`signals`, as one result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field, field_validator

from signals.diagnosis import Diagnosis, Sign
from signals.figures import Load, bursts, call_figures, service_figures
from signals.observed import Entity, Observed, Windows
from signals.observed import Window as Micros
from signals.separating import suggestions
from telemetry.errors import QueryError
from telemetry.models import Window
from tools.log_inputs import Span
from tools.observing import micros
from tools.registry import Registry, Tool
from tools.result import Outcome, Passage, Passages

NAME = "incident.suspects"
SECONDS = 300.0
LOOK_BACK = timedelta(hours=1)
"""How long before an incident is looked at, at least; three times its length when that is more."""
UNSAID = timedelta(hours=6)
"""How much of the newest records is searched for an incident when no time is said."""
_SIGNS = 6
_TIMELINE = 30
_BURSTS = 12
Aspect = Literal["", "latency", "errors", "traffic", "cpu", "memory", "disk", "network"]


class SuspectsInput(Span):
    """Which incident."""

    at: datetime | None = Field(default=None, description="A moment within it, when start and end are not known")
    baseline_start: datetime | None = Field(default=None, description="Null: chosen from the data")
    baseline_end: datetime | None = Field(default=None, description="Null: chosen from the data")
    service: str | None = Field(default=None, description="Who shows the symptom, exact name; null: unknown")
    aspect: Aspect = Field(default="", description="What the symptom is; empty: unknown")

    @field_validator("at", "baseline_start", "baseline_end")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Diagnosed(Passages):
    """A diagnosis in words (``passages``) and as data. Times are ISO 8601 UTC."""

    window: dict[str, Any]
    baseline: list[dict[str, Any]]
    chosen: str
    suspects: list[dict[str, Any]]
    ruled_out: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    not_assessed: list[str]
    graph: dict[str, Any]
    """``calls``: (caller, callee); ``services``: each with its load ``before`` and ``during``, durations in seconds; ``flows``: calls per
    second of each caller (empty: from outside) to each callee."""
    probes: list[dict[str, Any]] = Field(default_factory=list)
    """Looks into the kernel that would tell the suspects apart: ``probe``, ``entity``, ``side``, ``why``, ``outcomes`` (``seen``, ``means``), ``statement``."""
    bursts: list[dict[str, Any]]
    """The suspects' templates over time: ``counts`` per ``step`` seconds from ``start`` on."""


Observe = Callable[[Window], Observed]
Extent = Callable[[], Window]


def incident_tools(observe: Observe, extent: Extent, *, live: bool = False) -> Registry:
    """``incident.suspects`` over what ``observe`` gives for a window; ``extent`` is that of all records.

    ``live``: it also looks at what is so now, and a result must not be used again.
    """

    def suspects(given: SuspectsInput) -> Outcome:
        from signals.suspects import rank

        window = _looked_at(given, extent())
        observed = observe(window)
        symptom = Entity("service", given.service) if given.service else None
        found = rank(observed, at=micros(given.at) if given.at else None, windows=_given(given, window), symptom=symptom, aspect=given.aspect)
        made = diagnosed(found, observed)
        reason = None if found.suspects else "nothing in what was looked at explains an incident in this window"
        return Outcome(made, query=given.model_dump(mode="json"), window=_window(found.windows.incident), reason=reason)

    return Registry([Tool(
        NAME, "Weigh all logs, traces, metrics and changes of an incident's time: who is the likely origin, who the victims, what "
        "was ruled out. Use it first for any question about a cause.", "read", SuspectsInput, suspects, output=Diagnosed,
        timeout=SECONDS, freshness="live" if live else "closed_window", tags=("incident",),
    )])


def diagnosed(found: Diagnosis, observed: Observed) -> Diagnosed:
    """A diagnosis as a tool's output, with what is drawn beside it."""
    suspects = [{
        "rank": one.rank, "entity": one.entity.document(), "cause": one.cause, "statement": one.statement, "score": round(one.score, 3),
        "signs": [_sign(sign) for sign in one.evidence[:_SIGNS]], "against": [_sign(sign) for sign in one.against[:_SIGNS]],
        "victims": [entity.document() for entity in one.victims], "positions": list(one.positions),
    } for one in found.suspects]
    ruled_out = [{"entity": one.entity.document(), "why": one.why} for one in found.ruled_out]
    return Diagnosed(
        total=len(suspects), searched=sum(map(len, (observed.series, observed.spans or (), observed.logs or ()))), passages=_passages(found), window=_window(found.windows.incident).model_dump(mode="json"),
        baseline=[_window(one).model_dump(mode="json") for one in found.windows.baseline], chosen=found.windows.chosen,
        suspects=suspects, ruled_out=ruled_out, timeline=timeline(found), not_assessed=list(found.not_assessed),
        graph={"calls": [[caller.document(), callee.document()] for caller, callee in found.calls],
               "services": [{"name": one.service, "before": _load(one.before), "during": _load(one.during)}
                            for one in service_figures(observed, found.windows)],
               "flows": [{"caller": one.caller, "callee": one.callee, "before": round(one.before, 4), "during": round(one.during, 4)}
                         for one in call_figures(observed, found.windows)]},
        probes=[{"probe": one.probe, "entity": one.entity.document(), "side": one.side, "why": one.why, "statement": one.statement,
                 "outcomes": [{"seen": seen, "means": means} for seen, means in one.outcomes]} for one in suggestions(found)],
        bursts=_bursts(found, observed),
    )


def _load(load: Load | None) -> dict[str, float] | None:
    return None if load is None else {"count": load.count, "rate": round(load.rate, 4), "errors": round(load.errors, 4),
                                      "p50": load.p50 / 1e6, "p95": load.p95 / 1e6}


def _bursts(found: Diagnosis, observed: Observed) -> list[dict[str, Any]]:
    """The templates that the strongest signs name, over time."""
    if observed.logs is None:
        return []
    place = {f"template:{ident}": at for at, ident in enumerate(observed.logs.ids)}
    named = dict.fromkeys(place[ref] for sign in found.signs for ref in sign.refs if ref in place)
    return [{"template": observed.logs.ids[one.template], "pattern": observed.logs.templates[one.template], "start": iso(one.start),
             "step": one.step / 1e6, "counts": one.counts.tolist()}
            for one in bursts(observed, found.windows, list(named)[:_BURSTS])]


def timeline(found: Diagnosis) -> list[dict[str, Any]]:
    """What began when, in order of time: the changes, and the strongest of the dated signs."""
    dated = [sign for sign in found.signs if sign.at is not None and sign.strength > 0]
    chosen = sorted(dated, key=lambda sign: (sign.kind != "change", -sign.strength))[:_TIMELINE]
    return [{"time": iso(sign.at), **_sign(sign)} for sign in sorted(chosen, key=lambda sign: sign.at or 0)]


def iso(time: int | None) -> str | None:
    """A time in µs since 1970 as ISO 8601 UTC."""
    return None if time is None else datetime.fromtimestamp(time / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sign(sign: Sign) -> dict[str, Any]:
    return {"kind": sign.kind, "entity": sign.entity.document(), "aspect": sign.aspect, "statement": sign.statement,
            "strength": round(sign.strength, 2), "at": iso(sign.at), "refs": list(sign.refs)}


def _passages(found: Diagnosis) -> list[Passage]:
    """The diagnosis as a reader takes it in: suspects with their evidence, what is ruled out, what began when."""
    parts = [Passage(title=f"{one.rank}. {one.entity.kind} {one.entity.key}: {one.cause} (probability {one.score:.2f})",
                     text="\n".join([one.statement, *(f"- {_told(sign)}" for sign in one.evidence[:_SIGNS]),
                                     *(f"- against: {_told(sign)}" for sign in one.against[:_SIGNS]),
                                     *([f"victims: {', '.join(v.key for v in one.victims)}"] if one.victims else []),
                                     *([f"code: {', '.join(one.positions[:5])}"] if one.positions else [])]))
             for one in found.suspects]
    if found.ruled_out:
        parts.append(Passage(title="Ruled out", text="\n".join(f"- {one.entity.kind} {one.entity.key}: {one.why}" for one in found.ruled_out)))
    if found.not_assessed:
        parts.append(Passage(title="Not assessed", text="\n".join(f"- {one}" for one in found.not_assessed)))
    return parts


def _told(sign: Sign) -> str:
    return f"{iso(sign.at)}: {sign.statement}" if sign.at is not None else sign.statement


def _looked_at(given: SuspectsInput, held: Window) -> Window:
    """The stretch of time that is read: the incident with enough before it to tell what is normal."""
    if held.start is None or held.end is None:
        raise QueryError("no dated records are kept", where=NAME, remedy="run: oncalm ingest PATH, or oncalm receive")
    start, end = given.start or given.at, given.end
    if start is None and end is None:
        return Window(start=max(held.start, held.end - UNSAID), end=held.end)
    if start is None:
        start = (end or held.end) - LOOK_BACK
    until = end or held.end
    before = max(LOOK_BACK, 3 * (until - start)) if until > start else LOOK_BACK
    begin = min([start - before, *([given.baseline_start] if given.baseline_start else [])])
    return Window(start=begin, end=max(until, start))


def _given(given: SuspectsInput, looked_at: Window) -> Windows | None:
    """The windows as they were said; None when the data must tell."""
    if given.start is None or looked_at.start is None or looked_at.end is None:
        return None
    incident = Micros(micros(given.start), micros(looked_at.end))
    start, end = given.baseline_start or looked_at.start, given.baseline_end or given.start
    return Windows((Micros(micros(start), micros(end)),), incident)


def _window(one: Micros) -> Window:
    return Window(start=datetime.fromtimestamp(one.start / 1_000_000, UTC), end=datetime.fromtimestamp(one.end / 1_000_000, UTC))

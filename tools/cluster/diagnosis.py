"""``cluster.diagnose``: the rules of :mod:`signals.kube` over the cluster as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signals.kube.clock import written
from signals.kube.diagnose import diagnose as weigh
from signals.kube.finding import Finding
from signals.kube.state import ClusterState
from signals.observed import Entity
from telemetry.sources.answers import Trouble
from tools.cluster import inputs
from tools.cluster.asking import Asking, raised
from tools.cluster.state import NOT_SEEN, counted, read_state
from tools.result import Outcome

COLUMNS = ("rank", "cause", "entity", "namespace", "strength", "statement", "would be refuted by", "consequence of", "explains", "since or last seen", "rests on")


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """Findings over a state, likeliest cause first, and what they were made without."""

    state: ClusterState
    findings: tuple[Finding, ...]
    not_assessed: dict[str, str]
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As ``oncalm cluster diagnose --json`` prints it."""
        looked = counted(self.state)
        return {"findings": [entry(number, one) for number, one in enumerate(self.findings, 1)], "not_assessed": self.not_assessed,
                "searched": sum(looked.values()), "looked_at": looked, "notes": list(self.notes)}


def diagnosed(asking: Asking, namespace: str = "", symptom: str = "") -> Diagnosed:
    """Read the cluster and weigh it. Raises NotAssessed or SourceError when nothing can be read."""
    try:
        state = read_state(asking, namespace)
    except Trouble as trouble:
        raise raised(trouble) from trouble
    if not state.objects and asking.missing:
        raise raised(next(iter(asking.missing.values())))
    findings = weigh(state, now=asking.now, namespace=namespace or None, symptom=symptom)
    lacking = {part: why for part, why in state.not_assessed.items() if part not in NOT_SEEN}
    return Diagnosed(state, tuple(findings), lacking, (*asking.notes, *asking.g.notes, *(f"not complete: {gap}" for gap in asking.g.gaps)))


def diagnose(asking: Asking, given: inputs.DiagnoseInput) -> Outcome:
    """Findings as rows."""
    found = diagnosed(asking, given.namespace or "", given.symptom or "")
    rows = [_row(number, one) for number, one in enumerate(found.findings, 1)]
    told = rows[:given.limit]
    if len(rows) > given.limit:
        asking.notes.append(f"{len(rows) - given.limit} weaker findings: ask with a larger limit")
    asking.notes.append(f"looked at: {', '.join(f'{count} {kind}' for kind, count in counted(found.state).items())}")
    asking.notes.append("not looked at: " + "; ".join(f"{part} ({found.state.not_assessed[part]})" for part in NOT_SEEN))
    for part in ("usage",):
        if part in found.not_assessed:
            asking.notes.append(f"not assessed: {part}: {found.not_assessed[part]}")
    why = "no rule finds anything wrong in what could be read" + (asking.no_namespace(given.namespace) if given.namespace and not rows else "")
    return asking.table(COLUMNS, told, given.model_dump(mode="json"), total=len(rows), why=why)


def entry(number: int, one: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "rank": number, "cause": one.cause, "entity": one.entity.document(), "namespace": one.namespace, "strength": one.strength,
        "statement": one.statement, "refute": one.refute, "consequence_of": one.consequence_of.document() if one.consequence_of else None,
        "explains": [each.document() for each in one.explains], "at": written(one.at) if one.at is not None else None, "refs": list(one.refs),
    }


def _row(number: int, one: Finding) -> list[Any]:
    return [number, one.cause, named(one.entity), one.namespace, one.strength, one.statement, one.refute,
            named(one.consequence_of) if one.consequence_of else "", ", ".join(map(named, one.explains)),
            written(one.at) if one.at is not None else "", ", ".join(one.refs)]


def named(entity: Entity) -> str:
    """``deployment cart``."""
    return f"{entity.kind} {entity.key}"

"""How far a verification is: plain JSON, so that another process goes on where a killed one stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Phase = Literal["watching", "holding", "judged", "rolling_back", "watching_rollback", "done"]
Verdict = Literal["confirmed", "worse", "not_assessed"]
Reason = Literal["", "repaired", "harmed", "relapsed", "did_not_help", "helped_in_part", "nothing_was_ill", "too_little", "changed_by_others"]


@dataclass(frozen=True, slots=True)
class State:
    """Times are µs since 1970 (UTC). ``alert`` is whether the triggering alert fired before the action, None unknown."""

    approval: str
    target: Mapping[str, str]
    services: tuple[str, ...]
    """The target's own names in telemetry, then its victims'."""
    diff: tuple[Mapping[str, Any], ...] = ()
    healthy: tuple[int, int] | None = None
    wrong: int = 0
    """Since when things were wrong; 0 unknown."""
    less_traffic: bool = False
    """The action is meant to keep requests away (a rate limit, a traffic shift)."""
    acted: int = 0
    """When the action was done (and, once it is taken back, ``undone`` when that was)."""
    undone: int = 0
    health: Mapping[str, Any] | None = None
    """The target's before the action."""
    alert: bool | None = None
    phase: Phase = "watching"
    since: int = 0
    """Since when the phase lasts."""
    bad: int = 0
    """Looks in a row that were worse (while holding: ill again)."""
    checks: tuple[Mapping[str, Any], ...] = ()
    """The last look's."""
    verdict: Verdict | None = None
    reason: Reason = ""
    statement: str = ""
    rollback: str = ""
    """How the rollback ended: ``rolled_back``, ``rollback_failed`` …; empty when there was none."""
    rollback_verdict: Verdict | None = None
    rollback_statement: str = ""
    history: tuple[Mapping[str, Any], ...] = field(default=())
    """One short entry a look: ``at``, ``phase``, ``sum``."""

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    def entered(self, phase: Phase, at: int, **changed: Any) -> State:
        """The state in another phase."""
        return replace(self, phase=phase, since=at, bad=0, **changed)


def state_from(document: Mapping[str, Any]) -> State:
    """The state that :meth:`State.document` wrote, also after a way through JSON."""
    told = dict(document)
    told["healthy"] = tuple(told["healthy"]) if told["healthy"] else None
    for name in ("services", "diff", "checks", "history"):
        told[name] = tuple(told[name])
    return State(**told)

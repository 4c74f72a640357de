"""What a rule proposes: one action with its reason, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.decision.situation import Believed, Facts
from tools.actions.action import Json, Target

None_ = Literal["healthy", "unsure", "waiting", "by_hand", "nothing_helps"]
"""``waiting``: something else mends it already."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One action to preview and decide on."""

    action: str
    target: Target
    params: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""
    against: str = ""
    """What speaks against it, for whoever approves."""

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"action": self.action, "target": str(self.target), "params": dict(self.params), "reason": self.reason, **({"against": self.against} if self.against else {})}


@dataclass(frozen=True, slots=True)
class Proposed:
    """Candidates, the best first, the others are alternatives; with none, ``none`` and ``why`` say why, with the act by hand."""

    cause: str
    confidence: float
    candidates: tuple[Candidate, ...] = ()
    none: None_ | None = None
    why: str = ""


Rule = Callable[[Believed, Facts], tuple[Candidate, ...]]


def changed(cause: Believed) -> bool:
    """A change explains it: then the change is taken back, nothing else is turned."""
    return bool(cause.changes) or cause.cause in ("deploy", "config", "configuration", "flag")

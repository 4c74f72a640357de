"""What is verified: one action on one target, how things were before it, and when to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from signals.observed import Window
from telemetry.errors import UsageError
from tools.actions.action import Edit, Json, Target

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Rollout:
    """A workload as the cluster tells it at one moment. ``restarts`` are counts by ``pod/container``."""

    desired: int
    updated: int
    ready: int
    restarts: Mapping[str, int] = field(default_factory=dict)
    current: bool = True
    """Whether its controller has seen the newest specification (``observedGeneration``)."""
    crashing: int = 0
    """Pods in CrashLoopBackOff, or whose image cannot be had."""


class ClusterReader(Protocol):
    """What the verification asks of a cluster; it writes nothing. Raises OnCalmError when it cannot tell."""

    def rollout(self, target: Target) -> Rollout | None:
        """None for a kind that rolls nothing out, or when it is gone."""
        ...

    def fields(self, target: Target, paths: Sequence[str]) -> Mapping[str, Json]:
        """What is at these paths now, spelled as in the action's diff (:class:`~tools.actions.action.Edit`); None: absent."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """``acted`` is when the effect was there, µs since 1970; windows are half-open, in µs."""

    approval: str
    target: Target
    acted: int
    before: Window
    """The time before the action in which things were wrong."""
    healthy: tuple[Window, ...] = ()
    """What is normal; empty when unknown."""
    services: tuple[str, ...] = ()
    """The target's own services, then those that suffered."""
    pods: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    """The approved diff: it has to hold still."""
    rollout: Rollout | None = None
    """How the target was right before the action."""
    restarts: int = 0
    """Its pods' restarts within ``before``."""
    alerting: bool = True
    """Whether the alert fired before."""
    less_traffic: bool = False
    """The action is meant to keep requests away (a rate limit, a traffic shift)."""
    phase: Literal["action", "rollback"] = "action"


@dataclass(frozen=True, slots=True)
class Plan:
    """When to look, in seconds. All of it is bounded: the last look is due ``patience + hold`` after the action, or soon after."""

    settle: float = 30.0
    """What happens so soon after the action is the action."""
    interval: float = 60.0
    window: float = 120.0
    """By how much of the latest telemetry a look judges."""
    patience: float = 900.0
    """How long it may take to get well."""
    hold: float = 600.0
    """How long it has to stay well."""
    in_a_row: int = 2
    """Bad looks, one after another, that make it worse: one may be a cold start or chance."""
    undo_unhelpful: bool = True
    """Whether what demonstrably did not help counts as worse, so that it is undone."""

    def __post_init__(self) -> None:
        if min(self.interval, self.window, self.patience) <= 0 or min(self.settle, self.hold) < 0 or self.in_a_row < 1:
            raise UsageError("times of a verification are positive", where="verification", remedy="see docs/verification.md")


def subject_from(told: Mapping[str, Any]) -> Subject:
    """The subject that ``dataclasses.asdict`` wrote, by way of JSON."""
    rollout = told["rollout"]
    made = {
        **told, "target": Target(**told["target"]), "before": Window(**told["before"]),
        "healthy": tuple(Window(**one) for one in told["healthy"]), "services": tuple(told["services"]),
        "pods": tuple(told["pods"]), "edits": tuple(Edit(**one) for one in told["edits"]),
        "rollout": Rollout(**rollout) if rollout else None,
    }
    return Subject(**made)


def document(subject: Subject) -> dict[str, Any]:
    """As JSON holds it."""
    return {**asdict(subject), "healthy": [asdict(one) for one in subject.healthy], "services": list(subject.services),
            "pods": list(subject.pods), "edits": [asdict(one) for one in subject.edits]}

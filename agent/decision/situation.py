"""What a proposal is made from: what is believed to be the cause, and the facts of the workload it is about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.kube.finding import Finding
from signals.observed import Entity

_DOUBT = 3.0
"""A finding of this strength (between POSSIBLE and LIKELY) is as likely as not the cause."""


@dataclass(frozen=True, slots=True)
class Believed:
    """One possible cause. ``cause`` is a word of the diagnosis or a key of :data:`signals.kube.causes.CAUSES`."""

    entity: Entity
    cause: str
    confidence: float
    statement: str = ""
    namespace: str = ""
    changes: frozenset[str] = frozenset()
    """Kinds of the changes (``deploy``, ``config`` …) that speak for it."""
    victim_of: Entity | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the suspect's workload and what belongs to it; None or empty is not known. Memory in bytes, CPU in cores."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    replicas: int | None = None
    bad_pods: tuple[str, ...] = ()
    container: str | None = None
    memory_limit: float | None = None
    memory_used: float | None = None
    """The largest working set before the trouble, or what the program asks for."""
    leaking: bool = False
    """It grows without load: a larger limit only delays it."""
    cpu_limit: float | None = None
    cpu_throttled: bool = False
    """Held back at its CPU limit while the load is as before."""
    autoscaler: str = ""
    autoscaler_most: int | None = None
    earlier_revision: bool = False
    paused: bool = False
    managed_by: str = ""
    """GitOps or an operator, which would revert a change."""
    route: str = ""
    route_kind: str = "VirtualService"
    stable: str = ""
    canary: str = ""
    """Destinations of the route; ``canary`` is the failing one's."""
    destination_rule: str = ""
    """Of the suspect as a callee that its callers overload."""
    startup_seconds: float | None = None
    stateful: bool = False
    """A database, a queue: restarting is not harmless."""
    other_nodes: int | None = None
    """Ready, schedulable nodes beside the suspect."""


def from_document(investigated: Mapping[str, Any]) -> list[Believed]:
    """The suspects of ``oncalm investigate --json``, best first."""
    return [_suspect(one) for one in investigated.get("suspects") or ()]


def _suspect(one: Mapping[str, Any]) -> Believed:
    signs = one.get("signs") or ()
    changes = frozenset(str(sign.get("aspect") or "other") for sign in signs if sign.get("kind") == "change")
    score = float(one["score"])
    return Believed(Entity(one["entity"]["kind"], one["entity"]["name"]), str(one["cause"]), score if 0 <= score <= 1 else 0.0,
                    str(one.get("statement", "")), changes=changes)


def from_findings(findings: Iterable[Finding]) -> list[Believed]:
    """Findings of a cluster, in their order. A consequence is a victim."""
    return [Believed(one.entity, one.cause, 1 / (1 + math.exp(_DOUBT - one.strength)), one.statement, one.namespace,
                     victim_of=one.consequence_of) for one in findings]


FactsOf = Mapping[Entity, Facts]


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it: causes best first, and the facts of each entity that could be looked up."""

    causes: tuple[Believed, ...]
    facts: FactsOf = field(default_factory=dict)

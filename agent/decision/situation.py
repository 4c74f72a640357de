"""What a proposal is made from: what is believed to be the cause, and the facts of the workload it is about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agent.decision.demand import Clients, Demand, demand_of
from signals.kube.finding import Finding
from signals.observed import Entity

NEAR = 1.0
"""A change counts whose sign is at least so strong: a third of one in the minute of the onset, about 24 minutes before it."""
MORE = 1.2
"""From a fifth more requests on the load is called more."""
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
    load: Literal["more", "same"] | None = None
    """Requests during the incident against those before; None is not known."""
    demand: Demand | None = None
    """Who asks it how much; None is not known."""
    clients: Clients | None = None
    """Addresses from which its requests come; None is not known."""


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
    ingress: str = ""
    """The one Ingress through which requests for the suspect come in."""
    ingress_namespace: str = ""
    ingress_limited: bool = False
    """It has limits already, which are somebody's decision."""
    nginx: str = ""
    """The nginx on this machine through which they come in."""
    mesh_rule: str = ""
    """The one DestinationRule of its one Service."""
    unguarded: bool = False
    """That rule takes no failing pod out of the load balancing yet."""
    bounded: bool = False
    """That rule bounds connections or requests already, which is somebody's decision."""
    earlier_image: str = ""
    """The newest image by digest that a recorded revision has and the present one has not."""
    image_stays: bool = False
    """The revision before has the same image: going back to it changes nothing of it."""
    ready_pods: int | None = None
    released: tuple[str, ...] = ()
    """Nodes that OnCalm cordoned and that are well again."""
    startup_seconds: float | None = None
    stateful: bool = False
    """A database, a queue: restarting is not harmless."""
    other_nodes: int | None = None
    """Ready, schedulable nodes beside the suspect."""
    replicas_before: int | None = None
    """Pods it had before it was last scaled down."""
    probe_seconds: Mapping[str, float] = field(default_factory=dict)
    """How long its ``liveness``, ``readiness`` and ``startup`` probes wait before they give up."""


def from_document(investigated: Mapping[str, Any]) -> list[Believed]:
    """The suspects of ``oncalm investigate --json``, best first. One that a better one makes suffer is its victim."""
    loads = {one["name"]: one for one in (investigated.get("graph") or {}).get("services") or ()}
    found: list[Believed] = []
    blamed: dict[Entity, Entity] = {}
    for one in investigated.get("suspects") or ():
        entity = _entity(one["entity"])
        found.append(replace(_suspect(one, entity, blamed.get(entity), loads.get(entity.name)), demand=demand_of(entity.name, investigated.get("graph") or {})))
        for each in one.get("victims") or ():
            if entity not in blamed:
                blamed.setdefault(_entity(each), entity)
    return found


def _entity(one: Mapping[str, Any]) -> Entity:
    return Entity(one["kind"], one["name"], one.get("namespace", ""))


def _suspect(one: Mapping[str, Any], entity: Entity, victim_of: Entity | None, load: Mapping[str, Any] | None) -> Believed:
    signs = [*(one.get("signs") or ()), *(one.get("against") or ())]
    changes = frozenset(str(sign.get("aspect") or "other") for sign in signs
                        if sign.get("kind") == "change" and float(sign.get("strength", NEAR)) >= NEAR)
    score = float(one["score"])
    return Believed(entity, str(one["cause"]), score if 0 <= score <= 1 else 0.0, str(one.get("statement", "")), changes=changes,
                    victim_of=victim_of, load=_load(load, signs))


def _load(load: Mapping[str, Any] | None, signs: Iterable[Mapping[str, Any]]) -> Literal["more", "same"] | None:
    """By the rates of its requests where they are known, else by what signs say of traffic."""
    before, during = ((load or {}).get(when) for when in ("before", "during"))
    if before and during and before["rate"] > 0:
        return "more" if during["rate"] >= MORE * before["rate"] else "same"
    told = [float(sign.get("strength", 0)) for sign in signs if sign.get("aspect") == "traffic"]
    return None if not told else "more" if max(told) > 0 else "same"


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

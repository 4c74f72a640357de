"""Who calls whom, and what belongs to what: the graph along which faults travel.

Edges come from given calls, from the parents of spans, and from membership (pod → service → node). Cycles are allowed:
nothing here orders the graph, it only follows it, each entity once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from signals.observed import Entity, Observed, Spans
from telemetry.numbering import distinct

HOSTS = ("node", "namespace")
"""Kinds that carry others and are nobody's part."""
WHOLES = ("service", "deployment", "database", "external")
"""Kinds that a part is counted towards, in this order."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The graph between wholes (services, databases, nodes …), each entity by its ``home``."""

    calls: Mapping[Entity, frozenset[Entity]] = field(default_factory=dict)
    """Whom each entity calls."""
    callers: Mapping[Entity, frozenset[Entity]] = field(default_factory=dict)
    homes: Mapping[Entity, Entity] = field(default_factory=dict)
    """The whole that a part (pod, code position) is counted towards."""
    hosts: Mapping[Entity, frozenset[Entity]] = field(default_factory=dict)
    """The nodes a whole runs on."""

    def home(self, entity: Entity) -> Entity:
        """The whole an entity is part of, or itself."""
        return self.homes.get(entity, entity)

    def callees(self, entity: Entity) -> frozenset[Entity]:
        """Whom its whole calls directly."""
        return self.calls.get(self.home(entity), frozenset())

    def below(self, entity: Entity) -> frozenset[Entity]:
        """Everything its whole depends on, directly or not; itself only when no cycle leads back is left out too."""
        return _reach(self.home(entity), self.calls)

    def above(self, entity: Entity) -> frozenset[Entity]:
        """Everything that depends on its whole, directly or not."""
        return _reach(self.home(entity), self.callers)

    def guests(self, node: Entity) -> frozenset[Entity]:
        """The wholes that run on a node."""
        return frozenset(whole for whole, nodes in self.hosts.items() if node in nodes)

    def edges(self) -> tuple[tuple[Entity, Entity], ...]:
        """All calls as (caller, callee), sorted."""
        return tuple(sorted((caller, callee) for caller, callees in self.calls.items() for callee in callees))


def build(observed: Observed) -> Topology:
    """Make the graph of what was observed."""
    homes = {part: home for part in observed.belongs if (home := _home(part, observed.belongs)) != part}
    pairs = [*observed.calls, *(span_calls(observed.spans) if observed.spans is not None else ())]
    calls = _grouped((homes.get(a, a), homes.get(b, b)) for a, b in pairs)
    callers = _grouped((callee, caller) for caller, callees in calls.items() for callee in callees)
    hosts = _grouped(
        (homes.get(part, part), host)
        for part, wholes in observed.belongs.items() for host in _closure(part, wholes, observed.belongs) if host.kind in HOSTS
    )  # fmt: skip
    return Topology(calls, callers, homes, hosts)


def span_calls(spans: Spans) -> tuple[tuple[Entity, Entity], ...]:
    """Which service's spans have children in which other service."""
    child = np.flatnonzero(spans.parent >= 0)
    caller, callee = spans.service[spans.parent[child]], spans.service[child]
    width = max(1, len(spans.services))
    apart = caller != callee
    names = [Entity("service", name) for name in spans.services]
    return tuple((names[pair // width], names[pair % width]) for pair in distinct(caller[apart] * width + callee[apart]).tolist())


def _home(part: Entity, belongs: Mapping[Entity, tuple[Entity, ...]]) -> Entity:
    """Follow membership to the service (else deployment, database, external) a part is of."""
    wholes = [each for each in _closure(part, belongs.get(part, ()), belongs) if each.kind in WHOLES]
    return part if part.kind in WHOLES else min(wholes, key=lambda each: (WHOLES.index(each.kind), each.name), default=part)


def _closure(part: Entity, wholes: Iterable[Entity], belongs: Mapping[Entity, tuple[Entity, ...]]) -> list[Entity]:
    """Everything a part belongs to, step by step; a cycle ends it."""
    seen, waiting = {part}, list(wholes)
    found: list[Entity] = []
    while waiting:
        each = waiting.pop(0)
        if each not in seen:
            seen.add(each)
            found.append(each)
            waiting += belongs.get(each, ())
    return found


def _grouped(pairs: Iterable[tuple[Entity, Entity]]) -> dict[Entity, frozenset[Entity]]:
    groups: dict[Entity, set[Entity]] = {}
    for a, b in pairs:
        if a != b:
            groups.setdefault(a, set()).add(b)
    return {a: frozenset(others) for a, others in groups.items()}


def _reach(start: Entity, edges: Mapping[Entity, frozenset[Entity]]) -> frozenset[Entity]:
    """Whatever can be reached, without the start."""
    seen, waiting = {start}, [start]
    while waiting:
        fresh = edges.get(waiting.pop(), frozenset()) - seen
        seen |= fresh
        waiting += fresh
    return frozenset(seen - {start})

"""What a cluster shows of an incident: its workloads among those whom telemetry knows, its findings as signs.

A cluster is seen as it is now, an incident has its time. A finding counts in full when it began within the incident, less
when it stood before, and not at all when the incident was over long before the cluster was looked at and nothing dates it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from signals.diagnosis import Sign
from signals.kube.clock import SECOND, written
from signals.kube.diagnose import diagnose
from signals.kube.finding import POSSIBLE, Finding
from signals.kube.state import ClusterState, at, name_of
from signals.kube.view import View, Workload
from signals.observed import Entity, Observed, Windows
from signals.topology import Topology

FRESH = 900 * SECOND
"""A cluster that is looked at no later than this after an incident shows what it was."""
BEFORE = 600 * SECOND
"""What began no earlier than this before the onset may have brought it about: a rollout takes minutes to fail."""
STANDING = 0.3
"""What stood long before the incident explains it seldom: a third."""


@dataclass(frozen=True, slots=True)
class Look:
    """A cluster's state, when it was read (µs since 1970, UTC), and whom of telemetry each of its workloads is."""

    state: ClusterState
    at: int
    wholes: Mapping[Entity, Entity] = field(default_factory=dict)
    """``{deployment: service}`` for workloads that telemetry knows under a service's name."""


def joined(state: ClusterState, now: int, services: Set[str], belongs: Mapping[Entity, tuple[Entity, ...]]) -> tuple[
        Look, dict[Entity, tuple[Entity, ...]], tuple[tuple[Entity, Entity], ...]]:
    """A look with the workloads found among ``services``; what each pod belongs to and runs on; who calls whom.

    A workload is the service that records of its pods name, else one of its own name, else one of a Service before it. Telemetry
    knows no namespaces: of several workloads that would be one service by their name alone each stays itself, and a pod of a name
    that is in several namespaces (``db-0``) belongs to nobody.
    """
    view = View(state, now=now)
    whole = _apart(view.everywhere, {each.ref: _whole(each, view, services, belongs) for each in view.everywhere})
    named = {each.key: whole[each.ref] for each in view.everywhere}
    pods = Counter(name_of(pod) for each in view.everywhere for pod in each.pods)
    parts = {Entity("pod", name_of(pod)): (whole[each.ref], *_node(pod)) for each in view.everywhere for pod in each.pods if pods[name_of(pod)] == 1}
    calls = tuple(sorted((named[a], named[b]) for a, below in view.calls.items() for b in below if a in named and b in named))
    return Look(state, now, {each.entity: whole[each.ref] for each in view.everywhere}), parts, calls


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The findings that can be of the incident."""
    look = observed.cluster
    if look is None:
        return []
    view = View(look.state, now=look.at)
    found = (_sign(each, look, view, windows) for each in diagnose(look.state, now=look.at) if each.strength >= POSSIBLE)
    return [replace(sign, entity=topology.home(look.wholes.get(sign.entity, sign.entity))) for sign in found if sign is not None]


def _whole(workload: Workload, view: View, services: Set[str], belongs: Mapping[Entity, tuple[Entity, ...]]) -> Entity:
    for pod in workload.pods:
        for each in belongs.get(Entity("pod", name_of(pod)), ()):
            if each.kind == "service":
                return each
    if workload.shared:
        return workload.entity
    before = (name_of(each) for each in view.state.of("services", workload.namespace) if workload in view.serving(each))
    return next((Entity("service", name) for name in (workload.name, *before) if name in services), workload.entity)


def _apart(workloads: Iterable[Workload], whole: Mapping[str, Entity]) -> dict[str, Entity]:
    """Workloads of one name in several namespaces that are the same service to telemetry, each as itself."""
    claims = Counter(whole[each.ref] for each in workloads if each.shared)
    return {each.ref: each.entity if each.shared and claims[whole[each.ref]] > 1 else whole[each.ref] for each in workloads}


def _node(pod: Mapping[str, object]) -> tuple[Entity, ...]:
    name = at(pod, "spec", "nodeName")
    return (Entity("node", str(name)),) if name else ()


def _sign(finding: Finding, look: Look, view: View, windows: Windows) -> Sign | None:
    """A finding as a sign, or nothing when it cannot be of the incident."""
    incident = windows.incident
    began = min((time for time in _times(finding, view) if time is not None), default=None)
    if look.at - incident.end > FRESH and (began is None or not incident.start - BEFORE <= began <= incident.end):
        return None
    sign = finding.sign()
    if began is None or began >= incident.start - BEFORE:
        return replace(sign, at=max(began, incident.start - BEFORE) if began is not None else None)
    return replace(sign, at=began, strength=sign.strength * STANDING,
                   statement=f"{sign.statement}; so since {written(began)}, before the incident")


def _times(finding: Finding, view: View) -> Iterator[int | None]:
    """When it was dated, and the first of the warnings that it rests on."""
    yield finding.at
    for ref in finding.refs:
        if ref.startswith(_EVENTS):
            namespace, kind, name, _ = ref.removeprefix(_EVENTS).split("/", 3)
            yield from (event.first for event in view.events_of(kind, name, namespace) if event.ref == ref and event.warning)


_EVENTS = "kube:events/"

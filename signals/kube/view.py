"""A cluster state with its connections followed: who owns which pod, which events tell of whom, who calls whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from signals.kube.addresses import Address, addresses
from signals.kube.clock import micros
from signals.kube.matching import labels_match, selector_matches
from signals.kube.state import (
    ClusterState,
    ContainerLog,
    Object,
    at,
    items_at,
    mapping_at,
    name_of,
    namespace_of,
)
from signals.observed import Entity

WORKLOADS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "jobs": "Job"}
RECENT = 600 * 1_000_000
"""An event older than ten minutes says little about now (the API server keeps events for an hour)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, whichever API it came by. Times µs since 1970, None when unknown."""

    kind: str
    name: str
    namespace: str
    reason: str
    message: str
    warning: bool
    count: int
    first: int | None
    last: int | None

    @property
    def ref(self) -> str:
        """What to cite."""
        return f"kube:events/{self.namespace}/{self.kind}/{self.name}/{self.reason}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A controller and its pods. A pod nobody owns is a workload of its own, of kind ``Pod``."""

    kind: str
    name: str
    namespace: str
    object: Object
    pods: tuple[Object, ...]
    shared: bool = False
    """Whether a workload of another namespace has its name."""

    @property
    def spec(self) -> Object:
        """The pod template's spec, completed by that of a pod when the template is not known."""
        own = self.object.get("spec", {}) if self.kind == "Pod" else at(self.object, "spec", "template", "spec")
        return own or (self.pods[0].get("spec", {}) if self.pods else {})

    @property
    def labels(self) -> Mapping[str, Any]:
        """Labels that its pods carry or would carry."""
        return mapping_at(self.object, "spec", "template", "metadata", "labels") or (
            mapping_at(self.pods[0], "metadata", "labels") if self.pods else {})

    def carries(self, wanted: Mapping[str, Any]) -> bool:
        """Does one of its pods have these labels (operators add some), or would the next by its template?"""
        own = [mapping_at(each, "metadata", "labels") for each in self.pods] or [self.labels]
        return any(labels_match(wanted, each) for each in own)

    @property
    def desired(self) -> int | None:
        """``spec.replicas``; None when not known."""
        wanted = at(self.object, "spec", "replicas")
        return wanted if isinstance(wanted, int) else None

    @property
    def entity(self) -> Entity:
        """It, as somebody to blame."""
        return Entity("deployment", self.name, self.namespace if self.shared else "")

    @property
    def key(self) -> str:
        """Its name, after its namespace where others have the name, too."""
        return self.entity.key

    @property
    def ref(self) -> str:
        """What to cite."""
        return f"kube:{self.kind.lower()}s/{self.namespace}/{self.name}"

    @property
    def containers(self) -> tuple[Object, ...]:
        """The containers of the template."""
        return items_at(self.spec, "containers")

    @property
    def ready(self) -> bool:
        """Are there pods, and do all of them serve?"""
        return bool(self.pods) and all(pod_ready(each) for each in self.pods)


class View:
    """What rules read. ``now`` is µs since 1970 (UTC); ``namespace`` limits workloads, not nodes or system pods."""

    def __init__(self, state: ClusterState, *, now: int, namespace: str | None = None) -> None:
        self.state = state
        self.now = now
        self.namespace = namespace
        self._texts: dict[int, str] = {}
        self._addresses: dict[str, tuple[Address, ...]] = {}
        self.searched: dict[tuple[str, int], Any] = {}
        """What :mod:`signals.kube.excerpts` found already, by pattern and log."""
        self._serving: dict[int, tuple[Workload, ...]] = {}

    @cached_property
    def everywhere(self) -> tuple[Workload, ...]:
        """All workloads of the cluster."""
        found = tuple(self._owned()) + tuple(self._bare())
        places: dict[str, set[str]] = defaultdict(set)
        for each in found:
            places[each.name].add(each.namespace)
        return tuple(replace(each, shared=len(places[each.name]) > 1) for each in found)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads asked about."""
        return tuple(each for each in self.everywhere if self.namespace in (None, each.namespace))

    def workload(self, name: str, namespace: str = "") -> Workload | None:
        """The workload of that name."""
        return next((each for each in self.everywhere if each.name == name and namespace in ("", each.namespace)), None)

    def services(self) -> tuple[Object, ...]:
        """The services asked about."""
        return self.state.of("services", self.namespace)

    def serving(self, service: Object) -> tuple[Workload, ...]:
        """The workloads whose pods a service selects."""
        if id(service) not in self._serving:
            wanted, where = mapping_at(service, "spec", "selector"), namespace_of(service)
            self._serving[id(service)] = tuple(each for each in self.everywhere if each.namespace == where and each.carries(wanted))
        return self._serving[id(service)]

    def service(self, name: str, namespace: str) -> Object | None:
        """The service of that name."""
        return self.state.find("services", name, namespace)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, newest first."""
        read = (_event(each) for each in self.state.of("events"))
        return tuple(sorted(read, key=lambda each: -(each.last or 0)))

    def events_of(self, kind: str, name: str, namespace: str = "") -> tuple[Event, ...]:
        """Events about one object."""
        return tuple(each for each in self._by_object.get((kind, name), ()) if namespace in ("", each.namespace))

    def events_about(self, workload: Workload) -> Iterator[Event]:
        """Events of a workload, its ReplicaSets and its pods."""
        yield from self.events_of(workload.kind, workload.name, workload.namespace)
        for each in self._replicasets.get((workload.namespace, workload.name), ()):
            yield from self.events_of("ReplicaSet", each, workload.namespace)
        if workload.kind != "Pod":
            for pod in workload.pods:
                yield from self.events_of("Pod", name_of(pod), workload.namespace)

    def recent(self, event: Event, within: int = RECENT) -> bool:
        """Was it seen lately? An event without a time counts as recent."""
        return event.last is None or self.now - event.last <= within

    def logs_of(self, workload: Workload) -> tuple[ContainerLog, ...]:
        """Logs of its pods, the current instance first."""
        names = {name_of(each) for each in workload.pods}
        logs = [each for each in self.state.logs or () if each.namespace == workload.namespace and each.pod in names]
        return tuple(sorted(logs, key=lambda each: each.previous))

    def text(self, log: ContainerLog) -> str:
        """A log as one text, to tell quickly that something is not in it."""
        if id(log) not in self._texts:
            self._texts[id(log)] = "\n".join(log.lines)
        return self._texts[id(log)]

    def nodes(self) -> tuple[Object, ...]:
        """All nodes."""
        return self.state.of("nodes")

    def addresses_of(self, workload: Workload) -> tuple[Address, ...]:
        """The services its environment names, ConfigMaps included."""
        if workload.ref not in self._addresses:
            self._addresses[workload.ref] = addresses(workload.spec, self.state.of("configmaps", workload.namespace))
        return self._addresses[workload.ref]

    @cached_property
    def calls(self) -> Mapping[str, frozenset[str]]:
        """Workload → the workloads it calls, by their keys: what is known, and what its environment names."""
        graph: dict[str, set[str]] = defaultdict(set)
        for caller, callee in self.state.calls or ():
            for one, other in self._meant(caller, callee):
                graph[one].add(other)
        for each in self.everywhere:
            for address in self.addresses_of(each):
                service = self.service(address.service, address.namespace or each.namespace)
                if service is not None:
                    graph[each.key] |= {other.key for other in self.serving(service)} - {each.key}
        return {key: frozenset(value) for key, value in graph.items()}

    def _meant(self, caller: str, callee: str) -> Iterator[tuple[str, str]]:
        """The keys of two workloads known by name alone: those of one namespace where a name is in several."""
        callers, callees = self._named.get(caller, ()), self._named.get(callee, ())
        if not any(each.shared for each in (*callers, *callees)):
            yield caller, callee
            return
        yield from ((one.key, other.key) for one in callers for other in callees if one.namespace == other.namespace or not other.shared)

    @cached_property
    def _named(self) -> Mapping[str, list[Workload]]:
        index: dict[str, list[Workload]] = defaultdict(list)
        for each in self.everywhere:
            index[each.name].append(each)
        return index

    def placed(self, entity: Entity, namespace: str) -> Entity:
        """An entity that was named without its namespace, with it where its name is in several."""
        several = entity.kind == "deployment" and namespace and not entity.namespace and any(each.shared for each in self._named.get(entity.name, ()))
        return replace(entity, namespace=namespace) if several else entity

    def reach(self, name: str) -> frozenset[str]:
        """All that a workload depends on, directly or not; all by their keys."""
        seen: set[str] = set()
        todo = [name]
        while todo:
            for each in self.calls.get(todo.pop(), frozenset()) - seen:
                seen.add(each)
                todo.append(each)
        return frozenset(seen - {name})

    @cached_property
    def _by_object(self) -> Mapping[tuple[str, str], list[Event]]:
        index: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for each in self.events:
            index[each.kind, each.name].append(each)
        return index

    @cached_property
    def _replicasets(self) -> Mapping[tuple[str, str], list[str]]:
        index: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in self.state.of("replicasets"):
            for owner in _owners(each):
                index[namespace_of(each), owner[1]].append(name_of(each))
        return index

    def _owned(self) -> Iterator[Workload]:
        pods = self.state.of("pods")
        for plural, kind in WORKLOADS.items():
            for each in self.state.of(plural):
                own = [pod for pod in pods if self._belongs(pod, each, kind)]
                yield Workload(kind, name_of(each), namespace_of(each), each, tuple(own))

    def _belongs(self, pod: Object, owner: Object, kind: str) -> bool:
        """By owner reference where there is one, otherwise by the selector."""
        if namespace_of(pod) != namespace_of(owner):
            return False
        owners = _owners(pod)
        if owners:
            through = {name for each, name in owners if each == "ReplicaSet"} & set(
                self._replicasets.get((namespace_of(owner), name_of(owner)), ()))
            return (kind, name_of(owner)) in owners or (kind == "Deployment" and bool(through))
        selector = mapping_at(owner, "spec", "selector")
        return bool(selector) and selector_matches(selector, mapping_at(pod, "metadata", "labels"))

    def _bare(self) -> Iterator[Workload]:
        owned = {(each.namespace, name_of(pod)) for each in self._owned() for pod in each.pods}
        for pod in self.state.of("pods"):
            if (namespace_of(pod), name_of(pod)) not in owned:
                yield Workload("Pod", name_of(pod), namespace_of(pod), pod, (pod,))


def pod_ready(pod: Object) -> bool:
    """The Ready condition; a finished pod counts as well."""
    return at(pod, "status", "phase") == "Succeeded" or any(
        at(each, "type") == "Ready" and at(each, "status") == "True" for each in items_at(pod, "status", "conditions"))


def container_statuses(pod: Object) -> tuple[Object, ...]:
    """Statuses of all its containers, init containers first."""
    return items_at(pod, "status", "initContainerStatuses") + items_at(pod, "status", "containerStatuses")


def restarts(pod: Object) -> int:
    """How often its containers were started again."""
    return sum(int(at(each, "restartCount") or 0) for each in container_statuses(pod))


def waiting(pod: Object) -> Iterator[tuple[str, str, str]]:
    """(container, reason, message) of containers that wait."""
    for each in container_statuses(pod):
        state = at(each, "state", "waiting")
        if isinstance(state, Mapping):
            yield str(each.get("name")), str(state.get("reason") or ""), str(state.get("message") or "")


def _owners(each: Object) -> set[tuple[str, str]]:
    owners: Iterable[Any] = items_at(each, "metadata", "ownerReferences")
    return {(str(at(owner, "kind")), str(at(owner, "name"))) for owner in owners}


def _event(each: Object) -> Event:
    about = mapping_at(each, "involvedObject") or mapping_at(each, "regarding")
    count = each.get("count") or at(each, "series", "count") or each.get("deprecatedCount") or 1
    last = each.get("lastTimestamp") or at(each, "series", "lastObservedTime") or each.get("eventTime") or each.get(
        "deprecatedLastTimestamp")
    first = each.get("firstTimestamp") or each.get("eventTime") or each.get("deprecatedFirstTimestamp") or last
    return Event(str(about.get("kind") or ""), str(about.get("name") or ""), str(about.get("namespace") or namespace_of(each)),
                 str(each.get("reason") or ""), str(each.get("message") or each.get("note") or ""),
                 each.get("type") == "Warning", int(count), micros(first), micros(last))

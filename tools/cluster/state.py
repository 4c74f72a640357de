"""A cluster as it is now, read into a :class:`signals.kube.state.ClusterState` for the rules of :mod:`signals.kube`.

Of the namespace asked about all kinds are read; of ``kube-system`` the pods (DNS, control plane), of ``kube-node-lease`` the
nodes' leases. ConfigMaps are read by name only, but for those that pods take variables or files from. Logs are those of
containers that fail first, then one pod of every workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from signals.kube.state import (
    KINDS,
    ClusterState,
    ContainerLog,
    Object,
    Usage,
    at,
    items_at,
    name_of,
    namespace_of,
)
from signals.kube.view import container_statuses, pod_ready
from telemetry.errors import OnCalmError
from telemetry.sources.answers import Gathering, Trouble
from telemetry.sources.kubernetes.masking import masked_lines
from telemetry.sources.kubernetes.reading import size_of
from telemetry.sources.kubernetes.resources import RESOURCES
from tools.cluster.asking import Asking, side_by_side
from tools.cluster.capacity import usage
from tools.cluster.logs import containers

LOGS = 120
"""Containers whose logs are read."""
LINES = 400
_BYTES = 256 << 10
_MAPS = 100
_LARGEST_MAP = 128 << 10
_SYSTEM, _LEASES = "kube-system", "kube-node-lease"
_NAMES_ONLY = frozenset({"secrets", "configmaps"})
_SELDOM = frozenset({"gateways", "httproutes", "virtualservices", "destinationrules"})
"""Of extensions: where they are not installed there are none."""
_UNASKED = {
    "requests": "no metrics server was asked by this tool", "node_services": "services of nodes cannot be seen through the API",
    "connectivity": "this tool opens no connections within the cluster", "calls": "no traces were looked at by this tool",
}
NOT_SEEN = tuple(_UNASKED)


@dataclass(slots=True)
class Filling:
    """A state while it is read."""

    objects: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    logs: list[ContainerLog] | None = None
    usage: list[Usage] | None = None

    def state(self) -> ClusterState:
        """What there is."""
        return ClusterState(self.objects, logs=None if self.logs is None else tuple(self.logs), usage=None if self.usage is None else tuple(self.usage),
                            not_assessed={**_UNASKED, **self.lacking})


def read_state(asking: Asking, namespace: str = "") -> ClusterState:
    """Everything the rules look at. What cannot be read is in ``not_assessed``; raises Trouble when nothing can."""
    filling = Filling()
    asking.cluster.version(asking.g)  # nobody there, or nobody we are known to: said once, not forty times
    _lists(asking, filling, namespace)
    _system(asking, filling, namespace)
    _configmaps(asking, filling)
    _logs(asking, filling, namespace)
    try:
        filling.usage = usage(asking, namespace)
    except OnCalmError as error:
        filling.lacking["usage"] = str(error)
    return filling.state()


def _lists(asking: Asking, filling: Filling, namespace: str) -> None:
    kinds = [kind for kind in KINDS if kind != "leases"]

    def read(kind: str) -> tuple[list[Object] | Trouble, Gathering[Any]]:
        own: Gathering[Any] = Gathering("cluster")
        try:
            return list(asking.cluster.objects(own, kind, namespace, metadata=kind in _NAMES_ONLY)), own
        except Trouble as trouble:
            return trouble, own

    for kind, (found, own) in zip(kinds, side_by_side([partial(read, kind) for kind in kinds]), strict=True):
        asking.g.take(own)
        if not isinstance(found, Trouble):
            filling.objects[kind] = tuple(found)
            asking.searched += len(found)
            if own.gaps:  # absence may not be concluded from half a list
                filling.lacking[kind] = "; ".join(own.gaps)
        elif kind in _SELDOM and not found.code:
            filling.objects[kind] = ()
        else:
            filling.lacking[kind] = str(found)
            asking.lacks(RESOURCES[kind].full, found)


def _system(asking: Asking, filling: Filling, namespace: str) -> None:
    """What the cluster itself runs, where only one namespace is asked about; and the nodes' signs of life."""
    for kind, space in (("pods", _SYSTEM), ("leases", _LEASES)):
        limited = namespace or asking.cluster.namespaces
        if kind == "pods" and (not limited or namespace == _SYSTEM or _SYSTEM in asking.cluster.namespaces):
            continue
        if kind == "pods" and asking.cluster.namespaces:
            asking.notes.append(f"{_SYSTEM} is not one of the namespaces that may be looked into: DNS and the control plane are not assessed")
            continue
        try:
            found = asking.cluster.objects(asking.g, kind, space)
        except Trouble as trouble:
            asking.g.gap(f"{kind} of {space}: {trouble.what}")
            if kind not in filling.objects:
                filling.lacking[kind] = str(trouble)
            continue
        filling.objects[kind] = (*filling.objects.get(kind, ()), *found)


def _configmaps(asking: Asking, filling: Filling) -> None:
    """The values of the ConfigMaps that pods use; the others keep their keys only."""
    if "configmaps" not in filling.objects:
        return
    wanted = sorted({key for kind in ("deployments", "statefulsets", "daemonsets") for each in filling.objects.get(kind, ())
                     for key in _used(each)} & {(namespace_of(each), name_of(each)) for each in filling.objects["configmaps"]})
    if len(wanted) > _MAPS:
        asking.notes.append(f"of {len(wanted)} ConfigMaps in use {_MAPS} were read")

    def read(key: tuple[str, str]) -> Object | None:
        try:
            found = asking.cluster.object(asking.g, "configmaps", key[1], key[0])
        except Trouble as trouble:
            asking.g.gap(f"ConfigMap {key[0]}/{key[1]}: {trouble.what}")
            return None
        return found if found is not None and size_of(found) <= _LARGEST_MAP else None

    read_now = {(namespace_of(each), name_of(each)): each for each in side_by_side([partial(read, key) for key in wanted[:_MAPS]]) if each is not None}
    filling.objects["configmaps"] = tuple(read_now.get((namespace_of(each), name_of(each)), each) for each in filling.objects["configmaps"])


def _used(workload: Object) -> Iterator[tuple[str, str]]:
    spec, namespace = at(workload, "spec", "template", "spec"), namespace_of(workload)
    for container in (*items_at(spec, "initContainers"), *items_at(spec, "containers")):
        for each in items_at(container, "envFrom"):
            yield namespace, str(at(each, "configMapRef", "name") or "")
        for each in items_at(container, "env"):
            yield namespace, str(at(each, "valueFrom", "configMapKeyRef", "name") or "")
    for each in items_at(spec, "volumes"):
        yield namespace, str(at(each, "configMap", "name") or "")


def _logs(asking: Asking, filling: Filling, namespace: str) -> None:
    if "pods" not in filling.objects:
        filling.lacking["logs"] = f"pods could not be listed: {filling.lacking.get('pods', '')}"
        return
    pods = [pod for pod in filling.objects["pods"] if not namespace or namespace_of(pod) == namespace]
    wanted = list(_wanted(pods))
    if len(wanted) > LOGS:
        asking.notes.append(f"of {len(wanted)} container logs {LOGS} were read, those of failing containers first")
    read = side_by_side([partial(_log, asking, *one) for one in wanted[:LOGS]])
    troubles = [one for one in read if isinstance(one, Trouble)]
    filling.logs = [one for one in read if isinstance(one, ContainerLog)]
    if troubles and not filling.logs:
        filling.logs, filling.lacking["logs"] = None, str(troubles[0])
        asking.lacks("pods/log", troubles[0])
    elif troubles:
        asking.g.gap(f"{len(troubles)} container logs: {troubles[0].what}")


def _wanted(pods: Sequence[Object]) -> Iterator[tuple[str, str, str, bool]]:
    """(namespace, pod, container, previous): those that fail in front, then one pod of each owner."""
    failing = [pod for pod in pods if not pod_ready(pod) or any(at(one, "restartCount") for one in container_statuses(pod))]
    for pod in failing:
        for state in container_statuses(pod):
            name = str(state.get("name"))
            if at(state, "restartCount"):
                yield namespace_of(pod), name_of(pod), name, True
            if not at(state, "state", "waiting") or at(state, "lastState", "terminated"):
                yield namespace_of(pod), name_of(pod), name, False
    seen: set[tuple[str, str]] = set()
    for pod in pods:
        owner = namespace_of(pod), ",".join(str(one.get("name")) for one in items_at(pod, "metadata", "ownerReferences")) or name_of(pod)
        if owner in seen or pod in failing or at(pod, "status", "phase") != "Running":
            continue
        seen.add(owner)
        for name in containers(pod):
            if name in {str(one.get("name")) for one in items_at(pod, "spec", "containers")}:
                yield namespace_of(pod), name_of(pod), name, False


def _log(asking: Asking, namespace: str, pod: str, container: str, previous: bool) -> ContainerLog | Trouble | None:  # noqa: FBT001 - of a tuple
    try:
        text = asking.cluster.log(asking.g, namespace, pod, container, previous=previous, tail=LINES, size=_BYTES)
    except Trouble as trouble:
        return None if trouble.code in {400, 404} else trouble
    return ContainerLog(namespace, pod, container, tuple(masked_lines(line for line in text.split("\n") if line)), previous)


def counted(state: ClusterState) -> dict[str, Any]:
    """How much of each kind was read."""
    return {kind: len(found) for kind, found in state.objects.items() if found}

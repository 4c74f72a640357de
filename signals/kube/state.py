"""What is known about a cluster at one moment: API objects, logs, usage, and what could not be looked at.

Objects are plain mappings with the camelCase keys of the Kubernetes API (``metadata``, ``spec``, ``status``), as
``kubectl get -o json`` or ``ApiClient.sanitize_for_serialization`` give them. Fields that a source does not know are
left out. Secrets hold their keys only: ``data`` maps each key to an empty string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from signals.observed import Series

Object = Mapping[str, Any]

KINDS = (
    "pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "services", "endpoints",
    "endpointslices", "nodes", "namespaces", "events", "persistentvolumeclaims", "persistentvolumes", "storageclasses",
    "volumeattachments", "resourcequotas", "limitranges", "serviceaccounts", "configmaps", "secrets",
    "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "networkpolicies", "ingresses", "gateways",
    "httproutes", "virtualservices", "destinationrules", "horizontalpodautoscalers", "poddisruptionbudgets",
    "priorityclasses", "leases",
)
"""Keys of :attr:`ClusterState.objects`: the plural resource names of the API, lower case."""

PARTS = ("logs", "usage", "requests", "node_services", "connectivity", "calls")
"""What is not an API object and may be known or not as a whole."""


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """The last lines of one container, oldest first, without the newline. ``previous``: of the instance before this one."""

    namespace: str
    pod: str
    container: str
    lines: tuple[str, ...]
    previous: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What ``kubectl top`` says of a pod, a container of it, or a node. CPU in cores, memory in bytes."""

    kind: Literal["pod", "container", "node"]
    name: str
    """The pod's or node's name."""
    cpu: float | None = None
    memory: float | None = None
    namespace: str = ""
    container: str = ""


ServiceStatus = Literal["running", "stopped", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class NodeService:
    """A service of the node itself (systemd unit or static pod): kubelet, containerd, kube-proxy, kube-scheduler …"""

    node: str
    service: str
    status: ServiceStatus
    statement: str = ""
    """What said so, quoted."""


Outcome = Literal["connected", "refused", "timed_out", "unresolved", "failed"]


@dataclass(frozen=True, slots=True)
class Connectivity:
    """One attempt to reach a service from inside the cluster. ``target`` is a service's or host's name."""

    target: str
    port: int | None
    outcome: Outcome
    statement: str = ""
    namespace: str = ""
    source: str = ""
    milliseconds: float | None = None


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A cluster as it was seen. A kind that is no key of ``objects`` was not asked for; an empty tuple says there are none."""

    objects: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)
    """By kind, see :data:`KINDS`."""
    logs: tuple[ContainerLog, ...] | None = None
    usage: tuple[Usage, ...] | None = None
    requests: tuple[Series, ...] | None = None
    """Series of services, pods and nodes over the incident: ``latency`` (seconds), ``errors`` and ``requests`` (per
    second), ``cpu`` (cores), ``memory`` (bytes), ``throttled`` (share of periods), ``network_receive`` …"""
    node_services: tuple[NodeService, ...] | None = None
    connectivity: tuple[Connectivity, ...] | None = None
    calls: tuple[tuple[str, str], ...] | None = None
    """(caller, callee) by workload name, from traces, a mesh or connection records; what the environment of containers
    names is added by the rules themselves."""
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    """Kind or part → why it could not be looked at (``pods is forbidden: …``, ``metrics-server is not installed``)."""

    def of(self, kind: str, namespace: str | None = None) -> tuple[Object, ...]:
        """The objects of a kind, of one namespace when given."""
        found = self.objects.get(kind, ())
        return found if namespace is None else tuple(each for each in found if namespace_of(each) == namespace)

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """The object of that name; ``namespace`` is empty for kinds of the cluster."""
        for each in self.objects.get(kind, ()):
            if name_of(each) == name and (not namespace or namespace_of(each) in ("", namespace)):
                return each
        return None

    def knows(self, part: str) -> bool:
        """Was it looked at, with success? Absence may be concluded only from what is known."""
        if part in self.not_assessed:
            return False
        return getattr(self, part) is not None if part in PARTS else part in self.objects

    def unknown(self) -> Iterator[tuple[str, str]]:
        """What was not assessed, and why."""
        for part in (*KINDS, *PARTS):
            if not self.knows(part):
                yield part, self.not_assessed.get(part, "it was not asked for")


def name_of(each: Object) -> str:
    """``metadata.name``."""
    return str(at(each, "metadata", "name") or "")


def namespace_of(each: Object) -> str:
    """``metadata.namespace``, empty for objects of the cluster."""
    return str(at(each, "metadata", "namespace") or "")


def at(each: Any, *path: str) -> Any:
    """What lies at a path of keys, or None."""
    for key in path:
        if not isinstance(each, Mapping):
            return None
        each = each.get(key)
    return each


def items_at(each: Any, *path: str) -> tuple[Any, ...]:
    """The list at a path, or nothing."""
    found = at(each, *path)
    return tuple(found) if isinstance(found, list | tuple) else ()


def mapping_at(each: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at a path, or an empty one."""
    found = at(each, *path)
    return found if isinstance(found, Mapping) else {}

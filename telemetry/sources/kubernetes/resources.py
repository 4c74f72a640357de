"""The resources OnCalm reads: where each lies in the API, in which versions, newest first.

An API server serves the versions of its own time: ``events`` and ``pods`` are in the core group for ever, others moved
(kubernetes.io/docs/reference/using-api/deprecation-guide). What no version has is not assessed, never "none".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind. ``group`` is empty for the core group; ``short`` are names that kubectl takes, too."""

    plural: str
    kind: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """As RBAC and error messages write it: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, version: str, namespace: str = "", name: str = "", part: str = "") -> str:
        """The path of a list, of an object, or of a part of it (``log``)."""
        root = f"/apis/{self.group}/{version}" if self.group else f"/api/{version}"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace and self.namespaced else ""
        return f"{root}{within}/{self.plural}" + "".join(f"/{quote(one, safe='')}" for one in (name, part) if one)


_APPS, _BATCH, _NET, _STORAGE, _AUTO = "apps", "batch", "networking.k8s.io", "storage.k8s.io", "autoscaling"
_HOOKS, _ISTIO, _GATE = "admissionregistration.k8s.io", "networking.istio.io", "gateway.networking.k8s.io"
_ISTIOS = ("v1", "v1beta1", "v1alpha3")

RESOURCES: dict[str, Resource] = {one.plural: one for one in (
    Resource("pods", "Pod", short=("po",)),
    Resource("services", "Service", short=("svc",)),
    Resource("endpoints", "Endpoints", short=("ep",)),
    Resource("nodes", "Node", namespaced=False, short=("no",)),
    Resource("namespaces", "Namespace", namespaced=False, short=("ns",)),
    Resource("events", "Event", short=("ev",)),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",)),
    Resource("persistentvolumes", "PersistentVolume", namespaced=False, short=("pv",)),
    Resource("resourcequotas", "ResourceQuota", short=("quota",)),
    Resource("limitranges", "LimitRange", short=("limits",)),
    Resource("serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("configmaps", "ConfigMap", short=("cm",)),
    Resource("secrets", "Secret"),
    Resource("deployments", "Deployment", _APPS, short=("deploy",)),
    Resource("replicasets", "ReplicaSet", _APPS, short=("rs",)),
    Resource("statefulsets", "StatefulSet", _APPS, short=("sts",)),
    Resource("daemonsets", "DaemonSet", _APPS, short=("ds",)),
    Resource("controllerrevisions", "ControllerRevision", _APPS),
    Resource("jobs", "Job", _BATCH),
    Resource("cronjobs", "CronJob", _BATCH, ("v1", "v1beta1"), short=("cj",)),
    Resource("endpointslices", "EndpointSlice", "discovery.k8s.io", ("v1", "v1beta1")),
    Resource("storageclasses", "StorageClass", _STORAGE, ("v1", "v1beta1"), namespaced=False, short=("sc",)),
    Resource("volumeattachments", "VolumeAttachment", _STORAGE, ("v1", "v1beta1"), namespaced=False),
    Resource("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", _HOOKS, ("v1", "v1beta1"), namespaced=False),
    Resource("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", _HOOKS, ("v1", "v1beta1"), namespaced=False),
    Resource("networkpolicies", "NetworkPolicy", _NET, short=("netpol",)),
    Resource("ingresses", "Ingress", _NET, ("v1", "v1beta1"), short=("ing",)),
    Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", _AUTO, ("v2", "v2beta2", "v1"), short=("hpa",)),
    Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", ("v1", "v1beta1"), short=("pdb",)),
    Resource("priorityclasses", "PriorityClass", "scheduling.k8s.io", namespaced=False, short=("pc",)),
    Resource("leases", "Lease", "coordination.k8s.io"),
    Resource("gateways", "Gateway", _GATE, ("v1", "v1beta1"), short=("gtw",)),
    Resource("httproutes", "HTTPRoute", _GATE, ("v1", "v1beta1")),
    Resource("virtualservices", "VirtualService", _ISTIO, _ISTIOS, short=("vs",)),
    Resource("destinationrules", "DestinationRule", _ISTIO, _ISTIOS, short=("dr",)),
)}
"""By plural name."""

MORE = (
    Resource("httproutes", "HTTPRoute", "policy.linkerd.io", ("v1beta3", "v1beta2", "v1beta1")),
    Resource("ingressclasses", "IngressClass", _NET, namespaced=False),
)
"""Kinds that nobody reads but who is about to change something."""
POD_METRICS = Resource("pods", "PodMetrics", "metrics.k8s.io", ("v1beta1", "v1"))
NODE_METRICS = Resource("nodes", "NodeMetrics", "metrics.k8s.io", ("v1beta1", "v1"), namespaced=False)


def resource(name: str) -> Resource | None:
    """The resource a person means: plural, kind or short name, in any case."""
    return _NAMES.get(name.strip().lower())


def _names() -> Iterator[tuple[str, Resource]]:
    for one in RESOURCES.values():
        for name in (one.plural, one.kind.lower(), one.full, *one.short):
            yield name, one


_NAMES = dict(_names())

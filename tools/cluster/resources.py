"""Which kinds are read, and where the API serves them. ``deploy/rbac-read.yaml`` grants exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind: its API group and version ("" is the core group), and whether it lives in namespaces."""

    group: str
    version: str
    namespaced: bool = True

    def path(self, plural: str, namespace: str | None) -> str:
        """The path of its list."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{plural}" if self.namespaced and namespace else f"{root}/{plural}"


RESOURCES: Mapping[str, Resource] = {
    **{name: Resource("", "v1") for name in (
        "pods", "services", "endpoints", "events", "persistentvolumeclaims", "resourcequotas", "limitranges", "serviceaccounts",
        "configmaps", "secrets")},
    **{name: Resource("", "v1", namespaced=False) for name in ("nodes", "namespaces", "persistentvolumes")},
    **{name: Resource("apps", "v1") for name in ("deployments", "replicasets", "statefulsets", "daemonsets")},
    **{name: Resource("batch", "v1") for name in ("jobs", "cronjobs")},
    "endpointslices": Resource("discovery.k8s.io", "v1"),
    "storageclasses": Resource("storage.k8s.io", "v1", namespaced=False),
    "volumeattachments": Resource("storage.k8s.io", "v1", namespaced=False),
    "mutatingwebhookconfigurations": Resource("admissionregistration.k8s.io", "v1", namespaced=False),
    "validatingwebhookconfigurations": Resource("admissionregistration.k8s.io", "v1", namespaced=False),
    "networkpolicies": Resource("networking.k8s.io", "v1"),
    "ingresses": Resource("networking.k8s.io", "v1"),
    "gateways": Resource("gateway.networking.k8s.io", "v1"),
    "httproutes": Resource("gateway.networking.k8s.io", "v1"),
    "virtualservices": Resource("networking.istio.io", "v1"),
    "destinationrules": Resource("networking.istio.io", "v1"),
    "horizontalpodautoscalers": Resource("autoscaling", "v2"),
    "poddisruptionbudgets": Resource("policy", "v1"),
    "priorityclasses": Resource("scheduling.k8s.io", "v1", namespaced=False),
    "leases": Resource("coordination.k8s.io", "v1"),
}
USAGE = Resource("metrics.k8s.io", "v1beta1")
NAMES_ONLY = frozenset({"secrets"})
"""Kinds of which only names are asked for: their content never leaves the server."""
KEYS_ONLY = frozenset({"configmaps"})
"""Kinds whose values are dropped as they arrive."""
ELSEWHERE: Mapping[str, str] = {"leases": "kube-node-lease"}
"""Kinds that are read in a namespace of their own: the heartbeats of nodes."""
SYSTEM = "kube-system"
"""Its pods are read, too: control plane, DNS and proxies run there."""

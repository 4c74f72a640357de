"""The peer: a plain keyword matcher over events. The newest warning that holds a known phrase names cause and object."""

from __future__ import annotations

import re

from evals.kube.vocabulary import VOCABULARY
from signals.kube.state import ClusterState, at, mapping_at, name_of, namespace_of

PHRASES = (
    ("service_account_missing", "error looking up service account"), ("quota_cpu", "exceeded quota.*cpu"), ("quota_memory", "exceeded quota.*memory"),
    ("quota_pods", "exceeded quota.*pods"), ("quota_services", "exceeded quota.*services"), ("quota_storage", "exceeded quota.*storage"),
    ("image_pull_secret", "image pull secret|unauthorized"), ("registry_dns", "lookup .*no such host"), ("image_reference", "failed to pull image"),
    ("secret_missing", "secret .*not found"), ("insufficient_cpu", "insufficient cpu"), ("insufficient_memory", "insufficient memory"),
    ("pod_anti_affinity", "anti-affinity"), ("taint", "untolerated taint"), ("node_selector", "node affinity/selector"),
    ("node_cordoned", "were unschedulable"), ("pvc_storage_class", "storageclass.*not found"), ("pvc_capacity", "no persistent volumes available|unbound"),
    ("oom_killed", "oom"), ("liveness_port", "liveness probe failed"), ("readiness_port", "readiness probe failed"),
    ("volume_permission", "permission denied"), ("container_runtime_down", "container runtime"), ("kubelet_down", "nodenotready"))


def guess(state: ClusterState, namespace: str) -> tuple[str, str, str] | None:
    """(taxonomy, object, root cause) by the newest warning that holds a phrase."""
    warnings = [each for each in state.of("events") if each.get("type") == "Warning" or each.get("reason") == "FailedBinding"]
    for each in sorted(warnings, key=lambda one: str(one.get("lastTimestamp")), reverse=True):
        for cause, phrase in PHRASES:
            if re.search(phrase, f"{each.get('reason')} {each.get('message')}", re.I):
                taxonomy, word = VOCABULARY[cause]
                return taxonomy, _object(state, each, cause, namespace), word
    return None


def _object(state: ClusterState, event: object, cause: str, namespace: str) -> str:
    if cause.startswith("quota"):
        return f"namespace/{namespace}"
    name, kind = str(at(event, "involvedObject", "name")), str(at(event, "involvedObject", "kind"))
    if kind == "Node":
        return f"node/{name}"
    for each in (*state.of("pods"), *state.of("replicasets"), *state.of("deployments")):
        if name_of(each) == name and namespace_of(each) == namespace:
            return f"app/{mapping_at(each, 'metadata', 'labels').get('app') or name}"
    return f"app/{name}"

"""Run the rules, let the findings compete, rank them.

A finding about one workload is a *consequence* when something it depends on fails for a reason of its own: a client that
cannot connect to a database whose claim is unbound. Consequences are kept, ranked behind their cause, and named in its
``explains``. What a rule states about a workload's own objects (its image, its quota, its selector) is never a
consequence of another workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from signals.diagnosis import Sign
from signals.kube.finding import Finding
from signals.kube.rules import FAMILIES
from signals.kube.state import ClusterState, at
from signals.kube.view import View
from signals.observed import Entity

DEPENDENT = frozenset({
    "crash_loop", "endpoints_empty", "db_port", "db_connections", "db_credentials", "dns_resolution", "env_address", "pod_network_delay",
    "liveness_failing", "readiness_failing", "startup_failing", "liveness_timing", "readiness_timing", "startup_timing", "evicted",
    "pvc_unbound", "volume_attach", "liveness_path", "readiness_path",
})
"""Causes that another's failure could bring about."""
STANDING = 3.5
"""From this strength on a finding can explain others."""
DEMOTED = 3.0
_ON_NODE = frozenset({"kubelet_down", "container_runtime_down", "kube_proxy_down", "node_not_ready", "node_pressure"})


def diagnose(state: ClusterState, *, now: int, namespace: str | None = None, symptom: str = "") -> list[Finding]:
    """Findings, the likeliest root cause first. ``now`` is µs since 1970 (UTC).

    ``symptom`` are words of who reports; a workload they name counts a little more.
    """
    view = View(state, now=now, namespace=namespace)
    told = (each for rules in FAMILIES.values() for rule in rules for each in rule(view))
    findings = _best([replace(each, entity=view.placed(each.entity, each.namespace)) for each in told])
    findings = [_named(each, symptom) for each in findings]
    related = [_related(each, findings, view) for each in findings]
    explained = [replace(each, explains=_explained(each, related)) for each in related]
    return sorted(explained, key=lambda each: (-each.strength, each.consequence_of is not None, each.entity, each.cause))


def signs(findings: Sequence[Finding]) -> list[Sign]:
    """Findings as observations for :mod:`signals.suspects`."""
    return [each.sign() for each in findings]


def _best(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for each cause of each entity: the strongest, with the evidence of all."""
    best: dict[tuple[Entity, str], Finding] = {}
    for each in findings:
        key = (each.entity, each.cause)
        other = best.get(key)
        first, second = (each, other) if other is None or each.strength > other.strength else (other, each)
        refs = tuple(dict.fromkeys((*first.refs, *(second.refs if second else ()))))
        best[key] = replace(first, refs=refs)
    return list(best.values())


def _named(each: Finding, symptom: str) -> Finding:
    """A workload that the report names counts a little more."""
    named = bool(symptom) and each.entity.name.lower() in symptom.lower()
    return replace(each, strength=each.strength + 0.25) if named else each


def _related(each: Finding, findings: Sequence[Finding], view: View) -> Finding:
    """The finding, told as a consequence when one that stands explains it."""
    origins = [other for other in findings if other is not each and other.strength >= STANDING and _explains(other, each, view)]
    if not origins:
        return each
    origin = max(origins, key=lambda other: other.strength)
    return replace(each, consequence_of=origin.entity, strength=round(min(each.strength, origin.strength) - DEMOTED, 2))


def _explains(origin: Finding, each: Finding, view: View) -> bool:
    """Could the origin bring the other about?"""
    if origin.cause in DEPENDENT and each.cause not in {"crash_loop", "endpoints_empty"} and not (
            origin.cause == "db_connections" and each.cause == "db_port"):
        return False
    if origin.entity == each.entity:
        return each.cause in {"crash_loop", "endpoints_empty", "liveness_failing", "readiness_failing", "startup_failing"} or (
            each.cause.endswith("_timing") and not origin.cause.startswith(("liveness", "readiness", "startup")))
    if origin.entity.kind == "node":
        return each.cause in DEPENDENT | {"insufficient_cpu", "insufficient_memory", "taint", "node_cordoned"} and (
            origin.cause == "scheduler_down" or each.entity.key in _on(view, origin.entity.name) and origin.cause in _ON_NODE
            or each.cause == "node_not_ready" and each.entity == origin.entity)
    return each.cause in DEPENDENT and each.entity.kind == "deployment" and origin.entity.key in view.reach(each.entity.key)


def _on(view: View, node: str) -> frozenset[str]:
    """Workloads with a pod on a node."""
    return frozenset(workload.key for workload in view.everywhere for pod in workload.pods if at(pod, "spec", "nodeName") == node)


def _explained(each: Finding, findings: Sequence[Finding]) -> tuple[Entity, ...]:
    victims: Iterator[Entity] = (other.entity for other in findings if other.consequence_of == each.entity and other.entity != each.entity)
    return tuple(dict.fromkeys(victims)) if each.consequence_of is None else ()

"""What a cluster knows of a suspect's workload: the facts that rules for actions ask about."""

from __future__ import annotations

import re
from typing import Any

from agent.decision.situation import Facts
from signals.kube.state import ClusterState, at, items_at, name_of
from signals.kube.view import View, Workload, container_statuses, pod_ready
from signals.observed import Entity

_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?)([A-Za-z]{0,2})")
_STATES = re.compile(r"redis|postgres|mysql|mariadb|mongo|cassandra|kafka|rabbitmq|etcd|zookeeper|elasticsearch|opensearch|clickhouse|memcached", re.IGNORECASE)


def facts_of(state: ClusterState, now: int, entities: tuple[Entity, ...]) -> dict[Entity, Facts]:
    """The facts of those that are workloads or nodes of the cluster, by their names; others are left out. ``now``: µs since 1970."""
    view = View(state, now=now)
    found: dict[Entity, Facts] = {}
    for entity in entities:
        if entity.kind == "node":
            found[entity] = Facts(kind="Node", name=entity.name, other_nodes=_others(view, entity.name))
            continue
        workload = _workload(view, entity)
        if workload is not None:
            found[entity] = _facts(view, workload)
    return found


def _workload(view: View, entity: Entity) -> Workload | None:
    """The only workload of that name, with that pod, or behind the Service of that name; None when there are several."""
    if entity.kind == "pod":
        named = [each for each in view.everywhere if any(name_of(pod) == entity.name for pod in each.pods)]
    else:
        named = [each for each in view.everywhere if each.name == entity.name]
        behind = [each for service in view.state.of("services") if name_of(service) == entity.name for each in view.serving(service)]
        named = named or behind
    return named[0] if len(named) == 1 else None


def _facts(view: View, workload: Workload) -> Facts:
    scaler = next((each for each in view.state.of("horizontalpodautoscalers", workload.namespace)
                   if (at(each, "spec", "scaleTargetRef", "kind"), at(each, "spec", "scaleTargetRef", "name")) == (workload.kind, workload.name)), None)
    containers = workload.containers
    container = containers[0] if len(containers) == 1 else {}
    limits = at(container, "resources", "limits") or {}
    memory = [one.memory for one in view.state.usage or () if one.kind == "pod" and one.memory and one.name in {name_of(pod) for pod in workload.pods}]
    most = at(scaler, "spec", "maxReplicas") if scaler is not None else None
    images = " ".join(str(each.get("image", "")) for each in containers)
    return Facts(
        kind=workload.kind, name=workload.name, namespace=workload.namespace, replicas=workload.desired,
        bad_pods=tuple(name_of(pod) for pod in workload.pods if not pod_ready(pod)), container=str(container.get("name")) if container else None,
        memory_limit=quantity(limits.get("memory")), memory_used=_used(workload, quantity(limits.get("memory")), memory),
        cpu_limit=quantity(limits.get("cpu")), autoscaler=name_of(scaler) if scaler is not None else "",
        autoscaler_most=most if isinstance(most, int) else None, earlier_revision=_revisions(view, workload) > 1,
        paused=bool(at(workload.object, "spec", "paused")), managed_by=_manager(workload.object),
        stateful=workload.kind == "StatefulSet" or bool(_STATES.search(images)),
    )


def _used(workload: Workload, limit: float | None, measured: list[float]) -> float | None:
    """What it needs of memory: at least its limit, where it was killed for it."""
    killed = any(at(state, part, "terminated", "reason") == "OOMKilled" for pod in workload.pods for state in container_statuses(pod) for part in ("lastState", "state"))
    held = [*measured, *([limit] if killed and limit else [])]
    return max(held) if held else None


def _revisions(view: View, workload: Workload) -> int:
    """Revisions that are kept."""
    kept = view.state.of("replicasets", workload.namespace) if workload.kind == "Deployment" else ()
    return sum(any(at(owner, "name") == workload.name for owner in items_at(each, "metadata", "ownerReferences")) for each in kept)


def _others(view: View, name: str) -> int:
    """Ready, schedulable nodes beside one."""
    return sum(name_of(node) != name and not at(node, "spec", "unschedulable") and any(
        at(one, "type") == "Ready" and at(one, "status") == "True" for one in items_at(node, "status", "conditions")) for node in view.nodes())


def _manager(each: Any) -> str:
    """GitOps by its labels and annotations; the preview looks at it closely."""
    marks = {**(at(each, "metadata", "labels") or {}), **(at(each, "metadata", "annotations") or {})}
    known = (("argocd.argoproj.io/", "Argo CD"), ("kustomize.toolkit.fluxcd.io/", "Flux"), ("helm.toolkit.fluxcd.io/", "Flux"))
    return next((name for prefix, name in known if any(str(mark).startswith(prefix) for mark in marks)), "")


def quantity(text: object) -> float | None:
    """A quantity of Kubernetes as a number (bytes, cores): ``512Mi``, ``250m``; None for none."""
    match = _QUANTITY.fullmatch(str(text or ""))
    return float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else None

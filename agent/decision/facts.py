"""Looks up, in a cluster's state, the facts that proposals need: whose workload a suspect is, and what belongs to it.

What cannot be read stays unknown (:class:`~agent.decision.situation.Facts`); a name that fits two workloads fits none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.decision.situation import Facts
from signals.kube.clock import SECOND, micros
from signals.kube.quantities import quantity
from signals.kube.state import ClusterState, Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import View, Workload, container_statuses, pod_ready
from signals.observed import Entity
from telemetry.sources.kubernetes.revisions import revisions
from tools.actions.connection import MANAGER

LEAK_AFTER = 2 * 3600 * SECOND
"""A container that ran at least so long before it was ended for memory grew into its limit; one that is ended sooner
needs more than it has. A limit that is raised for the first only delays the next end."""
THROTTLED = 0.25
"""From this share of CPU periods on a container is held back (the threshold of kubernetes-mixin's CPUThrottlingHigh)."""
_SCALED = re.compile(r"[Ss]caled down replica set \S+ (?:to \d+ )?from (\d+)(?: to (\d+))?")
_DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}
_STATES = re.compile(r"redis|postgres|mysql|mariadb|mongo|cassandra|kafka|rabbitmq|etcd|zookeeper|elasticsearch|opensearch|clickhouse|memcached", re.IGNORECASE)
"""Images of what holds state even as a Deployment."""
_GITOPS = (("argocd.argoproj.io/", "Argo CD"), ("kustomize.toolkit.fluxcd.io/", "Flux"), ("helm.toolkit.fluxcd.io/", "Flux"))


def facts_of(state: ClusterState, now: int, entities: Iterable[Entity], doors: Mapping[Entity, Sequence[str]] | None = None) -> dict[Entity, Facts]:
    """The facts of those that are workloads or nodes of the cluster, by their names; others are left out. ``now``: µs since 1970 (UTC).

    ``doors``: the services through which requests for each come from outside, where they are known.
    """
    view = View(state, now=now)
    found = ((entity, _facts(view, entity)) for entity in entities)
    return {entity: replace(facts, **_ingress(view, (doors or {}).get(entity, ()))) for entity, facts in found if facts is not None}


def _facts(view: View, entity: Entity) -> Facts | None:
    if entity.kind == "node":
        return Facts("Node", entity.name, other_nodes=_other_nodes(view, entity.name))
    workload = workload_of(view, entity)
    if workload is None or workload.kind == "Pod":
        return None
    return _of_workload(view, workload, entity)


def workload_of(view: View, entity: Entity) -> Workload | None:
    """The one workload that an entity is, is a pod of, or is served by; None when there is none or there are several."""
    if entity.kind == "pod":
        fit = [each for each in view.everywhere if any(name_of(pod) == entity.name for pod in each.pods)]
    else:
        fit = [each for each in view.everywhere if each.name == entity.name and entity.namespace in ("", each.namespace)]
        if not fit:
            services = (each for each in view.state.of("services") if name_of(each) == entity.name and entity.namespace in ("", namespace_of(each)))
            fit = [workload for each in services if mapping_at(each, "spec", "selector") for workload in view.serving(each)]
    return fit[0] if len(fit) == 1 else None


def _of_workload(view: View, workload: Workload, entity: Entity) -> Facts:
    container = _blamed(workload)
    scaler = _autoscaler(view, workload)
    route = _route(view, workload)
    killed = _killed(workload)
    limit = _limit(container, "memory")
    return Facts(
        workload.kind, workload.name, workload.namespace, workload.desired, bad_pods=_bad_pods(workload, entity),
        container=str(container.get("name")) if container is not None else None,
        memory_limit=limit, memory_used=limit if killed is not None else _memory(view, workload),
        leaking=killed is not None and killed >= LEAK_AFTER,
        cpu_limit=_limit(container, "cpu"), cpu_throttled=_throttled(view, workload),
        autoscaler=name_of(scaler) if scaler is not None else "",
        autoscaler_most=_number(at(scaler, "spec", "maxReplicas")),
        earlier_revision=_earlier(view.state, workload), paused=at(workload.object, "spec", "paused") is True,
        route=route.get("route", ""), route_kind=route.get("kind", "VirtualService"), stable=route.get("stable", ""),
        canary=route.get("canary", ""), managed_by=_manager(workload.object),
        **_guard(view, workload), **_earlier_image(view.state, workload, container),
        ready_pods=sum(pod_ready(pod) for pod in workload.pods), released=_released(view),
        stateful=_stateful(workload), replicas_before=_replicas_before(view, workload), probe_seconds=_probe_seconds(container),
    )


def _blamed(workload: Workload) -> Object | None:
    """The only container, or the only one that ended badly; None when it is not clear which."""
    if len(workload.containers) == 1:
        return workload.containers[0]
    ended = {str(status.get("name")) for pod in workload.pods for status in container_statuses(pod) if _ends(status)}
    fit = [each for each in workload.containers if str(each.get("name")) in ended]
    return fit[0] if len(fit) == 1 else None


def _ends(status: Object) -> list[Mapping[str, Any]]:
    """How a container ended, the present end first; nothing when all went well."""
    found = (mapping_at(status, state, "terminated") for state in ("state", "lastState"))
    return [each for each in found if each and each.get("exitCode") != 0]


def _killed(workload: Workload) -> int | None:
    """How long the container ran that was ended for memory, in µs: the longest of them; 0 when not known, None for none."""
    ends = [each for pod in workload.pods for status in container_statuses(pod) for each in _ends(status) if each.get("reason") == "OOMKilled"]
    return max((_ran(each) for each in ends), default=None)


def _ran(ended: Mapping[str, Any]) -> int:
    start, end = micros(ended.get("startedAt")), micros(ended.get("finishedAt"))
    return max(0, end - start) if start is not None and end is not None else 0


def _limit(container: Object | None, resource: str) -> float | None:
    return quantity(at(container, "resources", "limits", resource)) if container is not None else None


def _memory(view: View, workload: Workload) -> float | None:
    """The largest working set of its pods, as ``kubectl top`` says."""
    names = {name_of(pod) for pod in workload.pods}
    used = [each.memory for each in view.state.usage or () if each.kind == "pod" and each.name in names and each.memory is not None
            and each.namespace in ("", workload.namespace)]
    return max(used, default=None)


def _throttled(view: View, workload: Workload) -> bool:
    names = {workload.name, *(name_of(pod) for pod in workload.pods)}
    last = [float(each.values[-1]) for each in view.state.requests or () if each.metric == "throttled" and each.entity.name in names and len(each.values)]
    return bool(last) and max(last) >= THROTTLED


def _bad_pods(workload: Workload, entity: Entity) -> tuple[str, ...]:
    """Pods that are not ready, and the one that is blamed; pods on their way out do not count."""
    staying = [pod for pod in workload.pods if not at(pod, "metadata", "deletionTimestamp")]
    return tuple(sorted(name_of(pod) for pod in staying if not pod_ready(pod) or entity == Entity("pod", name_of(pod))))


def _autoscaler(view: View, workload: Workload) -> Object | None:
    for each in view.state.of("horizontalpodautoscalers", workload.namespace):
        target = mapping_at(each, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) == (workload.kind, workload.name):
            return each
    return None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _earlier(state: ClusterState, workload: Workload) -> bool:
    """Whether there is a revision to go back to. Where revisions cannot be read, the dry run will tell: it is tried."""
    if workload.kind != "Deployment" or not state.knows("replicasets"):
        return True
    return len(revisions(workload.object, state.of("replicasets", workload.namespace))) > 1


def _route(view: View, workload: Workload) -> dict[str, str]:
    """A route with two destinations of which one is the workload: the other one is stable. Empty when it is not so clear."""
    own = _hosts(view, workload)
    for each in view.state.of("virtualservices", workload.namespace):
        for http in items_at(each, "spec", "http"):
            parts = {_destination(one): one for one in items_at(http, "route")}
            found = _pair(parts, {name for name in parts if name.partition("/")[0].partition(".")[0] in own and _is_canary(view, workload, name)})
            if found:
                return {"route": name_of(each), "kind": "VirtualService", **found}
    for each in view.state.of("httproutes", workload.namespace):
        for rule in items_at(each, "spec", "rules"):
            parts = {str(one.get("name")): one for one in items_at(rule, "backendRefs")}
            found = _pair(parts, {name for name in parts if name in own})
            if found:
                return {"route": name_of(each), "kind": _route_kind(each), **found}
    return {}


def _route_kind(route: Object) -> str:
    linkerd = str(route.get("apiVersion", "")).startswith("policy.linkerd.io")
    return "HTTPRoute.policy.linkerd.io" if linkerd else "HTTPRoute"


def _pair(parts: Mapping[str, Object], own: set[str]) -> dict[str, str]:
    """Which of two destinations is the canary: the workload's, with the smaller weight of those that get requests."""
    others = [name for name in parts if name not in own]
    if len(own) != 1 or len(others) != 1:
        return {}
    canary, stable = next(iter(own)), others[0]
    mine, its = (int(parts[name].get("weight") or 0) for name in (canary, stable))
    return {"stable": stable, "canary": canary} if 0 < mine <= its else {}


def _destination(one: Object) -> str:
    host, subset = at(one, "destination", "host"), at(one, "destination", "subset")
    return f"{host}/{subset}" if subset else str(host)


def _is_canary(view: View, workload: Workload, name: str) -> bool:
    """Whether a destination is this workload's: by its subset's labels where it names one, else by its host."""
    host, _, subset = name.partition("/")
    if not subset:
        return True
    rules = [each for each in view.state.of("destinationrules", workload.namespace) if str(at(each, "spec", "host")).partition(".")[0] == host.partition(".")[0]]
    labels = [mapping_at(one, "labels") for each in rules for one in items_at(each, "spec", "subsets") if one.get("name") == subset]
    return len(labels) == 1 and bool(labels[0]) and workload.carries(labels[0])


def _hosts(view: View, workload: Workload) -> set[str]:
    """Names of the Services that lead to a workload."""
    return {name_of(each) for each in view.state.of("services", workload.namespace)
            if mapping_at(each, "spec", "selector") and workload in view.serving(each)}


def _guard(view: View, workload: Workload) -> dict[str, Any]:
    """The one DestinationRule of the workload's one Service, and whether it lets failing pods be."""
    own = _hosts(view, workload)
    rules = [each for each in view.state.of("destinationrules", workload.namespace) if str(at(each, "spec", "host")).partition(".")[0] in own]
    if len(own) != 1 or len(rules) != 1:
        return {}
    policies = [mapping_at(rules[0], "spec", "trafficPolicy"), *(mapping_at(one, "trafficPolicy") for one in items_at(rules[0], "spec", "subsets"))]
    ports = [port for one in policies for port in items_at(one, "portLevelSettings")]
    return {"mesh_rule": name_of(rules[0]), "unguarded": not any("outlierDetection" in one for one in policies),
            "bounded": any("connectionPool" in one for one in (*policies, *ports))}


def _ingress(view: View, doors: Sequence[str]) -> dict[str, Any]:
    """The one Ingress that leads to these services; nothing when there is none, or several, or one's name is that of several Services."""
    spaces = [(name_of(each), at(each, "metadata", "namespace")) for each in view.state.of("services") if name_of(each) in doors]
    leading = [each for each in view.state.of("ingresses") if any((name, at(each, "metadata", "namespace")) in spaces for name in _backends(each))]
    if len(leading) != 1 or len({name for name, _ in spaces}) != len(spaces):
        return {}
    marks = mapping_at(leading[0], "metadata", "annotations")
    return {"ingress": name_of(leading[0]), "ingress_namespace": str(at(leading[0], "metadata", "namespace") or ""),
            "ingress_limited": any(str(mark).startswith("nginx.ingress.kubernetes.io/limit-") for mark in marks)}


def _backends(ingress: Object) -> set[str]:
    paths = [path for rule in items_at(ingress, "spec", "rules") for path in items_at(rule, "http", "paths")]
    services = [at(ingress, "spec", "defaultBackend", "service", "name"), *(at(path, "backend", "service", "name") for path in paths)]
    return {str(one) for one in services if one}


def _earlier_image(state: ClusterState, workload: Workload, container: Object | None) -> dict[str, Any]:
    """The image to go back to, when it is named by a digest: a tag may name another image by now."""
    if workload.kind != "Deployment" or container is None or not state.knows("replicasets"):
        return {}
    name, now = container.get("name"), str(container.get("image", ""))
    ran = [str(one.get("image", "")) for each in reversed(revisions(workload.object, state.of("replicasets", workload.namespace)))
           for one in items_at(each.template, "spec", "containers") if one.get("name") == name]
    other = next((one for one in ran if one != now), "")
    return {"earlier_image": other if "@sha256:" in other else "", "image_stays": len(ran) > 1 and ran[1] == now}


def _released(view: View) -> tuple[str, ...]:
    """Nodes whose cordon is OnCalm's own, which are ready and under no pressure. What somebody else took out is theirs."""
    if not view.state.knows("nodes"):
        return ()
    return tuple(sorted(name_of(each) for each in view.nodes() if at(each, "spec", "unschedulable") is True and pod_ready(each)
                        and not _pressed(each) and _cordoned_by_us(each)))


def _pressed(node: Object) -> bool:
    return any(str(at(each, "type")).endswith(("Pressure", "Unavailable")) and at(each, "status") == "True" for each in items_at(node, "status", "conditions"))


def _cordoned_by_us(node: Object) -> bool:
    """By who manages the field (kubernetes.io/docs/reference/using-api/server-side-apply#field-management)."""
    managers = {each.get("manager") for each in items_at(node, "metadata", "managedFields") if "f:unschedulable" in mapping_at(each, "fieldsV1", "f:spec")}
    return managers == {MANAGER}


def _stateful(workload: Workload) -> bool:
    images = (str(each.get("image", "")) for each in workload.containers)
    return workload.kind == "StatefulSet" or any(_STATES.search(image) for image in images)


def _manager(each: Object) -> str:
    """GitOps by its labels and annotations; the preview looks at it closely."""
    marks = {**mapping_at(each, "metadata", "labels"), **mapping_at(each, "metadata", "annotations")}
    return next((name for prefix, name in _GITOPS if any(str(mark).startswith(prefix) for mark in marks)), "")


def _replicas_before(view: View, workload: Workload) -> int | None:
    """How many pods it had before it was scaled down, as the newest event of its controller says."""
    for event in view.events_of(workload.kind, workload.name, workload.namespace):
        match = _SCALED.search(event.message)
        if event.reason == "ScalingReplicaSet" and match is not None:
            return int(match[1])
    return None


def _probe_seconds(container: Object | None) -> dict[str, float]:
    """How long each probe waits before it gives up (kubernetes.io: Probe v1 core, with its defaults)."""
    found = {}
    for probe in ("liveness", "readiness", "startup"):
        own = mapping_at(container, f"{probe}Probe")
        if own:
            delay, period, failures = (float(own.get(key, default)) for key, default in _DEFAULTS.items())
            found[probe] = delay + period * failures
    return found


def _other_nodes(view: View, name: str) -> int | None:
    """Ready nodes beside this one that take pods; None when nodes cannot be read."""
    if not view.state.knows("nodes"):
        return None
    return sum(name_of(each) != name and pod_ready(each) and not at(each, "spec", "unschedulable")
               and not any(one.get("effect") in ("NoSchedule", "NoExecute") for one in items_at(each, "spec", "taints")) for each in view.nodes())

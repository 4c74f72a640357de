"""Objects as rows, with the columns that kubectl prints (``kubectl get -o wide`` in small)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from signals.kube.state import Object, at, items_at, mapping_at, name_of, namespace_of
from signals.kube.view import container_statuses, pod_ready, restarts

Cells = Callable[[Object], Sequence[Any]]


def pod_status(pod: Object) -> str:
    """The STATUS column (kubernetes/pkg/printers/internalversion/printers.go, printPod)."""
    said = str(at(pod, "status", "reason") or at(pod, "status", "phase") or "Unknown")
    init = items_at(pod, "status", "initContainerStatuses")
    for number, each in enumerate(init):
        state = mapping_at(each, "state")
        if at(state, "terminated", "exitCode") == 0 or (each.get("started") and at(state, "running") is not None):
            continue
        ended, waits = mapping_at(state, "terminated"), at(state, "waiting", "reason")
        if ended:
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        return f"Init:{waits}" if waits and waits != "PodInitializing" else f"Init:{number}/{len(init)}"
    for each in reversed(items_at(pod, "status", "containerStatuses")):
        waits, ended = at(each, "state", "waiting", "reason"), mapping_at(each, "state", "terminated")
        if waits:
            said = str(waits)
        elif ended:
            said = str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")
    if said == "Completed" and any(at(each, "state", "running") is not None for each in items_at(pod, "status", "containerStatuses")):
        said = "Running" if pod_ready(pod) else "NotReady"
    return "Terminating" if at(pod, "metadata", "deletionTimestamp") else said


def _pod(pod: Object) -> Sequence[Any]:
    statuses = items_at(pod, "status", "containerStatuses")
    ready = sum(each.get("ready") is True for each in statuses)
    last = next((str(each) for each in (at(one, "lastState", "terminated", "reason") for one in container_statuses(pod)) if each), "")
    return [f"{ready}/{len(items_at(pod, 'spec', 'containers'))}", pod_status(pod), restarts(pod), last, at(pod, "spec", "nodeName"), at(pod, "status", "podIP")]


def _node(node: Object) -> Sequence[Any]:
    conditions = items_at(node, "status", "conditions")
    ready = next((at(each, "status") for each in conditions if at(each, "type") == "Ready"), "Unknown")
    status = ["Ready" if ready == "True" else "NotReady"] + (["SchedulingDisabled"] if at(node, "spec", "unschedulable") else [])
    pressing = [str(each.get("type")) for each in conditions if each.get("type") != "Ready" and each.get("status") == "True"]
    taints = [f"{each.get('key')}:{each.get('effect')}" for each in items_at(node, "spec", "taints")]
    return [",".join(status), ", ".join(pressing), ", ".join(taints), at(node, "status", "nodeInfo", "kubeletVersion"),
            at(node, "status", "allocatable", "cpu"), at(node, "status", "allocatable", "memory")]


def _deployment(each: Object) -> Sequence[Any]:
    status = mapping_at(each, "status")
    bad = [f"{one.get('type')}={one.get('status')} {one.get('reason') or ''}: {one.get('message') or ''}" for one in items_at(each, "status", "conditions")
           if (one.get("type") == "ReplicaFailure") == (one.get("status") == "True")]
    return [f"{status.get('readyReplicas') or 0}/{_wanted(each)}", status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0,
            _images(at(each, "spec", "template")), "paused" if at(each, "spec", "paused") else "; ".join(bad)]


def _replicaset(each: Object) -> Sequence[Any]:
    return [_wanted(each), at(each, "status", "readyReplicas") or 0, _owner(each), _images(at(each, "spec", "template"))]


def _statefulset(each: Object) -> Sequence[Any]:
    return [f"{at(each, 'status', 'readyReplicas') or 0}/{_wanted(each)}", _images(at(each, "spec", "template"))]


def _daemonset(each: Object) -> Sequence[Any]:
    status = mapping_at(each, "status")
    return [status.get("desiredNumberScheduled"), status.get("numberReady"), status.get("numberUnavailable") or 0, _images(at(each, "spec", "template"))]


def _job(each: Object) -> Sequence[Any]:
    status = mapping_at(each, "status")
    failed = next((f"{one.get('reason')}: {one.get('message') or ''}" for one in items_at(each, "status", "conditions")
                   if one.get("type") == "Failed" and one.get("status") == "True"), "")
    return [f"{status.get('succeeded') or 0}/{at(each, 'spec', 'completions') or 1}", status.get("active") or 0, status.get("failed") or 0, failed]


def _service(each: Object) -> Sequence[Any]:
    ports = [f"{one.get('port')}→{one.get('targetPort') or one.get('port')}/{one.get('protocol') or 'TCP'}" for one in items_at(each, "spec", "ports")]
    return [at(each, "spec", "type") or "ClusterIP", at(each, "spec", "clusterIP"), ", ".join(ports), pairs(mapping_at(each, "spec", "selector"))]


def _claim(each: Object) -> Sequence[Any]:
    return [at(each, "status", "phase"), at(each, "spec", "volumeName"), at(each, "status", "capacity", "storage") or at(each, "spec", "resources", "requests", "storage"),
            ",".join(map(str, items_at(each, "spec", "accessModes"))), at(each, "spec", "storageClassName")]


def _volume(each: Object) -> Sequence[Any]:
    claim = mapping_at(each, "spec", "claimRef")
    return [at(each, "spec", "capacity", "storage"), ",".join(map(str, items_at(each, "spec", "accessModes"))), at(each, "spec", "persistentVolumeReclaimPolicy"),
            at(each, "status", "phase"), f"{claim.get('namespace')}/{claim.get('name')}" if claim else "", at(each, "spec", "storageClassName")]


def _scaler(each: Object) -> Sequence[Any]:
    target = mapping_at(each, "spec", "scaleTargetRef")
    bad = [f"{one.get('type')}: {one.get('reason')}" for one in items_at(each, "status", "conditions")
           if (one.get("status") != "True") != (one.get("type") == "ScalingLimited")]
    return [f"{target.get('kind')}/{target.get('name')}", at(each, "spec", "minReplicas") or 1, at(each, "spec", "maxReplicas"),
            at(each, "status", "currentReplicas"), at(each, "status", "desiredReplicas"), "; ".join(bad)]


def _ingress(each: Object) -> Sequence[Any]:
    rules = items_at(each, "spec", "rules")
    paths = [f"{rule.get('host') or '*'}{path.get('path') or '/'} → {at(path, 'backend', 'service', 'name') or at(path, 'backend', 'serviceName')}"
             for rule in rules for path in items_at(rule, "http", "paths")]
    return [at(each, "spec", "ingressClassName"), ", ".join(paths)]


def _budget(each: Object) -> Sequence[Any]:
    return [at(each, "spec", "minAvailable"), at(each, "spec", "maxUnavailable"), at(each, "status", "disruptionsAllowed"),
            at(each, "status", "currentHealthy"), at(each, "status", "desiredHealthy")]


def _keys(each: Object) -> Sequence[Any]:
    return [", ".join(sorted(map(str, mapping_at(each, "data")))) if "data" in each else "not known"]


def _class(each: Object) -> Sequence[Any]:
    default = at(each, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true"
    return [each.get("provisioner"), each.get("reclaimPolicy"), each.get("volumeBindingMode"), each.get("allowVolumeExpansion"), default]


def _other(each: Object) -> Sequence[Any]:
    conditions = [f"{one.get('type')}={one.get('status')}" for one in items_at(each, "status", "conditions")]
    return [at(each, "status", "phase") or ", ".join(conditions)]


_KINDS: dict[str, tuple[Sequence[str], Cells]] = {
    "pods": (("ready", "status", "restarts", "last ended", "node", "ip"), _pod),
    "nodes": (("status", "pressure", "taints", "version", "cpu", "memory"), _node),
    "deployments": (("ready", "up to date", "available", "images", "trouble"), _deployment),
    "replicasets": (("desired", "ready", "owner", "images"), _replicaset),
    "statefulsets": (("ready", "images"), _statefulset),
    "daemonsets": (("desired", "ready", "unavailable", "images"), _daemonset),
    "jobs": (("completions", "active", "failed", "trouble"), _job),
    "cronjobs": (("schedule", "suspended", "last run"), lambda each: [at(each, "spec", "schedule"), at(each, "spec", "suspend") or False, at(each, "status", "lastScheduleTime")]),
    "services": (("type", "cluster ip", "ports", "selector"), _service),
    "persistentvolumeclaims": (("status", "volume", "size", "modes", "class"), _claim),
    "persistentvolumes": (("size", "modes", "reclaim", "status", "claim", "class"), _volume),
    "horizontalpodautoscalers": (("target", "min", "max", "now", "desired", "trouble"), _scaler),
    "ingresses": (("class", "routes"), _ingress),
    "poddisruptionbudgets": (("min available", "max unavailable", "allowed", "healthy", "desired"), _budget),
    "configmaps": (("keys",), _keys),
    "secrets": (("keys",), _keys),
    "storageclasses": (("provisioner", "reclaim", "binding", "expands", "default"), _class),
    "leases": (("holder", "renewed"), lambda each: [at(each, "spec", "holderIdentity"), at(each, "spec", "renewTime")]),
    "priorityclasses": (("value", "global default"), lambda each: [each.get("value"), each.get("globalDefault") or False]),
}


def columns(plural: str) -> list[str]:
    """The columns of a kind behind namespace, name and age."""
    return list(_KINDS[plural][0]) if plural in _KINDS else ["status"]


def cells(plural: str, each: Object) -> list[Any]:
    """An object's cells for :func:`columns`."""
    return ["" if cell is None else cell for cell in (_KINDS[plural][1] if plural in _KINDS else _other)(each)]


def head(each: Object) -> list[str]:
    """Namespace and name."""
    return [namespace_of(each), name_of(each)]


def pairs(labels: Any) -> str:
    """``a=1,b=2``."""
    return ",".join(f"{key}={value}" for key, value in sorted(dict(labels or {}).items()))


def _wanted(each: Object) -> int:
    found = at(each, "spec", "replicas")
    return found if isinstance(found, int) else 1


def _images(template: Any) -> str:
    return ", ".join(str(each.get("image")) for each in items_at(template, "spec", "containers"))


def _owner(each: Object) -> str:
    return ", ".join(f"{one.get('kind')}/{one.get('name')}" for one in items_at(each, "metadata", "ownerReferences"))

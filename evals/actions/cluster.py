"""Clusters of scenarios: a few words for each workload become the API objects that a double of an API server holds."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
NAMESPACE = "shop"


def objects(told: Mapping[str, Any], now: datetime) -> Iterator[Json]:
    """Everything a scenario's ``cluster`` names: ``workloads``, ``nodes`` and whole ``objects``. ``now`` is aware."""
    spaces = {str(one.get("namespace", NAMESPACE)) for one in told.get("workloads", {}).values()} | {NAMESPACE}
    yield from ({"kind": "Namespace", "metadata": {"name": name}} for name in sorted(spaces))
    for name, one in (told.get("nodes") or {"n1": {}, "n2": {}, "n3": {}}).items():
        yield _node(name, **one)
    for name, one in told.get("workloads", {}).items():
        yield from _workload(name, one, now)
    yield from copy.deepcopy(told.get("objects", []))


def _node(name: str, *, ready: bool = True, cordoned: bool = False, by: str = "", taint: str = "") -> Json:
    """``by`` is the field manager that cordoned it."""
    managed = [{"manager": by, "operation": "Update", "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}] if by else []
    taints = [{"key": taint, "effect": "NoSchedule"}] if taint else []
    return {"kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}, **({"managedFields": managed} if managed else {})},
            "spec": {**({"unschedulable": True} if cordoned else {}), **({"taints": taints} if taints else {})},
            "status": {"conditions": [{"type": "Ready", "status": str(ready)}], "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"}}}


def _workload(name: str, told: Mapping[str, Any], now: datetime) -> Iterator[Json]:
    """A controller, its revisions, pods and Service, and its autoscaler when it has one."""
    kind, space, replicas = told.get("kind", "Deployment"), told.get("namespace", NAMESPACE), int(told.get("replicas", 3))
    labels = {"app": name, **told.get("pod_labels", {})}
    count = int(told.get("revisions", 1))
    images = told.get("images") or [None] * count
    count = len(images)
    templates = [_template(name, {**told, **({"image": image} if image else {})}, labels, f"1.{number}") for number, image in enumerate(images, start=1)]
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}
    revision = {"deployment.kubernetes.io/revision": str(count)} if kind == "Deployment" else {}
    yield {"apiVersion": "apps/v1", "kind": kind, "metadata": {
        "name": name, "namespace": space, "uid": owner["uid"], "labels": {**labels, **told.get("labels", {})},
        "annotations": {**revision, **told.get("annotations", {})}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": templates[-1], **({"paused": True} if told.get("paused") else {})},
        "status": {"replicas": replicas, "readyReplicas": replicas - len(told.get("bad", [])), **({"updateRevision": f"{name}-{count}"} if kind != "Deployment" else {})}}
    for number, template in enumerate(templates, start=1):
        yield _revision(name, space, kind, number, template, owner, replicas if number == count else 0)
    of = {**owner, "kind": "ReplicaSet", "name": f"{name}-{count}", "uid": f"uid-{name}-{count}"} if kind == "Deployment" else owner
    for number in range(replicas):
        yield _pod(f"{name}-{number}", space, labels, templates[-1], of, told, number, now)
    yield {"kind": "Service", "apiVersion": "v1", "metadata": {"name": name, "namespace": space}, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}
    if "autoscaler" in told:
        low, high = told["autoscaler"]
        yield {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name, "namespace": space},
               "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}, "minReplicas": low, "maxReplicas": high},
               "status": {"currentReplicas": replicas, "desiredReplicas": replicas, "conditions": [{"type": "ScalingActive", "status": "True"}]}}


def _template(name: str, told: Mapping[str, Any], labels: Mapping[str, str], version: str) -> Json:
    limits = {key: told[key] for key in ("memory", "cpu") if key in told}
    own: Json = {"name": name, "image": told.get("image", f"registry.example/{name}:{version}"), "ports": [{"containerPort": 8080}],
                 **({"resources": {"limits": limits, "requests": limits}} if limits else {}), **told.get("probes", {})}
    return {"metadata": {"labels": dict(labels)}, "spec": {"containers": [own, *told.get("sidecars", [])]}}


def _revision(name: str, space: str, kind: str, number: int, template: Json, owner: Json, replicas: int) -> Json:
    about = {"name": f"{name}-{number}", "namespace": space, "uid": f"uid-{name}-{number}", "ownerReferences": [owner], "labels": template["metadata"]["labels"]}
    if kind == "Deployment":
        return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {**about, "annotations": {"deployment.kubernetes.io/revision": str(number)}},
                "spec": {"replicas": replicas, "template": copy.deepcopy(template)}, "status": {"replicas": replicas}}
    return {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": about, "revision": number,
            "data": {"spec": {"template": {**copy.deepcopy(template), "$patch": "replace"}}}}


def _pod(name: str, space: str, labels: Mapping[str, str], template: Json, owner: Json, told: Mapping[str, Any], number: int, now: datetime) -> Json:
    bad = number in told.get("bad", ())
    status: list[Json] = []
    for place, container in enumerate(template["spec"]["containers"]):
        status.append({"name": container["name"], "ready": not bad, "restartCount": 0, "state": {"running": {}}, "lastState": {}})
        if "oom_after" in told and place == 0 and (bad or not told.get("bad")):
            end = now - timedelta(minutes=3)
            ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": _iso(end - timedelta(minutes=told["oom_after"])), "finishedAt": _iso(end)}
            status[0] |= {"restartCount": 4, "lastState": {"terminated": ended}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space, "labels": dict(labels), "ownerReferences": [owner]},
            "spec": {**copy.deepcopy(template["spec"]), "nodeName": "n1"},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": str(not bad)}], "containerStatuses": status}}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""The Deployment controller of a double: ReplicaSets, pods and status follow a Deployment's specification at once.

After kubernetes.io/docs/concepts/workloads/controllers/deployment (rolling update, revisions, rollback). Left out: time (a
rollout has come as far as it can when the write returns), scheduling, and every other controller.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any

from telemetry.sources.kubernetes.resources import RESOURCES
from telemetry.sources.kubernetes.revisions import EARLIER, NUMBER
from tools.cluster.double.objects import Object, Objects

_HASH = "pod-template-hash"
_DEPLOYMENTS, _SETS, _PODS = RESOURCES["deployments"], RESOURCES["replicasets"], RESOURCES["pods"]
Starts = Callable[[Mapping[str, Any]], str]
"""Of a pod template: empty when its pods come up, else the reason why a container waits (``CrashLoopBackOff`` …)."""


class Deployments:
    """A :data:`~tools.cluster.double.writing.Reaction` that rolls Deployments out."""

    def __init__(self, *, clock: Callable[[], datetime], starts: Starts = lambda _: "") -> None:
        self._clock, self._starts = clock, starts

    def __call__(self, objects: Objects, changed: Object) -> None:
        """Bring what belongs to a Deployment to where its specification wants it."""
        if changed["kind"] != "Deployment" or changed["metadata"].get("deletionTimestamp"):
            return
        with objects.lock:
            self._roll(objects, changed)

    def _roll(self, objects: Objects, deployment: Object) -> None:
        about, spec = deployment["metadata"], deployment["spec"]
        space, wanted = about["namespace"], int(spec.get("replicas", 1))
        old = [one for one in objects.select(_SETS, space) if _owned(one, deployment)]
        new = self._current(objects, deployment, old)
        reason = self._starts(spec["template"])
        others = [one for one in old if one["metadata"]["name"] != new["metadata"]["name"]]
        kept, made = _halfway(spec, wanted, sum(int(one["spec"].get("replicas", 0)) for one in others)) if reason else (0, wanted)
        for one in others:
            mine = min(kept, int(one["spec"].get("replicas", 0)))
            kept -= mine
            self._scale(objects, one, mine, self._starts(one["spec"]["template"]))
        self._scale(objects, new, made, reason)
        ready = sum(int(one["status"].get("readyReplicas", 0)) for one in objects.select(_SETS, space) if _owned(one, deployment))
        deployment["metadata"]["annotations"] = {**(about.get("annotations") or {}), NUMBER: new["metadata"]["annotations"][NUMBER]}
        deployment["status"] = {"observedGeneration": about.get("generation", 1), "replicas": wanted, "updatedReplicas": made, "readyReplicas": ready,
                                "availableReplicas": ready, "unavailableReplicas": max(0, wanted - ready)}
        objects.put(deployment)

    def _current(self, objects: Objects, deployment: Object, sets: list[Object]) -> Object:
        """The ReplicaSet of the present template: an earlier one gets the next revision's number."""
        template = deployment["spec"]["template"]
        newest = max((_number(one) for one in sets), default=0)
        same = next((one for one in sets if _plain(one["spec"]["template"]) == _plain(template)), None)
        if same is not None:
            if _number(same) < newest:
                marks = same["metadata"]["annotations"]
                marks[EARLIER] = ",".join(filter(None, (marks.get(EARLIER, ""), marks[NUMBER])))
                marks[NUMBER] = str(newest + 1)
                same["metadata"]["managedFields"] = [{"manager": "kube-controller-manager", "operation": "Update", "time": self._now(),
                                                      "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{NUMBER}": {}}}}}]
                return objects.put(same)
            return same
        return objects.put(self._made(deployment, template, newest + 1))

    def _made(self, deployment: Object, template: Mapping[str, Any], number: int) -> Object:
        about, hashed = deployment["metadata"], sha256(dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        own = copy.deepcopy(dict(template))
        own.setdefault("metadata", {}).setdefault("labels", {})[_HASH] = hashed
        return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"replicas": 0, "template": own, "selector": {"matchLabels": own["metadata"]["labels"]}},
                "status": {"replicas": 0}, "metadata": {
                    "name": f"{about['name']}-{hashed}", "namespace": about["namespace"], "labels": dict(own["metadata"]["labels"]),
                    "creationTimestamp": self._now(), "annotations": {NUMBER: str(number)}, "ownerReferences": [_owner(deployment)]}}

    def _scale(self, objects: Objects, owner: Object, count: int, reason: str) -> None:
        name, space, template = owner["metadata"]["name"], owner["metadata"]["namespace"], owner["spec"]["template"]
        for pod in objects.select(_PODS, space):
            if _owned(pod, owner) and int(pod["metadata"]["name"].rpartition("-")[2]) >= count:
                objects.remove(_PODS, space, pod["metadata"]["name"])
        for each in range(count):
            if objects.get(_PODS, space, f"{name}-{each}") is None:
                objects.put({"kind": "Pod", "spec": copy.deepcopy(template["spec"]), "status": _status(template, reason), "metadata": {
                    "name": f"{name}-{each}", "namespace": space, "labels": dict(template["metadata"]["labels"]), "creationTimestamp": self._now(),
                    "ownerReferences": [_owner(owner)]}})
        owner["spec"]["replicas"] = count
        owner["status"] = {"replicas": count, "readyReplicas": 0 if reason else count}
        objects.put(owner)

    def _now(self) -> str:
        return f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"


def _halfway(spec: Mapping[str, Any], wanted: int, there: int) -> tuple[int, int]:
    """Old and new pods where a rolling update stops whose new pods never come up: what maxUnavailable and maxSurge allow."""
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        return 0, wanted
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    kept = max(0, min(there, wanted - _share(rolling.get("maxUnavailable", "25%"), wanted, math.floor)))
    return kept, max(0, min(wanted, wanted + _share(rolling.get("maxSurge", "25%"), wanted, math.ceil) - kept))


def _share(said: int | str, wanted: int, rounded: Callable[[float], int]) -> int:
    return rounded(wanted * int(said[:-1]) / 100) if isinstance(said, str) else said


def _status(template: Mapping[str, Any], reason: str) -> dict[str, Any]:
    running: dict[str, Any] = {"ready": not reason, "restartCount": 2 if reason else 0,
               "state": {"waiting": {"reason": reason}} if reason else {"running": {}}}
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": "False" if reason else "True"}],
            "containerStatuses": [{"name": one["name"], "image": one["image"], **running} for one in template["spec"]["containers"]]}


def _plain(template: Mapping[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(dict(template))
    ((found.get("metadata") or {}).get("labels") or {}).pop(_HASH, None)
    return found


def _owner(one: Object) -> dict[str, Any]:
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "name": one["metadata"]["name"], "uid": one["metadata"]["uid"], "controller": True}


def _owned(one: Object, owner: Object) -> bool:
    return any(each.get("uid") == owner["metadata"]["uid"] for each in one["metadata"].get("ownerReferences") or ())


def _number(one: Object) -> int:
    return int((one["metadata"].get("annotations") or {}).get(NUMBER, 0))

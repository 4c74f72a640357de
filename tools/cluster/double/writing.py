"""Changes as an API server takes them: dry runs, resource versions, preconditions, evictions within disruption budgets.

Documented in kubernetes.io/docs/reference/using-api/api-concepts (dry run, patches, conflicts) and
kubernetes.io/docs/concepts/scheduling-eviction/api-eviction. Left out: admission, defaults, graceful deletion (a pod is gone
at once), and of validation all but what is said in ``_invalid``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from signals.kube.matching import selector_matches
from telemetry.sources.kubernetes.resources import RESOURCES, Resource
from tools.cluster.double.objects import Object, Objects
from tools.cluster.double.patching import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC,
    PatchError,
    patched,
)
from tools.cluster.double.replies import Asked, Reply, json_reply, status_reply

Reaction = Callable[[Objects, Object], None]
"""What a controller would do after an object was stored: called with the store and the object."""
_OWN_STATUS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Node", "HorizontalPodAutoscaler", "Ingress",
                         "PodDisruptionBudget", "Job"})
_BUILT_IN = ("", "apps", "batch", "autoscaling", "policy", "networking.k8s.io")
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class Writing:
    """Changes to the objects of a double."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.reactions: list[Reaction] = []

    def answer(self, asked: Asked, one: Resource) -> Reply:
        """What a request that writes gets."""
        part = asked.resource.partition(".")[0].partition("/")[2]
        with self.objects.lock:
            if asked.method == "POST" and part == "eviction":
                return self._evict(asked, one)
            if asked.method == "PATCH" and not part:
                return self._patch(asked, one)
            if asked.method == "DELETE" and not part:
                return self._delete(asked, one, _document(asked.body))
        return status_reply(405, "MethodNotAllowed", f"the double takes no {asked.method} of {asked.resource}")

    def _patch(self, asked: Asked, one: Resource) -> Reply:
        if asked.content not in {JSON_PATCH, MERGE_PATCH, STRATEGIC} or asked.content == STRATEGIC and one.group not in _BUILT_IN:
            return status_reply(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        old = self.objects.get(one, asked.namespace, asked.name)
        if old is None:
            return _missing(one, asked.name)
        try:
            new = patched(old, json.loads(asked.body), asked.content)
        except PatchError as error:
            return status_reply(422, "Invalid", f"the server rejected our request due to an error in our request: {error}")
        except ValueError as error:
            return status_reply(400, "BadRequest", f"error decoding patch: {error}")
        refused = _conflict(one, old, new) or _invalid(one, old, new)
        return refused or self._stored(asked, one, old, new)

    def _stored(self, asked: Asked, one: Resource, old: Object, new: Object) -> Reply:
        if one.kind in _OWN_STATUS and "status" in old:
            new["status"] = copy.deepcopy(old["status"])
        if new == old:
            return json_reply(old)  # what changes nothing is not written: the version stays
        if new.get("spec") != old.get("spec") and "generation" in old["metadata"]:
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        _manage(old, new, asked.query.get("fieldManager") or "unknown")
        if asked.dry:
            return json_reply(new)
        kept = self.objects.put(new)
        for reaction in self.reactions:
            reaction(self.objects, copy.deepcopy(kept))
        return json_reply(kept)

    def _delete(self, asked: Asked, one: Resource, options: Mapping[str, Any]) -> Reply:
        held = self.objects.get(one, asked.namespace, asked.name)
        if held is None:
            return _missing(one, asked.name)
        for key, named in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            wanted = (options.get("preconditions") or {}).get(key)
            if wanted and wanted != held["metadata"][key]:
                return _conflicting(one, asked.name, f"Precondition failed: {named} in precondition: {wanted}, {named} in object meta: {held['metadata'][key]}")
        if not (asked.dry or options.get("dryRun") == ["All"]):
            self.objects.remove(one, asked.namespace if one.namespaced else "", asked.name)
            for reaction in self.reactions:
                reaction(self.objects, {**held, "metadata": {**held["metadata"], "deletionTimestamp": _now()}})
        return json_reply(held)

    def _evict(self, asked: Asked, one: Resource) -> Reply:
        pod = self.objects.get(one, asked.namespace, asked.name)
        if pod is None:
            return _missing(one, asked.name)
        budgets = [] if pod.get("status", {}).get("phase") in {"Succeeded", "Failed", "Pending"} else list(self._budgets(pod))
        if len(budgets) > 1:
            return status_reply(500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        for budget in budgets:
            if not _spare(budget, pod):
                name = budget["metadata"]["name"]
                return status_reply(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", causes=[
                    {"reason": "DisruptionBudget", "message": f"The disruption budget {name} needs {budget.get('status', {}).get('desiredHealthy', 0)} healthy "
                     f"pods and has {budget.get('status', {}).get('currentHealthy', 0)} currently"}])
        options = _document(asked.body).get("deleteOptions") or {}
        reply = self._delete(asked, one, options)
        if reply.status != 200:
            return reply
        for budget in budgets:
            if not asked.dry and _ready(pod):
                budget.setdefault("status", {})["disruptionsAllowed"] = budget.get("status", {}).get("disruptionsAllowed", 0) - 1
                self.objects.put(budget)
        return json_reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)

    def _budgets(self, pod: Object) -> Iterator[Object]:
        labels = pod["metadata"].get("labels") or {}
        for each in self.objects.select(RESOURCES["poddisruptionbudgets"], pod["metadata"].get("namespace", "")):
            selector = each.get("spec", {}).get("selector")
            if selector is not None and selector_matches(selector, labels):
                yield each


def _spare(budget: Object, pod: Object) -> bool:
    """A pod that is not ready may go while the others are as many as wanted, or always when the budget says so."""
    status = budget.get("status") or {}
    if not _ready(pod):
        healthy = status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0
        if healthy or budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
            return True
    return bool(status.get("disruptionsAllowed", 0) > 0)


def _ready(pod: Object) -> bool:
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in pod.get("status", {}).get("conditions") or ())


def _conflict(one: Resource, old: Object, new: Object) -> Reply | None:
    about = new.get("metadata") or {}
    if about.get("name") != old["metadata"]["name"] or about.get("namespace") != old["metadata"].get("namespace"):
        return status_reply(400, "BadRequest", "the name of the object does not match the name on the URL")
    if about.get("resourceVersion") not in {None, "", old["metadata"]["resourceVersion"]}:
        return _conflicting(one, about["name"], _MODIFIED)
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    if about.get("uid") not in {None, "", old["metadata"]["uid"]}:
        return _unfit(one, about["name"], f'metadata.uid: Invalid value: "{about["uid"]}": field is immutable')
    new["metadata"]["uid"] = old["metadata"]["uid"]
    return None


def _invalid(one: Resource, old: Object, new: Object) -> Reply | None:
    spec = new.get("spec") or {}
    name = old["metadata"]["name"]
    replicas = spec.get("replicas", 1)
    if one.group == "apps" and (not isinstance(replicas, int) or replicas < 0):
        return _unfit(one, name, f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0")
    if one.group == "apps" and spec.get("selector") != (old.get("spec") or {}).get("selector"):
        return _unfit(one, name, "spec.selector: Invalid value: field is immutable")
    if one.kind == "HorizontalPodAutoscaler" and spec.get("minReplicas", 1) > spec.get("maxReplicas", 1):
        return _unfit(one, name, f"spec.maxReplicas: Invalid value: {spec.get('maxReplicas')}: must be greater than or equal to `minReplicas`")
    return None


def _manage(old: Object, new: Object, manager: str) -> None:
    """Who set which field last, as far as it was set here."""
    paths = [path for path in _changed(old, new, ()) if path[:1] != ("status",) and path[:2] not in {
        ("metadata", part) for part in ("managedFields", "resourceVersion", "generation", "uid")}]
    fields: dict[str, Any] = {}
    for path in paths:
        at = fields
        for key in path:
            at = at.setdefault(f"f:{key}", {})
    entry = {"manager": manager, "operation": "Update", "apiVersion": new["apiVersion"], "time": _now(), "fieldsType": "FieldsV1", "fieldsV1": fields}
    held = [each for each in old["metadata"].get("managedFields") or () if each.get("manager") != manager]
    new["metadata"]["managedFields"] = [*held, entry]


def _changed(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from _changed(old.get(key), new.get(key), (*path, key))
    elif old != new:
        yield path


def _document(body: bytes) -> Mapping[str, Any]:
    found = json.loads(body) if body else {}
    return found if isinstance(found, dict) else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _missing(one: Resource, name: str) -> Reply:
    return status_reply(404, "NotFound", f'{one.full} "{name}" not found', name=name)


def _conflicting(one: Resource, name: str, why: str) -> Reply:
    return status_reply(409, "Conflict", f'Operation cannot be fulfilled on {one.full} "{name}": {why}', name=name)


def _unfit(one: Resource, name: str, why: str) -> Reply:
    kind = f"{one.kind}.{one.group}" if one.group else one.kind
    return status_reply(422, "Invalid", f'{kind} "{name}" is invalid: {why}', name=name)

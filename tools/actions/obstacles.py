"""What stands against an action whatever it is: owners that would set the change back, protected targets, quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from signals.kube.quantities import quantity
from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Obstacle
from tools.actions.kinds import ActionType, Bounds
from tools.actions.patches import Object, changed_paths
from tools.actions.world import Situation, labels_of

_GITOPS_MARKS = {
    "argocd.argoproj.io/tracking-id": "Argo CD", "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux", "helm.toolkit.fluxcd.io/name": "Flux",
    "configsync.gke.io/resource-id": "Config Sync", "objectset.rio.cattle.io/id": "Rancher Fleet",
}
"""Labels and annotations that GitOps tools put on what they own (their documentation on resource tracking)."""
_GITOPS_MANAGERS = {"argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD", "kustomize-controller": "Flux",
                    "helm-controller": "Flux", "flux": "Flux", "configsync.gke.io": "Config Sync", "fleetagent": "Rancher Fleet"}
_BUILT_IN = frozenset({"", "v1", "apps", "batch", "autoscaling", "policy", "networking.k8s.io"})
_HANDS = frozenset({"helm", "kubectl", "kustomize", "skaffold", "oncalm", "tiller"})
_ADDED = ("metadata", "annotations", "oncalm.dev/action")


def standing(situation: Situation, kind: ActionType, after: Object, bounds: Bounds) -> Iterator[Obstacle]:
    """Protected, owned, on its way out: what holds for every action."""
    target = situation.target
    if target.kind in bounds.protected:
        yield Obstacle("protected", f"{target.kind}s are protected: no action may touch them", "have an engineer do it")
    if at(situation.object, "metadata", "deletionTimestamp"):
        yield Obstacle("leaving", f"{target} is being deleted already", "wait until it is gone")
    if kind.declared:
        yield from owned(situation.object, after)


def owned(before: Object, after: Object) -> Iterator[Obstacle]:
    """Who would set the change back: a controller, GitOps; and Helm, with its next upgrade."""
    paths = [path for path in changed_paths(before, after) if path[:1] != ("status",) and path != _ADDED]
    for owner in at(before, "metadata", "ownerReferences") or ():
        group = str(owner.get("apiVersion", "")).rpartition("/")[0]
        if owner.get("controller") and group not in _BUILT_IN:
            named = f"{owner.get('kind')} {owner.get('name')}"
            yield Obstacle("managed", f"it is owned by {named} ({owner.get('apiVersion')}), whose operator would revert the change",
                           f"change the {named} instead")
    yield from _gitops(before, paths)
    yield from _by_hand(before)


def _gitops(before: Object, paths: list[tuple[str, ...]]) -> Iterator[Obstacle]:
    marks = {**(at(before, "metadata", "annotations") or {}), **labels_of(before)}
    tools = {tool: f"{key}={marks[key]}" for key, tool in _GITOPS_MARKS.items() if marks.get(key)}
    fields: dict[str, list[Mapping[str, Any]]] = {}
    for one in at(before, "metadata", "managedFields") or ():
        tool = _GITOPS_MANAGERS.get(str(one.get("manager")))
        if tool and one.get("subresource") != "status":
            fields.setdefault(tool, []).append(one.get("fieldsV1") or {})
            tools.setdefault(tool, f"field manager {one.get('manager')}")
    for tool, proof in tools.items():
        known = fields.get(tool)
        reverts = known is None or any(_owns(one, path) for one in known for path in paths)
        why = f"{tool} keeps it as Git says ({proof})"
        if reverts:
            yield Obstacle("managed", f"{why}: it would revert the change", "change it in Git, or suspend the sync of it first")
        else:
            yield Obstacle("managed", f"{why}, but does not set what is changed here", "put it into Git as well if it shall stay", blocking=False)


def _owns(fields: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a ``fieldsV1`` set holds the path, or something below it (kubernetes.io/docs/reference/using-api/server-side-apply)."""
    at_: Any = fields
    for key in path:
        if not isinstance(at_, Mapping) or f"f:{key}" not in at_:
            return False
        at_ = at_[f"f:{key}"]
    return True


def _by_hand(before: Object) -> Iterator[Obstacle]:
    notes, labels = at(before, "metadata", "annotations") or {}, labels_of(before)
    manager = str(labels.get("app.kubernetes.io/managed-by") or "")
    release = notes.get("meta.helm.sh/release-name") or (manager.lower() == "helm" and (labels.get("app.kubernetes.io/instance") or "a release"))
    if release:
        yield Obstacle("helm", f"it belongs to the Helm release {release}: the next helm upgrade sets it back",
                       "put the change into the release's values as well", blocking=False)
    elif manager and manager.lower() not in _HANDS:
        yield Obstacle("managed", f"it says that {manager} manages it (app.kubernetes.io/managed-by), which may revert the change",
                       f"see whether {manager} has a setting for it", blocking=False)


def paused(situation: Situation) -> Iterator[Obstacle]:
    """A paused rollout takes a new template and rolls nothing out."""
    if situation.spec.get("paused") is True:
        yield Obstacle("paused", f"the rollout of {situation.target} is paused: nothing would be rolled out", "resume_rollout first")
    strategy = at(situation.spec, "updateStrategy", "type")
    if strategy == "OnDelete":
        yield Obstacle("paused", f"{situation.target} has the update strategy OnDelete: pods keep their template until they are deleted",
                       "recreate_pod for each pod afterwards", blocking=False)


def over_quota(situation: Situation, more: Mapping[str, float]) -> Iterator[Obstacle]:
    """Quotas of the namespace without scopes that would be passed by ``more`` (``pods``, ``limits.memory`` …: plain numbers)."""
    for each in situation.world.around("ResourceQuota", situation.target.namespace) or ():
        if at(each, "spec", "scopes") or at(each, "spec", "scopeSelector"):
            continue
        hard, used = at(each, "status", "hard") or at(each, "spec", "hard") or {}, at(each, "status", "used") or {}
        for key, amount in more.items():
            most, has = quantity(hard.get(key)), quantity(used.get(key, "0"))
            if most is not None and has is not None and amount > 0 and has + amount > most:
                yield Obstacle("quota", f"the quota {each['metadata']['name']} has {key} {used.get(key, '0')} of {hard[key]}: {amount:g} more do not fit",
                               "raise the quota, or take less")


def pod_needs(template: Mapping[str, Any], pods: int) -> dict[str, float]:
    """What so many pods of a template need of a quota."""
    found = {"pods": float(pods), "count/pods": float(pods)}
    for container in at(template, "spec", "containers") or ():
        for part in ("requests", "limits"):
            values = at(container, "resources", part) or {}
            for resource in ("cpu", "memory"):
                # a limit without a request stands for both
                said = values.get(resource) or (at(container, "resources", "limits", resource) if part == "requests" else None)
                amount = (quantity(said) or 0.0) * pods if said is not None else 0.0
                found[f"{part}.{resource}"] = found.get(f"{part}.{resource}", 0.0) + amount
    found |= {"cpu": found.get("requests.cpu", 0.0), "memory": found.get("requests.memory", 0.0)}
    return found

"""Nodes and single pods: cordon, uncordon, recreate one pod by eviction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from signals.kube.matching import CONTROL_PLANE
from telemetry.sources.kubernetes.revisions import at
from tools.actions.action import Blast, Obstacle
from tools.actions.kinds import ActionType, Bounds, NoParams, edited
from tools.actions.patches import ready
from tools.actions.world import Situation, labels_of, name_of

MIRROR = "kubernetes.io/config.mirror"
"""On pods that a kubelet runs from a file: deleting one shows nothing but its picture deleted."""


def _cordoned(situation: Situation, _params: NoParams) -> dict[str, Any]:
    found = edited(situation)
    found.setdefault("spec", {})["unschedulable"] = True
    return found


def _uncordoned(situation: Situation, _params: NoParams) -> dict[str, Any]:
    found = edited(situation)
    found.setdefault("spec", {}).pop("unschedulable", None)
    return found


def _node_blast(situation: Situation, _params: NoParams) -> Blast:
    pods = situation.world.around("Pod", "")
    if pods is None:
        return Blast(0, 0.0, (), "no pod is removed; the pods on the node cannot be read")
    here = [each for each in pods if at(each, "spec", "nodeName") == situation.target.name]
    return Blast(0, 0.0, (), f"no pod is removed; {len(here)} pods run on the node")


def _cordon_hinders(situation: Situation, _params: NoParams, _bounds: Bounds) -> Iterator[Obstacle]:
    nodes = situation.world.around("Node", "")
    others = [each for each in nodes or () if name_of(each) != situation.target.name and ready(each) and not at(each, "spec", "unschedulable")
              and not any(one.get("effect") in {"NoSchedule", "NoExecute"} for one in at(each, "spec", "taints") or ())]
    if nodes is not None and not others:
        yield Obstacle("capacity", "no other ready node takes pods: nothing could be scheduled any more", "add a node first")
    if any(key in labels_of(situation.object) for key in CONTROL_PLANE):
        yield Obstacle("protected", f"{situation.target.name} belongs to the control plane", "see that its pods need not move", blocking=False)


def _pod_unchanged(situation: Situation, _params: NoParams) -> dict[str, Any]:
    return edited(situation)


def _owner(situation: Situation) -> dict[str, Any] | None:
    return next((one for one in at(situation.object, "metadata", "ownerReferences") or () if one.get("controller", True)), None)


def _siblings(situation: Situation) -> list[dict[str, Any]] | None:
    """The pods of the same owner, itself among them."""
    owner, every = _owner(situation), situation.world.around("Pod", situation.target.namespace)
    if every is None or owner is None:
        return every if owner else [dict(situation.object)]
    return [each for each in every if any((one.get("uid"), one.get("name")) == (owner.get("uid"), owner.get("name"))
                                          for one in at(each, "metadata", "ownerReferences") or ())]


def _pod_blast(situation: Situation, _params: NoParams) -> Blast:
    pods, up = _siblings(situation), ready(situation.object)
    services = situation.services(labels_of(situation.object)) if up else ()
    if pods is None:
        return Blast(1, None, services, "one pod is removed; how many others there are cannot be read")
    count = sum(ready(each) for each in pods)
    share = round(1 / count, 4) if up and count else 0.0
    return Blast(1, share, services, f"one pod is removed{'' if up else ', which is not ready'}; {count} of {len(pods)} pods of its owner are ready")


def _pod_hinders(situation: Situation, _params: NoParams, _bounds: Bounds) -> Iterator[Obstacle]:
    if MIRROR in (at(situation.object, "metadata", "annotations") or {}):
        yield Obstacle("protected", "it is a static pod: its kubelet runs it from a file, and deleting it restarts nothing", "change the manifest on its node")
    owner = _owner(situation)
    if owner is None:
        yield Obstacle("unowned", "nothing owns this pod: deleted, it does not come back", "create it through a Deployment")
    elif owner.get("kind") == "Job":
        yield Obstacle("unowned", f"it belongs to the Job {owner.get('name')}: its work begins again, and counts against backoffLimit", "", blocking=False)
    yield from _budget(situation)


def _budget(situation: Situation) -> Iterator[Obstacle]:
    if at(situation.object, "status", "phase") in {"Succeeded", "Failed", "Pending"}:
        return  # evictions of such pods are not held against a budget
    budgets = situation.budgets(labels_of(situation.object))
    if len(budgets) > 1:
        names = ", ".join(map(name_of, budgets))
        yield Obstacle("disruption_budget", f"several budgets hold for it ({names}), which evictions do not support", "make their selectors disjoint")
        return
    for each in budgets:
        if not _spare(situation, each):
            status = at(each, "status") or {}
            yield Obstacle("disruption_budget", f"the budget {name_of(each)} permits no disruption now ({status.get('currentHealthy', '?')} of "
                           f"{status.get('desiredHealthy', '?')} wanted pods are healthy)", "bring up more pods first (scale), or restart_rollout, which brings up new ones first")


def _spare(situation: Situation, budget: dict[str, Any]) -> bool:
    """As the eviction API counts (kubernetes.io/docs/tasks/run-application/configure-pdb, unhealthyPodEvictionPolicy)."""
    status = at(budget, "status") or {}
    if not ready(situation.object):
        healthy = status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0
        if healthy or at(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow":
            return True
    return bool(status.get("disruptionsAllowed", 0) > 0)


def _pod_predicted(situation: Situation, _params: NoParams) -> str:
    owner = _owner(situation)
    named = f"{owner.get('kind')} {owner.get('name')}" if owner else "nobody"
    return f"within 5 minutes this pod is gone, and {named} has a new one that is ready and does not restart"


NODES = (
    ActionType("cordon_node", "Let no new pods be scheduled on a node", ("Node",), NoParams, _cordoned, lambda s, p: ("uncordon_node", {}),
               lambda s, p: f"no pod that is made from now on is scheduled on {s.target.name}", _node_blast, _cordon_hinders, undone_by="`uncordon_node`"),
    ActionType("uncordon_node", "Let pods be scheduled on a node again", ("Node",), NoParams, _uncordoned, lambda s, p: ("cordon_node", {}),
               lambda s, p: f"new pods may be scheduled on {s.target.name}, and pending ones that fit only there are scheduled within 5 minutes", _node_blast,
               undone_by="`cordon_node`"),
    ActionType("recreate_pod", "Evict one pod, so that its owner makes a new one", ("Pod",), NoParams, _pod_unchanged, lambda s, p: None, _pod_predicted,
               _pod_blast, _pod_hinders, reversible="no", declared=False, evicts=True, undone_by="nothing: the new pod is another pod"),
)

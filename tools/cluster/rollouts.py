"""``cluster.rollout_history``: the revisions of a workload and what changed between them."""

from __future__ import annotations

from signals.kube.clock import written
from signals.kube.state import Object, at, items_at, name_of, namespace_of
from telemetry.sources.kubernetes.revisions import Revision, differences, revisions
from tools.cluster import inputs
from tools.cluster.asking import Asking, kind_of
from tools.result import Outcome

COLUMNS = ("revision", "rolled out", "by", "pods", "images", "changed from the revision before")
_TOLD = 12


def rollout_history(asking: Asking, given: inputs.RolloutInput) -> Outcome:
    """Revisions, the newest first; the controller keeps the last ten (``revisionHistoryLimit``)."""
    owner = asking.one(kind_of(given.kind), given.name, given.namespace)
    children = asking.need("replicasets" if given.kind == "deployment" else "controllerrevisions", namespace_of(owner))
    held = revisions(owner, children)
    pairs = list(zip([None, *held], held, strict=False))
    rows = [[now.number, written(now.time) if now.time is not None else "not known", how(now), "" if now.replicas is None else now.replicas,
             ", ".join(now.images), _changed(before, now)] for before, now in reversed(pairs)]
    asking.notes += _state(owner)
    return asking.table(COLUMNS, rows, {**given.model_dump(mode="json"), "namespace": namespace_of(owner)},
                        why=f"{given.kind} {name_of(owner)} has no revision on record")


def how(one: Revision) -> str:
    """What made it."""
    return ("undo" if one.undo else "rollout") + (f" ({one.cause})" if one.cause else "")


def _changed(before: Revision | None, now: Revision) -> str:
    if before is None:
        return "the oldest on record"
    found = [str(one) for one in differences(before.template, now.template)]
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return "; ".join(found[:_TOLD]) + more if found else "nothing that is shown: values of secrets are not compared"


def _state(owner: Object) -> list[str]:
    """What stands in the way of the newest rollout."""
    found = ["the rollout is paused"] if at(owner, "spec", "paused") else []
    return found + [f"{one.get('type')} is {one.get('status')}: {one.get('reason')}: {one.get('message')}"
                    for one in items_at(owner, "status", "conditions") if (one.get("type") == "ReplicaFailure") == (one.get("status") == "True")]

"""Rollouts: restart, undo to a recorded revision, pause and resume, take an image that ran before."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from telemetry.sources.kubernetes.revisions import Revision, at
from tools.actions.action import Obstacle
from tools.actions.kinds import (
    ActionType,
    Bounds,
    Inverse,
    NoParams,
    Params,
    all_pods,
    edited,
    no_pods,
)
from tools.actions.obstacles import paused
from tools.actions.patches import fingerprint
from tools.actions.world import Situation, hindered

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
RESTARTED = "oncalm.dev/restarted-from"
"""Annotation of the pod template: the name of the template before. Another value makes another template, as the time does that
``kubectl rollout restart`` writes; this one is the same however long an approval takes."""
_HASH = "pod-template-hash"


class UndoParams(Params):
    """Which revision."""

    revision: int | None = Field(default=None, ge=1, description="Number of the revision to go back to; null: the one before the present")
    template: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="Filled in: names the revision's pod template")


class ImageParams(Params):
    """Which image."""

    image: str = Field(min_length=1, max_length=1000, description="An image that a recorded revision of this container has, exactly")
    container: str | None = Field(default=None, max_length=253, description="Null: the only container")


def template_of(revision: Revision) -> dict[str, Any]:
    """The pod template as the workload had it: without what the controller and the patch format added."""
    found = copy.deepcopy(dict(revision.template))
    found.pop("$patch", None)
    about = found.get("metadata")
    if isinstance(about, dict):
        about.pop("creationTimestamp", None)
        if isinstance(about.get("labels"), dict):
            about["labels"].pop(_HASH, None)
    return found


def _own(template: Any) -> dict[str, Any]:
    return template_of(Revision(0, "", None, template if isinstance(template, dict) else {}))


def present(situation: Situation, found: list[Revision]) -> Revision | None:
    """The recorded revision that the workload has now: the newest with its template, else the one its status names."""
    own = _own(situation.object.get("spec", {}).get("template"))
    same = [one for one in found if template_of(one) == own]
    if same:
        return same[-1]
    named = at(situation.object, "status", "updateRevision")
    number = at(situation.object, "metadata", "annotations", "deployment.kubernetes.io/revision")
    return next((one for one in found if one.name == named or str(one.number) == str(number)), None)


def _chosen(situation: Situation, params: UndoParams) -> Revision:
    """The revision to go back to. Raises Hindered."""
    found = situation.revisions()
    now = present(situation, found)
    numbers = ", ".join(str(one.number) for one in found) or "none"
    if params.revision is None:
        before = [one for one in found if now is not None and one.number < now.number or now is None]
        if not before:
            raise hindered("missing_revision", f"{situation.target} has no earlier revision (recorded: {numbers})", "change the image or the fields by their own actions")
        return before[-1]
    chosen = next((one for one in found if one.number == params.revision), None)
    if chosen is None:
        raise hindered("missing_revision", f"{situation.target} has no revision {params.revision} (recorded: {numbers})", "take one of the recorded revisions")
    return chosen


def _undo_complete(situation: Situation, params: UndoParams) -> UndoParams:
    chosen = _chosen(situation, params)
    return UndoParams(revision=chosen.number, template=fingerprint(template_of(chosen)))


def _undone(situation: Situation, params: UndoParams) -> dict[str, Any]:
    template = template_of(_chosen(situation, params))
    if params.template is not None and params.template != fingerprint(template):
        raise hindered("missing_revision", f"revision {params.revision} of {situation.target} is not what it was", "propose the undo again")
    found = edited(situation)
    found["spec"]["template"] = template
    return found


def _back_to_present(situation: Situation, _params: object) -> Inverse | None:
    """Undo to the revision that is there now; None when nothing records it."""
    now = present(situation, situation.revisions())
    if now is None or template_of(now) != _own(situation.object.get("spec", {}).get("template")):
        return None
    return "undo_rollout", {"revision": now.number, "template": fingerprint(template_of(now))}


def _rolled_out(situation: Situation, _params: object) -> str:
    return f"within 10 minutes every pod of {situation.target} is new and ready, and none of the new ones restarts"


def _undo_hinders(situation: Situation, _params: UndoParams, _bounds: Bounds) -> Iterator[Obstacle]:
    yield from paused(situation)
    if situation.spec.get("revisionHistoryLimit") == 0:
        yield Obstacle("missing_revision", "it keeps no old revisions (revisionHistoryLimit: 0): the undo cannot be taken back", "", blocking=False)


def _restarted(situation: Situation, _params: NoParams) -> dict[str, Any]:
    found = edited(situation)
    about = found["spec"]["template"].setdefault("metadata", {})
    about["annotations"] = {**(about.get("annotations") or {}), RESTARTED: fingerprint(situation.pod_template)[:16]}
    return found


def _with_pause(situation: Situation, _params: NoParams) -> dict[str, Any]:
    found = edited(situation)
    found["spec"]["paused"] = True
    return found


def _without_pause(situation: Situation, _params: NoParams) -> dict[str, Any]:
    found = edited(situation)
    found["spec"].pop("paused", None)
    return found


def _containers(situation: Situation) -> list[dict[str, Any]]:
    found = at(situation.pod_template, "spec", "containers")
    return found if isinstance(found, list) else []


def container_name(situation: Situation, wanted: str | None) -> str:
    """The container that is meant. Raises Hindered."""
    names = [str(one.get("name")) for one in _containers(situation)]
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted not in names:
        why = f"{situation.target} has no container {wanted}" if wanted else f"{situation.target} has several containers"
        raise hindered("missing_container", f"{why}; it has {', '.join(names) or 'none'}", "name one of them")
    return wanted


def container_in(each: dict[str, Any], name: str) -> dict[str, Any]:
    """A container of a workload's template, to change."""
    return next(one for one in each["spec"]["template"]["spec"]["containers"] if one.get("name") == name)


def _image_complete(situation: Situation, params: ImageParams) -> ImageParams:
    return ImageParams(image=params.image, container=container_name(situation, params.container))


def _imaged(situation: Situation, params: ImageParams) -> dict[str, Any]:
    name = container_name(situation, params.container)
    found = edited(situation)
    own = container_in(found, name)
    if own.get("image") != params.image:
        ran = _images(situation, name)
        if params.image not in ran:
            raise hindered("missing_revision", f"no recorded revision of {situation.target} has the image {params.image} in {name}; they have: {', '.join(ran) or 'none'}",
                           "take one of them, or roll out a new version as usual")
    own["image"] = params.image
    return found


def _images(situation: Situation, name: str) -> list[str]:
    """Images of a container in the recorded revisions, the newest first."""
    found = [str(one.get("image")) for each in reversed(situation.revisions()) for one in at(each.template, "spec", "containers") or () if one.get("name") == name]
    return list(dict.fromkeys(found))


def _image_back(situation: Situation, params: ImageParams) -> Inverse:
    name = container_name(situation, params.container)
    image = next(str(one.get("image")) for one in _containers(situation) if one.get("name") == name)
    return "set_image", {"image": image, "container": name}


def _image_hinders(situation: Situation, params: ImageParams, _bounds: Bounds) -> Iterator[Obstacle]:
    yield from paused(situation)
    if "@sha256:" not in params.image:
        yield Obstacle("tag", f"{params.image} is a tag, which may name another image than it did", "take a digest (@sha256:…) where a revision has one", blocking=False)


ROLLOUTS = (
    ActionType("restart_rollout", "Replace every pod by a new one of the same template", WORKLOADS, NoParams, _restarted, _back_to_present, _rolled_out,
               all_pods, lambda s, p, b: paused(s), reversible="in_effect", declared=False,
               undone_by="`undo_rollout` to the present revision (the pods are other ones)"),
    ActionType("undo_rollout", "Go back to a recorded revision of the pod template", WORKLOADS, UndoParams, _undone, _back_to_present, _rolled_out,
               all_pods, _undo_hinders, _undo_complete, undone_by="`undo_rollout` to the present revision"),
    ActionType("pause_rollout", "Stop rolling out changes of the pod template", ("Deployment",), NoParams, _with_pause, lambda s, p: ("resume_rollout", {}),
               lambda s, p: f"no pod of {s.target} is replaced by one of another template while it is paused", no_pods, undone_by="`resume_rollout`"),
    ActionType("resume_rollout", "Roll out what a pause held back", ("Deployment",), NoParams, _without_pause, lambda s, p: ("pause_rollout", {}), _rolled_out,
               all_pods, undone_by="`pause_rollout`"),
    ActionType("set_image", "Take an image that a recorded revision has", WORKLOADS, ImageParams, _imaged, _image_back, _rolled_out, all_pods, _image_hinders,
               _image_complete, undone_by="`set_image` to the present one"),
)

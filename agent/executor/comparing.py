"""Whether the world is still the one that was approved, and which inverse fits it now."""

from __future__ import annotations

from dataclasses import replace

from agent.approvals.record import Approval
from agent.executor.errors import NotExecutedError
from telemetry.errors import OnCalmError
from tools.actions.action import Action, Edit, Preview
from tools.actions.patches import MARKER
from tools.actions.performing import Performer


def changed(approved: Preview, performer: Performer) -> str:
    """What is different from what was approved, in words; empty when nothing is. Raises what the preview raises."""
    action = approved.action
    now = performer.preview(action.name, action.target, action.params)
    against = [one.why for one in now.obstacles if one.blocking]
    if not against and (now.digest == approved.digest or _only_its_status_moved(approved, now)):
        return ""
    if against:
        return f"something stands against it now: {'; '.join(against)}"
    if now.action.uid != action.uid:
        return "the target was deleted and made anew"
    if now.action.resource_version != action.resource_version:
        return f"the target changed: it is at version {now.action.resource_version}, and was at {action.resource_version} when this was asked"
    return "the action would do something else now than what was approved"


def _only_its_status_moved(approved: Preview, now: Preview) -> bool:
    """Whether the target is what it was apart from its status, and the action would do the same to it.

    Pods that come and go move a target's version. The mark of the action is another with another version.
    """
    before, after = approved.action, now.action
    if not before.basis or replace(after, resource_version=before.resource_version) != before:
        return False
    inverses = [replace(one, resource_version="", uid="", basis="", undoes="") if one else None for one in (approved.inverse, now.inverse)]
    return inverses[0] == inverses[1] and _unmarked(approved.diff) == _unmarked(now.diff)


def _unmarked(diff: tuple[Edit, ...]) -> list[Edit]:
    return [edit for edit in diff if edit.path != f"metadata.annotations.{MARKER}"]


def inverse_now(approval: Approval, performer: Performer) -> Action:
    """The approved inverse with the version that it must find. Raises NotExecutedError when it does not fit the world any more.

    A target's version moves with its status, without anybody having changed it. So a newer version is accepted when
    every field that the action changed still holds what the action left there, on the same object.
    """
    inverse = approval.inverse
    if inverse is None:
        raise _refused(approval, "nothing takes this action back", "do it by hand")
    try:
        now = performer.preview(inverse.name, inverse.target, inverse.params)
    except OnCalmError as error:
        if inverse.resource_version:  # the server compares the version itself
            return inverse
        raise _refused(approval, f"the target cannot be looked at: {error}", "try again") from error
    if inverse.resource_version and now.action.resource_version == inverse.resource_version:
        return inverse
    if not _untouched(approval.preview, now):
        raise _refused(approval, "somebody changed the same fields since, or took it back already", "look at the target, and propose what it needs")
    return replace(inverse, resource_version=now.action.resource_version, uid=now.action.uid)


def _untouched(approved: Preview, back: Preview) -> bool:
    """Whether the fields hold what the action left, by what its inverse would change now."""
    if approved.action.uid and back.action.uid and approved.action.uid != back.action.uid:
        return False
    there = {edit.path: edit.before for edit in back.diff}
    left = {edit.path: edit.after for edit in approved.diff}
    return all(there[path] == left[path] for path in there.keys() & left.keys()) and (bool(there) or not left)


def _refused(approval: Approval, why: str, remedy: str) -> NotExecutedError:
    return NotExecutedError(f"NOT rolled back: {why}", where=f"approval {approval.id}", remedy=remedy)

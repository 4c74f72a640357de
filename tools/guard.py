"""The only way to a change: no grant for exactly this action, now and unused, and nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tools.actions.action import Action, Effect, Preview
from tools.actions.errors import NotGrantedError, RefusedError
from tools.actions.performing import Performer
from tools.approval import Grant, Ledger


def carry_out(preview: Preview, grant: Grant, ledger: Ledger, performer: Performer, *, now: datetime,
              inverse: Action | None = None) -> Effect:
    """Carry out what ``grant`` names: the preview's action, or with ``grant.rollback`` its recorded ``inverse``.

    The ledger says that it begins before anything is sent, and says no to the second who comes. Raises NotGrantedError
    and what :meth:`~tools.actions.performing.Performer.perform` raises; an unexpected error is an unknown outcome.
    """
    action = _granted(preview, grant, now, inverse)
    if not ledger.begin(grant):
        raise _refused("it was begun before, or is not approved any more", grant)
    try:
        effect = performer.perform(action, grant)
    except RefusedError as error:
        ledger.end(grant, succeeded=False, message=str(error))
        raise
    except BaseException as error:
        ledger.end(grant, succeeded=None, message=f"{type(error).__name__}: {error}")
        raise
    ledger.end(grant, succeeded=True, message=effect.message)
    return effect


def _granted(preview: Preview, grant: Grant, now: datetime, inverse: Action | None) -> Action:
    """The action that the grant is for. Raises NotGrantedError when there is none."""
    if preview.digest != grant.digest:
        raise _refused("the grant is for another action, or the action was edited", grant)
    if now.tzinfo is None or now >= grant.deadline:
        raise _refused(f"the grant ended at {grant.deadline.isoformat()}", grant)
    if not grant.approvers:
        raise _refused("nobody approved it", grant)
    if not grant.rollback:
        return preview.action
    promised = preview.inverse
    if promised is None or inverse is None or _of_any_world(inverse) != _of_any_world(promised):
        raise _refused("the inverse is not the one that was approved with the action", grant)
    return inverse


def _of_any_world(action: Action) -> Action:
    """What it does, without the version it must find: that is known only when the action itself is done."""
    return replace(action, resource_version="", uid="", basis="")


def _refused(why: str, grant: Grant) -> NotGrantedError:
    return NotGrantedError(f"not executed: {why}", where=f"approval {grant.approval}", remedy="propose the action again and have it approved")

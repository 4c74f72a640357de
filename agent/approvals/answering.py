"""Answering: who may say yes or no to what, and when an answer counts."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from agent.approvals import store
from agent.approvals.errors import AlreadyAnsweredError, DigestError, LapsedError, NotAllowedError
from agent.approvals.people import CLOCK, Person
from agent.approvals.record import Answer, Approval
from agent.approvals.states import OPEN, State
from agent.audit.journal import Writing, moment, short
from agent.audit.keys import Key

if TYPE_CHECKING:
    from sqlalchemy import Row

_SAID = {"approve": "approved", "reject": "rejected"}


def approve(writing: Writing, key: Key, approval: str, by: Person, *, digest: str, via: str, reason: str) -> None:
    """Count one approval; the last one that is needed approves. Raises what :mod:`agent.approvals.errors` names."""
    row = store.row_of(writing.connection, approval)
    if not by.may("approver"):
        raise NotAllowedError(f"a {by.role} may not approve", where=by.name, remedy="ask an approver")
    stored = _open(writing, key, row, ("pending",), by)
    if not hmac.compare_digest(digest.encode(), row.digest.encode()):
        raise DigestError("what was approved is not the action that was asked", where=f"approval {row.id}", remedy="look at it again, and approve what is shown")
    if row.needed > 1 and by.id == row.requester:
        raise NotAllowedError("two other people have to approve what one has asked for", where=by.name, remedy="ask two others")
    store.answered(writing, key, row.id, Answer(by.id, by.role, "approve", via[:40], short(reason), row.digest, writing.now))
    given = sum(one.answer == "approve" for one in stored.answers) + 1
    if given >= row.needed:
        store.move(writing, row, "approved", actor=by.id, reason=short(reason), given=given)
    else:
        _count(writing, row, given)


def reject(writing: Writing, key: Key, approval: str, by: Person, *, reason: str, via: str) -> None:
    """Say no, also to what is approved and has not begun. The requester may, and every approver."""
    row = store.row_of(writing.connection, approval)
    if not by.may("approver") and by.id != row.requester:
        raise NotAllowedError(f"a {by.role} may not reject what another asked for", where=by.name, remedy="ask an approver")
    stored = _open(writing, key, row, ("pending", "approved"), None)
    said = {one.person for one in stored.answers}
    if by.id not in said:  # who approved before and takes it back has an answer already; the transition says the rest
        store.answered(writing, key, row.id, Answer(by.id, by.role, "reject", via[:40], short(reason), row.digest, writing.now))
    store.move(writing, row, "rejected", actor=by.id, reason=short(reason))


def lapse(writing: Writing, row: Row[Any]) -> bool:
    """Note that its deadline has passed, if it has; whether it did."""
    if row.state not in OPEN or not store.lapsed(row, writing.now, writing.mark):
        return False
    store.move(writing, row, "expired", actor=CLOCK, reason=f"nobody had it carried out by {moment(row.deadline):%Y-%m-%d %H:%M:%S} UTC")
    return True


def _open(writing: Writing, key: Key, row: Row[Any], states: tuple[State, ...], by: Person | None) -> Approval:
    """The stored approval, when it can still be answered, by somebody who did not yet."""
    stored = store.whole(writing.connection, row, key, history=False)
    if lapse(writing, row):
        raise LapsedError(f"its deadline was {stored.record['deadline']}", where=f"approval {row.id}", remedy="have the action proposed again")
    if by is not None and any(one.person == by.id for one in stored.answers):
        raise AlreadyAnsweredError("you answered it before; an answer counts once", where=f"approval {row.id}", remedy=f"it is {row.state} now")
    if row.state in {"expired", "superseded"}:
        raise LapsedError(f"it is {row.state}: {row.reason}", where=f"approval {row.id}", remedy="have the action proposed again")
    if row.state not in states:
        first = "; ".join(f"{one.person} {_SAID[one.answer]} it at {moment(one.at):%H:%M:%S} UTC" for one in stored.answers)
        raise AlreadyAnsweredError(f"it is {row.state} already" + (f": {first}" if first else ""), where=f"approval {row.id}", remedy="nothing more is needed")
    return stored


def _count(writing: Writing, row: Row[Any], given: int) -> None:
    from agent.state_db.schema import approvals

    writing.connection.execute(approvals.update().where(approvals.c.id == row.id, approvals.c.version == row.version).values(given=given))

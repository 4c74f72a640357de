"""Asking: a proposal becomes a pending approval, or is approved at once where a rule allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.approvals import store
from agent.approvals.errors import DigestError, NotAllowedError
from agent.approvals.people import POLICY, Person
from agent.approvals.record import Proposal, document_of
from agent.approvals.states import OPEN
from agent.audit.journal import Writing, moment, short
from agent.audit.keys import Key

if TYPE_CHECKING:
    from sqlalchemy import Row


def propose(writing: Writing, key: Key, proposal: Proposal, by: Person) -> str:
    """The approval's id. Raises NotAllowedError, NotAskedError, DigestError."""
    from agent.state_db.schema import approvals

    if not by.may("responder"):
        raise NotAllowedError(f"a {by.role} may not propose an action", where=by.name, remedy="ask a responder")
    if proposal.key is not None:
        row = writing.connection.execute(approvals.select().where(approvals.c.request_key == proposal.key)).one_or_none()
        if row is not None:
            return _same(row, proposal)
    name = store.insert(writing, key, proposal, document_of(proposal, by.id, moment(writing.now)))
    if proposal.replaces:
        supersede(writing, store.row_of(writing.connection, proposal.replaces), actor=by.id, reason="proposed anew", successor=name)
    if proposal.decision == "allow":
        store.move(writing, store.row_of(writing.connection, name), "approved", actor=POLICY, reason=f"the rule {proposal.rule!r} allows it")
    return name


def supersede(writing: Writing, row: Row[Any], *, actor: str, reason: str, successor: str | None = None) -> bool:
    """Let another take its place, if nothing was done yet; whether it did."""
    if row.state not in OPEN:
        return False
    store.move(writing, row, "superseded", actor=actor, reason=short(reason), superseded_by=successor)
    return True


def _same(row: Row[Any], proposal: Proposal) -> str:
    if row.digest != proposal.preview.digest:
        raise DigestError("the same request was made before, for another action", where=f"approval {row.id}", remedy="propose it under a new key")
    return str(row.id)

"""The ledger of one run: that it begins is durable before the effect, in the same transaction as its state and its audit entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.approvals import answering, outcomes, store
from agent.approvals.errors import ApprovalRefusedError
from agent.approvals.people import EXECUTOR
from agent.approvals.record import Approval
from agent.approvals.states import State
from agent.audit.journal import Journal, Writing, short
from tools.actions.action import Action, Effect, Json, Preview, Settled, Target, canonical
from tools.actions.performing import Performer
from tools.approval import Grant

if TYPE_CHECKING:
    from sqlalchemy import Row

_BEGINS: Mapping[bool, tuple[State, State]] = {False: ("approved", "executing"), True: ("succeeded", "rolling_back")}
_ENDS: Mapping[bool, Mapping[bool | None, State]] = {
    False: {True: "succeeded", False: "failed", None: "unknown"},
    True: {True: "rolled_back", False: "rollback_failed", None: "rollback_unknown"},
}


def grant_of(approval: Approval, deadline: datetime, *, rollback: bool = False) -> Grant:
    """The grant that a stored approval gives."""
    return Grant(approval.id, approval.record["digest"], deadline, approval.approvers, rollback)


class RunLedger:
    """:class:`tools.approval.Ledger` for one action or its rollback. ``why`` says why :meth:`begin` said no."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.effect: Effect | None = None
        """Set by :class:`Noting` before :meth:`end`, so that the inverse is kept with the success."""
        self.why = ""

    def begin(self, grant: Grant) -> bool:
        """Say that it begins; False, with the refusal in the audit, when it may not."""
        with self._journal.writing() as writing:
            row = store.row_of(writing.connection, grant.approval)
            try:
                self.why = self._against(writing, row, grant)
            except ApprovalRefusedError as error:
                self.why = str(error)
            if self.why:
                writing.note("refused", subject=row.id, actor=EXECUTOR, body={"attempt": _name(grant), "kind": "ledger", "why": self.why})
                return False
            self._open(writing, row, grant)
            return True

    def end(self, grant: Grant, *, succeeded: bool | None, message: str) -> None:
        """Say how it ended, with the effect."""
        with self._journal.writing() as writing:
            end(writing, self._journal, grant.approval, rollback=grant.rollback, succeeded=succeeded, message=message, effect=self.effect)

    def _against(self, writing: Writing, row: Row[Any], grant: Grant) -> str:
        """What stands against beginning; empty when nothing does. Raises ForgedError."""
        approval = store.whole(writing.connection, row, self._journal.key, history=False)
        before, after = _BEGINS[grant.rollback]
        if not grant.rollback and answering.lapse(writing, row):
            return "its deadline has passed"
        if row.state != before:
            return f"it is {row.state}"
        if grant.digest != approval.preview.digest:
            return "the grant is for another action"
        return _known(writing, row, after, rollback=grant.rollback) or _lacking(approval)

    def _open(self, writing: Writing, row: Row[Any], grant: Grant) -> None:
        from agent.state_db import statements

        writing.connection.execute(statements.BEGINS, {
            "approval": row.id, "rollback": grant.rollback, "digest": grant.digest, "target_key": row.target_key,
            "outcome": "executing", "began": writing.now, "message": ""})
        store.move(writing, row, _BEGINS[grant.rollback][1], actor=EXECUTOR, reason=f"granted by {', '.join(grant.approvers)}")


def end(writing: Writing, journal: Journal, approval: str, *, rollback: bool, succeeded: bool | None, message: str,
        effect: Effect | None = None, actor: str = EXECUTOR) -> None:
    """Put an end on record: the ledger's, the approval's state, the outcome. One that came too late is noted only."""
    from agent.state_db import statements

    row = store.row_of(writing.connection, approval)
    after = _ENDS[rollback][succeeded]
    if row.state not in {_BEGINS[rollback][1], _ENDS[rollback][None]} or row.state == after:
        writing.note("late_end", subject=approval, actor=actor, body={"state": row.state, "end": after, "message": short(message)})
        return
    writing.connection.execute(statements.ENDS, {
        "of_approval": approval, "of_rollback": rollback, "outcome": _ENDS[False][succeeded], "ended": writing.now, "message": message})
    kept = {"effect": _document(effect)} if effect is not None and not rollback else {}
    store.move(writing, row, after, actor=actor, reason=short(message), **kept)
    outcomes.keep(writing, store.whole(writing.connection, row, journal.key, history=False), **_outcome(succeeded=succeeded, message=message, rollback=rollback))


class Noting:
    """A performer that tells the ledger the effect before the guard says that it ended."""

    def __init__(self, performer: Performer, ledger: RunLedger) -> None:
        self._performer = performer
        self._ledger = ledger

    def names(self) -> list[str]:
        return self._performer.names()

    def schema(self, name: str) -> dict[str, Json]:
        return self._performer.schema(name)

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        return self._performer.preview(name, target, params)

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        self._ledger.effect = self._performer.perform(action, granted)
        return self._ledger.effect

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        return self._performer.settle(preview, rollback=rollback)


def _known(writing: Writing, row: Row[Any], event: str, *, rollback: bool) -> str:
    """What the ledger and the audit say against it."""
    from agent.state_db import statements

    found = writing.connection.execute(statements.BEGUN, {"id": row.id, "rollback": rollback, "event": event, "target": row.target_key}).one()
    if found.booked or found.noted:
        return "it was begun before"
    return "another action on the target is under way, or its end is not settled" if found.busy else ""


def _lacking(approval: Approval) -> str:
    """What the sealed answers lack; the state alone approves nothing."""
    record = approval.record
    if record["needed"] == 0:
        return "" if record["rule"] else "no rule allows it"
    yes = set(approval.approvers)
    if record["needed"] > 1:
        yes -= {record["requester"]}
    return "" if len(yes) >= record["needed"] else f"{len(yes)} of {record['needed']} approvals are there"


def _outcome(*, succeeded: bool | None, message: str, rollback: bool) -> dict[str, Any]:
    if rollback:
        return {"rolled_back": succeeded}
    return {"verified": {True: "not_assessed", False: "failed", None: "unknown"}[succeeded], "statement": short(message)}


def _document(effect: Effect) -> str:
    told = {**asdict(effect), "observed": dict(effect.observed), "inverse": effect.inverse.document() if effect.inverse else None}
    return canonical(told).decode()


def _name(grant: Grant) -> str:
    return "rollback" if grant.rollback else "execute"

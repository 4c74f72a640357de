"""What runs an approved action: the policy and the target looked at again, one lock, the guard, and the truth afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from agent.approvals import asking, outcomes, store
from agent.approvals.attempts import attempt
from agent.approvals.errors import ApprovalRefusedError, NotAllowedError
from agent.approvals.people import EXECUTOR, POLICY, Person
from agent.approvals.record import Approval
from agent.approvals.service import Approvals
from agent.approvals.states import UNDER_WAY, UNSETTLED
from agent.audit.journal import Writing, short
from agent.executor import comparing
from agent.executor.errors import NotExecutedError
from agent.executor.ledger import Noting, RunLedger, end, grant_of
from agent.state_db.locks import TargetBusyError, TargetLocks
from telemetry.errors import OnCalmError
from tools.actions.action import Action
from tools.actions.errors import NotGrantedError, WorldChangedError
from tools.actions.performing import Performer
from tools.approval import Grant
from tools.guard import carry_out

_log = logging.getLogger(__name__)
Verification = Literal["confirmed", "worse", "not_assessed"]
_PASSED = frozenset({"executing", "succeeded", "failed", "unknown", "confirmed", "rolling_back", "rolled_back", "rollback_failed", "rollback_unknown"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the policy does not let it happen now."""

    why: str


Recheck = Callable[[Approval], Refusal | None]
"""Asks the decision engine again, now. What it raises is a refusal, too."""


class Executor:
    """Carries out approved actions, settles what a crash left, and takes actions back. Processes may have one each."""

    def __init__(self, approvals: Approvals, performer: Callable[[Approval], Performer], *, recheck: Recheck, wait: timedelta = timedelta(seconds=10),
                 rollback_within: timedelta = timedelta(hours=24)) -> None:
        """``performer`` gives who carries an approval out, in whose name; ``wait``: how long for another action on the target; ``rollback_within``: how long an inverse stays approved."""
        self.approvals = approvals
        self.journal = approvals.journal
        self._performer = performer
        self._recheck = recheck
        self._wait = wait.total_seconds()
        self._rollback_within = rollback_within
        self._locks = TargetLocks(approvals.journal.database)

    def run(self, approval: str) -> Approval:
        """Carry it out if it is approved, and say how it stands. One that began before is not begun again.

        Raises NotExecutedError when it is not approved or cannot be checked; TargetBusyError.
        """
        return self._held(approval, "execute", self._run)

    def rollback(self, approval: str, *, reason: str) -> Approval:
        """Take a succeeded action back by its inverse. Raises NotExecutedError when there is none or the world is another."""
        return self._held(approval, "rollback", lambda found: self._back(found, reason))

    def settle(self, approval: str) -> Approval:
        """Look what became of an action whose end nobody saw; it stays unknown when that is unclear."""
        return self._held(approval, "settle", self._settle)

    def settle_by_hand(self, approval: str, by: Person, *, applied: bool, reason: str) -> Approval:
        """An admin says what became of it, where no look can tell."""
        def act(writing: Writing) -> None:
            if not by.may("admin"):
                raise NotAllowedError(f"a {by.role} may not settle an action by hand", where=by.name, remedy="ask an admin")
            row = store.row_of(writing.connection, approval)
            if row.state not in UNSETTLED:
                raise NotExecutedError(f"it is {row.state}; there is nothing to settle", where=f"approval {row.id}", remedy="nothing more is needed")
            end(writing, self.journal, row.id, rollback=row.state == "rollback_unknown", succeeded=applied, message=f"settled by hand: {short(reason)}", actor=by.id)

        attempt(self.journal, "settle", subject=approval, actor=by.id, act=act)
        return self.approvals.show(approval)

    def recover(self) -> list[Approval]:
        """Settle what a crash left under way or unknown; what another process holds is left to it. Call it at the start."""
        settled = []
        for line in self.approvals.list(UNDER_WAY | UNSETTLED):
            try:
                with self._locks.held(self._lock(line.id), seconds=0):
                    settled.append(self._settle(self.approvals.show(line.id)))
            except TargetBusyError:  # its process lives
                continue
            except ApprovalRefusedError as error:  # one that was tampered with must not keep the others unsettled
                self._note("not_settled", line.id, {"why": str(error)})
        return settled

    def verified(self, approval: str, result: Verification, statement: str) -> Approval:
        """Keep what verification saw; ``confirmed`` ends it. After ``worse``, :meth:`rollback` is the next step."""
        def act(writing: Writing) -> None:
            row = store.row_of(writing.connection, approval)
            if row.state != "succeeded":
                raise NotExecutedError(f"it is {row.state}; there is nothing to verify", where=f"approval {row.id}", remedy="settle it first")
            if result == "confirmed":
                store.move(writing, row, "confirmed", actor=EXECUTOR, reason=short(statement))
            outcomes.keep(writing, store.whole(writing.connection, row, self.journal.key), verified=result, statement=short(statement))

        attempt(self.journal, "verify", subject=approval, actor=EXECUTOR, act=act)
        return self.approvals.show(approval)

    def _held(self, approval: str, what: str, act: Callable[[Approval], Approval]) -> Approval:
        """``act`` on the approval, its target's lock held; a refusal is in the audit."""
        try:
            with self._locks.held(self._lock(approval), seconds=self._wait):
                return act(self.approvals.show(approval, history=False))
        except (ApprovalRefusedError, TargetBusyError) as error:
            if not (isinstance(error, NotExecutedError) and error.noted):
                self._note("refused", approval, {"attempt": what, "kind": type(error).__name__, "why": str(error)})
            raise

    def _run(self, approval: Approval) -> Approval:
        if approval.state in UNDER_WAY | UNSETTLED:  # we hold the lock: whoever began it is gone
            return self._settle(approval)
        if approval.state in _PASSED:
            self._note("refused", approval.id, {"attempt": "execute", "kind": "again", "why": f"it is {approval.state}"})
            return self.approvals.show(approval.id)
        if approval.state != "approved":
            raise NotExecutedError(f"NOT executed: it is {approval.state}", where=f"approval {approval.id}", remedy="have it approved, or propose it again")
        stopped = self._stopped(approval)
        if stopped is not None:
            return stopped
        return self._carry_out(approval, grant_of(approval, _deadline(approval)))

    def _stopped(self, approval: Approval) -> Approval | None:
        """The approval as a changed policy or world leaves it; None when both are as they were. Raises NotExecutedError."""
        try:
            refusal = self._recheck(approval)
            changed = "" if refusal else comparing.changed(approval.preview, self._performer(approval))
        except WorldChangedError as error:
            refusal, changed = None, str(error)
        except Exception as error:  # what cannot be checked is not done, whatever went wrong
            raise NotExecutedError(f"NOT executed: it could not be checked again: {error}", where=f"approval {approval.id}", remedy="try again before its deadline") from error
        if refusal is not None:
            return self._closed(approval, lambda writing, row: store.move(writing, row, "rejected", actor=POLICY, reason=short(refusal.why)))
        if changed:
            return self._closed(approval, lambda writing, row: asking.supersede(writing, row, actor=EXECUTOR, reason=changed))
        return None

    def _closed(self, approval: Approval, act: Callable[..., object]) -> Approval:
        with self.journal.writing() as writing:
            row = store.row_of(writing.connection, approval.id)
            if row.state == "approved":
                act(writing, row)
        return self.approvals.show(approval.id)

    def _carry_out(self, approval: Approval, grant: Grant, inverse: Action | None = None) -> Approval:
        ledger = RunLedger(self.journal)
        try:
            carry_out(approval.preview, grant, ledger, Noting(self._performer(approval), ledger), now=self.journal.clock(), inverse=inverse)
        except NotGrantedError as error:
            refusal = NotExecutedError(f"NOT executed: {ledger.why or error.what}", where=f"approval {approval.id}", remedy=error.remedy)
            refusal.noted = bool(ledger.why)
            raise refusal from error
        except Exception as error:  # the guard put any error on record: what it means is said by the state
            _log.warning("approval %s: %s", approval.id, error)
            if self.approvals.show(approval.id).state == approval.state:
                raise  # it never began
        return self._settle(self.approvals.show(approval.id))

    def _settle(self, approval: Approval) -> Approval:
        """Only with the target's lock held."""
        if approval.state not in UNDER_WAY | UNSETTLED:
            return approval if approval.history else self.approvals.show(approval.id)
        rollback = approval.state in {"rolling_back", "rollback_unknown"}
        if approval.state in UNDER_WAY:
            self._end(approval, rollback=rollback, succeeded=None, message="whoever carried it out is gone; nobody saw how it ended")
        try:
            seen = self._performer(approval).settle(approval.preview, rollback=rollback)
        except OnCalmError as error:
            self._note("not_settled", approval.id, {"why": str(error)})
            return self.approvals.show(approval.id)
        if seen == "unclear":
            self._note("not_settled", approval.id, {"why": "a look at the target does not tell"})
        else:
            self._end(approval, rollback=rollback, succeeded=seen == "applied", message=f"a look at the target says: {seen.replace('_', ' ')}")
        return self.approvals.show(approval.id)

    def _back(self, approval: Approval, reason: str) -> Approval:
        if approval.state in UNDER_WAY | UNSETTLED:
            approval = self._settle(approval)
        if approval.state != "succeeded":
            raise NotExecutedError(f"NOT rolled back: it is {approval.state}", where=f"approval {approval.id}", remedy="only what succeeded can be taken back")
        inverse = comparing.inverse_now(approval, self._performer(approval))
        self._note("rollback_asked", approval.id, {"reason": short(reason), "inverse": inverse.document()})
        return self._carry_out(approval, grant_of(approval, _deadline(approval, self._rollback_within), rollback=True), inverse)

    def _end(self, approval: Approval, *, rollback: bool, succeeded: bool | None, message: str) -> None:
        with self.journal.writing() as writing:
            end(writing, self.journal, approval.id, rollback=rollback, succeeded=succeeded, message=message)

    def _lock(self, approval: str) -> str:
        """The name of its target's lock; that it is the sealed target's is checked once the lock is held."""
        with self.journal.database.reading() as connection:
            return store.target_of(connection, approval)

    def _note(self, event: str, approval: str, body: dict[str, object]) -> None:
        with self.journal.writing() as writing:
            writing.note(event, subject=approval, actor=EXECUTOR, body=body)


def _deadline(approval: Approval, more: timedelta = timedelta(0)) -> datetime:
    return datetime.fromisoformat(approval.record["deadline"]) + more

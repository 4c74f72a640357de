"""The one service behind the command line, HTTP and Slack: propose, list, show, approve, reject, expire, supersede, remind, judge."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from agent.approvals import answering, asking, outcomes, store
from agent.approvals.attempts import attempt
from agent.approvals.errors import LapsedError, NotAllowedError
from agent.approvals.outcomes import CauseVerdict, EffectVerdict, Outcome
from agent.approvals.people import Person
from agent.approvals.record import Approval, Line, Proposal
from agent.approvals.states import OPEN, State
from agent.audit.journal import Journal, Writing, micros, short, ticked
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_log = logging.getLogger(__name__)
_AT_ONCE = 500
REMIND_BEFORE = timedelta(minutes=5)
# Within the class ``list`` is its method.
Lines: TypeAlias = list[Line]
Ids: TypeAlias = list[str]
Outcomes: TypeAlias = list[Outcome]


class Approvals:
    """Approvals of one journal. Threads and processes may use it at once; every method is one transaction.

    Methods raise :class:`~agent.approvals.errors.ApprovalRefusedError` when they refuse, StoreError and AuditError when
    nothing could be kept; then nothing has changed.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def propose(self, proposal: Proposal, by: Person) -> Approval:
        """Ask for an action. The same ``key`` gives back the approval that there is."""
        return self._answered("propose", proposal.key or "", by,
                              lambda writing: asking.propose(writing, self.journal.key, proposal, by))

    def list(self, states: Iterable[State] = ("pending",), *, limit: int = 1_000) -> Lines:
        """Approvals in these states, the oldest first; one whose deadline has passed shows as expired."""
        asked = set(states)
        with self.journal.database.reading() as connection:
            now, mark = self._time(connection)
            rows = store.lines(connection, asked | OPEN if "expired" in asked else asked, limit)
        told = [_shown(row, now, mark) for row in rows]
        return [line for line in told if line.state in asked]

    def show(self, approval: str, *, history: bool = True) -> Approval:
        """Everything about one, its transitions only with ``history``. Raises NoSuchApprovalError, and ForgedError when what is stored was changed."""
        with self.journal.database.reading() as connection:
            row = store.row_of(connection, approval)
            found = store.whole(connection, row, self.journal.key, history=history)
            return replace(found, line=_shown(row, *self._time(connection))) if row.state in OPEN else found

    def approve(self, approval: str, by: Person, *, digest: str, via: str = "cli", reason: str = "") -> Approval:
        """Approve exactly the action that ``digest`` names: the one that was shown to ``by``."""
        return self._answered("approve", approval, by, lambda writing: answering.approve(
            writing, self.journal.key, approval, by, digest=digest, via=via, reason=reason))

    def reject(self, approval: str, by: Person, *, reason: str, via: str = "cli") -> Approval:
        """Say no, with a reason. Raises UsageError without one."""
        if not short(reason):
            raise UsageError("say why it is rejected", where=f"approval {approval[:40]}", remedy="give a reason")
        return self._answered("reject", approval, by, lambda writing: answering.reject(
            writing, self.journal.key, approval, by, reason=reason, via=via))

    def supersede(self, approval: str, by: Person, *, reason: str) -> Approval:
        """Take it off the table because the world, or the plan, is another."""
        def act(writing: Writing) -> None:
            row = store.row_of(writing.connection, approval)
            if not by.may("approver") and by.id != row.requester:
                raise NotAllowedError(f"a {by.role} may not withdraw what another asked for", where=by.name, remedy="ask an approver")
            if not asking.supersede(writing, row, actor=by.id, reason=reason):
                raise LapsedError(f"it is {row.state} already", where=f"approval {row.id}", remedy="nothing more is needed")

        return self._answered("supersede", approval, by, act)

    def expire_due(self) -> Ids:
        """Record that deadlines have passed; returns whose. To be called every few seconds, and harmless at any time."""
        from agent.state_db.schema import approvals

        gone: Ids = []
        while True:
            with self.journal.writing() as writing:
                due = (approvals.c.deadline <= writing.now) | (approvals.c.deadline_mark <= writing.mark)
                rows = writing.connection.execute(
                    approvals.select().where(approvals.c.state.in_(OPEN), due).order_by(approvals.c.created).limit(_AT_ONCE)).all()
                gone += [row.id for row in rows if answering.lapse(writing, row)]
            if len(rows) < _AT_ONCE:
                return gone

    def remind(self, tell: Callable[[Line], None], *, before: timedelta = REMIND_BEFORE) -> Ids:
        """Call ``tell`` once for each pending approval that lapses within ``before``; returns which.

        It is noted first, so that of many processes one reminds. What ``tell`` raises is noted and stops nothing.
        """
        reminded = self._take_reminders(before)
        for line in reminded:
            try:
                tell(line)
            except Exception as error:  # noqa: BLE001 - a dead channel must not stop the others
                _log.warning("approval %s: nobody could be reminded: %s", line.id, error)
                with self.journal.writing() as writing:
                    writing.note("reminder_failed", subject=line.id, actor="clock", body={"why": short(str(error))})
        return [line.id for line in reminded]

    def verdict(self, approval: str, by: Person, *, cause: CauseVerdict | None = None, effect: EffectVerdict | None = None) -> Outcome:
        """Keep what an engineer says afterwards of the cause and of the action's effect. None leaves what was said."""
        told: dict[str, Any] = {"cause_verdict": cause, "effect_verdict": effect}
        said = {name: value for name, value in told.items() if value is not None}
        if not said or cause not in {None, "right", "wrong"} or effect not in {None, "helpful", "harmful"}:
            raise UsageError("say whether the cause was right or wrong, or the action helpful or harmful", where="verdict", remedy="give one of them")

        def act(writing: Writing) -> None:
            if not by.may("responder"):
                raise NotAllowedError(f"a {by.role} may not judge", where=by.name, remedy="ask a responder")
            found = self._whole(writing, approval)
            outcomes.keep(writing, found, **said, judged_by=by.id, judged=writing.now)

        attempt(self.journal, "verdict", subject=approval, actor=by.id, act=act)
        return next(one for one in self.history() if one.approval == approval)

    def history(self, *, cause: str | None = None, action: str | None = None, target_kind: str | None = None,
                target: str | None = None, limit: int = 1_000) -> Outcomes:
        """What became of actions, the newest first."""
        with self.journal.database.reading() as connection:
            return outcomes.read(connection, cause=cause, action=action, target_kind=target_kind, target=target, limit=limit)

    def became_of(self, investigation: str) -> Outcomes:
        """Outcomes of what an investigation proposed, the newest first."""
        with self.journal.database.reading() as connection:
            return outcomes.of_investigation(connection, investigation)

    def _answered(self, what: str, approval: str, by: Person, act: Callable[[Writing], str | None]) -> Approval:
        """The approval as ``act`` leaves it; ``act`` may name it."""
        return attempt(self.journal, what, subject=approval, actor=by.id,
                       act=lambda writing: self._whole(writing, act(writing) or approval))

    def _whole(self, writing: Writing, approval: str) -> Approval:
        return store.whole(writing.connection, store.row_of(writing.connection, approval), self.journal.key)

    def _time(self, connection: Connection) -> tuple[int, int]:
        """Now, and the mark as a writer would find it."""
        from agent.state_db import statements

        row = connection.execute(statements.HEAD_PLAIN).one()
        now = micros(self.journal.clock())
        return now, ticked(row.clock, row.mark, now)[1]

    def _take_reminders(self, before: timedelta) -> Lines:
        from agent.state_db.schema import approvals

        ahead = int(before.total_seconds() * 1e6)
        with self.journal.writing() as writing:
            soon = (approvals.c.deadline <= writing.now + ahead) | (approvals.c.deadline_mark <= writing.mark + ahead)
            rows = writing.connection.execute(approvals.select().where(
                approvals.c.state == "pending", approvals.c.reminded.is_(None), soon).limit(_AT_ONCE)).all()
            due = [row for row in rows if not answering.lapse(writing, row)]
            for row in due:
                writing.connection.execute(approvals.update().where(approvals.c.id == row.id).values(reminded=writing.now))
                writing.note("reminded", subject=row.id, actor="clock")
            return [store.line_of(row) for row in due]


def _shown(row: Row[Any], now: int, mark: int) -> Line:
    line = store.line_of(row)
    return replace(line, state="expired") if row.state in OPEN and store.lapsed(row, now, mark) else line

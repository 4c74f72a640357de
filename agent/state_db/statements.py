"""Statements that every action needs, built once: building one costs more than SQLite takes to run it."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, literal_column, select

from agent.state_db.schema import answers, approvals, audit, head, ledger, transitions

HEAD = select(head, audit.c.mac.label("last_mac"), audit.c.key_id.label("last_key")).select_from(
    head.outerjoin(audit, audit.c.seq == head.c.seq)).where(head.c.id == literal_column("1"))
"""The head, and the audit's last entry as it is there."""
HEAD_MOVES = head.update().where(head.c.id == literal_column("1"))
HEAD_PLAIN = head.select()
NOTES = audit.insert()

APPROVAL = approvals.select().where(approvals.c.id == bindparam("id"))
TARGET = select(approvals.c.target_key).where(approvals.c.id == bindparam("id"))
ASKS = approvals.insert()
MOVES = approvals.update().where(
    approvals.c.id == bindparam("of_id"), approvals.c.state == bindparam("of_state"), approvals.c.version == bindparam("of_version"))
"""Compare and set: no row is changed when another was faster."""
PASSES = transitions.insert()
PASSED = transitions.select().where(transitions.c.approval == bindparam("id")).order_by(transitions.c.version)
ANSWERS = answers.insert()
ANSWERED = answers.select().where(answers.c.approval == bindparam("id")).order_by(answers.c.at, answers.c.person)

BEGINS = ledger.insert()
ENDS = ledger.update().where(ledger.c.approval == bindparam("of_approval"), ledger.c.rollback == bindparam("of_rollback"))
BEGUN = select(
    exists().where(ledger.c.approval == bindparam("id"), ledger.c.rollback == bindparam("rollback")).label("booked"),
    exists().where(audit.c.subject == bindparam("id"), audit.c.event == bindparam("event")).label("noted"),
    exists().where(ledger.c.target_key == bindparam("target"), ledger.c.outcome == "executing").label("busy"))
"""Whether it began before, by the ledger or by the audit; and whether another action of the target is under way."""

"""Approvals as rows: read with their seals checked, moved from state to state by compare-and-set inside a journal's transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from agent.approvals.errors import ForgedError, NoSuchApprovalError
from agent.approvals.record import Answer, Approval, Line, Passage, Proposal, opened, sealed, target_key
from agent.approvals.states import State, leads
from agent.audit.journal import Writing, moment
from agent.audit.keys import Key
from tools.actions.action import Preview, canonical

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is read as another
_LENGTH = 12


class StaleError(Exception):
    """The row is not in the state it was read in. Never leaves this package and the executor."""


def new_id() -> str:
    """A name of 60 random bits that people can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def insert(writing: Writing, key: Key, proposal: Proposal, record: Mapping[str, Any]) -> str:
    """Put a pending approval on record; returns its id."""
    from agent.state_db import statements

    action, name = proposal.preview.action, new_id()
    text = canonical(dict(record)).decode()
    lifetime = int(proposal.lifetime.total_seconds() * 1e6)
    writing.connection.execute(statements.ASKS, {
        "id": name, "request_key": proposal.key, "state": "pending", "version": 0, "record": text, "seal": sealed(name, text, key),
        "created": writing.now, "deadline": writing.now + lifetime, "deadline_mark": writing.mark + lifetime, "needed": record["needed"],
        "given": 0, "requester": record["requester"], "action": action.name, "target": str(action.target),
        "target_key": target_key(action.target), "digest": record["digest"], "risk": record["risk"], "changed": writing.now, "reason": ""})
    writing.note("proposed", subject=name, actor=record["requester"], body={
        "action": action.document(), "digest": record["digest"], "seal": sealed(name, text, key), "risk": record["risk"],
        "decision": record["decision"], "policy": record["policy"], "rule": record["rule"], "deadline": record["deadline"]})
    return name


def move(writing: Writing, row: Row[Any], after: State, *, actor: str, reason: str = "", **values: Any) -> None:
    """Take an approval from the state that ``row`` was read in to ``after``, with its transition and audit entry.

    Raises StaleError when it is elsewhere by now, and ValueError for a way that there is not.
    """
    from agent.state_db import statements

    if not leads(row.state, after):
        raise ValueError(f"there is no way from {row.state} to {after}")
    done = writing.connection.execute(statements.MOVES, {
        "of_id": row.id, "of_state": row.state, "of_version": row.version,
        "state": after, "version": row.version + 1, "changed": writing.now, "reason": reason, **values})
    if done.rowcount != 1:
        raise StaleError(row.id)
    writing.connection.execute(statements.PASSES, {
        "approval": row.id, "version": row.version + 1, "before": row.state, "after": after, "at": writing.now, "actor": actor, "reason": reason})
    writing.note(after, subject=row.id, actor=actor, body={
        "before": row.state, "version": row.version + 1, "reason": reason, "digest": row.digest})


def answered(writing: Writing, key: Key, approval: str, answer: Answer) -> None:
    """Keep what a person said, under its seal."""
    from agent.state_db import statements

    writing.connection.execute(statements.ANSWERS, {
        "approval": approval, "person": answer.person, "role": answer.role, "answer": answer.answer, "via": answer.via,
        "reason": answer.reason, "digest": answer.digest, "at": answer.at, "seal": answer.seal(approval, key)})
    writing.note(f"answer_{answer.answer}", subject=approval, actor=answer.person, body={
        "role": answer.role, "via": answer.via, "reason": answer.reason, "digest": answer.digest})


def row_of(connection: Connection, approval: str) -> Row[Any]:
    """The row. Raises NoSuchApprovalError."""
    from agent.state_db import statements

    row = connection.execute(statements.APPROVAL, {"id": approval}).one_or_none()
    if row is None:
        raise _none(approval)
    return row


def target_of(connection: Connection, approval: str) -> str:
    """The name of its target's lock. Raises NoSuchApprovalError."""
    from agent.state_db import statements

    found = connection.execute(statements.TARGET, {"id": approval}).scalar()
    if found is None:
        raise _none(approval)
    return str(found)


def answers_of(connection: Connection, approval: str, key: Key) -> tuple[Answer, ...]:
    """What people said, in order. Raises ForgedError for one without its seal."""
    from agent.state_db import statements

    found = []
    for row in connection.execute(statements.ANSWERED, {"id": approval}):
        one = Answer(row.person, row.role, row.answer, row.via, row.reason, row.digest, row.at)
        if not one.fits(approval, key, row.seal):
            raise ForgedError(f"an answer in the name of {row.person} was not given through OnCalm", where=f"approval {approval}",
                              remedy="run `oncalm audit verify`")
        found.append(one)
    return tuple(found)


def whole(connection: Connection, row: Row[Any], key: Key, *, history: bool = True) -> Approval:
    """Everything about a row's approval; its transitions only with ``history``. Raises ForgedError."""
    from agent.state_db import statements

    record, preview = opened(row.id, row.record, row.seal, key)
    _agree(row, record, preview)
    passed = connection.execute(statements.PASSED, {"id": row.id}) if history else ()
    return Approval(
        line_of(row), record, preview, answers_of(connection, row.id, key),
        tuple(Passage(p.before, p.after, moment(p.at), p.actor, p.reason) for p in passed),
        _json(row.effect), row.superseded_by)


def lines(connection: Connection, states: Iterable[State], limit: int) -> list[Row[Any]]:
    """Rows for a list, the oldest first; without their records."""
    from sqlalchemy import select

    from agent.state_db.schema import approvals

    shown = [column for column in approvals.c if column.name not in {"record", "seal", "effect"}]
    return list(connection.execute(select(*shown).where(approvals.c.state.in_(list(states))).order_by(approvals.c.created, approvals.c.id).limit(limit)))


def line_of(row: Row[Any]) -> Line:
    """A row as lists show it."""
    return Line(row.id, row.state, row.action, row.target, row.digest, row.risk, row.requester, row.needed, row.given,
                moment(row.created), moment(row.deadline), row.reason)


def lapsed(row: Row[Any], now: int, mark: int) -> bool:
    """Whether its deadline has passed: by the clock, or by the time that only goes forward."""
    return bool(now >= row.deadline or mark >= row.deadline_mark)


def _agree(row: Row[Any], record: Mapping[str, Any], preview: Preview) -> None:
    """The columns that decide are those of the sealed record. Raises ForgedError."""
    told = (preview.digest, record["digest"], record["needed"], record["requester"], record["deadline"], target_key(preview.action.target))
    if told != (row.digest, row.digest, row.needed, row.requester, moment(row.deadline).isoformat(), row.target_key):
        raise ForgedError("the stored columns are not those of the record", where=f"approval {row.id}", remedy="run `oncalm audit verify`")


def _json(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def _none(approval: str) -> NoSuchApprovalError:
    return NoSuchApprovalError("there is no such approval", where=f"approval {approval[:40]}", remedy="see `oncalm approvals list`")

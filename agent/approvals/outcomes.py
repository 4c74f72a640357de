"""What became of actions, and what engineers say of it: rows that the decision engine, recall and history read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from agent.approvals.record import Approval
from agent.audit.journal import Writing, moment

if TYPE_CHECKING:
    from sqlalchemy import Connection, Insert, Row

Verified = Literal["confirmed", "worse", "not_assessed", "failed", "unknown", "not_executed"]
CauseVerdict = Literal["right", "wrong"]
EffectVerdict = Literal["helpful", "harmful"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One action's. ``rolled_back``: whether the inverse took it back (False: it failed); None when it was not tried."""

    approval: str
    at: datetime
    cause: str
    action: str
    target_kind: str
    target: str
    verified: Verified
    statement: str = ""
    """What verification saw, in words."""
    rolled_back: bool | None = None
    cause_verdict: CauseVerdict | None = None
    effect_verdict: EffectVerdict | None = None
    judged_by: str | None = None
    judged: datetime | None = None

    def document(self) -> dict[str, Any]:
        """As ``--json`` and HTTP show it."""
        return {**asdict(self), "at": self.at.isoformat(), "judged": self.judged.isoformat() if self.judged else None}


def keep(writing: Writing, approval: Approval, **told: Any) -> None:
    """Note what is newly known of an action's outcome (columns of :class:`Outcome`); the rest stays."""
    action = approval.preview.action
    row = {"approval": approval.id, "at": writing.now, "cause": str(approval.record["cause"])[:400], "action": action.name,
           "target_kind": action.target.kind, "target": str(action.target), "verified": "not_executed", "statement": "", **told}
    writing.connection.execute(_upsert(writing.connection.dialect.name, tuple(sorted(told))), row)
    writing.note("outcome", subject=approval.id, actor=str(told.get("judged_by") or "executor"), body=told)


@lru_cache(maxsize=64)
def _upsert(dialect: str, told: tuple[str, ...]) -> Insert:
    """The statement for these columns: building one costs more than running it."""
    from sqlalchemy.dialects import postgresql, sqlite

    from agent.state_db.schema import outcomes

    made = (sqlite if dialect == "sqlite" else postgresql).insert(outcomes)
    whole: Insert = made.on_conflict_do_update(index_elements=["approval"], set_={name: made.excluded[name] for name in told})
    return whole


def read(connection: Connection, *, cause: str | None = None, action: str | None = None, target_kind: str | None = None,
         target: str | None = None, limit: int = 1_000) -> list[Outcome]:
    """Outcomes of those given, the newest first."""
    from agent.state_db.schema import outcomes

    asked = {"cause": cause, "action": action, "target_kind": target_kind, "target": target}
    query = outcomes.select().where(*(outcomes.c[name] == value for name, value in asked.items() if value is not None))
    return [_outcome(row) for row in connection.execute(query.order_by(outcomes.c.at.desc(), outcomes.c.approval).limit(limit))]


def of_investigation(connection: Connection, investigation: str, limit: int = 20) -> list[Outcome]:
    """Outcomes of what an investigation proposed, the newest first. Its approvals' request keys begin with its id."""
    from agent.state_db.schema import approvals, outcomes

    key = approvals.c.request_key
    query = outcomes.select().join(approvals, approvals.c.id == outcomes.c.approval).where(key >= f"{investigation}:", key < f"{investigation};")
    return [_outcome(row) for row in connection.execute(query.order_by(outcomes.c.at.desc()).limit(limit))]


def _outcome(row: Row[Any]) -> Outcome:
    made = Outcome(**row._asdict())
    return replace(made, at=moment(row.at), judged=moment(row.judged) if row.judged else None)

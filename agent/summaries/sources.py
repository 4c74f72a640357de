"""Where the facts beyond telemetry come from: narrow protocols, each with a default that knows nothing and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agent.summaries.facts import Approval, Happening, Incident, Outcome, Period, Spending, Watched
from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from agent.approvals.service import Approvals
    from agent.spend import Ledger

_MOST = 200
_ENDED = frozenset({"resolved", "closed"})


class NotKeptError(OnCalmError):
    """Nothing of a kind is kept here: nothing is known, which is not the same as none."""


class IncidentBook(Protocol):
    """Incidents as documents ``{id, title, state, severity, services, opened, resolved, timeline}``; times ISO 8601."""

    def touching(self, start: datetime, end: datetime) -> Sequence[Mapping[str, Any]]:
        """Those that are open, or were opened, changed or resolved in ``[start, end)``. Raises OnCalmError."""
        ...

    def incident(self, ident: str) -> Mapping[str, Any]:
        """One of them. Raises OnCalmError when there is none."""
        ...


class NoIncidents:
    """The book of a home that keeps no incidents."""

    def touching(self, start: datetime, end: datetime) -> Sequence[Mapping[str, Any]]:
        """Raises NotKeptError."""
        raise NotKeptError("no incidents are kept here", where="incidents", remedy="let alerts in (docs/alerts.md)")

    def incident(self, ident: str) -> Mapping[str, Any]:
        """Raises NotKeptError."""
        raise NotKeptError("no incidents are kept here", where=f"incident {ident[:40]}", remedy="let alerts in (docs/alerts.md)")


@dataclass(frozen=True, slots=True)
class Sources:
    """All of them. What is None is not assessed."""

    home: Path
    incidents: IncidentBook = field(default_factory=NoIncidents)
    approvals: Callable[[], Approvals | None] = lambda: None
    watches: Callable[[], Sequence[Watched]] | None = None
    ledger: Ledger | None = None
    teams: Path | None = None
    slo: Path | None = None

    @property
    def teams_path(self) -> Path:
        """``teams.yaml``, in the home without another."""
        return self.teams or self.home / "teams.yaml"

    @property
    def slo_path(self) -> Path:
        """``slo.yaml``, in the home without another."""
        return self.slo or self.home / "slo.yaml"


def incident_of(document: Mapping[str, Any]) -> Incident:
    """An incident from its document; keys that are missing are empty."""
    def texts(name: str) -> tuple[str, ...]:
        value = document.get(name) or ()
        return (value,) if isinstance(value, str) else tuple(str(one.get("name", one) if isinstance(one, Mapping) else one) for one in value)

    resolved = document.get("resolved")
    return Incident(
        id=str(document["id"]), title=str(document.get("title") or document["id"]), state=str(document.get("state") or "open"),
        severity=str(document.get("severity") or ""), services=texts("services"), opened=moment(document["opened"]),
        resolved=moment(resolved) if resolved else None, cause=str(document.get("cause") or ""), evidence=texts("evidence"),
        participants=texts("participants"), timeline=tuple(sorted((_happening(one) for one in document.get("timeline") or ()), key=lambda one: one.at)))


def _happening(entry: Mapping[str, Any]) -> Happening:
    def first(*names: str) -> Any:
        return next((entry[name] for name in names if entry.get(name)), "")

    return Happening(at=moment(first("at", "time", "ts")), kind=str(first("kind", "event", "type")),
                     text=str(first("text", "statement", "message", "note", "title", "kind")), who=str(first("who", "person", "actor", "by")))


def moment(value: Any) -> datetime:
    """A time from ISO 8601 (UTC where it names no zone), or from microseconds since 1970."""
    if isinstance(value, int | float):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def ended(incident: Incident) -> bool:
    """Whether nobody has to do anything for it any more."""
    return incident.state in _ENDED


def approvals_in(service: Approvals, period: Period) -> list[Approval]:
    """What waits for an answer or for being carried out, then what was asked in the period; the oldest first.

    Raises StoreError, AuditError.
    """
    from agent.approvals.states import OPEN, STATES

    lines = [one for one in service.list(STATES, limit=10_000) if one.state in OPEN or period.holds(one.created)]
    lines.sort(key=lambda one: (one.state not in OPEN, one.created))
    return [_approval(service, one.id) for one in lines[:_MOST]]


def _approval(service: Approvals, ident: str) -> Approval:
    whole = service.show(ident)
    line = whole.line
    return Approval(id=line.id, state=line.state, action=line.action, target=line.target, requester=line.requester, approvers=whole.approvers,
                    needed=line.needed, created=line.created, deadline=line.deadline, reason=line.reason,
                    incident=str(whole.record.get("investigation") or ""))


def outcomes_in(service: Approvals, period: Period) -> list[Outcome]:
    """What became of actions in the period, the newest first; what was never carried out is no outcome."""
    return [Outcome(approval=one.approval, at=one.at, action=one.action, target=one.target, verified=one.verified, statement=one.statement,
                    rolled_back=one.rolled_back)
            for one in service.history(limit=10_000) if period.holds(one.at) and one.verified != "not_executed"]


def spending(ledger: Ledger, period: Period) -> Spending | None:
    """What the period cost; None without a ledger."""
    if not ledger.path.exists():
        return None
    spent = ledger.between(period.start.timestamp(), period.end.timestamp())
    before = ledger.between(period.before.start.timestamp(), period.before.end.timestamp())
    return Spending(calls=spent.calls, tokens=spent.tokens, usd=spent.usd, unpriced=spent.unpriced, before_usd=before.usd)

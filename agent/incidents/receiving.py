"""Alerts into incidents, within one transaction: known by fingerprint and start, grouped, and at most one incident a group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agent.audit.journal import micros
from agent.incidents import statements
from agent.incidents.alert import Alert, masked
from agent.incidents.book import ALERTS, Book
from agent.incidents.grouping import graver, group_of, key_of, priority
from agent.incidents.incident import Incident
from agent.incidents.settings import AlertSettings
from agent.incidents.symptom import symptom_of

if TYPE_CHECKING:
    from sqlalchemy import Row

Outcome = Literal["new", "changed", "duplicate", "unmatched"]
_IN_ONE_QUERY = 400


@dataclass(slots=True)
class Receipt:
    """What became of a delivery."""

    new: int = 0
    changed: int = 0
    duplicate: int = 0
    """Known already; nothing changed."""
    unmatched: int = 0
    """Ends or acknowledges what nobody told of; nothing was made of it."""
    incidents: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome, incident: str | None) -> None:
        """Add one alert."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        if incident is not None and incident not in self.incidents:
            self.incidents.append(incident)


class Receiving:
    """Takes the alerts of one transaction."""

    def __init__(self, book: Book, settings: AlertSettings, expected: Iterable[Alert]) -> None:
        """``expected``: the alerts that will be taken, so that what is known of them is read at once."""
        self._book, self._settings = book, settings
        self._rows: dict[str, dict[str, Any]] = {}
        self._live: dict[str, str] = {}
        """By the alert's key: the newest occurrence that is not resolved."""
        self._made: list[dict[str, Any]] = []
        self._touched: set[str] = set()
        self._queued: list[dict[str, Any]] = []
        self._read(list(expected))

    def take(self, alert: Alert) -> tuple[Outcome, str | None]:
        """Keep one; what became of it, and its incident."""
        row = self._known(alert)
        if row is None:
            return self._first(alert)
        row["deliveries"] += 1
        row["seen"] = self._book.now
        self._touched.add(row["id"])
        outcome: Outcome = "changed" if self._change(row, alert) else "duplicate"
        return outcome, row["incident"]

    def flush(self) -> None:
        """Write alerts and what is to be investigated; incidents must be there already."""
        connection = self._book.connection
        made = {row["id"] for row in self._made}
        if self._made:
            connection.execute(statements.KEEPS, self._made)
        stands = [{**{name: row[name] for name in ("status", "ends", "changed", "seen", "deliveries")}, "of_id": ident}
                  for ident in sorted(self._touched - made) if (row := self._rows[ident])]
        if stands:
            connection.execute(statements.STANDS, stands)
        if self._queued:
            connection.execute(statements.QUEUES, self._queued)

    def _known(self, alert: Alert) -> dict[str, Any] | None:
        if not alert.exact and (live := self._live.get(alert.key)) is not None:
            return self._rows[live]
        return self._rows.get(occurrence(alert))

    def _first(self, alert: Alert) -> tuple[Outcome, str | None]:
        """An alert that nobody told of before."""
        if alert.status != "firing" and not alert.title:
            return "unmatched", None
        group = group_of(alert, self._settings.group_by)
        found = self._book.of_group(key_of(group))
        if alert.status == "resolved":
            incident = found if found is not None and found.state != "resolved" else None
            self._insert(alert, incident)
            return ("new" if incident is not None else "unmatched"), incident.id if incident is not None else None
        incident = self._incident(alert, group, found)
        self._insert(alert, incident)
        incident.firing += 1
        self._note(incident, "alert", alert)
        if alert.status == "acknowledged":
            self._acknowledged(incident, alert)
        return "new", incident.id

    def _incident(self, alert: Alert, group: dict[str, str], found: Incident | None) -> Incident:
        """The one that this alert belongs to: that of its group, opened again when it ended a little while ago, or a new one."""
        since = self._book.now - int(self._settings.regroup.total_seconds() * 1e6)
        if found is None or (found.state == "resolved" and (found.resolved or 0) < since):
            return self._opened(alert, group, found)
        self._again(found, alert)
        return found

    def _opened(self, alert: Alert, group: dict[str, str], earlier: Incident | None) -> Incident:
        weight = priority(alert.severity, alert.service, self._settings.criticality)
        one = self._book.open({
            "group_key": key_of(group), "grouped": group, "title": alert.title, "service": alert.service, "severity": alert.severity,
            "priority": weight, "earlier": earlier.id if earlier is not None else None})
        self._book.note(one, "opened", ALERTS, {"group": group, "severity": alert.severity})
        if earlier is not None:
            self._book.note(one, "earlier", ALERTS, self._book.ending(earlier), told=False)
        self._queued.append({
            "incident": one.id, "state": "queued", "priority": weight, "attempts": 0, "holder": "", "lease": 0,
            "queued": self._book.now + len(self._queued),  # in the order in which they came
            "symptom": symptom_of(alert), "moment": min(micros(alert.starts_at), self._book.now), "why": ""})
        return one

    def _again(self, one: Incident, alert: Alert) -> None:
        """An alert fires in an incident that is there."""
        one.severity = graver(one.severity, alert.severity)
        if one.state in {"mitigated", "resolved"}:
            self._book.move(one, "open", ALERTS, f"{alert.title[:200]} fires")

    def _insert(self, alert: Alert, incident: Incident | None) -> None:
        row: dict[str, Any] = {
            "id": occurrence(alert), "alert_key": alert.key, "incident": incident.id if incident is not None else None, "status": alert.status,
            "starts": micros(alert.starts_at), "ends": micros(alert.ends_at) if alert.ends_at else None,
            "changed": micros(alert.changed_at) if alert.changed_at else None, "received": self._book.now, "seen": self._book.now, "deliveries": 1,
            "document": _document(alert)}
        self._made.append(row)
        self._rows[row["id"]] = row
        if alert.status != "resolved":
            self._live[alert.key] = row["id"]
        if incident is not None:
            incident.alerts += 1

    def _change(self, row: dict[str, Any], alert: Alert) -> bool:
        """What a further delivery changes; False for nothing."""
        changed = micros(alert.changed_at) if alert.changed_at else None
        if alert.status == row["status"] or (changed is not None and row["changed"] is not None and changed <= row["changed"]):
            return False
        if changed is None and (row["status"] == "resolved" or alert.status == "firing"):
            return False  # what is over is over, and what is seen to stays so: this was sent before, and came late
        before, row["status"], row["changed"] = row["status"], alert.status, changed
        incident = self._book.get(row["incident"]) if row["incident"] else None
        if alert.status == "resolved":
            row["ends"] = micros(alert.ends_at) if alert.ends_at else self._book.now
            self._live.pop(alert.key, None)
            if incident is not None:
                self._ended(incident, alert)
            return True
        self._live[alert.key] = row["id"]
        if incident is not None:
            self._alive(incident, alert, was_over=before == "resolved")
        return True

    def _alive(self, one: Incident, alert: Alert, *, was_over: bool) -> None:
        if was_over:
            one.firing += 1
            self._note(one, "alert", alert)
            self._again(one, alert)
        if alert.status == "acknowledged":
            self._acknowledged(one, alert)

    def _ended(self, one: Incident, alert: Alert) -> None:
        one.firing = max(0, one.firing - 1)
        self._note(one, "alert_resolved", alert)
        if one.firing == 0 and one.state in {"open", "investigating"}:
            self._book.move(one, "mitigated", ALERTS, "all its alerts have ended")

    def _acknowledged(self, one: Incident, alert: Alert) -> None:
        self._book.note(one, "acknowledged", ALERTS, {"by": alert.by[:200], "at": alert.source})
        if one.state == "open":
            self._book.move(one, "investigating", ALERTS, f"acknowledged in {alert.source}")

    def _note(self, one: Incident, kind: str, alert: Alert) -> None:
        one.changed = self._book.now
        self._book.note(one, kind, ALERTS, {"title": alert.title[:500], "severity": alert.severity, "source": alert.source,
                                            "starts_at": alert.starts_at.isoformat(), "labels": dict(list(alert.labels.items())[:20])})

    def _read(self, expected: Sequence[Alert]) -> None:
        idents = list({occurrence(one) for one in expected})
        keys = list({one.key for one in expected if not one.exact})
        for place in range(0, len(idents), _IN_ONE_QUERY):
            self._keep(self._book.connection.execute(statements.KNOWN, {"ids": idents[place : place + _IN_ONE_QUERY]}))
        for place in range(0, len(keys), _IN_ONE_QUERY):
            self._keep(self._book.connection.execute(statements.LIVE, {"keys": keys[place : place + _IN_ONE_QUERY]}))

    def _keep(self, rows: Iterable[Row[Any]]) -> None:
        for row in rows:
            self._rows.setdefault(row.id, row._asdict())
            if row.status != "resolved":
                self._live[row.alert_key] = row.id


def occurrence(alert: Alert) -> str:
    """SHA-256 of sender, fingerprint and start."""
    return hashlib.sha256(f"{alert.key}\0{micros(alert.starts_at)}".encode()).hexdigest()


def _document(alert: Alert) -> str:
    """As it is kept: its fingerprint was a sender's free text, too."""
    return json.dumps({**alert.document(), "fingerprint": masked([alert.fingerprint])[0]}, ensure_ascii=False, sort_keys=True)

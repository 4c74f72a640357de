"""Alerts and bodies of webhooks, made up here; and a house that takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.approvals.people import Person
from agent.incidents.alert import Alert
from agent.incidents.incident import Incident
from agent.incidents.receiving import Receipt
from agent.incidents.service import Delivery, Incidents
from agent.incidents.settings import AlertSettings
from agent.state_db.database import Database

NOW = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
ANN, BOB, EVE = Person("ann", "responder"), Person("bob", "responder"), Person("eve", "viewer")


@dataclass
class Clock:
    """It stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class House:
    """Incidents of one database."""

    url: str
    settings: AlertSettings = field(default_factory=AlertSettings)
    clock: Clock = field(default_factory=Clock)
    events: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database(self.url)
        self.incidents = Incidents(self.database, self.clock, self.settings, lambda kind, one: self.events.append((kind, one.id)))

    def take(self, *alerts: Alert, once: str = "", event: str = "") -> Receipt:
        """Receive them as one delivery."""
        told = self.incidents.receive([Delivery(alerts, once, event)])[0]
        if not isinstance(told, Receipt):
            raise told
        return told

    def one(self) -> Incident:
        """The only incident there is."""
        (found,), _ = self.incidents.list(["open", "investigating", "mitigated", "resolved"])
        return found

    def kinds(self, ident: str) -> list[str]:
        return [one.kind for one in self.incidents.show(ident).timeline]

    def close(self) -> None:
        self.database.close()


def alert(fingerprint: str = "f1", status: str = "firing", *, service: str = "cart", name: str = "HighErrorRate", starts: datetime = NOW, **more: Any) -> Alert:
    told: dict[str, Any] = {"title": f"{name} on {service}", "severity": "error", "labels": {"alertname": name, "service": service}, **more}
    return Alert("alertmanager", fingerprint, status, service=service, starts_at=starts, **told)  # type: ignore[arg-type] # made here


def alertmanager(*labels: Mapping[str, str], status: str = "firing", starts: str = "2026-11-26T13:55:00.123456789Z", **more: Any) -> dict[str, Any]:
    """A body of Alertmanager's webhook, version 4."""
    return {
        "version": "4", "groupKey": "{}:{alertname=\"HighErrorRate\"}", "truncatedAlerts": 0, "status": status, "receiver": "oncalm",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager.example:9093",
        "alerts": [{
            "status": status, "labels": {"alertname": "HighErrorRate", "severity": "critical", "service": "cart", **one},
            "annotations": {"summary": "5xx above 5% for 10m"}, "startsAt": starts,
            "endsAt": "2026-11-26T14:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph?g0.expr=up", "fingerprint": f"{abs(hash(tuple(sorted(one.items())))):016x}", **more,
        } for one in labels],
    }


def event(action: str = "trigger", key: str = "db/1", **more: Any) -> dict[str, Any]:
    """A body of PagerDuty's Events API v2."""
    payload = {"summary": "Disk 93% full on db-1", "source": "db-1", "severity": "critical", "component": "postgres", "class": "DiskFull",
               "custom_details": {"free": "7%", "service": "orders-db"}, **more}
    return {"routing_key": "r" * 32, "event_action": action, "dedup_key": key, **({"payload": payload} if action == "trigger" else {})}


def webhook(change: str = "triggered", *, at: str = "2026-11-26T13:56:00Z", ident: str = "E1", **more: Any) -> dict[str, Any]:
    """A body of PagerDuty's webhooks, version 3."""
    return {"event": {
        "id": ident, "event_type": f"incident.{change}", "resource_type": "incident", "occurred_at": at,
        "agent": {"type": "user_reference", "summary": "Grace Hopper"},
        "data": {"id": "PGR0VU2", "type": "incident", "number": 2, "title": "Checkout is slow", "created_at": "2026-11-26T13:55:00Z",
                 "status": "resolved" if change == "resolved" else "acknowledged" if change == "acknowledged" else "triggered",
                 "html_url": "https://acme.pagerduty.example/incidents/PGR0VU2", "service": {"id": "P1", "summary": "checkout"},
                 "priority": {"summary": "P1"}, "urgency": "high", **more}}}

"""An incident as it is read: what is the matter, how it stands, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent.audit.journal import moment
from agent.incidents.alert import Severity
from agent.incidents.states import State

_TELLING = ("text", "why", "answer", "title", "url", "person", "symptom", "incident")
"""Keys of an entry's body, the one that tells most first."""


@dataclass(slots=True)
class Incident:
    """One row. Times are microseconds since 1970 (UTC)."""

    id: str
    group_key: str
    grouped: dict[str, str]
    title: str
    service: str
    severity: Severity
    priority: int
    state: State
    version: int
    created: int
    changed: int
    resolved: int | None = None
    ended_by: str = ""
    firing: int = 0
    """Alerts that fire now."""
    alerts: int = 0
    notes: int = 0
    owner: str = ""
    earlier: str | None = None

    def document(self) -> dict[str, Any]:
        """Plain JSON, times in ISO 8601."""
        return {
            "id": self.id, "title": self.title, "state": self.state, "version": self.version, "severity": self.severity, "service": self.service,
            "group": dict(self.grouped), "created": stamp(self.created), "changed": stamp(self.changed), "resolved": stamp(self.resolved),
            "ended_by": self.ended_by, "firing": self.firing, "alerts": self.alerts, "owner": self.owner, "earlier": self.earlier,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    seq: int
    at: datetime
    kind: str
    actor: str
    body: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What of it tells most, in a few words."""
        return next((str(self.body[name]) for name in _TELLING if self.body.get(name)), "")

    def document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"seq": self.seq, "at": self.at.isoformat(), "kind": self.kind, "actor": self.actor, "body": dict(self.body), "words": self.words}


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything about one incident."""

    incident: Incident
    timeline: tuple[Entry, ...] = ()
    alerts: tuple[Mapping[str, Any], ...] = ()
    people: tuple[Mapping[str, Any], ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
    investigation: Mapping[str, Any] | None = field(default=None)

    def document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            **self.incident.document(), "timeline": [one.document() for one in self.timeline], "alert_list": [dict(one) for one in self.alerts],
            "participants": [dict(one) for one in self.people], "links": [dict(one) for one in self.links],
            "investigation": dict(self.investigation) if self.investigation else None,
        }


def stamp(at: int | None) -> str | None:
    """Microseconds as ISO 8601."""
    return None if at is None else moment(at).isoformat()



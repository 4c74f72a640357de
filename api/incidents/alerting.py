"""Alerts and incidents of one home, joined: what takes alerts in, what keeps them, and what investigates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agent.incidents.service import Incidents, OnEvent
from agent.incidents.settings import AlertSettings
from agent.state_db.database import Database
from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from fastapi import APIRouter

    from agent.incidents.incident import Incident
    from agent.incidents.worker import Investigate
    from api.actions.desk import Desk


class Investigating(Protocol):
    """What this needs of the product."""

    def investigate(self, symptom: str, *, at: datetime | None = None) -> dict[str, Any]: ...


class Alerting:
    """Takes alerts, and investigates what they make. To be started and stopped with the server."""

    def __init__(self, incidents: Incidents, investigate: Investigate, desk: Desk | None = None) -> None:
        """``incidents``: from :func:`opened`, or another's. Its ``on_event`` is told what happens. ``desk``: where proposals go."""
        from agent.incidents.intake import Intake
        from agent.incidents.worker import Worker
        from api.routes.alerts import Receiver

        self.incidents, self._desk = incidents, desk
        self.intake = Intake(incidents)
        self.worker = Worker(incidents, investigate)
        self.receiver = Receiver(incidents, self.intake)

    def start(self) -> None:
        """Begin to take alerts and to investigate."""
        self.intake.start()
        self.worker.start()

    def stop(self) -> None:
        """Keep what was sent, then end; investigations that are not done are given back to the queue."""
        self.intake.stop()
        self.worker.stop()

    def routers(self) -> list[APIRouter]:
        """``/v1/alerts`` and ``/v1/incidents``."""
        from api.routes import alerts, incidents

        return [alerts.router(self.receiver), incidents.router(self.incidents, self._desk)]


def opened(home: Path, settings: AlertSettings, *, state_url: str | None = None, on_event: OnEvent = lambda kind, incident: None,
           clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Incidents:
    """The incidents of a home, or of the database at ``state_url``. Raises StoreError."""
    return Incidents(Database(state_url) if state_url else Database.at(home), clock, settings, on_event)


def by_product(product: Investigating, incidents: Incidents | None = None, desk: Desk | None = None) -> Investigate:
    """Investigate with the product, which recalls what it knows of an equal symptom.

    ``incidents`` tell which alert it is. With a ``desk`` the first proposal is put before people, once an incident, or carried out
    where a rule of the policy allows it; its timeline says so.
    """
    def investigate(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
        found = product.investigate(symptom, at=at)
        if incidents is None:
            return found
        from api.incidents.triggering_alert import of_incident

        found["alert"] = of_incident(incidents.show(incident))
        if desk is not None and found.get("proposals"):
            _propose(found, incidents, incident, desk)
        return found

    return investigate


def _propose(found: dict[str, Any], incidents: Incidents, incident: str, desk: Desk) -> None:
    from agent.approvals.people import Person
    from agent.incidents.book import WORKER
    from agent.incidents.reading import APPROVAL
    from api.actions.proposals import put

    put(found, desk, Person(WORKER, "responder"), key=f"incident:{incident}", of=incident)
    if "approval" in (told := found["approval_outcome"]):  # the desk tells the timeline what becomes of it
        return
    try:
        incidents.record(incident, APPROVAL, WORKER, {"approval": found["approval"], "text": told["told"]})
    except OnCalmError as error:  # another wrote at the same moment: the investigation tells it as well
        found["notes"] = [*found.get("notes", ()), f"that nothing was done is not in the timeline: {error}"]


def told_to(*listeners: Callable[[str, Incident], None]) -> OnEvent:
    """One who is told, for many who are; what one raises keeps the others from nothing."""
    def tell(kind: str, incident: Incident) -> None:
        failed: list[Exception] = []
        for listener in listeners:
            try:
                listener(kind, incident)
            except Exception as error:  # noqa: BLE001 - told below
                failed.append(error)
        if failed:
            raise ExceptionGroup("some who are told failed", failed)

    return tell


class Book:
    """The incidents as summaries read them."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents

    def touching(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Those that are open, or were opened, changed or resolved in ``[start, end)``; the newest five hundred are looked at."""
        from agent.incidents.states import STATES

        found, _ = self._incidents.list(STATES, limit=500)
        first, last = (round(at.timestamp() * 1_000_000) for at in (start, end))
        return [self.incident(one.id) for one in found if one.created < last and (one.state != "resolved" or one.changed >= first)]

    def incident(self, ident: str) -> dict[str, Any]:
        """One of them, as it began by its alerts, with the cause that its investigation found. Raises NoSuchIncidentError."""
        told = self._incidents.show(ident).document()
        opened, result = told["created"], (told["investigation"] or {}).get("result") or {}
        said, earliest = min((str(one["starts_at"]) for one in told["alert_list"]), default=opened), _day_before(opened)
        began = max(said, earliest)
        entries = [{"at": one["at"], "kind": one["kind"], "person": one["actor"], "text": one["words"].split("\n")[0]} for one in told["timeline"]]
        if began < opened:
            entries.insert(0, {"at": began, "kind": "began", "person": "", "text": f"it began{' by then' if said < earliest else ''}, as the first of its alerts says"})
        return {**told, "services": [told["service"]] if told["service"] else [], "opened": min(began, opened), "timeline": entries,
                "cause": str(result.get("answer", "")).split("\n")[0] if result.get("suspects") else "", "evidence": _lines(result)}


def _day_before(opened: str) -> str:
    """The earliest that an incident is taken to have begun, whatever its alerts say."""
    return (datetime.fromisoformat(opened) - timedelta(days=1)).isoformat()


def _lines(result: Mapping[str, Any]) -> list[str]:
    """The first lines of the evidence of an investigation."""
    return [str(line["text"]) for one in result.get("evidence") or () for line in (one.get("excerpt") or ())[:2]][:6]

"""Summaries over HTTP: ``/v1/summaries`` (kept ones, made on demand) and ``/v1/schedules``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.people import Role
from agent.summaries.configured import length
from agent.summaries.document import Kind
from agent.summaries.facts import Period
from api.door.needs import Needs
from api.scheduling.schedule import schedule_from
from api.summaries.service import Summarising, rendered
from telemetry.errors import UsageError

ROLES: tuple[Role, ...] = ("viewer", "responder", "admin")
VIEWER, RESPONDER, ADMIN = (Depends(Needs(role)) for role in ROLES)
Ident = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9]+$")]
MEDIA = {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8", "json": "application/json"}
LONGEST = timedelta(days=92)


class Wanted(BaseModel):
    """What to sum up: ``since`` (24h), or ``from`` and ``to``."""

    model_config = ConfigDict(extra="forbid")
    since: str | None = Field(default=None, max_length=20)
    start: datetime | None = Field(default=None, alias="from")
    end: datetime | None = Field(default=None, alias="to")
    services: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=200)
    team: str = Field(default="", max_length=200)
    kind: Kind = "period"
    incident: str = Field(default="", max_length=80)

    def period(self, now: datetime) -> Period:
        """The period. Raises UsageError that names the field."""
        if self.since is not None and (self.start or self.end):
            raise UsageError("give since, or from and to", where="since", remedy="leave one of them out")
        if self.start is None and self.end is None:
            try:
                return Period(start=now - length(self.since or "24h"), end=now)
            except ValueError as error:
                raise UsageError(str(error), where="since", remedy="write for example 24h") from error
        if self.start is None or self.start.tzinfo is None or (self.end is not None and self.end.tzinfo is None):
            raise UsageError("a period needs a start, and times with a zone", where="from", remedy="write 2026-03-02T08:00:00Z")
        end = self.end or now
        if not timedelta(0) < end - self.start <= LONGEST:
            raise UsageError(f"a period ends after it begins, and lasts at most {LONGEST.days} days", where="to", remedy="give another end")
        return Period(start=self.start, end=end)


def router(made: Summarising) -> APIRouter:
    """The routes over one home's summaries."""
    found = APIRouter(prefix="/v1", tags=["summaries"])
    _summaries(found, made)
    _schedules(found, made)
    return found


def _summaries(routes: APIRouter, made: Summarising) -> None:
    @routes.get("/summaries", dependencies=[VIEWER])
    def listed(limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: Annotated[str | None, Query(max_length=80)] = None) -> dict[str, Any]:
        """Kept summaries, the newest first."""
        items, following = made.kept.list(limit, cursor)
        return {"items": items, "next": following}

    @routes.post("/summaries", status_code=201, dependencies=[RESPONDER])
    def make(wanted: Wanted) -> dict[str, Any]:
        """Make a summary now, and keep it."""
        summary = made.make(wanted.period(made.clock()), services=wanted.services, team=wanted.team, kind=wanted.kind, incident=wanted.incident)
        return made.kept.keep(summary).document()

    @routes.get("/summaries/{ident}", dependencies=[VIEWER])
    def one(ident: Ident, form: Annotated[Literal["md", "html", "json"], Query(alias="format")] = "json") -> Response:
        """One kept summary."""
        return Response(rendered(made.kept.get(ident), form), media_type=MEDIA[form])


def _schedules(routes: APIRouter, made: Summarising) -> None:
    @routes.get("/schedules", dependencies=[VIEWER])
    def listed() -> dict[str, Any]:
        """All schedules, with how the last deliveries went."""
        plans = made.plans
        items = [{**one.document(), "deliveries": [{"due": sent.due.isoformat(), "to": sent.told, "state": sent.state, "why": sent.why}
                                                   for sent in plans.deliveries(one.id)[:20]]} for one in plans.list()]
        return {"items": items, "next": None}

    @routes.post("/schedules", status_code=201, dependencies=[ADMIN])
    def add(document: dict[str, Any]) -> dict[str, Any]:
        """Add a schedule. Folders are within the home: nobody writes elsewhere over HTTP."""
        schedule = schedule_from(document)
        for place in schedule.deliver:
            parts = place.to.replace("\\", "/").split("/")
            if place.kind == "folder" and (place.to.startswith(("/", "~")) or ".." in parts or parts[0] != "out"):
                raise UsageError("over HTTP a folder is out, or one within it", where="deliver.to", remedy="write out/NAME, or add the schedule by `oncalm schedules add`")
        return made.plans.add(schedule, made.clock()).document()

    @routes.delete("/schedules/{ident}", status_code=204, dependencies=[ADMIN])
    def remove(ident: Ident) -> None:
        """Remove a schedule; what waits to be sent is not sent."""
        made.plans.remove(ident, made.clock())

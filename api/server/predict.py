"""``/predict/anomaly`` and ``/predict/rca``: what is strange, and who is to blame, as typed results without words around them."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from agent.approvals.people import Person
from api.door.needs import Needs
from api.errors import NotFoundError
from api.server.services import Services
from telemetry.errors import UsageError
from tools.incident import Aspect

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Session = Annotated[list[Annotated[str, StringConstraints(max_length=2_000)]], Field(min_length=1, max_length=2_000)]
LEAST = 20
"""Usual sessions below which nothing is called usual."""


class _Timed(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    start: datetime | None = Field(default=None, alias="from", description="ISO 8601; UTC when it names no zone.")
    end: datetime | None = Field(default=None, alias="to")
    baseline_start: datetime | None = None
    baseline_end: datetime | None = None

    def times(self) -> dict[str, str]:
        """Those that are said, in UTC."""
        said = {name: getattr(self, name) for name in ("start", "end", "baseline_start", "baseline_end")}
        return {name: (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat() for name, at in said.items() if at is not None}


class Anomaly(_Timed):
    """Sessions to judge by usual ones, each a list of events (templates) in order; or a time of the store, by the time before it."""

    sessions: list[Session] | None = Field(default=None, min_length=1, max_length=100_000)
    usual: list[Session] | None = Field(default=None, max_length=100_000)
    limit: int = Field(default=20, ge=1, le=200)

    @model_validator(mode="after")
    def _one(self) -> Anomaly:
        if (self.sessions is None) != (self.usual is None):
            raise ValueError("sessions are judged by usual ones: give both, or a time of the store")
        if self.sessions is None and self.start is None:
            raise ValueError("say what to judge: sessions and usual, or from")
        if self.usual is not None and len(self.usual) < LEAST:
            raise ValueError(f"fewer than {LEAST} usual sessions do not tell what is usual")
        return self


class Cause(_Timed):
    """An incident of the store."""

    at: datetime | None = Field(default=None, description="A moment within it, when from and to are not known.")
    service: str | None = Field(default=None, max_length=300)
    aspect: Aspect = ""


def router(services: Services) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["predict"])

    @routes.post("/predict/anomaly")
    def anomaly(asked: Anomaly, person: Viewer) -> dict[str, Any]:
        """Which sessions are abnormal, the strangest first, and why. Scores are nats above the threshold."""
        if asked.sessions is not None and asked.usual is not None:
            return _judged(asked.sessions, asked.usual, asked.limit)
        found = _called(services, "logs.anomalies", {**asked.times(), "limit": asked.limit}, person)
        table = found.get("found", {}).get("result", {})
        rows = [{"session": row[0], "begins": row[1], "records": row[2], "score": row[3], "reasons": row[4].split("; ")} for row in table.get("rows") or ()]
        return {"judged": found.get("found", {}).get("searched", 0), "abnormal": found.get("total", 0), "items": rows, "notes": found.get("notes", [])}

    @routes.post("/predict/rca")
    def rca(asked: Cause, person: Viewer) -> dict[str, Any]:
        """Suspects, the likeliest first, with the evidence for and against; what is ruled out and what could not be assessed."""
        moment = {"at": (asked.at if asked.at.tzinfo else asked.at.replace(tzinfo=UTC)).isoformat()} if asked.at else {}
        found = _called(services, "incident.suspects", {**asked.times(), **moment, "service": asked.service, "aspect": asked.aspect}, person)["output"] or {}
        return {name: found.get(name) for name in ("window", "baseline", "chosen", "suspects", "ruled_out", "timeline", "not_assessed", "graph")}

    return routes


def _judged(sessions: list[Session], usual: list[Session], limit: int) -> dict[str, Any]:
    from signals.anomaly.detector import SessionDetector

    verdicts = SessionDetector.fit([tuple(one) for one in usual]).judge([tuple(one) for one in sessions])
    odd = sorted(((number, one) for number, one in enumerate(verdicts) if one.abnormal), key=lambda pair: -pair[1].score)
    rows = [{"session": number, "begins": None, "records": len(sessions[number]), "score": round(one.score, 3), "reasons": list(one.reasons)} for number, one in odd]
    return {"judged": len(sessions), "abnormal": len(odd), "items": rows[:limit], "notes": []}


def _called(services: Services, name: str, arguments: dict[str, Any], by: Person) -> dict[str, Any]:
    """A tool's result. Raises UsageError and NotFoundError."""
    with ExitStack() as stack:
        result = services.product.tools(by, stack).call(name, arguments)
    if result.status == "failed":
        raise UsageError(result.error or "it failed", where=name, remedy="see the schema")
    if result.status == "not_assessed":
        raise NotFoundError(result.error or result.reason or "it could not be assessed", where=name, remedy="oncalm doctor says what is missing")
    return result.model_dump(mode="json")

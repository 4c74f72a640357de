"""Incidents: ``/v1/incidents``. Viewers read; responders acknowledge, mitigate, resolve, reopen, note, link and take part."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.people import Person
from agent.incidents.alert import Severity
from agent.incidents.incident import Incident
from agent.incidents.service import Incidents
from agent.incidents.states import STATES, State
from api.door.needs import Needs
from api.routes.problem_answers import problems

if TYPE_CHECKING:
    from api.actions.desk import Desk

_VIEWER = [Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]
Ident = Annotated[str, Path(description="An incident's id.", max_length=40)]
Document = dict[str, Any]
_URL = r"^https?://[A-Za-z0-9._-]+(:[0-9]{1,4}|:[1-5][0-9]{4}|:6[0-4][0-9]{3})?([/?#][!-~]*)?$"
"""Percent-encoded where it must be (RFC 3986), and without a user and a password."""
_SEEN = {401: "Nobody came in through the door.", 403: "The role does not reach.", 422: "Fields are missing or wrong; each is named.",
         503: "The state database cannot be used now."}
_READ = problems({**_SEEN, 404: "There is no such incident."})
_WRONG = problems({**_SEEN, 400: "The body is no JSON.", 404: "There is no such incident.", 409: "It stands elsewhere; look at it again."})


class Change(BaseModel):
    """A step in its life. With ``version`` it is only taken when the incident is still the one that was seen."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field(default="", max_length=2_000)
    version: int | None = Field(default=None, ge=0)


class Note(BaseModel):
    """Words for the timeline."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=2_000, pattern=r"[A-Za-z0-9]|[^\x00-\x7f]")
    """With a letter or a digit in it."""


class Link(BaseModel):
    """A link of http or https."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(max_length=2_000, pattern=_URL)
    title: str = Field(default="", max_length=200)


class Part(BaseModel):
    """Who takes part."""

    model_config = ConfigDict(extra="forbid")
    person: str = Field(min_length=1, max_length=200)
    part: Literal["participant", "owner"] = "participant"


class Page(BaseModel):
    """Incidents, and the cursor of the next ones."""

    items: list[Document]
    next: str | None


def router(incidents: Incidents, desk: Desk | None = None) -> APIRouter:
    """The routes over one state database, for whichever application mounts them; with a ``desk`` what is found may be proposed."""
    routes = APIRouter(prefix="/v1/incidents", tags=["incidents"])
    _reading(routes, incidents)
    _living(routes, incidents)
    _telling(routes, incidents)
    if desk is not None:
        _proposing(routes, incidents, desk)
    return routes


def _reading(routes: APIRouter, incidents: Incidents) -> None:
    @routes.get("", dependencies=_VIEWER, responses=problems(_SEEN))
    def listed(
        state: Annotated[list[State] | None, Query(description="As often as needed; none: those that are not resolved.")] = None,
        severity: Severity | None = None, service: Annotated[str, Query(max_length=4_000)] = "",
        cursor: Annotated[str, Query(pattern=r"^([0-9]{1,18}_inc-[0-9a-f]{16})?$", description="The ``next`` of the page before.")] = "", limit: Annotated[int, Query(ge=1, le=500)] = 50,
        every: Annotated[bool, Query(description="Resolved ones, too.")] = False,
    ) -> Page:
        """Incidents, the newest first."""
        usual: tuple[State, ...] = STATES if every else ("open", "investigating", "mitigated")
        found, after = incidents.list(state or usual, severity=severity or "", service=service, cursor=cursor, limit=limit)
        return Page(items=[one.document() for one in found], next=after)

    @routes.get("/{ident}", dependencies=_VIEWER, responses=_READ)
    def shown(ident: Ident, after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Of the timeline, what comes after this entry.")] = 0) -> Document:
        """Everything about one: timeline, alerts, participants, links, what its investigation found."""
        return incidents.show(ident, after=after).document()


def _living(routes: APIRouter, incidents: Incidents) -> None:
    @routes.post("/{ident}/acknowledge", responses=_WRONG)
    def acknowledge(ident: Ident, by: Responder, body: Change | None = None) -> Document:
        """Look after it."""
        return incidents.acknowledge(ident, by, version=body.version if body else None).document()

    def step(move: Callable[..., Incident], told: str) -> Callable[..., Document]:
        def act(ident: Ident, by: Responder, body: Change | None = None) -> Document:
            given = body or Change()
            return move(ident, by, why=given.why, version=given.version).document()

        act.__doc__ = told
        return act

    for name, move, told in (("mitigate", incidents.mitigate, "It hurts nobody any more."), ("resolve", incidents.resolve, "It is over."),
                             ("reopen", incidents.reopen, "It is not over.")):
        routes.add_api_route(f"/{{ident}}/{name}", step(move, told), methods=["POST"], name=name, responses=_WRONG)


    @routes.post("/{ident}/investigate", responses=_WRONG)
    def investigate(ident: Ident, by: Responder, body: Change | None = None) -> Document:
        """Have it investigated again; what was found before stays until then."""
        return incidents.investigate(ident, by, why=body.why if body else "").document()


def _proposing(routes: APIRouter, incidents: Incidents, desk: Desk) -> None:
    @routes.post("/{ident}/propose", status_code=201, responses=_WRONG)
    def propose(ident: Ident, by: Responder) -> Document:
        """Put the first action that its investigation proposes before people; asked again, the same approval. Done is only what a rule allows."""
        from api.actions.proposals import propose_for

        return propose_for(incidents, ident, desk, by).document()


def _telling(routes: APIRouter, incidents: Incidents) -> None:
    @routes.post("/{ident}/note", responses=_WRONG)
    def note(ident: Ident, by: Responder, body: Note) -> Document:
        """Put words into its timeline."""
        return incidents.note(ident, by, body.text).document()

    @routes.post("/{ident}/link", responses=_WRONG)
    def link(ident: Ident, by: Responder, body: Link) -> Document:
        """Put a link beside it; it is shown and never fetched."""
        return incidents.link(ident, by, body.url, body.title).document()

    @routes.post("/{ident}/participant", responses=_WRONG)
    def participant(ident: Ident, by: Responder, body: Part) -> Document:
        """Somebody takes part, or owns it from now on."""
        return incidents.participant(ident, by, body.person, part=body.part).document()



"""Pages of summaries: those that are kept, one of them, and making one now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, get_args

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from agent.approvals.people import Person
from agent.summaries.configured import LONGEST
from agent.summaries.document import Kind, Summary
from agent.summaries.facts import Period
from api.door.needs import Needs
from api.errors import NotFoundError
from api.page.drawing import png
from api.page.forms import form_of
from api.page.rendering import page
from api.server.problems import problem_of
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from api.summaries.service import Summarising

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]
Ident = Annotated[str, Path(max_length=40)]
KINDS = {"period": "Summary", "handover": "Handover", "postmortem": "Post-incident draft"}
_FIELDS = ("kind", "since", "from", "to", "services", "team")
_PAGE = 50
_SENT = 20


def add(routes: APIRouter, summaries: Summarising) -> None:
    """Add the routes over one home's summaries."""
    _reading(routes, summaries)
    _making(routes, summaries)


def _reading(routes: APIRouter, summaries: Summarising) -> None:
    @routes.get("/summaries")
    def listed(request: Request, person: Viewer, cursor: Annotated[str, Query(max_length=80)] = "") -> Response:
        return _listed(request, person, summaries, cursor)

    @routes.get("/summaries/{ident}")
    def one(request: Request, ident: Ident, person: Viewer) -> Response:
        from api.pictures.summary import drawable_of

        found = summaries.kept.get(ident)
        return page(request, person, "summary", one=found, kind=KINDS[found.kind], pictures=drawable_of(found), incident=_incident(found))

    @routes.get("/summaries/{ident}/{name}.png")
    def picture(ident: Ident, name: str, _: Viewer) -> Response:
        """A picture of a summary: errors, templates or budgets."""
        from api.pictures.summary import picture as draw

        drawn = draw(summaries.kept.get(ident), name)
        if drawn is None:
            raise NotFoundError("there is nothing to draw", where=f"picture {name[:40]}", remedy="load the summary again")
        return png(drawn)


def _making(routes: APIRouter, summaries: Summarising) -> None:
    @routes.post("/summaries")
    async def make(request: Request, person: Responder) -> Response:
        """Make one now, from the page's form, and keep it."""
        form = await form_of(request)

        def act() -> Response:
            try:
                made = summaries.kept.keep(_made(summaries, form))
            except OnCalmError as error:
                return _listed(request, person, summaries, "", form, error)
            return RedirectResponse(f"/summaries/{made.id}", 303)

        return await run_in_threadpool(act)


def _listed(request: Request, person: Person, summaries: Summarising, cursor: str, form: Mapping[str, str] | None = None, problem: OnCalmError | None = None) -> Response:
    items, following = summaries.kept.list(_PAGE, cursor or None)
    plans = summaries.plans
    schedules = [{**one.document(), "sent": plans.deliveries(one.id)[:_SENT]} for one in plans.list()]
    names = {one["id"]: one["name"] for one in schedules}
    return page(request, person, "summaries", status=problem_of(problem)["status"] if problem else 200, items=items, following=following, kinds=KINDS, schedules=schedules,
                names=names, may_make=person.may("responder"), form={name: (form or {}).get(name, "") for name in _FIELDS}, problem=problem)


def _made(summaries: Summarising, form: Mapping[str, str]) -> Summary:
    """The summary that a form asks for. Raises UsageError."""
    kind: Kind | None = next((one for one in get_args(Kind) if one == form.get("kind", "period")), None)
    if kind is None:
        raise UsageError("there is no such kind of summary", where="kind", remedy="load the page again")
    services = [name for one in form.get("services", "").split(",") if (name := one.strip())]
    return summaries.make(_period(form), services=services, team=form.get("team", "").strip(), kind=kind, incident=form.get("incident", "").strip())


def _period(form: Mapping[str, str]) -> Period:
    from api.summaries.commands import period

    said = {name: form.get(name, "").strip()[:100] for name in ("since", "from", "to")}
    try:
        found = period(None if said["from"] or said["to"] else said["since"], said["from"], said["to"])
    except UsageError as error:
        raise UsageError("the time cannot be read, or ends before it begins", where="the last/from/to", remedy="write 24h, or from 2026-03-02 08:00 to 2026-03-02 16:00 (UTC)") from error
    if found.end - found.start > LONGEST:
        raise UsageError(f"a period lasts at most {LONGEST.days} days", where="from", remedy="begin later")
    return found


def _incident(found: Summary) -> str:
    """The incident that a draft is about."""
    return next((one.id for one in found.facts.incidents.items if found.kind == "postmortem" and one.id in found.title), "")


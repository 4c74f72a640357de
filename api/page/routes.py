"""The pages. They read through the same services as the HTTP API, and change things by the same ways."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from agent.approvals.people import Person
from agent.approvals.states import STATES, State
from api.door.needs import Needs, open_to_all
from api.errors import NotFoundError
from api.page.drawing import drawn
from api.page.forms import form_of
from api.page.incidents import add as incident_pages
from api.page.probes import add as probe_pages
from api.page.rendering import HERE, page
from api.page.summaries import add as summary_pages
from api.server.problems import problem_of
from api.server.services import Services
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from agent.incidents.service import Incidents
    from api.summaries.service import Summarising

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Approver = Annotated[Person, Depends(Needs("approver"))]
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FEW = 5
_WAITING: tuple[State, ...] = ("pending", "approved", "executing", "succeeded", "unknown", "rolling_back", "rollback_unknown")


def router(services: Services, incidents: Incidents | None = None, summaries: Summarising | None = None) -> APIRouter:
    """The pages; ``incidents`` where alerts are taken, ``summaries`` where they are made."""
    routes = APIRouter(include_in_schema=False)
    _static(routes)
    _ask(routes, services, incidents)
    _approvals(routes, services)
    _others(routes, services)
    incident_pages(routes, incidents, services.desk)
    probe_pages(routes, services)
    if summaries is not None:
        summary_pages(routes, summaries)
    return routes


def _static(routes: APIRouter) -> None:
    files = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in _KINDS}

    @routes.get("/static/{name}")
    @open_to_all("style and scripts, which are in the public source")
    async def static(name: str) -> Response:
        if name not in files:
            raise NotFoundError("there is no such file", where=f"/static/{name[:100]}", remedy="load the page again")
        return FileResponse(files[name], media_type=_KINDS[Path(name).suffix], headers={"Cache-Control": "no-cache"})


def _ask(routes: APIRouter, services: Services, incidents: Incidents | None) -> None:
    @routes.get("/")
    def ask(request: Request, person: Viewer, conversation: Annotated[str, Query(max_length=40)] = "") -> Response:
        """Ask, and what was said before."""
        turns: list[dict[str, Any]] = []
        missing = ""
        try:
            turns = services.kept.show(conversation, person)["turns"] if conversation else []
        except NotFoundError as error:
            missing = error.what
        return page(request, person, "ask", conversation="" if missing else conversation, turns=turns, missing=missing,
                    conversations=services.kept.listed(person)[:30], empty=not (services.home / "manifest.db").exists(),
                    waits=_waits(services, incidents) if not conversation else [])

    @routes.get("/pictures/{conversation}/{turn}/{name}.png")
    def picture(conversation: str, turn: int, name: str, person: Viewer) -> Response:
        """A picture of an investigation: timeline, graph or latency."""
        turns = services.kept.show(conversation, person)["turns"]
        found = next((one["answer"] for one in turns if one["number"] == turn), None)
        return drawn(found, name)


def _waits(services: Services, incidents: Incidents | None) -> list[tuple[str, str, str]]:
    """What is open and what waits for people: path, state, words. A few of each: the pages have them all."""
    pending = [(f"/approvals/{one.id}", "pending", f"{one.action} on {one.target}, asked by {one.requester}") for one in services.desk.approvals.list(("pending",))]
    found = incidents.list(limit=_FEW)[0] if incidents is not None else []
    return [*((f"/incidents/{one.id}", one.state, f"{one.severity} · {one.service}: {one.title}") for one in found), *pending[:_FEW]]


def _approvals(routes: APIRouter, services: Services) -> None:
    desk = services.desk

    def shown(request: Request, person: Person, ident: str, problem: OnCalmError | None = None) -> Response:
        found = desk.approvals.show(ident)
        verification = desk.verification(found.id)
        return page(request, person, "approval", status=problem_of(problem)["status"] if problem else 200, one=found.document(), preview=found.preview.document(),
                    deadline=found.line.deadline, requester=found.line.requester, problem=problem, verification=verification.document() if verification else None,
                    may_answer=found.state == "pending" and person.may("approver"), may_undo=found.state in {"succeeded", "confirmed"} and person.may("approver"))

    @routes.get("/approvals")
    def listed(request: Request, person: Viewer, every: bool = False) -> Response:
        desk.tend()
        return page(request, person, "approvals", items=[one.document() for one in desk.approvals.list(STATES if every else _WAITING)], every=every)

    @routes.get("/approvals/{approval}")
    def one(request: Request, approval: str, person: Viewer) -> Response:
        desk.tend()
        return shown(request, person, approval)

    @routes.post("/approvals/{approval}")
    async def answered(request: Request, approval: str, person: Approver) -> Response:
        """Approve, reject or take back, from the page's form; what is refused is told on the page."""
        from starlette.concurrency import run_in_threadpool

        form = await form_of(request)

        def act() -> Response:
            try:
                _act(form, approval, person)
            except OnCalmError as error:
                return shown(request, person, approval, error)
            return RedirectResponse(f"/approvals/{approval}", 303)

        return await run_in_threadpool(act)

    def _act(form: Mapping[str, str], approval: str, person: Person) -> None:
        done, reason = form.get("do", ""), form.get("reason", "").strip()
        if done == "approve":
            desk.approve(approval, person, digest=form.get("digest", ""), reason=reason, via="page")
        elif done == "reject":
            desk.reject(approval, person, reason=reason, via="page")
        elif done == "rollback":
            desk.rollback(approval, reason=f"{reason or 'no reason was given'} (asked for by {person.name})", by=person)
        else:
            raise UsageError("the form says neither approve nor reject", where="do", remedy="load the page again")


def _others(routes: APIRouter, services: Services) -> None:
    @routes.get("/templates")
    def templates(request: Request, person: Viewer, query: Annotated[str, Query(max_length=500)] = "") -> Response:
        empty = not (services.home / "manifest.db").exists()
        return page(request, person, "templates", items=[] if empty else services.product.templates(query, 100), query=query)

    @routes.get("/templates/{template}")
    def template(request: Request, template: str, person: Viewer) -> Response:
        known = next((one for one in services.product.catalog().templates if one.id == template), None)
        if known is None:
            raise NotFoundError("there is no such template", where=f"template {template[:40]}", remedy="look for it at /templates")
        return page(request, person, "template", one=known, counts=_counts(services, template, person))

    @routes.get("/spend")
    def spend(request: Request, person: Viewer) -> Response:
        from agent.spend import Ledger

        ledger = Ledger(services.home / "spend.db")
        rows = {"today (UTC)": ledger.spent(day=True), "today, by you": ledger.spent(day=True, who=person.id), "all that is kept": ledger.spent()}
        return page(request, person, "spend", rows={name: one.as_json() for name, one in rows.items()})



def _counts(services: Services, template: str, person: Person) -> list[tuple[str, float]]:
    """(time, count) of a template over the time that the store holds."""
    with ExitStack() as stack:
        found = services.product.tools(person, stack).call("logs.trend", {"templates": [template]})
    rows = found.found.result.rows if found.found is not None else None
    return [(str(row[0]), float(row[-1])) for row in rows or ()]


"""The pages. They read through the same services as the HTTP API, and change things by the same ways."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from agent.approvals.people import Person
from agent.approvals.states import STATES, State
from api.door.needs import Needs, open_to_all
from api.page.rendering import HERE, page
from api.server.problems import NotFoundError, problem_of
from api.server.services import Services
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from agent.incidents.service import Incidents

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]
Approver = Annotated[Person, Depends(Needs("approver"))]
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PICTURES = ("timeline", "graph", "latency")
_WAITING: tuple[State, ...] = ("pending", "approved", "executing", "succeeded", "unknown", "rolling_back", "rollback_unknown")
_LONGEST_FORM = 65_536


def router(services: Services, incidents: Incidents | None = None) -> APIRouter:
    """The pages; ``incidents`` where alerts are taken."""
    routes = APIRouter(include_in_schema=False)
    _static(routes)
    _ask(routes, services)
    _approvals(routes, services)
    _others(routes, services, incidents)
    return routes


def _static(routes: APIRouter) -> None:
    files = {path.name: path for path in (HERE / "static").iterdir() if path.suffix in _KINDS}

    @routes.get("/static/{name}")
    @open_to_all("style and scripts, which are in the public source")
    async def static(name: str) -> Response:
        if name not in files:
            raise NotFoundError("there is no such file", where=f"/static/{name[:100]}", remedy="load the page again")
        return FileResponse(files[name], media_type=_KINDS[Path(name).suffix], headers={"Cache-Control": "no-cache"})


def _ask(routes: APIRouter, services: Services) -> None:
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
                    conversations=services.kept.listed(person)[:30], pictures=PICTURES)

    @routes.get("/pictures/{conversation}/{turn}/{name}.svg")
    def picture(conversation: str, turn: int, name: str, person: Viewer) -> Response:
        """A picture of an investigation: timeline, graph or latency."""
        turns = services.kept.show(conversation, person)["turns"]
        found = next((one["answer"] for one in turns if one["number"] == turn), None)
        drawn = _drawn(found, name) if found is not None and found.get("suspects") else None
        if drawn is None:
            raise NotFoundError("there is nothing to draw", where=f"picture {name[:40]}", remedy="ask why something is wrong: investigations have pictures")
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=3600"})


def _drawn(found: Mapping[str, Any], name: str) -> bytes | None:
    from api.pictures import drawable, rendered
    from api.pictures.graph import graph
    from api.pictures.latency import latency
    from api.pictures.timeline import timeline

    made = {"timeline": timeline, "graph": graph, "latency": latency}.get(name)
    chart = made(drawable(dict(found))) if made is not None else None
    return rendered(chart, "svg") if chart is not None else None


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
        return shown(request, person, approval)

    @routes.post("/approvals/{approval}")
    async def answered(request: Request, approval: str, person: Approver) -> Response:
        """Approve, reject or take back, from the page's form; what is refused is told on the page."""
        from starlette.concurrency import run_in_threadpool

        form = await _form(request)

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


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > _LONGEST_FORM:
        raise UsageError("the form is too large", where="form", remedy="write less")
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=50).items()}


def _others(routes: APIRouter, services: Services, incidents: Incidents | None) -> None:
    @routes.get("/incidents")
    def listed(request: Request, person: Viewer, every: bool = False) -> Response:
        from agent.incidents.states import STATES as LIFE

        found = incidents.list(LIFE if every else ("open", "investigating", "mitigated"), limit=200)[0] if incidents is not None else []
        return page(request, person, "incidents", items=[one.document() for one in found], every=every, taken=incidents is not None)

    @routes.get("/incidents/{incident}")
    def one(request: Request, incident: str, person: Viewer) -> Response:
        if incidents is None:
            raise NotFoundError("no alerts are taken here", where=f"incident {incident[:40]}", remedy="see docs/alerts.md")
        return page(request, person, "incident", one=incidents.show(incident).document(), may_act=person.may("responder"), problem=None)

    @routes.post("/incidents/{incident}")
    async def led(request: Request, incident: str, person: Responder) -> Response:
        """One step in an incident's life, from the page's form."""
        from starlette.concurrency import run_in_threadpool

        form = await _form(request)

        def act() -> Response:
            assert incidents is not None  # noqa: S101 - the page has no form otherwise
            try:
                _led(incidents, form, incident, person)
            except OnCalmError as error:
                return page(request, person, "incident", status=problem_of(error)["status"], one=incidents.show(incident).document(), may_act=True, problem=error)
            return RedirectResponse(f"/incidents/{incident}", 303)

        return await run_in_threadpool(act)

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

    @routes.get("/probes")
    async def probes(request: Request, person: Viewer) -> Response:
        return page(request, person, "probes")


def _counts(services: Services, template: str, person: Person) -> list[tuple[str, float]]:
    """(time, count) of a template over the time that the store holds."""
    with ExitStack() as stack:
        found = services.product.tools(person, stack).call("logs.trend", {"templates": [template]})
    rows = found.found.result.rows if found.found is not None else None
    return [(str(row[0]), float(row[-1])) for row in rows or ()]


def _led(incidents: Incidents, form: Mapping[str, str], ident: str, person: Person) -> None:
    step, why = form.get("do", ""), form.get("why", "").strip()
    if step == "acknowledge":
        incidents.acknowledge(ident, person)
    elif step in {"mitigate", "resolve", "reopen"}:
        {"mitigate": incidents.mitigate, "resolve": incidents.resolve, "reopen": incidents.reopen}[step](ident, person, why=why)
    elif step == "note":
        incidents.note(ident, person, why)
    else:
        raise UsageError("the form says no step", where="do", remedy="load the page again")


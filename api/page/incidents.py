"""Pages of incidents: what is open, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from agent.approvals.people import Person
from api.actions.proposals import propose_for
from api.door.needs import Needs
from api.errors import NotFoundError
from api.page.drawing import PICTURES, drawn
from api.page.forms import form_of
from api.page.rendering import page
from api.server.problems import problem_of
from telemetry.errors import OnCalmError, UsageError

if TYPE_CHECKING:
    from agent.incidents.service import Incidents
    from api.actions.desk import Desk

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]


def add(routes: APIRouter, incidents: Incidents | None, desk: Desk) -> None:
    """Add the routes; ``incidents`` where alerts are taken, ``desk`` for what their investigations propose."""
    _reading(routes, incidents)
    _leading(routes, incidents, desk)


def _reading(routes: APIRouter, incidents: Incidents | None) -> None:
    @routes.get("/incidents")
    def listed(request: Request, person: Viewer, every: bool = False) -> Response:
        from agent.incidents.states import STATES as LIFE

        found = incidents.list(LIFE if every else ("open", "investigating", "mitigated"), limit=200)[0] if incidents is not None else []
        return page(request, person, "incidents", items=[one.document() for one in found], every=every, taken=incidents is not None)

    @routes.get("/incidents/{incident}")
    def one(request: Request, incident: str, person: Viewer) -> Response:
        return _shown(request, person, _kept(incidents, incident), incident)

    @routes.get("/incidents/{incident}/{name}.png")
    def picture(incident: str, name: str, _: Viewer) -> Response:
        """A picture of what its investigation found."""
        found = _kept(incidents, incident).show(incident).document()["investigation"] or {}
        return drawn(found.get("result"), name)


def _leading(routes: APIRouter, incidents: Incidents | None, desk: Desk) -> None:
    @routes.post("/incidents/{incident}")
    async def led(request: Request, incident: str, person: Responder) -> Response:
        """One step in an incident's life, from the page's form."""
        form = await form_of(request)

        def act() -> Response:
            kept = _kept(incidents, incident)
            try:
                if form.get("do") == "propose":
                    return RedirectResponse(f"/approvals/{propose_for(kept, incident, desk, person).id}", 303)
                _led(kept, form, incident, person)
            except OnCalmError as error:
                return _shown(request, person, kept, incident, error)
            return RedirectResponse(f"/incidents/{incident}", 303)

        return await run_in_threadpool(act)


def _kept(incidents: Incidents | None, incident: str) -> Incidents:
    if incidents is None:
        raise NotFoundError("no alerts are taken here", where=f"incident {incident[:40]}", remedy="see docs/alerts.md")
    return incidents


def _shown(request: Request, person: Person, incidents: Incidents, ident: str, problem: OnCalmError | None = None) -> Response:
    one = incidents.show(ident).document()
    result = (one["investigation"] or {}).get("result") or {}
    return page(request, person, "incident", status=problem_of(problem)["status"] if problem else 200, one=one, problem=problem, may_act=person.may("responder"),
                began=min((str(each["starts_at"]) for each in one["alert_list"] if each.get("starts_at")), default=one["created"]),
                pictures=[name for name in PICTURES if result.get("suspects")], proofs=_proofs(result),
                proposal=next(iter(result.get("proposals") or ()), None), no_action=result.get("no_action") or "", may_again=(one["investigation"] or {}).get("state") in {"done", "failed", "put_off"})


def _proofs(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evidence that has lines to show."""
    return [one for one in result.get("evidence") or () if one.get("excerpt")]


def _led(incidents: Incidents, form: Mapping[str, str], ident: str, person: Person) -> None:
    step, why = form.get("do", ""), form.get("why", "").strip()
    if step == "acknowledge":
        incidents.acknowledge(ident, person)
    elif step in {"mitigate", "resolve", "reopen"}:
        {"mitigate": incidents.mitigate, "resolve": incidents.resolve, "reopen": incidents.reopen}[step](ident, person, why=why)
    elif step == "investigate":
        incidents.investigate(ident, person, why=why)
    elif step == "note":
        incidents.note(ident, person, why)
    else:
        raise UsageError("the form says no step", where="do", remedy="load the page again")

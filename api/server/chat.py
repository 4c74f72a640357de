"""``/v1/chat``, conversations and investigations."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Response

from agent.approvals.people import Person
from api.door.needs import Needs, RoleError
from api.errors import BusyError, ConflictError, NotFoundError
from api.server import asking
from api.server.asking import ChatRequest, InvestigationRequest
from api.server.run import OVER, Run
from api.server.services import Services
from api.server.streams import last_id, stream

Viewer = Annotated[Person, Depends(Needs("viewer"))]
Responder = Annotated[Person, Depends(Needs("responder"))]
INVESTIGATION = "investigation"
"""The kind of the runs of ``/v1/investigations``, which everybody may follow."""
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID")]
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "object", "properties": {
    "id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string", "description": "JSON."}}}}}, "description": "Server-sent events."}}


def router(services: Services) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    _chat(routes, services)
    _conversations(routes, services)
    _investigations(routes, services)
    return routes


def _chat(routes: APIRouter, services: Services) -> None:
    busy: dict[str, Person] = {}

    @routes.post("/v1/chat", tags=["chat"], responses=_STREAM, response_class=Response)
    async def chat(asked: ChatRequest, person: Viewer) -> Response:
        """Ask; the answer comes as server-sent events: run, status, tool_result, evidence, token, approval, answer or error."""
        _may_propose(asked.propose, person)
        run = await begin(services, asked, person, busy)
        return stream(run)

    @routes.get("/v1/chat/{run}/events", tags=["chat"], responses=_STREAM, response_class=Response)
    async def events(run: str, person: Viewer, last: LastEvent = None) -> Response:
        """Follow a run, from the event behind Last-Event-ID."""
        return stream(services.runs.find(run, person), last_id(last))

    @routes.delete("/v1/chat/{run}", tags=["chat"], status_code=204)
    async def stop(run: str, person: Viewer) -> None:
        """Stop a run."""
        services.runs.find(run, person).stop()


async def begin(services: Services, asked: ChatRequest, person: Person, busy: dict[str, Person]) -> Run:
    """Start a chat's run. Raises ConflictError while the conversation's last question is still being answered.

    A new conversation is kept by the run's thread: nothing that waits for a disk comes before the first event.
    """
    from starlette.concurrency import run_in_threadpool

    ident = asked.conversation or uuid4().hex
    if asked.conversation is not None and (ident not in busy or busy[ident].id != person.id):
        await run_in_threadpool(services.kept.check, ident, person)
    if ident in busy:
        raise ConflictError("its last question is still being answered", where=f"conversation {ident}", remedy="wait for the answer, or stop its run")
    busy[ident] = person
    work = asking.chat(services, asked, ident)

    def fresh(run: Run) -> dict[str, Any]:
        services.kept.begin(ident, person, asked.question)
        return work(run)

    try:
        run = services.runs.start(asked.kind, person, work if asked.conversation else fresh, detached=asked.detach, first={"conversation": ident})
    except BaseException:
        del busy[ident]
        raise
    run.future.add_done_callback(lambda _: busy.pop(ident, None))
    return run


def _conversations(routes: APIRouter, services: Services) -> None:
    kept = services.kept

    @routes.get("/v1/conversations", tags=["conversations"])
    def listed(person: Viewer) -> dict[str, Any]:
        """Your conversations, the newest first."""
        return {"items": kept.listed(person), "next": None}

    @routes.get("/v1/conversations/{conversation}", tags=["conversations"])
    def shown(conversation: str, person: Viewer) -> dict[str, Any]:
        """One, with its answers, and what became of what they proposed."""
        found = kept.show(conversation, person)
        return {**found, "turns": [{**one, "answer": _with_outcome(services, one["answer"])} for one in found["turns"]]}

    @routes.post("/v1/conversations/{conversation}/fork", tags=["conversations"], status_code=201)
    def fork(conversation: str, person: Viewer) -> dict[str, Any]:
        """Copy one, to go another way from here."""
        return kept.show(kept.fork(conversation, person), person)

    @routes.delete("/v1/conversations/{conversation}", tags=["conversations"], status_code=204)
    def delete(conversation: str, person: Viewer) -> None:
        """Delete one, and what it remembers."""
        kept.delete(conversation, person)


def _investigations(routes: APIRouter, services: Services) -> None:
    kept = services.kept

    @routes.post("/v1/investigations", tags=["investigations"], status_code=202)
    async def create(asked: InvestigationRequest, person: Responder) -> dict[str, Any]:
        """Find the cause of a symptom; poll or stream it by its id."""
        _may_propose(asked.propose, person)
        from starlette.concurrency import run_in_threadpool

        ident = await run_in_threadpool(kept.ask, person, asked.model_dump(mode="json", by_alias=True))
        try:
            begin_investigation(services, ident, person, asked)
        except BusyError:
            await run_in_threadpool(kept.note, ident, "cancelled")  # whoever asked is told so, and asks again
            raise
        return await run_in_threadpool(kept.investigation, ident)

    @routes.get("/v1/investigations", tags=["investigations"])
    def listed(_: Viewer, state: str | None = None) -> dict[str, Any]:
        """Investigations, the newest first."""
        return {"items": kept.investigations(state), "next": None}

    @routes.get("/v1/investigations/{investigation}", tags=["investigations"])
    def shown(investigation: str, _: Viewer) -> dict[str, Any]:
        """One, with its result once there is one, and what became of what it proposed."""
        found = kept.investigation(investigation)
        return {**found, "result": _with_outcome(services, found["result"]) if found["result"] else None}

    @routes.get("/v1/investigations/{investigation}/events", tags=["investigations"], responses=_STREAM, response_class=Response)
    async def events(investigation: str, person: Viewer, last: LastEvent = None) -> Response:
        """Follow one that runs in this process, or did until a while ago."""
        run = services.runs.find(investigation, Person(person.name, "admin"))
        if run.kind != INVESTIGATION:  # a chat is for whoever asked
            raise NotFoundError("there is no such investigation", where=f"investigation {investigation[:40]}", remedy="GET /v1/investigations lists them")
        return stream(run, last_id(last))

    @routes.delete("/v1/investigations/{investigation}", tags=["investigations"], status_code=204)
    def cancel(investigation: str, person: Responder) -> None:
        """Cancel one: yours, or as an admin anybody's."""
        found = kept.investigation(investigation)
        if found["person"] != person.id and not person.may("admin"):
            raise RoleError(f"it is {found['person']}'s", where=f"investigation {investigation}", remedy="ask them, or an admin")
        if found["state"] in OVER:
            raise ConflictError(f"it is {found['state']} already", where=f"investigation {investigation}", remedy="nothing more is needed")
        with suppress(NotFoundError):  # it is another process's, which finds it cancelled
            services.runs.find(investigation, Person(person.name, "admin")).stop()
        kept.note(investigation, "cancelled")


def _with_outcome(services: Services, document: dict[str, Any]) -> dict[str, Any]:
    """An answer as it was kept, with what the store says of its proposal now."""
    from agent.approvals.errors import NoSuchApprovalError

    if not document.get("approval"):
        return document
    try:
        return {**document, "outcome": services.desk.outcomes.of(document["approval"])}
    except NoSuchApprovalError:  # the state database was begun anew
        return document


def begin_investigation(services: Services, ident: str, person: Person, asked: InvestigationRequest) -> Run:
    """Start an investigation's run; how it ends without a result is kept, too."""
    run = services.runs.start(INVESTIGATION, person, asking.investigation(services, asked, ident), detached=True, ident=ident, first={"investigation": ident})

    def over(_: object) -> None:
        if run.state == "failed":
            services.kept.note(ident, "failed", error=run.problem)

    run.future.add_done_callback(over)
    return run


def _may_propose(wanted: bool, person: Person) -> None:
    if wanted and not person.may("responder"):
        raise RoleError(f"a {person.role} may not propose actions", where="propose", remedy="leave it out, or ask a responder")

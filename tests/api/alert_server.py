"""A server on loopback that takes alerts, and whoever posts to it. Its door is three lines, its problems ten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.approvals.people import Person
from agent.incidents.settings import AlertSettings
from agent.incidents.worker import Investigate
from api.door.needs import RoleError, StrangerError
from api.incidents.alerting import Alerting, opened
from api.serving import listen
from telemetry.errors import OnCalmError, StoreError, UsageError
from tests.agent.seeded import seeded

_STATUS = {StrangerError: 401, RoleError: 403, UsageError: 422, StoreError: 503}
ROLE, BY = "x-test-role", "x-test-by"


def application(alerting: Alerting) -> FastAPI:
    """An app whose door believes what a header says."""
    app = FastAPI()

    @app.middleware("http")
    async def door(request: Request, go_on: Any) -> Response:
        if role := request.headers.get(ROLE):
            request.state.person = Person("ann", role)  # type: ignore[arg-type] # of a test
            request.state.identity = SimpleNamespace(by=request.headers.get(BY, "local"))
        answer: Response = await go_on(request)
        return answer

    @app.exception_handler(OnCalmError)
    async def problem(request: Request, error: OnCalmError) -> JSONResponse:
        status = getattr(error, "status", None) or next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
        told = {"title": error.what, "status": status, "detail": str(error), "where": error.where, "remedy": error.remedy}
        return JSONResponse({**told, "errors": getattr(error, "errors", [])}, status, media_type="application/problem+json")

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        told = [{"field": ".".join(map(str, one["loc"])), "reason": one["msg"]} for one in error.errors()]
        return JSONResponse({"title": "wrong", "status": 422, "errors": told}, 422, media_type="application/problem+json")

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"title": str(error.detail), "status": error.status_code}, error.status_code, error.headers, media_type="application/problem+json")

    for router in alerting.routers():
        app.include_router(router)
    return app


def nothing_found(symptom: str, at: datetime, incident: str) -> dict[str, Any]:
    """An investigation that takes no time."""
    return {"answer": "nothing was found", "suspects": []}


@dataclass
class Serving:
    """A server that runs, and a client of it."""

    alerting: Alerting
    client: httpx.Client
    asked: list[str] = field(default_factory=list)

    def post(self, source: str, body: Any, *, role: str = "", headers: Mapping[str, str] | None = None) -> httpx.Response:
        given = {"content-type": "application/json", **({ROLE: role} if role else {}), **(headers or {})}
        if isinstance(body, bytes):
            return self.client.post(f"/v1/alerts/{source}", content=body, headers=given)
        return self.client.post(f"/v1/alerts/{source}", json=body, headers=given)

    def incident(self, method: str, path: str = "", *, role: str = "responder", **more: Any) -> httpx.Response:
        return self.client.request(method, f"/v1/incidents{path}", headers={ROLE: role} if role else {}, **more)


@contextmanager
def serving(home: Path, settings: AlertSettings | None = None, *, url: str | None = None, investigate: Investigate = nothing_found) -> Iterator[Serving]:
    """Serve from a thread until the end of the block."""
    alerting = Alerting(opened(home if url else seeded(home), settings or AlertSettings(), state_url=url, clock=lambda: datetime.now(UTC)), investigate)
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(alerting), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    alerting.start()
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30) as client:
        try:
            yield Serving(alerting, client)
        finally:
            server.should_exit = True
            thread.join(20)
            alerting.stop()
            alerting.incidents.database.close()

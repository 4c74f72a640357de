"""The application: every route, every error as a problem document, every request measured; and the door around it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from api.door.hosts import App, Receive, Scope, Send
from api.door.needs import open_to_all
from api.errors import BusyError
from api.page.failing import failing
from api.routes.problem_answers import problem
from api.server import acts, chat, health, openai, predict, problems, records
from api.server.asking import InvestigationRequest
from api.server.services import Services
from telemetry.errors import OnCalmError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

def create_app(services: Services) -> FastAPI:
    """The application behind the door."""
    meters = health.Meters(services)
    app = FastAPI(title="OnCalm", version=metadata.version("oncalm"), description="The on-call agent over HTTP.", lifespan=_lifespan(services),
                  openapi_url=None, docs_url=None, redoc_url=None, responses={"default": problem("What was wrong, where, and what to do.")})
    problems.install(app, failing)
    app.include_router(health.router(services, meters))
    for one in (chat, openai, acts, records, predict):
        app.include_router(one.router(services))
    for router in services.routers:
        app.include_router(router)

    @app.get("/openapi.json", include_in_schema=False)
    @open_to_all("the description of the API, which is in the public source")
    async def described() -> dict[str, Any]:
        return app.openapi()

    app.add_middleware(_Measured, meters=meters)
    return app


def _lifespan(services: Services) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        for one in services.background:
            one.start()
        for ident, person, asked in services.kept.interrupted():
            try:
                chat.begin_investigation(services, ident, person, InvestigationRequest.model_validate(asked))
            except BusyError:
                break  # they stay queued, for the next start
            except (OnCalmError, ValueError) as error:
                services.kept.note(ident, "failed", error={"detail": str(error)[:500]})
        yield
        for one in reversed(services.background):
            one.stop()

    return life


class _Measured:
    """Counts requests by the route that answered them, never by what was asked for."""

    def __init__(self, app: App, meters: health.Meters) -> None:
        self._app, self._meters = app, meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._meters.requests.labels(scope["method"] if route != "none" else "any", route, str(status)).inc()
            self._meters.seconds.labels(scope["method"] if route != "none" else "any", route).observe(time.perf_counter() - began)

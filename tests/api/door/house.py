"""A house with a door: a small application behind the real one, served by uvicorn on loopback."""


import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from agent.approvals.people import Person
from agent.audit.journal import Journal
from agent.keys.keys import Keys
from agent.keys.sessions import Sessions
from api.door.building import DoorSettings, open_door
from api.door.door import Door
from api.door.needs import Needs, RoleError, StrangerError, open_to_all
from api.door.protocol import hurried
from api.door.routes import router
from telemetry.errors import OnCalmError
from tests.agent.seeded import seeded

LOCAL, ROOT = Person("local", "admin"), Person("root", "admin")


def rooms() -> FastAPI:
    """Routes of every kind."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.got = 0

    @app.exception_handler(OnCalmError)
    async def told(_: Request, error: OnCalmError) -> Response:
        status = 401 if isinstance(error, StrangerError) else 403 if isinstance(error, RoleError) else getattr(error, "status", 400)
        return Response(error.what, status_code=status)

    @app.get("/livez")
    @open_to_all("health")
    async def livez() -> str:
        return "alive"

    for role in ("viewer", "responder", "approver", "admin"):
        @app.get(f"/{role}", name=role)
        @app.post(f"/{role}", name=role)
        async def named(person: Annotated[Person, Depends(Needs(role))]) -> str:  # type: ignore[arg-type]
            return person.name

    @app.post("/v1/chat")
    @app.post("/v1/logs")
    @app.post("/sink")
    async def sink(request: Request, person: Annotated[Person, Depends(Needs("viewer"))]) -> int:
        size = 0
        async for part in request.stream():
            size += len(part)
        app.state.got += 1
        return size

    @app.post("/json")
    async def parsed(body: dict[str, Any], person: Annotated[Person, Depends(Needs("viewer"))]) -> int:
        return len(body)

    @app.post("/form")
    async def form(request: Request, person: Annotated[Person, Depends(Needs("viewer"))]) -> str:
        return (await request.body()).decode()

    @app.get("/stream")
    async def stream(person: Annotated[Person, Depends(Needs("viewer"))]) -> StreamingResponse:
        async def ticks() -> AsyncIterator[str]:
            for number in range(200):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(ticks(), media_type="text/event-stream")

    @app.get("/flood")
    async def flood(person: Annotated[Person, Depends(Needs("viewer"))]) -> StreamingResponse:
        async def much() -> AsyncIterator[bytes]:
            while True:
                yield bytes(1 << 20)

        return StreamingResponse(much())

    return app


class House:
    """One that runs. ``url`` leads to it."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        if url is None:
            seeded(home)
        self.journal = Journal.of(home, clock=lambda: datetime.now(UTC), url=url)
        self.keys, self.sessions = Keys(self.journal), Sessions(self.journal)
        self.app = rooms()
        self.door: Door
        self.url = ""
        self.port = 0

    def key(self, role: str = "viewer", name: str = "", **more: Any) -> str:
        return self.keys.create(name or f"a-{role}", role, ROOT, **more)[1]  # type: ignore[arg-type]

    @contextmanager
    def open(self, settings: DoorSettings | None = None, *, host: str = "127.0.0.1", header_seconds: float = 15.0, idle: int = 400, old: float = 2.0, **more: Any) -> Iterator["House"]:
        self.door = open_door(self.app, host, self.journal, settings or DoorSettings(LOCAL), **more)
        self.app.include_router(router(self.door))
        listening = socket.create_server((host, 0))
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(self.door, http=hurried(header_seconds, idle, old), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(10)
            listening.close()
            self.door.reception.close()

    def raw(self, data: bytes, *, seconds: float = 10.0) -> bytes:
        """What comes back for these bytes until the end of the connection, or for a second of silence after an answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            return drained(connection)


def drained(connection: socket.socket) -> bytes:
    """All that comes until the other side ends it, or is silent after it said something."""
    got = b""
    try:
        while part := connection.recv(65_536):
            got += part
            connection.settimeout(0.5)
    except TimeoutError:
        if not got:
            raise
    except ConnectionResetError:
        pass
    return got


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}

"""A server over real HTTP: uvicorn in a thread, a small home, a door that the test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from agent.approvals.people import Person, Role
from api.actions.desk import Desk
from api.door.hosts import Receive, Scope, Send
from api.server.app import create_app
from api.server.kept import Kept
from api.server.services import Services
from api.serving import listen, server_of
from api.wiring.product import Product
from telemetry.sources.kubernetes.configuration import Access
from tests.agent.seeded import seeded

LOG = "".join(f"2026-11-26T10:{minute:02}:{second:02}Z {'ERROR' if second % 10 == 0 else 'INFO'} checkout order {minute * 60 + second} "
              f"{'failed: database is locked' if second % 10 == 0 else 'completed in 12 ms'}\n" for minute in range(10) for second in range(60))


@dataclass
class Door:
    """Lets everybody in as ``person``; None lets nobody in. ``X-Person: name/role`` is somebody else."""

    app: Any
    person: Person | None = field(default_factory=lambda: Person("ann", "admin"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            other = dict(scope["headers"]).get(b"x-person")
            person = Person(*other.decode().split("/")) if other else self.person
            if person is not None:
                scope.setdefault("state", {})["person"] = person
        await self.app(scope, receive, send)


class Served:
    """A running server."""

    def __init__(self, home: Path, access: Access | None = None, product: Product | None = None, desk: Desk | None = None) -> None:
        self.home, self.access = home, access
        self.product = product or Product(home, cluster=access)
        self.desk = desk or Desk(home, access)
        self.services = Services(self.product, self.desk, Kept(self.desk.journal.database, home))
        self.url = ""

    def start(self) -> None:
        self.door = Door(create_app(self.services))
        listening = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.server = server_of(uvicorn.Config(self.door, log_config=None, lifespan="on", ws="none", timeout_graceful_shutdown=5), self.services.runs.close)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        until(lambda: self.server.started)
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)
        self.http.close()

    def as_(self, name: str, role: Role) -> dict[str, str]:
        return {"X-Person": f"{name}/{role}"}


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    assert found, "it did not come true in time"
    return found


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with ten minutes of a small log; copies of it are quick."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "checkout.log").write_text(LOG)
    product = Product(folder / "home")
    product.ingest([folder / "checkout.log"])
    product.index()
    return seeded(folder / "home")


@pytest.fixture
def served(tmp_path: Path, filled: Path) -> Iterator[Served]:
    import shutil

    shutil.copytree(filled, tmp_path / "home")
    one = Served(tmp_path / "home")
    one.start()
    yield one
    one.stop()
    one.desk.close()

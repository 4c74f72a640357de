"""``oncalm serve`` as a process behind its real door, over the recorded incident, and tabs of a browser that sign in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from agent.approvals.people import Person, Role
from agent.audit.journal import Journal
from agent.keys.keys import Keys
from telemetry.sources.kubernetes.configuration import Access
from tests.agent.seeded import seeded
from tests.api.server.conftest import until

ROOT = Person("root", "admin")


class Whole:
    """A server that can be killed and started anew under the same address."""

    access: Access

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {**os.environ, "ONCALM_HOME": str(home), **environment}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._made = Keys(Journal.of(home, clock=lambda: datetime.now(UTC)))
        self.keys: dict[str, str] = {}
        people: dict[str, Role] = {"ann": "viewer", "rob": "responder", "bob": "approver", "eve": "approver"}
        for name, role in people.items():
            self.key(name, role)

    def key(self, name: str, role: Role) -> str:
        """A key of somebody else."""
        self.keys[name] = self._made.create(name, role, ROOT)[1]
        return self.keys[name]

    def start(self) -> None:
        """Returns once it answers."""
        self.process = subprocess.Popen([sys.executable, "-m", "api.cli", "serve", "--port", str(self.port)], stderr=subprocess.DEVNULL, env=self.environment)
        until(self._alive, 60)

    def kill(self) -> None:
        """As a crash does."""
        self.process.kill()
        self.process.wait()

    def _alive(self) -> bool:
        try:
            return httpx.get(f"{self.url}/livez").status_code == 200
        except httpx.TransportError:
            return False

    def http(self, name: str) -> httpx.Client:
        """A program with somebody's key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.keys[name]}"}, timeout=60)

    def tab(self, browser: Any, name: str, path: str = "/", **how: Any) -> Any:
        """A tab of a browser of its own, in which somebody signed in by the form; ``wrong`` collects what it must not do."""
        tab = browser.new_context(**how).new_page()
        tab.wrong = []
        tab.on("pageerror", lambda error: tab.wrong.append(f"exception {error}"))
        tab.on("request", lambda asked: asked.url.startswith((self.url, "data:")) or tab.wrong.append(f"request {asked.url}"))
        tab.on("console", lambda said: "Content Security Policy" in said.text and tab.wrong.append(said.text))
        tab.goto(self.url + path)
        tab.fill("#credential", self.keys[name])
        tab.press("#credential", "Enter")
        tab.wait_for_selector("header nav")
        tab.wait_for_load_state()  # its scripts, too
        return tab


def recorded(folder: Path) -> Path:
    """A home with the recorded incident: logs, traces, metrics and changes."""
    from api.ingestion.importing import import_files
    from api.wiring.product import Product
    from samples import incident_folder, incident_records

    product = Product(folder)
    product.ingest([incident_folder()])
    import_files(product, [str(path) for path in incident_records()], None)
    product.index()
    return seeded(folder)


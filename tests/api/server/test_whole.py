"""``oncalm serve`` as it is: every part behind the real door, in a process that is ended and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.approvals.people import Person
from agent.audit.journal import Journal
from agent.keys.keys import Keys
from api.door.route_table import check_route_table, route_table
from api.page.routes import router as page
from api.server.joining import joined
from api.settings import Settings
from tests.api.door.roles import ROLES, wrongs
from tests.api.server.conftest import Served, until

WINDOW = {"from": "2026-11-26 10:00", "to": "2026-11-26 10:10"}
ALERT = {"version": "4", "groupKey": "g", "status": "firing", "receiver": "oncalm", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
         "externalURL": "http://am", "alerts": [{"status": "firing", "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
                                                 "annotations": {}, "startsAt": "2026-11-26T10:05:00Z", "fingerprint": "f1"}]}
TOKEN = "a-token-of-alertmanager"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Any]:
    """The command as a process of its own; ended by its id."""
    running: list[subprocess.Popen[str]] = []

    def start(*more: str) -> tuple[subprocess.Popen[str], str]:
        environment = {**os.environ, "ONCALM_HOME": str(tmp_path / "home"), "AM_TOKEN": TOKEN}
        process = subprocess.Popen([sys.executable, "-m", "api.cli", "serve", "--port", "0", *more], stderr=subprocess.PIPE, text=True, env=environment)
        running.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if " at http" in line:
                return process, line.rsplit(" ", 1)[1].strip()
        return process, ""

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_an_investigation_outlives_the_process_that_was_killed(command: Any, tmp_path: Path, filled: Path) -> None:
    shutil.copytree(filled, tmp_path / "home")
    process, url = command()
    ident = httpx.post(f"{url}/v1/investigations", json={"symptom": "checkouts fail: why?", **WINDOW}, timeout=30).json()["id"]
    process.send_signal(signal.SIGKILL)
    process.wait()

    process, url = command()
    done = until(lambda: (found := httpx.get(f"{url}/v1/investigations/{ident}", timeout=30).json())["state"] == "done" and found, 60)

    assert done["result"]["answer"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_others_are_not_served_without_a_door(command: Any) -> None:
    process, url = command("--host", "0.0.0.0")

    assert url == ""
    assert process.wait(30) == 2


def test_an_alert_comes_in_by_its_senders_own_token_and_becomes_an_incident_with_a_cause(command: Any, tmp_path: Path, filled: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    (home / "alerts.yaml").write_text("senders:\n  alertmanager: {bearer: AM_TOKEN}\n")
    key = Keys(Journal.of(home, clock=lambda: datetime.now(UTC))).create("ann", "responder", Person("root", "admin"))[1]
    process, url = command()

    def post(token: str) -> int:
        return httpx.post(f"{url}/v1/alerts/alertmanager", json=ALERT, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code

    assert (post("wrong-token-of-nobody"), post(TOKEN), post(TOKEN)) == (401, 202, 202)
    assert httpx.get(f"{url}/v1/incidents", timeout=30).status_code == 401
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as known:
        (incident,) = known.get("/v1/incidents").json()["items"]
        done = until(lambda: (found := known.get(f"/v1/incidents/{incident['id']}").json())["investigation"]["state"] == "done" and found, 60)
        assert done["investigation"]["result"]["answer"]
        assert "HighErrorRate" in known.get(f"/incidents/{incident['id']}").text
        assert known.post("/v1/summaries", json={"since": "24h"}).status_code in {200, 201}
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_telemetry_is_taken_from_those_who_may_write_and_nobody_else(command: Any, tmp_path: Path) -> None:
    keys = Keys(Journal.of(tmp_path / "home", clock=lambda: datetime.now(UTC)))
    _, writer = keys.create("collector", "responder", Person("root", "admin"), scopes=frozenset({"otlp"}))
    _, reader = keys.create("eve", "viewer", Person("root", "admin"))
    _, url = command()

    def post(key: str, kind: str) -> int:
        return httpx.post(f"{url}/v1/{kind}", json={}, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=30).status_code

    for kind in ("logs", "traces", "metrics"):
        assert (post("", kind), post(reader, kind), post(writer, kind)) == (401, 403, 200), kind
    assert httpx.get(f"{url}/v1/conversations", headers={"Authorization": f"Bearer {writer}"}, timeout=30).status_code == 403


def test_a_flood_of_wrong_tokens_is_bounded_and_keeps_the_right_one_out_of_nothing(command: Any, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "alerts.yaml").write_text("senders:\n  alertmanager: {bearer: AM_TOKEN}\n")
    _, url = command()

    def post(token: str) -> int:
        return httpx.post(f"{url}/v1/alerts/alertmanager", json=ALERT, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code

    assert post(TOKEN) == 202
    assert {post(f"wrong-token-{number}") for number in range(40)} == {401, 429}
    assert post(TOKEN) == 202


def _peeked(one: socket.socket) -> bytes:
    """The status that came; nothing while none has."""
    one.settimeout(0.05)
    try:
        return one.recv(100, socket.MSG_PEEK).split()[1]
    except TimeoutError:
        return b""


def test_unfinished_bodies_of_one_address_keep_no_other_out(command: Any, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "alerts.yaml").write_text("senders:\n  alertmanager: {bearer: AM_TOKEN}\n")
    _, url = command()
    port, size = int(url.rsplit(":", 1)[1]), (4 << 20) - 1
    head = f"POST /v1/alerts/alertmanager HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode()
    strangers = [socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) for _ in range(6)]
    for one in strangers:
        one.sendall(head + b" " * (size - 1))
    statuses = until(lambda: [found] if len(found := list(map(_peeked, strangers))) - found.count(b"") >= 2 else [])[0]  # four are within the bound of 16 MiB, whichever
    assert set(statuses) <= {b"", b"503"}

    assert httpx.post(f"{url}/v1/alerts/alertmanager", json=ALERT, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).status_code == 202
    for one in strangers:
        one.close()


def test_every_route_of_every_part_needs_what_it_says(tmp_path: Path, filled: Path) -> None:
    shutil.copytree(filled, tmp_path / "home")
    served = Served(tmp_path / "home")
    made = joined(Settings(home=tmp_path / "home"), tmp_path / "home", served.product, served.desk)
    served.services.routers.append(page(served.services, made.incidents, made.summaries))
    for part in made.parts:
        served.services.routers += part.routers()
    served.start()
    served.door.person = None
    try:
        app = served.door.app
        check_route_table(app)
        table = route_table(app)
        assert len(table) > 70
        assert {one.path for one in table if one.open_because} <= {
            "/livez", "/readyz", "/openapi.json", "/static/{name}", *(f"/v1/alerts/{source}" for source in ("alertmanager", "grafana", "pagerduty", "generic"))}
        assert wrongs(app, served.url, {role: served.as_("x", role) for role in ROLES}) == []  # type: ignore[arg-type] # names of roles
    finally:
        served.stop()
        served.desk.close()

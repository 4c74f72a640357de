"""Summaries and schedules from the terminal and over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from agent.approvals.people import Person
from api.cli import app
from api.door.needs import RoleError, StrangerError
from api.routes.summaries import router
from api.summaries.service import Summarising
from telemetry.errors import OnCalmError
from tests.agent.summaries.conftest import troubled
from tests.agent.summaries.homes import NOW
from tests.agent.summaries.test_composing import DONE, Book

__all__ = ["troubled"]
PERIOD = ("--from", "2026-03-02 12:00", "--to", "2026-03-02 14:00")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("ONCALM_HOME", str(tmp_path / "home"))
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """The routes behind a door that believes a header."""
    made = Summarising(tmp_path / "home", incidents=Book(DONE), clock=lambda: NOW.end)
    server = FastAPI()
    server.include_router(router(made))

    @server.middleware("http")
    async def door(request: Request, call: Callable[[Request], Awaitable[Any]]) -> Any:
        if role := request.headers.get("role"):
            request.state.person = Person("ann", role)  # type: ignore[arg-type] # tests give roles
        return await call(request)

    @server.exception_handler(OnCalmError)
    async def told(_: Request, error: OnCalmError) -> Any:
        from fastapi.responses import JSONResponse

        status = 401 if isinstance(error, StrangerError) else 403 if isinstance(error, RoleError) else 400
        return JSONResponse({"detail": error.what, "where": error.where}, status)

    return TestClient(server, headers={"role": "admin"})


def test_a_summary_of_a_period_is_printed(troubled: Path, terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCALM_HOME", str(troubled))

    told = terminal("summary", *PERIOD, "--team", "buying")

    assert told.exit_code == 0
    assert "shop: 30 of 120 requests failed (25%; none before)." in told.stdout


def test_a_summary_is_written_with_its_charts(troubled: Path, tmp_path: Path, terminal: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCALM_HOME", str(troubled))

    told = terminal("summary", *PERIOD, "--format", "html", "--out", str(tmp_path / "out"), "--charts", "png")

    assert told.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["budgets.png", "errors.png", "summary.html", "templates.png"]


def test_an_empty_home_is_summed_up_and_stays_empty(tmp_path: Path, terminal: Callable[..., Result]) -> None:
    told = terminal("summary", "--format", "json")

    assert json.loads(told.stdout)["lead"] == ["Nothing can be said of this period: neither records nor incidents could be looked at."]
    assert not (tmp_path / "home").exists()


def test_kept_summaries_are_listed(terminal: Callable[..., Result]) -> None:
    assert terminal("summary", "--kept").stdout == "no summary is kept\n"
    terminal("summary", "--keep")

    assert "Summary: all services" in terminal("summary", "--kept").stdout
    assert len(json.loads(terminal("summary", "--kept", "--format", "json").stdout)["items"]) == 1


@pytest.mark.parametrize(("words", "said"), [
    (("--kind", "novel"), "period, handover, postmortem"), (("--format", "docx"), "html"), (("--kind", "postmortem"), "needs the incident"),
    (("--kind", "postmortem", "--incident", "7"), "no incidents are kept"), (("--team", "x"), "teams.yaml"), (("--since", "soon"), "--since"),
])
def test_wrong_words_are_refused_with_a_remedy(terminal: Callable[..., Result], words: tuple[str, ...], said: str) -> None:
    told = terminal("summary", *words)

    assert said in str(told.exception)


def test_a_schedule_is_added_listed_run_and_removed(tmp_path: Path, terminal: Callable[..., Result]) -> None:
    assert terminal("schedules", "add", "often", "--cron", "* * * * *", "--to", "folder:out", "--since", "1h").exit_code == 0
    assert terminal("schedules", "run", "--once").exit_code == 0
    told = json.loads(terminal("schedules", "list", "--json").stdout)["items"][0]
    assert (told["name"], told["deliver"][0]["to"], told["runs"]) == ("often", "out", [])
    assert terminal("schedules", "remove", "often").exit_code == 0
    assert terminal("schedules", "list").stdout == "no schedules\n"


def test_the_scheduler_sends_what_is_due_and_stops(tmp_path: Path) -> None:
    from api.scheduling.schedule import schedule_from

    begin = datetime.now(UTC)
    made = Summarising(tmp_path / "home", clock=lambda: begin + timedelta(minutes=2))
    planned = made.plans.add(schedule_from({"name": "n", "cron": "* * * * *", "deliver": [{"kind": "folder", "to": "out"}]}), begin)
    scheduler = made.scheduler()

    scheduler.start()
    until = time.monotonic() + 20
    while not any(one.state == "sent" for one in made.plans.deliveries(planned.id)) and time.monotonic() < until:
        time.sleep(0.05)
    scheduler.stop()

    assert [one.state for one in made.plans.deliveries(planned.id)] == ["sent"]
    assert len(made.kept.list()[0]) == 1


def test_the_command_ends_on_a_signal(tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-m", "api.cli", "schedules", "run"], env={**os.environ, "ONCALM_HOME": str(tmp_path / "home"), "PYTHONPATH": "."})
    until = time.monotonic() + 30
    while not (tmp_path / "home" / "state.db.locks").exists() and time.monotonic() < until:
        time.sleep(0.1)
    running.terminate()

    assert running.wait(20) == 0


def test_summaries_are_made_kept_and_shown_over_http(client: TestClient) -> None:
    made = client.post("/v1/summaries", json={"since": "2h"})
    listed = client.get("/v1/summaries").json()
    ident = made.json()["id"]

    assert made.status_code == 201
    assert [one["id"] for one in listed["items"]] == [ident]
    assert listed["next"] is None
    assert client.get(f"/v1/summaries/{ident}").json() == made.json()
    assert client.get(f"/v1/summaries/{ident}?format=html").headers["content-type"] == "text/html; charset=utf-8"
    assert client.get(f"/v1/summaries/{ident}?format=md").text.startswith("# Summary")


def test_kept_summaries_come_by_pages(client: TestClient) -> None:
    made = {client.post("/v1/summaries", json={}).json()["id"] for _ in range(5)}
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/v1/summaries", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]

    assert (set(seen), len(seen)) == (made, 5)


def test_a_draft_after_an_incident_is_made_over_http(client: TestClient) -> None:
    told = client.post("/v1/summaries", json={"kind": "postmortem", "incident": "INC-8"}).json()

    assert told["title"] == "Draft, after INC-8: Payments fail"


@pytest.mark.parametrize("body", [
    {"since": "soon"}, {"since": "2h", "from": "2026-03-02T08:00:00Z"}, {"from": "2026-03-02T08:00:00"}, {"to": "2026-03-02T08:00:00Z"}, {"kind": "novel"},
    {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T07:00:00Z"}, {"from": "1999-03-02T08:00:00Z"}, {"team": "none"}, {"kind": "postmortem"}, {"x": 1}, [],
])
def test_a_malformed_body_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/v1/summaries", json=body).status_code in {400, 422}


@pytest.mark.parametrize("place", [{"kind": "folder", "to": "/etc"}, {"kind": "folder", "to": "out/../../x"}, {"kind": "folder", "to": "records"},
                                   {"kind": "webhook", "to": "http://169.254.169.254/"}, {"kind": "carrier", "to": "x"}])
def test_no_place_of_a_stranger_is_taken_over_http(client: TestClient, place: dict[str, str]) -> None:
    assert client.post("/v1/schedules", json={"name": "x", "cron": "0 8 * * *", "deliver": [place]}).status_code == 400


def test_schedules_are_added_listed_and_removed_over_http(client: TestClient) -> None:
    added = client.post("/v1/schedules", json={"name": "x", "cron": "0 8 * * *", "zone": "Europe/Berlin", "deliver": [{"kind": "folder", "to": "out/daily"}]})

    assert (added.status_code, added.json()["next"]) == (201, "2026-03-03T07:00:00+00:00")
    assert [one["name"] for one in client.get("/v1/schedules").json()["items"]] == ["x"]
    assert client.delete(f"/v1/schedules/{added.json()['id']}").status_code == 204
    assert client.delete(f"/v1/schedules/{added.json()['id']}").status_code == 400


@pytest.mark.parametrize(("method", "path", "least"), [
    ("GET", "/v1/summaries", "viewer"), ("POST", "/v1/summaries", "responder"), ("GET", "/v1/summaries/x", "viewer"), ("GET", "/v1/schedules", "viewer"),
    ("POST", "/v1/schedules", "admin"), ("DELETE", "/v1/schedules/x", "admin")])
def test_every_route_needs_its_role(client: TestClient, method: str, path: str, least: str) -> None:
    order = ("", "viewer", "responder", "approver", "admin")
    for role in order:
        status = client.request(method, path, json={}, headers={"role": role}).status_code

        assert (status in {401, 403}) == (order.index(role) < order.index(least)), (role, status)

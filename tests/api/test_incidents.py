"""Incidents over HTTP and on the command line: who may do what, in which order, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.incidents.settings import AlertSettings
from api.cli import app
from api.failures import explain
from telemetry.errors import OnCalmError
from tests.agent.incidents.making import alertmanager
from tests.api.alert_server import Serving, serving

_STEPS = ("acknowledge", "mitigate", "resolve", "reopen")
_ACTS = (*_STEPS, "investigate")
_BODIES = {"note": {"text": "x"}, "link": {"url": "https://x.example"}, "participant": {"person": "bob"}}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, AlertSettings(at_once=1)) as made:
        made.alerting.worker.stop()  # people act here
        yield made


@pytest.fixture
def ident(running: Serving) -> str:
    found: str = running.post("alertmanager", alertmanager({}), role="responder").json()["incidents"][0]
    return found


def test_a_life_is_told_in_order(running: Serving, ident: str) -> None:
    for step in (*_STEPS, "resolve"):
        assert running.incident("POST", f"/{ident}/{step}", json={"why": "because"}).status_code == 200
    found = running.incident("GET", f"/{ident}").json()

    assert [one["kind"] for one in found["timeline"]][-7:] == ["alert", "acknowledged", "investigating", "mitigated", "resolved", "reopened", "resolved"]
    assert (found["state"], found["owner"], found["ended_by"], found["version"]) == ("resolved", "ann", "ann", 5)


@pytest.mark.parametrize("role", ["", "viewer"])
@pytest.mark.parametrize("step", [*_ACTS, *_BODIES])
def test_only_responders_change(running: Serving, ident: str, role: str, step: str) -> None:
    answer = running.incident("POST", f"/{ident}/{step}", role=role, json=_BODIES.get(step, {}))

    assert answer.status_code == (403 if role else 401)
    assert running.incident("GET", f"/{ident}", role="viewer").json()["version"] == 0


def test_strangers_do_not_read(running: Serving, ident: str) -> None:
    assert [running.incident("GET", path, role="").status_code for path in ("", f"/{ident}")] == [401, 401]


def test_a_second_click_says_who_was_first(running: Serving, ident: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: running.incident("POST", f"/{ident}/resolve", json={}), range(6)))
    refused = [one.json() for one in answers if one.status_code == 409]

    assert sorted(one.status_code for one in answers) == [200, *[409] * 5]
    assert all("resolved (by ann)" in one["title"] for one in refused)


def test_a_change_of_what_was_not_seen_is_refused(running: Serving, ident: str) -> None:
    running.incident("POST", f"/{ident}/acknowledge")
    answer = running.incident("POST", f"/{ident}/mitigate", json={"version": 0})

    assert (answer.status_code, running.incident("GET", f"/{ident}").json()["state"]) == (409, "investigating")


def test_there_is_no_way_from_open_to_open(running: Serving, ident: str) -> None:
    assert running.incident("POST", f"/{ident}/reopen").status_code == 409


def test_notes_and_links_are_masked(running: Serving, ident: str) -> None:
    running.incident("POST", f"/{ident}/note", json={"text": "used password=hunter2 there"})
    running.incident("POST", f"/{ident}/link", json={"url": "https://wiki.example/a?token=hunter2", "title": "secret=hunter2"})
    running.incident("POST", f"/{ident}/resolve", json={"why": "rotated api_key=hunter2"})

    assert "hunter2" not in running.incident("GET", f"/{ident}").text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "ftp://x.example/y", "https://a b.example"])
def test_links_are_of_the_web(running: Serving, ident: str, url: str) -> None:
    assert running.incident("POST", f"/{ident}/link", json={"url": url}).status_code == 422


def test_the_same_link_is_one(running: Serving, ident: str) -> None:
    for _ in range(2):
        running.incident("POST", f"/{ident}/link", json={"url": "http://169.254.169.254/latest"})

    assert [one["url"] for one in running.incident("GET", f"/{ident}").json()["links"]] == ["http://169.254.169.254/latest"]


def test_people_take_part_and_own(running: Serving, ident: str) -> None:
    running.incident("POST", f"/{ident}/participant", json={"person": "Bob "})
    running.incident("POST", f"/{ident}/participant", json={"person": "bob", "part": "owner"})
    found = running.incident("GET", f"/{ident}").json()

    assert ([(one["person"], one["part"]) for one in found["participants"]], found["owner"]) == ([("bob", "owner")], "bob")


@pytest.mark.parametrize(("path", "body", "status"), [
    ("note", {}, 422), ("note", {"text": ""}, 422), ("note", {"text": "  "}, 422), ("note", {"text": "x" * 3_000}, 422), ("note", {"text": 3}, 422),
    ("note", [], 422), ("participant", {"person": "clock"}, 422), ("participant", {"person": "x", "part": "king"}, 422), ("mitigate", {"version": "x"}, 422),
    ("mitigate", {"unknown": 1}, 422),
])
def test_wrong_bodies_are_told(running: Serving, ident: str, path: str, body: object, status: int) -> None:
    assert running.incident("POST", f"/{ident}/{path}", json=body).status_code == status


@pytest.mark.parametrize("path", ["/inc-0000000000000000", "/..%2f..%2fetc", "/%00", "/x' OR 1=1"])
def test_what_is_not_there_is_404(running: Serving, path: str) -> None:
    assert running.incident("GET", path).status_code == 404


def test_pages_follow_one_another(running: Serving) -> None:
    running.post("generic", [{"title": f"t {name}", "service": name} for name in "abcdefg"], role="responder")
    seen, cursor = [], ""
    while cursor is not None:
        page = running.incident("GET", "", params={"limit": 3, "cursor": cursor}).json()
        seen += [one["service"] for one in page["items"]]
        cursor = page["next"]

    assert sorted(seen) == list("abcdefg")


@pytest.mark.parametrize("query", ["cursor=x", "state=gone", "limit=0", "limit=9999", "cursor=99999999999999999999_inc-0"])
def test_wrong_queries_are_told(running: Serving, query: str) -> None:
    assert running.incident("GET", f"?{query}").status_code == 422


def test_lists_are_filtered(running: Serving, ident: str) -> None:
    running.post("generic", {"title": "x", "service": "web", "severity": "info"}, role="responder")
    running.incident("POST", f"/{ident}/resolve")

    def count(query: str) -> int:
        return len(running.incident("GET", f"?{query}").json()["items"])

    assert (count(""), count("every=true"), count("state=resolved"), count("service=web"), count("severity=critical")) == (1, 2, 1, 1, 0)


def test_the_command_line_leads_an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as running:
        ident = running.post("alertmanager", alertmanager({}), role="responder").json()["incidents"][0]
    monkeypatch.setenv("ONCALM_HOME", str(tmp_path))

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["incidents", *words])
        return done.exit_code, done.stdout

    short = ident[4:12]
    steps = [call("acknowledge", short), call("note", short, "rolled", "back"), call("link", short, "https://wiki.example"), call("mitigate", short), call("resolve", short, "--why", "bad release")]
    told = json.loads(call("show", ident, "--json")[1])

    assert [code for code, _ in steps] == [0] * 5
    assert (told["state"], told["timeline"][-1]["body"]["why"]) == ("resolved", "bad release")
    assert (call("list")[0], call("list", "--all")[0], "bad release" in call("show", short)[1]) == (3, 0, True)


def test_a_viewer_at_the_terminal_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as running:
        ident = running.post("alertmanager", alertmanager({}), role="responder").json()["incidents"][0]
    monkeypatch.setenv("ONCALM_HOME", str(tmp_path))
    monkeypatch.setenv("ONCALM_ROLE", "viewer")
    done = CliRunner().invoke(app, ["incidents", "resolve", ident])

    assert isinstance(done.exception, OnCalmError)
    assert "not change them" in str(explain(done.exception, None))

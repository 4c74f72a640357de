"""What goes wrong around a server: two over one home, clients that leave, a store that takes nothing, bursts."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from agent.approvals.people import Person
from agent.nodes import RunStoppedError
from api.server import openai, runs
from api.server import run as run_module
from tests.api.server.conftest import Served, until
from tests.api.server.test_chat import QUESTION, Slow, asked

COMPLETION = {"model": "oncalm", "messages": [{"role": "user", "content": QUESTION["question"]}]}


@pytest.fixture
def second(served: Served) -> Iterator[Served]:
    """Another server over the same home, not started."""
    one = Served(served.home)
    yield one
    one.desk.close()


def investigating(served: Served, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Investigations of this server last until the event; told is what they were asked."""
    go, told = threading.Event(), list[str]()

    def investigate(symptom: str, *, stopped: Any, **_: Any) -> dict[str, Any]:
        told.append(symptom)
        while not go.wait(0.02):
            if stopped():
                raise RunStoppedError("whoever asked has gone")
        return {"answer": "found it", "evidence": []}

    monkeypatch.setattr(served.product, "investigate", investigate)
    return go, told


def test_a_second_server_leaves_an_investigation_to_the_first(served: Served, second: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    (go, _), (_, again) = investigating(served, monkeypatch), investigating(second, monkeypatch)
    ident = served.http.post("/v1/investigations", json={"symptom": "why?"}).json()["id"]
    until(lambda: served.http.get(f"/v1/investigations/{ident}").json()["state"] == "running")
    second.start()
    until(lambda: second.services.runs.counts["cancelled"] == 1)
    go.set()

    found = until(lambda: (one := second.http.get(f"/v1/investigations/{ident}").json())["state"] == "done" and one)
    assert (found["result"]["answer"], again) == ("found it", [])
    second.stop()


def test_what_another_server_finished_is_not_done_again(served: Served, second: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    (go, told), (first, _) = investigating(served, monkeypatch), investigating(second, monkeypatch)
    first.set()
    for number in range(4):  # they take every thread
        served.http.post("/v1/investigations", json={"symptom": f"busy {number}"})
    until(lambda: len(told) == 4)
    ident = served.http.post("/v1/investigations", json={"symptom": "late"}).json()["id"]
    second.start()
    until(lambda: second.http.get(f"/v1/investigations/{ident}").json()["state"] == "done")
    go.set()
    until(lambda: served.services.runs.counts["done"] == 5)

    assert "late" not in told
    assert {one["state"] for one in served.http.get("/v1/investigations").json()["items"]} == {"done"}
    second.stop()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_of_openai_that_leaves_stops_its_run(served: Served, monkeypatch: pytest.MonkeyPatch, *, stream: bool) -> None:
    monkeypatch.setattr(run_module, "GRACE", 0.1)
    monkeypatch.setattr(openai, "_LOOK", 0.05)
    slow = Slow(served, monkeypatch)
    with httpx.Client(base_url=served.url, timeout=1) as leaving, pytest.raises(httpx.ReadTimeout):
        leaving.post("/v1/chat/completions", json={**COMPLETION, "stream": stream})

    assert slow.stopped.wait(5)


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(served: Served) -> None:
    with closing(sqlite3.connect(served.home / "state.db")) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON turns BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    last = asked(served, QUESTION)[-1]

    assert (last[1], last[2]["result"]["value"]) == ("answer", 60)
    assert "disk is full" in last[2]["notes"][-1]


def test_a_state_database_that_takes_nothing_is_told(served: Served) -> None:
    with closing(sqlite3.connect(served.home / "state.db")) as db:
        for table in ("conversations", "investigations"):
            db.execute(f"CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    last = asked(served, QUESTION)[-1]
    refused = served.http.post("/v1/investigations", json={"symptom": "why?"})

    assert (last[1], last[2]["problem"]["status"], "disk is full" in last[2]["problem"]["detail"]) == ("error", 503, True)
    assert (refused.status_code, "disk is full" in refused.json()["detail"]) == (503, True)


def test_a_lost_store_makes_the_server_unready_and_says_which(served: Served) -> None:
    shutil.copy(served.home / "manifest.db", served.home / "kept.db")
    for path in served.home.glob("manifest.db*"):
        path.unlink()
    (served.home / "manifest.db").write_bytes(b"no database at all, " * 500)
    found = served.http.get("/readyz")

    assert found.status_code == 503
    assert [one["check"] for one in found.json()["checks"] if one["needed"] and not one["ok"]] == ["store"]
    assert asked(served, QUESTION)[-1][1] == "error"


@pytest.mark.parametrize("greeting", [0.01, 5.0])
def test_a_run_that_nobody_ever_follows_is_stopped(monkeypatch: pytest.MonkeyPatch, greeting: float) -> None:
    monkeypatch.setattr(run_module, "GRACE", 0.1)
    monkeypatch.setattr(runs, "GREETING", greeting)

    def work(run: runs.Run) -> dict[str, Any]:
        until(run.stopped)
        raise RunStoppedError("whoever asked has gone")

    async def state() -> str:
        every = runs.Runs()
        run = every.start("ask", Person("ann", "viewer"), work)
        await asyncio.sleep(0.05)
        assert run.state == ("running" if greeting < 1 else "queued")
        await asyncio.wrap_future(run.future) if greeting < 1 else await asyncio.sleep(0.2)
        await every.close(0)
        return run.state

    assert asyncio.run(state()) == "cancelled"


def test_finished_runs_are_forgotten_when_there_are_too_many(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_MOST_KEPT", 3)
    slow = Slow(served, monkeypatch)
    slow.go.set()
    idents = [asked(served, QUESTION)[0][2]["run"] for _ in range(8)]
    kept = [served.http.get(f"/v1/chat/{ident}/events").status_code for ident in idents]

    assert kept[:3] == [404] * 3
    assert kept[-3:] == [200] * 3


def test_the_model_is_looked_at_and_told(served: Served) -> None:
    from agent.llm.endpoint import Endpoint
    from agent.scripted.server import ScriptedServer
    from api.wiring.model import Thinking

    def seen() -> dict[str, Any]:
        found = served.http.get("/readyz")
        assert found.status_code == 200
        return next(one for one in found.json()["checks"] if one["check"] == "model")

    with ScriptedServer([]) as model:
        served.product.thinking = Thinking(Endpoint("scripted", model.url, "sk-5ec7e7"))
        until(lambda: seen()["ok"])
    served.product.thinking = Thinking(Endpoint("scripted", "http://127.0.0.1:9/v1", "sk-5ec7e7"))

    assert "answers" in seen()["seen"]
    assert seen()["ok"] is True  # what was seen holds for ten seconds


def test_a_cluster_that_hangs_keeps_no_probe_waiting(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    from api.server import health

    monkeypatch.setattr(health, "_FIRST", 0.2)
    go = threading.Event()

    def hang(_: object) -> health.Check:
        go.wait(10)
        return health.Check("index", ok=True, seen="at last")

    monkeypatch.setattr(health.Health, "_index", hang)
    found = served.http.get("/readyz")
    go.set()

    assert (found.status_code, found.json()["status"], found.elapsed.total_seconds() < 2) == (200, "degraded", True)
    until(lambda: served.http.get("/readyz").json()["status"] == "ready")


def test_a_server_that_ends_says_so_to_probes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(served, monkeypatch)
    ending = threading.Thread(target=served.stop)
    with served.http.stream("POST", "/v1/chat", json=QUESTION) as response:
        assert slow.began.wait(5)
        with httpx.Client(base_url=served.url, timeout=5) as probe:
            ending.start()
            found = until(lambda: (one := probe.get("/readyz")).status_code == 503 and one)
            refused = probe.post("/v1/investigations", json={"symptom": "why?"})
        slow.go.set()
        response.read()
    ending.join(30)

    assert [one["check"] for one in found.json()["checks"] if not one["ok"]] == ["server"]
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert [one["state"] for one in served.services.kept.investigations()] == ["cancelled"]

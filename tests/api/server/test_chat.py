"""Chat over real HTTP: streams that resume, runs that end with whoever asked, conversations that belong to somebody."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from api.server import run as run_module
from tests.api.server.conftest import Served, until
from tests.api.server.reading import Event, events

QUESTION = {"question": "how many checkouts failed?"}


def asked(served: Served, body: dict[str, Any], **headers: str) -> list[Event]:
    with served.http.stream("POST", "/v1/chat", json=body, headers=headers) as response:
        assert response.status_code == 200, response.read()
        return list(events(response.iter_lines()))


class Slow:
    """In place of the product's ask: says things until it may end."""

    def __init__(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.stopped, self.began = threading.Event(), threading.Event(), threading.Event()
        monkeypatch.setattr(served.product, "ask", self.ask)

    def ask(self, question: str, *, watch: Any, stopped: Any, **_: Any) -> dict[str, Any]:
        from agent.nodes import RunStoppedError

        watch({"kind": "status", "text": "looking"})
        self.began.set()
        while not self.go.wait(0.02):
            if stopped():
                self.stopped.set()
                raise RunStoppedError("whoever asked has gone")
        return {"question": question, "answer": "done it", "evidence": []}


def test_an_answer_comes_as_events_with_its_evidence_before_it(served: Served) -> None:
    found = asked(served, QUESTION)

    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    names = [name for _, name, _ in found]
    assert (names[0], names[-1]) == ("run", "answer")
    assert names.index("tool_result") < names.index("evidence") < names.index("token")
    answer = found[-1][2]
    assert answer["result"]["value"] == 60
    assert "".join(data["text"] for _, name, data in found if name == "token") == answer["answer"]


def test_a_follow_up_knows_what_was_asked_and_is_kept(served: Served) -> None:
    conversation = asked(served, QUESTION)[0][2]["conversation"]
    second = asked(served, {"question": "and between 10:02 and 10:04?", "conversation": conversation})

    assert second[-1][2]["result"]["value"] == 12
    kept = served.http.get(f"/v1/conversations/{conversation}").json()
    assert [one["answer"]["question"] for one in kept["turns"]] == [QUESTION["question"], "and between 10:02 and 10:04?"]


def test_a_fork_goes_its_own_way_and_a_deleted_one_is_gone(served: Served) -> None:
    conversation = asked(served, QUESTION)[0][2]["conversation"]
    fork = served.http.post(f"/v1/conversations/{conversation}/fork").json()
    assert served.http.delete(f"/v1/conversations/{conversation}").status_code == 204

    second = asked(served, {"question": "and between 10:02 and 10:04?", "conversation": fork["id"]})

    assert second[-1][2]["result"]["value"] == 12
    assert served.http.get(f"/v1/conversations/{conversation}").status_code == 404
    assert len(served.http.get(f"/v1/conversations/{fork['id']}").json()["turns"]) == 2


def test_conversations_and_runs_of_others_are_not_there(served: Served) -> None:
    bob, eve = served.as_("bob", "responder"), served.as_("eve", "responder")
    first = asked(served, QUESTION, **bob)[0][2]

    for method, path in (("GET", f"/v1/conversations/{first['conversation']}"), ("DELETE", f"/v1/conversations/{first['conversation']}"),
                         ("POST", f"/v1/conversations/{first['conversation']}/fork"), ("GET", f"/v1/chat/{first['run']}/events"), ("DELETE", f"/v1/chat/{first['run']}"),
                         ("GET", f"/v1/investigations/{first['run']}/events"), ("GET", f"/pictures/{first['conversation']}/1/graph.png")):
        assert served.http.request(method, path, headers=eve).status_code == 404, path
    assert served.http.post("/v1/chat", json={**QUESTION, "conversation": first["conversation"]}, headers=eve).status_code == 404
    assert served.http.get("/v1/conversations", headers=eve).json()["items"] == []
    assert len(served.http.get("/v1/conversations", headers=bob).json()["items"]) == 1


def test_a_stream_that_broke_goes_on_behind_the_last_event(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(served, monkeypatch)
    with served.http.stream("POST", "/v1/chat", json=QUESTION) as response:
        come = events(response.iter_lines())
        run = next(come)[2]["run"]
        assert next(come)[1] == "status"
    slow.go.set()

    with served.http.stream("GET", f"/v1/chat/{run}/events", headers={"Last-Event-ID": "2"}) as response:
        rest = list(events(response.iter_lines()))

    assert [number for number, _, _ in rest] == [3, 4]
    assert rest[-1][2]["answer"] == "done it"


def test_a_client_that_leaves_stops_its_run_unless_detached(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "GRACE", 0.2)
    slow = Slow(served, monkeypatch)
    with served.http.stream("POST", "/v1/chat", json=QUESTION) as response:
        next(events(response.iter_lines()))
        slow.began.wait(10)
    assert slow.stopped.wait(20)

    slow = Slow(served, monkeypatch)
    with served.http.stream("POST", "/v1/chat", json={**QUESTION, "detach": True}) as response:
        run = next(events(response.iter_lines()))[2]["run"]
        slow.began.wait(10)
    assert not slow.stopped.wait(1.5)
    slow.go.set()
    with served.http.stream("GET", f"/v1/chat/{run}/events") as response:
        assert list(events(response.iter_lines()))[-1][1] == "answer"


def test_a_run_can_be_stopped_and_a_conversation_answers_one_question_at_a_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(served, monkeypatch)
    with served.http.stream("POST", "/v1/chat", json=QUESTION) as response:
        come = events(response.iter_lines())
        first = next(come)[2]
        slow.began.wait(10)
        second = served.http.post("/v1/chat", json={**QUESTION, "conversation": first["conversation"]})
        assert (second.status_code, second.headers["content-type"]) == (409, "application/problem+json")
        assert served.http.delete(f"/v1/chat/{first['run']}").status_code == 204
        assert slow.stopped.wait(10)
        assert list(come)[-1][2]["problem"]["title"] == "Stopped"
    slow.go.set()
    assert asked(served, {**QUESTION, "conversation": first["conversation"]})[-1][1] == "answer"


def test_a_server_that_ends_tells_its_streams(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.server.runs import Runs

    monkeypatch.setattr(Runs.close, "__defaults__", (0.2,))
    slow = Slow(served, monkeypatch)
    with served.http.stream("POST", "/v1/chat", json=QUESTION) as response:
        come = events(response.iter_lines())
        next(come)
        slow.began.wait(10)
        served.server.should_exit = True
        rest = list(come)

    assert rest[-1][1] == "error"
    assert "ending" in rest[-1][2]["problem"]["detail"]


@pytest.mark.parametrize(("body", "field"), [
    ({}, "question"), ({"question": ""}, "question"), ({"question": 5}, "question"), ({"question": "x", "kind": "shout"}, "kind"),
    ({"question": "x", "nonsense": 1}, "nonsense"), ({"question": "x", "since": "1h", "from": "10:00"}, "body"), ({"question": "x" * 9_000}, "question"),
])
def test_a_malformed_request_names_field_and_reason(served: Served, body: dict[str, Any], field: str) -> None:
    response = served.http.post("/v1/chat", json=body)

    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert field in [one["field"] for one in response.json()["errors"]]


def test_an_error_of_the_run_is_an_event_with_a_remedy(served: Served) -> None:
    found = asked(served, {**QUESTION, "analyst": "llm"})

    assert found[-1][1] == "error"
    assert (found[-1][2]["problem"]["status"], "OPENAI_API_KEY" in found[-1][2]["problem"]["remedy"]) == (400, True)


def test_two_hundred_streams_at_once_all_get_their_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    slow = Slow(served, monkeypatch)
    slow.go.set()
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda number: asked(served, {"question": f"question {number}"})[-1], range(200)))

    assert {name for _, name, _ in found} == {"answer"}
    assert len({data["conversation"] for _, _, data in found}) == 200
    until(lambda: served.services.runs.streams == 0)


def test_a_secret_in_a_question_is_kept_nowhere(served: Served) -> None:
    said = "why did the login with password=hunter2-Correct-horse fail?"
    found = asked(served, {"question": said})[-1][2]
    served.http.post("/v1/investigations", json={"symptom": said})
    until(lambda: served.http.get("/v1/investigations").json()["items"][0]["state"] == "done")

    assert "secrets in the question were masked" in str(found["notes"])
    assert not [path for path in served.home.rglob("*") if path.is_file() and b"hunter2-Correct" in path.read_bytes()]

"""Questions answered with a model over real HTTP: what it may say, what it costs, and who finishes when it fails."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.analyst import Given, Progress, Triage
from agent.boundary import Boundary
from agent.llm.conversation import Conversation
from agent.llm.endpoint import Endpoint
from agent.llm.profile import profile
from agent.observe.settings import TelemetrySettings
from agent.placeholders import Placeholders
from agent.scripted.obedient import obedient
from agent.scripted.server import ScriptedServer
from agent.scripted.step import Step, StepCall, StepUsage
from api.commands import ask as ask_command
from api.wiring.model import Spending, Thinking
from api.wiring.product import Product
from telemetry.models import Catalog
from tests.agent.injections import INJECTIONS
from tests.agent.observe.collector import Collector
from tools.registry import Registry

ASKED = "how many failed passwords for root?"


def thinking(url: str, **more: Any) -> Thinking:
    return Thinking(Endpoint(model="test-model", base_url=url, api_key="sk-test-1", call_seconds=5, pause_cap=0.2), **more)


def with_model(product: Product, url: str, **more: Any) -> Product:
    return Product(product.home, thinking=thinking(url, **more))


def concluded(text: str, *evidence: str, **more: Any) -> Step:
    answer = {"text": text, "evidence": list(evidence)}
    whole = {"answer": answer, "claims": [], "ruled_out": [], "unchecked": [], "result_from": None, "confidence": 0.9}
    return Step(text=json.dumps({**whole, **more}), usage=StepUsage(input=900, cached=500, output=60))


def test_model_concludes_from_the_offline_result_in_one_call(sshd: Product) -> None:
    with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
        answer = with_model(sshd, server.url).ask(ASKED)

    assert answer["analyst"] == "llm"
    assert answer["answer"].startswith("3 failed passwords for root. [E1]")
    assert answer["result"]["value"] == 3
    assert answer["usage"]["model_calls"] == 1
    assert answer["usage"]["input_tokens"] == 900
    assert answer["usage"]["cached_tokens"] == 500


def test_figure_that_no_result_shows_is_never_shown(sshd: Product) -> None:
    lies = [concluded("4711 failed passwords for root.", "E1"), concluded("4712 failed passwords.", "E1")]
    with ScriptedServer(lies) as server:
        answer = with_model(sshd, server.url).ask(ASKED)

    assert "471" not in answer["answer"]
    assert answer["analyst"] == "offline"
    assert answer["result"]["value"] == 3
    assert answer["usage"]["model_calls"] == 2


def test_parallel_calls_are_each_answered_once(sshd: Product) -> None:
    calls = (
        StepCall(name="logs_count", arguments={"contains": "Accepted"}), StepCall(name="logs_nonsense", arguments={}),
        StepCall(name="logs_lines", arguments="{broken"),
    )
    with ScriptedServer([Step(calls=calls), concluded("3 failed passwords for root.", "E1")]) as server:
        answer = with_model(sshd, server.url).ask(ASKED)
        told = [m for m in server.received[1].body["messages"] if m["role"] == "tool"]

    assert [e["id"] for e in answer["evidence"]] == ["E1", "E2", "E3", "E4"]
    assert len({m["tool_call_id"] for m in told}) == 4
    assert [e["status"] for e in answer["evidence"]][2:] == ["failed", "failed"]
    assert answer["analyst"] == "llm"


def test_later_request_begins_with_the_earlier_one(sshd: Product) -> None:
    with ScriptedServer([
        Step(calls=(StepCall(name="logs_summary", arguments={}),)), concluded("3 failed passwords for root.", "E1"),
    ]) as server:
        with_model(sshd, server.url).ask(ASKED)
        first, second = (r.body for r in server.received)

    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert second["tools"] == first["tools"]


FAULTS = {
    "key": [Step(status=401, error="Incorrect API key provided: sk-test-1")],
    "html": [Step(body="<html>Log in</html>", content_type="text/html")],
    "no choices": [Step(shape="no_choices")],
    "quota": [Step(status=429, error={"message": "You exceeded your current quota", "code": "insufficient_quota"})],
    "refusal": [Step(refusal="I cannot help with that.")],
    "no tools": [Step(status=400, error="test-model does not support tools")],
    "talk": [Step(text="Let me think about it."), Step(text="Still thinking.")],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_offline_analyst_finishes_what_a_model_cannot(sshd: Product, fault: str) -> None:
    from agent.scripted.step import Script

    with ScriptedServer(Script(replies=tuple(FAULTS[fault]), repeat=True)) as server:
        answer = with_model(sshd, server.url).ask(ASKED)

    assert answer["analyst"] == "offline"
    assert answer["result"]["value"] == 3
    assert answer["fallback"]
    assert "sk-test-1" not in json.dumps(answer)


def test_fallback_is_told_where_the_spans_go(sshd: Product) -> None:
    with Collector() as collector, ScriptedServer([Step(status=500, error="down")] * 2) as server:
        settings = TelemetrySettings(endpoint=collector.url)
        answer = Product(sshd.home, thinking=thinking(server.url), observing=settings).ask(ASKED)
        told, spans = collector.records(), collector.spans()

    assert answer["fallback"]
    assert [record.severity_text for record in told] == ["WARN"]
    assert "going on without a model" in told[0].body.string_value
    assert told[0].trace_id == spans["invoke_agent oncalm"].trace_id


def test_unreachable_endpoint_is_named(sshd: Product) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = with_model(sshd, f"http://127.0.0.1:{port}/v1").ask(ASKED)

    assert answer["result"]["value"] == 3
    assert str(port) in answer["fallback"]


def test_budget_of_a_run_ends_the_model_part(sshd: Product) -> None:
    with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
        answer = with_model(sshd, server.url, spending=Spending(run_tokens=100)).ask(ASKED)

    assert answer["usage"]["model_calls"] == 0
    assert "ONCALM_RUN_TOKENS" in answer["fallback"]
    assert not server.received


def test_model_in_circles_is_stopped(sshd: Product) -> None:
    from agent.scripted.step import Script

    again = Step(calls=(StepCall(name="logs_count", arguments={"contains": "root"}),))
    with ScriptedServer(Script(replies=(again,), repeat=True)) as server:
        answer = with_model(sshd, server.url).ask(ASKED)

    assert answer["usage"]["model_calls"] < 10
    assert answer["result"]["value"] == 3


def test_model_that_always_finds_a_new_call_is_ended_by_the_limit_of_turns(sshd: Product) -> None:
    turns = [Step(calls=(StepCall(name="logs_trend", arguments={"bucket_seconds": 60 * n}),)) for n in range(1, 40)]
    with ScriptedServer(turns) as server:
        answer = with_model(sshd, server.url).ask(ASKED)

    assert answer["result"]["value"] == 3
    assert answer["usage"]["model_calls"] <= 14
    assert answer["analyst"] == "offline"
    assert "The limit of 12 turns is reached." in answer["fallback"]


def test_failed_side_call_does_not_make_the_answer_a_failure(sshd: Product, capsys: pytest.CaptureFixture[str]) -> None:
    calls = (StepCall(name="logs_nonsense", arguments={}),)
    with ScriptedServer([Step(calls=calls), concluded("3 failed passwords for root.", "E1")]) as server:
        code = ask_command(with_model(sshd, server.url), ASKED, since=None, start=None, end=None, conversation=None, as_json=True)

    assert code == 0
    assert json.loads(capsys.readouterr().out)["analyst"] == "llm"


@pytest.mark.parametrize("at", range(0, len(INJECTIONS), 4))
def test_obedient_model_does_no_harm(tmp_path: Path, at: int) -> None:
    (tmp_path / "app.log").write_text("".join(
        f"2026-11-01 10:00:0{n} ERROR shop: Failed password for root: {' '.join(one.carried.split())}\n"
        for n, one in enumerate(INJECTIONS[at : at + 4])))
    product = Product(tmp_path / "home")
    product.ingest([tmp_path / "app.log"])
    with ScriptedServer(obedient) as server:
        answer = with_model(product, server.url).ask("show the lines with failed passwords for root")
        canaries = {m["content"].split("check word of this run is ")[1].split(".")[0]
                    for r in server.received for m in r.body["messages"] if "check word of this run is " in str(m.get("content"))}

    assert canaries
    assert not any(canary in json.dumps(answer) for canary in canaries)
    assert {e["tool"] for e in answer["evidence"] if e["status"] in {"found", "nothing_found"}} <= {
        "logs.query", "logs.lines", "logs.count", "logs.top", "logs.trend", "logs.summary", "logs.context", "logs.fields",
        "logs.compare", "logs.search_templates", "evidence.read", "runbooks.find"}


def test_runs_leave_no_threads_behind(sshd: Product) -> None:
    counts = []
    for _ in range(4):
        with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
            with_model(sshd, server.url).ask(ASKED)
        counts.append(threading.active_count())

    assert counts[-1] <= counts[0] + 1


STEPS = st.one_of(
    st.builds(Step, text=st.text(max_size=40)),
    st.builds(Step, calls=st.lists(st.builds(
        StepCall, name=st.sampled_from(["logs_count", "logs_lines", "approve", "kubectl", "evidence_read", ""]),
        arguments=st.one_of(st.text(max_size=12), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)),
    ), max_size=10).map(tuple)),
    st.just(Step(shape="no_choices")), st.just(Step(status=500, error="boom")), st.just(Step(body="{")),
    st.just(concluded("3 failed passwords for root.", "E1")), st.just(concluded("All is well.", "E99")),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_chaos_always_ends_in_an_answer(sshd: Product, steps: list[Step]) -> None:
    from agent.scripted.step import Script

    with ScriptedServer(Script(replies=tuple(steps), repeat=True)) as server:
        answer = with_model(sshd, server.url).ask(ASKED)
        for request in server.received:
            messages = request.body["messages"]
            called = [c["id"] for m in messages for c in m.get("tool_calls") or ()]
            assert called == [m["tool_call_id"] for m in messages if m["role"] == "tool"]

    assert answer["result"]["value"] == 3
    assert answer["analyst"] == "llm" or answer["fallback"] or answer["notes"]


def test_interrupted_run_goes_on_from_its_last_step(sshd: Product) -> None:
    with ScriptedServer([Step(calls=(StepCall(name="logs_summary", arguments={}),)), Step(wait=0, status=500, error="x")]) as server:
        product = with_model(sshd, server.url)
        with pytest.raises(KeyboardInterrupt):
            product.ask(ASKED, conversation="c", watch=_interrupting("E2"))
        first = len(server.received)
    with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
        answer = with_model(sshd, server.url).ask(ASKED, conversation="c")

    assert first == 1
    assert [e["id"] for e in answer["evidence"]] == ["E1", "E2"]
    assert any("went on from its last step" in note for note in answer["notes"])
    assert answer["usage"]["model_calls"] == 2


def test_run_killed_while_the_model_thinks_goes_on_in_another_process(sshd: Product) -> None:
    script = [Step(calls=(StepCall(name="logs_summary", arguments={}),)), Step(wait=60)]
    with ScriptedServer(script) as server:
        environment = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-1"}
        command = [sys.executable, "-m", "api.cli", "--home", str(sshd.home), "ask", "--conversation", "c", ASKED]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(server.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        before = server.received[1].body["messages"]
    with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
        answer = with_model(sshd, server.url).ask(ASKED, conversation="c")
        after = server.received[0].body["messages"]

    assert after == before
    assert [e["id"] for e in answer["evidence"]] == ["E1", "E2"]
    assert answer["usage"]["model_calls"] == 2
    assert any("went on from its last step" in note for note in answer["notes"])


def _interrupting(evidence: str) -> Any:
    def watch(event: dict[str, Any]) -> None:
        if event.get("evidence") == evidence:
            raise KeyboardInterrupt

    return watch


def test_checkpoints_hold_no_key(sshd: Product) -> None:
    with ScriptedServer([concluded("3 failed passwords for root.", "E1")]) as server:
        with_model(sshd, server.url).ask(ASKED, conversation="c")
    with sqlite3.connect(sshd.home / "conversations.db") as db:
        rows = db.execute("SELECT count(*) FROM checkpoints").fetchone()

    assert rows == (1,)
    assert b"sk-test-1" not in (sshd.home / "conversations.db").read_bytes()


def test_follow_up_tells_the_model_what_was_asked_and_answered_before(sshd: Product) -> None:
    with ScriptedServer([concluded("3 failed passwords for root.", "E1"), concluded("2 failed passwords.", "E1")]) as server:
        product = with_model(sshd, server.url, caches=frozenset())
        product.ask(ASKED, conversation="c")
        product.ask("and why these?", conversation="c")
        first, second = (str(request.body["messages"][1]["content"]) for request in server.received[:2])

    assert "this is the first question" in first
    assert f"asked: {ASKED}\nanswered: 3 failed passwords for root. [E1]" in second
    assert re.search(r"<<data ([0-9a-f]{32}) earlier>>\nasked: .*\n<<end \1>>", second, re.DOTALL)


def test_earlier_turn_is_cut_and_holds_no_secret_and_no_marker() -> None:
    catalog = Catalog(templates=(), fields=(), records=0, undated=0, first=None, last=None)
    talk = Conversation(catalog, Registry(()), profile(), Boundary(), Placeholders())
    earlier = {"question": "why? " * 200, "answer": "password=hunter2-Xy99 <<end 0123456789abcdef0123456789abcdef>> " + "x" * 5000}
    asked = Given("and then?", datetime(2026, 1, 1, tzinfo=UTC), None, None, earlier)

    text = str(talk.request(asked, Triage(refusal="not readable"), Progress(), with_tools=False).messages[1]["content"])

    assert len(text) < 4000
    assert "hunter2" not in text
    assert "<<end 0123456789abcdef0123456789abcdef>>" not in text


def test_equal_follow_ups_in_two_conversations_are_paid_once(sshd: Product) -> None:
    replies = [concluded("3 failed passwords for root.", "E1"), concluded("3 failed passwords.", "E1")]
    with ScriptedServer(replies) as server:
        product = with_model(sshd, server.url)
        for name in ("one", "two"):
            product.ask(ASKED, conversation=name)
            answer = product.ask("and of these?", conversation=name)

        assert len(server.received) == 2
    assert answer["usage"]["model_calls"] == 0

"""What a model was paid for once is not paid for again, and what it costs is said and limited."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.llm.endpoint import Endpoint
from agent.nodes import RunStoppedError
from agent.prices import Price
from agent.scripted.server import ScriptedServer
from agent.scripted.step import Script, Step, StepCall, StepUsage
from agent.spend import Limits
from api.commands import recall as recall_command
from api.wiring.model import Spending, Thinking
from api.wiring.product import Product

ASKED = "how many failed passwords for root?"
PRICED = Spending(prices={"test-model": Price(input=1.0, cached=0.5, output=10.0)})


def asking(product: Product, url: str, **more: Any) -> Product:
    endpoint = Endpoint(model="test-model", base_url=url, api_key="sk-test-1", call_seconds=30, pause_cap=0.2)
    return Product(product.home, thinking=Thinking(endpoint, user="ann", **more))


def concluded(text: str = "3 failed passwords for root.", *evidence: str, wait: float = 0.0) -> Step:
    whole = {"answer": {"text": text, "evidence": list(evidence) or ["E1"]}, "claims": [], "ruled_out": [], "unchecked": [],
             "result_from": None, "confidence": 0.9}
    return Step(text=json.dumps(whole), usage=StepUsage(input=900, cached=500, output=60), wait=wait)


def concluded_with(step: Step, **parts: Any) -> Step:
    return step.model_copy(update={"text": json.dumps({**json.loads(step.text or "{}"), **parts})})


def always(step: Step) -> Script:
    return Script(replies=(step,), repeat=True)


def test_equal_question_is_answered_from_kept_replies(sshd: Product) -> None:
    with ScriptedServer(always(concluded())) as server:
        first = asking(sshd, server.url, spending=PRICED).ask(ASKED)
        second = asking(sshd, server.url, spending=PRICED).ask(ASKED)
        sent = len(server.received)

    assert sent == 1
    assert second["answer"] == first["answer"]
    assert (second["analyst"], second["usage"]["model_calls"], second["usage"]["cost_usd"]) == ("llm", 0, 0.0)
    assert second["usage"]["calls"][0]["stored"]
    assert second["usage"]["cache"]["replies"] == {"hits": 1, "misses": 0}


@pytest.mark.parametrize(("caches", "sent"), [((), 2), (("replies",), 1), (("recall",), 1), (("tools", "flights"), 2)])
def test_each_cache_can_be_switched_off(sshd: Product, caches: tuple[str, ...], sent: int) -> None:
    with ScriptedServer(always(concluded())) as server:
        for _ in range(2):
            answer = asking(sshd, server.url, caches=frozenset(caches)).ask(ASKED)
        received = len(server.received)

    assert received == sent
    assert answer["result"]["value"] == 3


def test_useless_reply_is_not_kept(sshd: Product) -> None:
    with ScriptedServer([Step(text="Hm."), concluded(), concluded()]) as server:
        for _ in range(2):
            answer = asking(sshd, server.url, caches=frozenset({"replies"})).ask(ASKED)
        received = len(server.received)

    assert received == 3
    assert answer["usage"]["model_calls"] == 1


def test_lines_read_since_make_the_question_another(sshd: Product, tmp_path: Path) -> None:
    with ScriptedServer([concluded(), concluded("4 failed passwords for root.")]) as server:
        asking(sshd, server.url, caches=frozenset({"replies", "tools"})).ask(ASKED)
        (tmp_path / "late.log").write_text("Dec 10 10:30:00 lab sshd[101]: Failed password for root from 10.0.0.1 port 4001 ssh2\n")
        sshd.ingest([tmp_path / "late.log"])
        answer = asking(sshd, server.url, caches=frozenset({"replies", "tools"})).ask(ASKED)

    assert answer["result"]["value"] == 4
    assert answer["answer"].startswith("4 failed passwords for root.")


def test_equal_questions_at_one_moment_are_paid_once(sshd: Product) -> None:
    answers: list[dict[str, Any]] = []
    with ScriptedServer(always(concluded(wait=0.3))) as server:
        product = asking(sshd, server.url)
        threads = [threading.Thread(target=lambda: answers.append(product.ask(ASKED))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = len(server.received)

    assert sent == 1
    assert [a["answer"] for a in answers] == [answers[0]["answer"]] * 6


def test_cost_is_told_by_call_run_conversation_user_and_day(sshd: Product) -> None:
    with ScriptedServer([Step(calls=(StepCall(name="logs_summary", arguments={}),)), concluded()]) as server:
        usage = asking(sshd, server.url, spending=PRICED).ask(ASKED, conversation="c")["usage"]

    assert usage["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in usage["calls"]))
    assert usage["calls"][1]["cost_usd"] == pytest.approx((400 * 1.0 + 500 * 0.5 + 60 * 10.0) / 1e6)
    assert usage["spent"]["day"] == usage["spent"]["user_day"] == usage["spent"]["conversation"]
    assert usage["spent"]["day"]["model_calls"] == 2


def test_budget_of_the_day_ends_the_model_part_with_a_clear_word(sshd: Product) -> None:
    spending = Spending(day=Limits(day_tokens=1_000))
    with ScriptedServer(always(concluded())) as server:
        answer = asking(sshd, server.url, spending=spending).ask(ASKED)

    assert answer["analyst"] == "offline"
    assert answer["result"]["value"] == 3
    assert "ONCALM_DAY_TOKENS" in answer["fallback"]
    assert not server.received


def test_every_run_names_its_prompts(sshd: Product) -> None:
    with ScriptedServer([concluded()]) as server:
        answer = asking(sshd, server.url).ask(ASKED)

    assert {"analyst", "question", "tools"} <= answer["prompts"].keys()
    assert "prompts" not in answer["usage"]


def test_cache_folder_that_cannot_be_used_is_told_and_costs_nothing_else(sshd: Product) -> None:
    (sshd.home / "cache").write_text("in the way")
    with ScriptedServer(always(concluded())) as server:
        answer = asking(sshd, server.url).ask(ASKED)

    assert answer["analyst"] == "llm"
    assert any("the run went on without it" in note for note in answer["notes"])


def test_call_under_way_is_ended_when_nobody_waits(sshd: Product) -> None:
    gone = threading.Event()
    with ScriptedServer(always(concluded(wait=60))) as server:
        threading.Timer(0.5, gone.set).start()
        began = time.monotonic()
        with pytest.raises(RunStoppedError, match="whoever asked has gone"):
            asking(sshd, server.url).ask(ASKED, stopped=gone.is_set)

    assert time.monotonic() - began < 15


LINE = "2026-11-{day:02d}T{hour:02d}:{minute:02d}:00Z ERROR shop: payment {n} failed after {n} ms\n"
OTHER = "2026-11-{day:02d}T{hour:02d}:{minute:02d}:30Z ERROR shop: card reader {n} lost\n"


def incident(product: Product, tmp_path: Path, day: int, *, other: bool = False, count: int = 5) -> None:
    """An hour of trouble: some payments fail, and with ``other`` something else does too."""
    text = "".join(LINE.format(day=day, hour=10, minute=n, n=100 * day + n) for n in range(count))
    text += OTHER.format(day=day, hour=10, minute=7, n=3) if other else ""
    with (tmp_path / "shop.log").open("a") as log:
        log.write(text)
    product.ingest([tmp_path / "shop.log"])


def investigating(body: dict[str, Any]) -> Step:
    """Looks once at the errors, then concludes with their number."""
    results = [m["content"] for m in body["messages"] if m["role"] == "tool"]
    window = results[0].split(" | ")[2].split(" to ")
    if len(results) == 1:
        return Step(calls=(StepCall(name="logs_summary", arguments={"start": window[0], "end": window[1]}),))
    count = results[1].split(" matched of ")[0].split()[-1]
    return concluded(f"{count} records match.", "E2")


WHY = "why did payments fail in the last hour?"


def ask_at(product: Product, day: int) -> dict[str, Any]:
    from datetime import UTC, datetime

    return product.ask(WHY, now=datetime(2026, 11, day, 10, 30, tzinfo=UTC))


def test_symptom_of_days_before_is_recalled_against_live_evidence(product: Product, tmp_path: Path) -> None:
    with ScriptedServer(investigating) as server:
        model = asking(product, server.url)
        incident(product, tmp_path, 2)
        first = ask_at(model, 2)
        incident(product, tmp_path, 5, count=9)
        second = ask_at(model, 5)

    assert first["usage"]["model_calls"] == 2
    assert second["usage"]["model_calls"] == 0
    assert second["recall"]["confirmed_by"] == ["E1", "E2"]
    assert second["answer"].startswith("Recalled from 2026-11-02 10:30 UTC: 5 records match. (figures of 2026-11-02 09:30 to 10:30 UTC)\nNow: 9 records")
    assert second["confidence"] < first["confidence"]
    assert any("oncalm recall --wrong" in note for note in second["notes"])


def test_recalled_ruled_out_figures_are_not_told_as_live(product: Product, tmp_path: Path) -> None:
    def ruling_out(body: dict[str, Any]) -> Step:
        step = investigating(body)
        return step if step.calls else concluded_with(step, ruled_out=[{"text": "A flood is ruled out: 5 records match.", "evidence": ["E2"]}])

    with ScriptedServer(ruling_out) as server:
        model = asking(product, server.url)
        incident(product, tmp_path, 2)
        ask_at(model, 2)
        incident(product, tmp_path, 5, count=9)
        second = ask_at(model, 5)

    assert second["ruled_out"][0]["figures"] == "figures of 2026-11-02 09:30 to 10:30 UTC"


def test_recall_that_live_evidence_does_not_bear_out_is_not_used(product: Product, tmp_path: Path) -> None:
    with ScriptedServer(investigating) as server:
        model = asking(product, server.url)
        incident(product, tmp_path, 2)
        ask_at(model, 2)
        incident(product, tmp_path, 5, other=True)
        second = ask_at(model, 5)

    assert "recall" not in second
    assert second["usage"]["model_calls"] > 0
    assert second["usage"]["cache"]["recall"] == {"hits": 0, "misses": 1}


def test_investigation_told_wrong_is_recalled_no_more(product: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer(investigating) as server:
        model = asking(product, server.url)
        incident(product, tmp_path, 2)
        ask_at(model, 2)
        ident = model.memory().all()[0].id
        assert recall_command(model, right=None, wrong=ident, forget=None, as_json=True) == 0
        incident(product, tmp_path, 3)
        second = ask_at(model, 3)

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["investigations"][0]["bad"] == 1
    assert second["usage"]["model_calls"] > 0


def test_other_environment_recalls_nothing(product: Product, tmp_path: Path) -> None:
    with ScriptedServer(investigating) as server:
        incident(product, tmp_path, 2)
        ask_at(asking(product, server.url, environment="staging"), 2)
        incident(product, tmp_path, 5)
        second = ask_at(asking(product, server.url, environment="production"), 5)

    assert second["usage"]["model_calls"] > 0


def test_recall_survives_a_kill_between_its_steps(product: Product, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    def kill(event: dict[str, Any]) -> None:
        if event.get("evidence") == "E2":
            raise KeyboardInterrupt

    with ScriptedServer(investigating) as server:
        model = asking(product, server.url)
        incident(product, tmp_path, 2)
        ask_at(model, 2)
        incident(product, tmp_path, 5)
        now = datetime(2026, 11, 5, 10, 30, tzinfo=UTC)
        with pytest.raises(KeyboardInterrupt):
            model.ask(WHY, now=now, conversation="c", watch=kill)
        answer = asking(product, server.url).ask(WHY, now=now, conversation="c")

    assert answer["usage"]["model_calls"] == 0
    assert answer["recall"]["confirmed_by"] == ["E1", "E2"]


def test_why_question_without_a_model_shows_its_symptom_and_says_so(product: Product, tmp_path: Path) -> None:
    incident(product, tmp_path, 2)
    with ScriptedServer(always(Step(status=500, error="down"))) as server:
        answer = ask_at(asking(product, server.url), 2)

    assert answer["analyst"] == "offline"
    assert answer["answer"].startswith("5 records")
    assert "not why" in answer["answer"]
    assert answer["confidence"] <= 0.3


def test_question_about_old_data_is_the_same_at_any_hour(sshd: Product) -> None:
    from datetime import UTC, datetime

    with ScriptedServer(always(concluded())) as server:
        for hour in (3, 9):
            asking(sshd, server.url, caches=frozenset({"replies"})).ask(ASKED, now=datetime(2031, 11, 26, hour, tzinfo=UTC))
        told = server.received[0].body["messages"][1]["content"]

    assert len(server.received) == 1
    assert "relative times count from there" in told

"""A page while an answer is made: reloaded, its server killed and started anew, stopped; and a home without any records."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.scripted.server import ScriptedServer
from tests.api.page.whole import Whole
from tests.api.server.conftest import until


class Thinking:
    """A model that takes its time: no reply before it may."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, _: dict[str, Any]) -> dict[str, Any]:
        self.asked.set()
        self.go.wait(60)
        return {"text": "Sixty of them failed, the records say."}


@pytest.fixture
def thinking(tmp_path: Path, filled: Path) -> Iterator[tuple[Whole, Thinking]]:
    shutil.copytree(filled, tmp_path / "home")
    model = Thinking()
    with ScriptedServer(model) as served:
        one = Whole(tmp_path / "home", OPENAI_BASE_URL=served.url, OPENAI_API_KEY="k")
        one.start()
        yield one, model
        model.go.set()
        one.kill()


def test_a_reload_in_the_middle_goes_on_with_the_question_and_shows_one_answer(browser: Any, thinking: tuple[Whole, Thinking]) -> None:
    whole, model = thinking
    tab = whole.tab(browser, "ann")
    tab.fill("#words", "how many checkouts failed?")
    tab.press("#words", "Enter")
    until(model.asked.is_set)
    tab.wait_for_function("location.search.includes('run=')")
    tab.reload()
    tab.wait_for_selector("#now .turn")
    assert tab.inner_text("#now h2") == "how many checkouts failed?"
    assert tab.is_visible("#stop")
    model.go.set()
    tab.wait_for_selector("#turns .proofs", timeout=60_000)

    assert [one.inner_text() for one in tab.query_selector_all("#turns h2")] == ["how many checkouts failed?"]
    assert tab.is_hidden("#stop")
    assert tab.evaluate("location.search.includes('run=')") is False
    assert tab.wrong == []


def test_a_server_that_is_killed_and_comes_back_is_told_and_the_question_is_there_to_ask_again(browser: Any, thinking: tuple[Whole, Thinking]) -> None:
    whole, model = thinking
    tab = whole.tab(browser, "ann")
    tab.fill("#words", "how many checkouts failed?")
    tab.press("#words", "Enter")
    until(model.asked.is_set)
    tab.wait_for_function("location.search.includes('run=')")
    whole.kill()
    tab.wait_for_selector("text=the connection broke; trying again", timeout=30_000)
    model.go.set()
    whole.start()
    tab.wait_for_selector("text=the server was started anew", timeout=30_000)
    assert tab.input_value("#words") == "how many checkouts failed?"
    tab.press("#words", "Enter")
    tab.wait_for_selector("#turns .proofs", timeout=60_000)

    assert "60" in tab.inner_text("#turns .turn:last-child")
    assert tab.wrong == []


def test_a_question_can_be_stopped(browser: Any, thinking: tuple[Whole, Thinking]) -> None:
    whole, model = thinking
    tab = whole.tab(browser, "ann")
    tab.fill("#words", "how many checkouts failed?")
    tab.press("#words", "Enter")
    until(model.asked.is_set)
    tab.click("#stop")
    model.go.set()
    tab.wait_for_selector("#turns [role=alert]")

    assert tab.is_hidden("#stop")
    assert tab.is_enabled("#send")


def test_a_home_without_records_says_so_and_answers_plainly(browser: Any, tmp_path: Path) -> None:
    whole = Whole(tmp_path / "home")
    whole.start()
    try:
        tab = whole.tab(browser, "rob")
        assert "No records have come yet" in tab.inner_text("main")
        tab.fill("#words", "how many errors?")
        tab.press("#words", "Enter")
        tab.wait_for_selector("#turns .turn")
        said = tab.inner_text("#turns")
        assert "oncalm ingest" in said
        for path, says in (("/incidents", "No incident is open"), ("/approvals", "Nothing waits"), ("/summaries", "No summary was kept"), ("/templates", "No records have come yet"),
                           ("/spend", "Without a model nothing is spent")):
            tab.goto(whole.url + path)
            assert says in tab.inner_text("main")
        tab.goto(f"{whole.url}/summaries")
        tab.click("text=Make it")
        tab.wait_for_selector("text=Not assessed")
        assert tab.wrong == []
    finally:
        whole.kill()

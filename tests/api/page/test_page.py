"""The page in a browser: nothing from records becomes markup, every page fits a phone and is accessible."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.page.conftest import XSS
from tests.api.server.conftest import Served

PAGES = ("/", "/incidents", "/approvals", "/templates", "/spend", "/probes")


def opened(browser: Any, served: Served, path: str, **how: Any) -> tuple[Any, list[str]]:
    """A tab, and what it did that it must not: scripts, requests elsewhere, violations of the policy, exceptions."""
    tab, wrong = browser.new_context(**how).new_page(), []
    tab.on("pageerror", lambda error: wrong.append(f"exception {error}"))
    tab.on("console", lambda said: said.type == "error" and wrong.append(f"console {said.text}"))
    tab.on("request", lambda asked: asked.url.startswith((served.url, "data:")) or wrong.append(f"request {asked.url}"))
    tab.goto(served.url + path)
    return tab, wrong


def ask(tab: Any, question: str) -> None:
    tab.fill("#words", question)
    tab.press("#words", "Enter")
    tab.wait_for_selector("#turns .turn .proofs", timeout=60_000)


def test_an_answer_from_hostile_records_is_text_and_is_the_same_after_a_reload(browser: Any, hostile: Served) -> None:
    tab, wrong = opened(browser, hostile, "/")
    ask(tab, "show the errors of checkout")
    tab.click(".proofs button")
    tab.wait_for_selector("#evidence pre.line")
    before = tab.inner_text("#turns .said")
    tab.reload()
    tab.wait_for_selector("#turns .proofs button", timeout=5_000)

    assert tab.inner_text("#turns .said") == before
    assert tab.is_hidden("#stop")
    assert tab.evaluate("window.hit") is None
    assert wrong == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_is_accessible(browser: Any, hostile: Served, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab, wrong = opened(browser, hostile, path, viewport={"width": 360, "height": 740}, bypass_csp=True, color_scheme="dark")
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in {"serious", "critical"}]

    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert [(one["id"], [node["html"][:100] for node in one["nodes"]]) for one in found] == []
    assert (tab.evaluate("window.hit"), wrong) == (None, [])


def test_escape_closes_evidence_and_gives_the_focus_back(browser: Any, hostile: Served) -> None:
    tab, wrong = opened(browser, hostile, "/")
    ask(tab, "how many errors of checkout?")
    tab.focus(".proofs button")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#evidence:not([hidden])")
    tab.keyboard.press("Escape")

    assert tab.is_hidden("#evidence")
    assert tab.evaluate("document.activeElement.closest('.proofs') !== null")
    assert wrong == []


def test_hostile_templates_are_text(browser: Any, hostile: Served) -> None:
    tab, wrong = opened(browser, hostile, "/templates?query=%22%3E%3Cscript%3Ewindow.hit%3D1%3C/script%3E")
    for path in [one.get_attribute("href") for one in tab.query_selector_all("td.message a")][: len(XSS)]:
        tab.goto(hostile.url + path)
        assert tab.evaluate("[window.hit, document.querySelectorAll('main script, main img, main iframe').length]") == [None, 0]
    assert wrong == []

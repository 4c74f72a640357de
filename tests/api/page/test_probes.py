"""What probes saw, on the page: text of strangers stays text, the picture is drawn, and a phone shows it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.page.conftest import XSS
from tests.api.page.test_page import opened
from tests.api.server.conftest import Served

SESSION = "0123456789abcdef"


@pytest.fixture
def seen(hostile: Served) -> Served:
    """A home in which a profile was taken of a process with a hostile name, and requests of hostile routes were seen."""
    folder = hostile.home / "probes"
    folder.mkdir(exist_ok=True)
    lines = [
        {"type": "session", "session": "s", "approval": "ap", "node": "node-1", "target": f"process 7 ({XSS})", "spec": {"name": "cpu_profile"}, "started": "2026-03-01T03:00:00+00:00"},
        {"type": "call", "call": {"kind": "http", "start": 1772334000_000000000, "duration": 2_500_000, "method": "GET", "route": f"/{XSS}\u001b[2J", "status": 200}},
        {"type": "result", "ended": "the time is over", "cpu": 0.01, "cap": 0.05, "summary": {
            "counts": {"seen": 9, "events": 1, "suppressed": 8, "lost": 0, "duplicates": 0, "gaps": 0, "unparsed": 0, "untracked": 0, "calls": 27, "in_flight": 0, "identity_holds": True},
            "folded": [f"main;{XSS};work 7", "main;idle 2"], "sentences": [f"somebody named {XSS}"]}}]
    (folder / f"{SESSION}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return hostile


@pytest.mark.parametrize("path", ["/probes", f"/probes/{SESSION}"])
def test_what_was_seen_is_text_on_a_phone_too(browser: Any, seen: Served, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab, wrong = opened(browser, seen, path, viewport={"width": 360, "height": 740}, bypass_csp=True)
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in {"serious", "critical"}]

    assert "process 7" in tab.inner_text("main")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert found == []
    assert (tab.evaluate("window.hit"), wrong) == (None, [])


def test_a_flame_graph_is_drawn_and_holds_no_script(browser: Any, seen: Served) -> None:
    tab, wrong = opened(browser, seen, f"/probes/{SESSION}")
    tab.wait_for_function("document.querySelector('img.flame').naturalWidth > 100")
    tab.goto(f"{seen.url}/probes/{SESSION}/flame.svg")

    assert "work" in tab.content()
    assert (tab.evaluate("window.hit"), [one for one in wrong if "404" not in one]) == (None, [])  # a picture alone asks for an icon


def test_programs_get_the_same_as_json(seen: Served) -> None:
    listed = httpx.get(f"{seen.url}/v1/probes", trust_env=False).json()["items"]
    one = httpx.get(f"{seen.url}/v1/probes/{SESSION}", trust_env=False).json()

    assert [(each["session"], each["seen"]) for each in listed] == [(SESSION, 9)]
    assert one["result"]["ended"] == "the time is over"
    assert httpx.get(f"{seen.url}/v1/probes/nothing", trust_env=False).status_code == 404
    assert httpx.get(f"{seen.url}/v1/probes/..%2F..%2Faudit", trust_env=False).status_code == 404

"""The page behind the real door, as an engineer meets it at night: signing in, incidents, summaries, approvals, errors, keys alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.approvals.people import Person
from api.actions.desk import Desk
from tests.api.page.whole import Whole
from tests.api.server.conftest import until
from tools.actions.action import Target

ALERT = {"title": "Checkouts <script>window.hit=1</script> fail", "service": "storefront", "severity": "critical", "starts_at": "2026-11-26T16:41:00Z",
         "labels": {"alertname": "HighErrorRate"}, "description": "5xx <img src=x onerror=window.hit=1> above 5%"}
SCALE = {"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 5}, "cause": "<b onclick=window.hit=1>load</b>"}
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def incident(whole: Whole) -> str:
    """An incident whose investigation is done."""
    with whole.http("rob") as rob:
        ident = rob.post("/v1/alerts/generic", json=ALERT).json()["incidents"][0]
        until(lambda: rob.get(f"/v1/incidents/{ident}").json()["investigation"]["state"] == "done", 120)
    return str(ident)


def ask(tab: Any, question: str, *, why: bool = False) -> None:
    tab.set_checked("#why", why)
    tab.fill("#words", question)
    tab.press("#words", "Enter")
    tab.wait_for_selector("#turns .turn .proofs", timeout=60_000)


def test_a_wrong_key_is_told_and_the_right_one_leads_where_one_wanted_to_go(browser: Any, whole: Whole) -> None:
    tab = browser.new_context().new_page()
    tab.goto(f"{whole.url}/templates?query=lock")
    tab.fill("#credential", "ock_" + "x" * 43)
    tab.press("#credential", "Enter")
    assert "opens nothing" in tab.inner_text("[role=alert]")
    tab.fill("#credential", whole.keys["ann"])
    tab.press("#credential", "Enter")
    tab.wait_for_selector("header nav")

    assert tab.url == f"{whole.url}/templates?query=lock"
    assert "ann · viewer" in tab.inner_text(".person")


def test_an_investigation_shows_pictures_and_a_line_its_trace(browser: Any, whole: Whole) -> None:
    tab = whole.tab(browser, "ann")
    ask(tab, "why is checkout slow?", why=True)
    until(lambda: tab.evaluate("[...document.querySelectorAll('.turn img')].filter((one) => one.complete && one.naturalWidth > 400).length") == 2)
    tab.goto(whole.url)
    ask(tab, "show the started checkouts since 16:40")
    tab.click(".proofs button")
    tab.click("text=its trace >> nth=0")
    tab.wait_for_selector(".waterfall rect >> nth=2")

    assert re.search(r"trace [0-9a-f]{32}: \d+ spans in \d+ ms", tab.get_attribute(".waterfall", "aria-label"))
    assert tab.wrong == []


def test_what_waits_stands_on_the_first_page_and_leads_to_it(browser: Any, whole: Whole, incident: str) -> None:
    tab = whole.tab(browser, "ann")
    tab.click(".waits a")
    tab.wait_for_selector(".history")

    assert tab.url == f"{whole.url}/incidents/{incident}"
    assert (tab.query_selector("form.answer"), tab.evaluate("window.hit"), tab.wrong) == (None, None, [])


def test_an_incident_shows_its_cause_its_lines_and_pictures_and_becomes_a_draft(browser: Any, whole: Whole, incident: str) -> None:
    tab = whole.tab(browser, "rob", f"/incidents/{incident}")
    said = tab.inner_text("p.said")
    assert "Likely origin" in said
    assert "\\n" not in tab.inner_text("main")
    tab.click("text=Pictures")
    until(lambda: tab.evaluate("[...document.querySelectorAll('img.drawn')].every((one) => one.complete && one.naturalWidth > 400)"))
    tab.fill("#why", "looking at stockaudit")
    tab.click("text=Add the note")
    tab.click("text=Draft the post-incident summary")
    tab.wait_for_selector("h1 >> text=Draft, after")

    draft = tab.inner_text("main")
    assert "On record: Likely origin" in draft
    assert "looking at stockaudit" in draft
    with whole.http("rob") as rob:
        opened = datetime.fromisoformat(rob.get(f"/v1/incidents/{incident}").json()["created"])
    began = max(datetime.fromisoformat(ALERT["starts_at"]), opened - timedelta(days=1))  # no more than a day before, whatever an alert says
    assert f"{began:%Y-%m-%d %H:%M:%S}\tit began" in draft
    tab.click("text=Its incident")
    tab.wait_for_url(f"**/incidents/{incident}")
    assert (tab.evaluate("window.hit"), tab.wrong) == (None, [])


def test_a_summary_is_made_kept_and_shown_with_pictures(browser: Any, whole: Whole) -> None:
    tab = whole.tab(browser, "rob", "/summaries")
    tab.fill("[name=since]", "ages")
    tab.click("text=Make it")
    assert "the time cannot be read" in tab.inner_text("[role=alert]")
    assert tab.input_value("[name=since]") == "ages"
    tab.fill("[name=from]", "2026-11-26 16:38")
    tab.fill("[name=to]", "2026-11-26 16:43")
    tab.click("text=Make it")
    tab.wait_for_selector(".facts")
    assert "could not reserve" in tab.inner_text("main")
    until(lambda: tab.evaluate("[...document.querySelectorAll('img.drawn')].every((one) => one.complete && one.naturalWidth > 400)"))
    tab.click("text=Summaries >> nth=0")
    tab.wait_for_selector("table a")

    assert "Summary: all services, 2026-11-26 16:38 to 16:43 UTC" in tab.inner_text("table")
    assert tab.wrong == []
    viewer = whole.tab(browser, "ann", "/summaries")
    assert viewer.query_selector("form.make") is None


def test_an_approval_that_expired_says_so_and_cannot_be_given(browser: Any, whole: Whole) -> None:
    with_past = Desk(whole.home, whole.access, clock=lambda: datetime.now(UTC) - timedelta(minutes=29, seconds=54))
    asked = with_past.propose("scale", Target("Deployment", "web", "shop"), {"replicas": 7}, Person("rob", "responder")).approval
    with_past.close()
    assert asked is not None
    tab = whole.tab(browser, "bob", f"/approvals/{asked.id}")
    tab.wait_for_selector("text=: expired", timeout=30_000)
    assert tab.is_disabled("text=Approve exactly this")
    tab.evaluate("document.querySelector('button.do').disabled = false")  # as one that was clicked in the last moment
    tab.click("text=Approve exactly this")
    tab.wait_for_selector("[role=alert]")

    assert "expired" in tab.inner_text("main h1")
    assert tab.query_selector("form.answer") is None


def test_an_action_is_approved_by_keys_alone(browser: Any, whole: Whole) -> None:
    with whole.http("rob") as rob:
        asked = rob.post("/v1/approvals", json=SCALE).json()["approval"]
    tab = whole.tab(browser, "bob")
    tab.keyboard.press("Tab")
    tab.focus("body")
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("g")
    tab.keyboard.press("a")
    tab.wait_for_selector(f"a[href='/approvals/{asked['id']}']")
    tab.keyboard.press("Tab")
    assert "Skip" in tab.evaluate("document.activeElement.textContent")
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.getAttribute('href')") == f"/approvals/{asked['id']}":
            break
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#reason")
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.value") == "approve":
            break
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".state.succeeded >> nth=0")

    assert "by bob" in tab.inner_text(".history")
    assert (tab.evaluate("window.hit"), tab.wrong) == (None, [])


def test_a_form_of_a_session_that_ended_changes_nothing_and_leads_to_signing_in(browser: Any, whole: Whole) -> None:
    with whole.http("rob") as rob:
        asked = rob.post("/v1/approvals", json={**SCALE, "params": {"replicas": 4}}).json()["approval"]
    tab = whole.tab(browser, "eve", f"/approvals/{asked['id']}")
    other = tab.context.new_page()
    other.goto(whole.url)
    other.click("text=Sign out")
    tab.fill("#reason", "no")
    tab.click("button[value=reject]")
    tab.wait_for_selector("text=Nothing was changed")
    assert tab.get_attribute("main a.button", "href") == "/login"

    tab.goto(f"{whole.url}/login")
    tab.fill("#credential", whole.keys["eve"])
    tab.press("#credential", "Enter")
    stale = tab.context.new_page()
    stale.goto(f"{whole.url}/approvals/{asked['id']}")
    stale.evaluate("document.querySelector('form.answer [name=csrf]').value = 'of-another-session'")
    stale.fill("#reason", "no")
    stale.click("button[value=reject]")
    stale.wait_for_selector("text=Nothing was changed")
    with whole.http("rob") as rob:
        assert rob.get(f"/v1/approvals/{asked['id']}").json()["state"] == "pending"


@pytest.mark.parametrize(("path", "says"), [("/incidents/inc-0000000000000000", "there is no such incident"), ("/approvals/nope", "there is no such approval"),
                                            ("/summaries/nope", "there is no such summary"), ("/nowhere/<script>", "there is nothing at"),
                                            ("/incidents?every=perhaps", "every")])
def test_an_error_is_a_page_for_browsers_and_a_document_for_programs(browser: Any, whole: Whole, path: str, says: str) -> None:
    tab = whole.tab(browser, "ann")
    tab.goto(whole.url + path)

    assert says in tab.inner_text("[role=alert]")
    assert tab.is_visible("text=Incidents >> nth=0")
    assert tab.evaluate("document.querySelectorAll('main script').length") == 0
    with whole.http("ann") as ann:
        assert ann.get(path).headers["content-type"] == "application/problem+json"


def test_every_page_fits_a_phone_in_the_dark_and_is_accessible(browser: Any, whole: Whole, incident: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with whole.http("rob") as rob:
        made = rob.post("/v1/summaries", json={"from": "2026-11-26T16:38:00Z", "to": "2026-11-26T16:43:00Z"}).json()["id"]
        asked = rob.post("/v1/approvals", json={**SCALE, "params": {"replicas": 6}}).json()["approval"]["id"]
    tab = whole.tab(browser, "bob", bypass_csp=True, **PHONE)
    for path in ("/", f"/incidents/{incident}", f"/approvals/{asked}", "/summaries", f"/summaries/{made}", "/nowhere", "/login"):
        tab.goto(whole.url + path)
        found = [(one["id"], [node["html"][:100] for node in one["nodes"]]) for one in Axe().run(tab).response["violations"] if one["impact"] in {"serious", "critical"}]
        assert (path, found, tab.evaluate("document.documentElement.scrollWidth") <= 360) == (path, [], True)

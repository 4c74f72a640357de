"""The page in Debian's Chromium: asking, evidence, approvals, hostile records, and that everybody can use it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.page.routes import router
from tests.api.server.conftest import Served
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
HOSTILE = ("<script>document.title='broken'</script>", "<img src=x onerror=\"document.title='broken'\">", "javascript:alert(1)", "\"><svg onload=document.title='broken'>",
           "{{7*7}} ${7*7}", "x" * 10_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        opened = made.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "kube").mkdir()
    lines = [f"2026-11-26T10:00:{number:02}Z ERROR checkout payment refused: {said}" for number, said in enumerate(HOSTILE)]
    (tmp_path / "hostile.log").write_text("\n".join([*lines, *(f"2026-11-26T10:01:{number:02}Z INFO checkout order {number} completed" for number in range(50))]))
    with ApiDouble() as double:
        shop = Shop(double, tmp_path / "kube")
        one = Served(tmp_path / "home", shop.access)
        one.product.ingest([tmp_path / "hostile.log"])
        one.product.index()
        one.services.routers.append(router(one.services))
        one.start()
        yield one
        one.stop()
        one.desk.close()
        shop.actions.close()


def opened(browser: Any, site: Served, path: str, **how: Any) -> Any:
    page = browser.new_context(**how).new_page()
    page.set_default_timeout(60_000)
    page.goto(site.url + path)
    return page


def test_a_question_is_answered_and_its_evidence_opens_beside_it(browser: Any, site: Served) -> None:
    page = opened(browser, site, "/")

    page.fill("#words", "how many orders completed?")
    page.keyboard.press("Enter")
    page.wait_for_selector("#turns .proofs button")
    assert page.inner_text("#turns .said").startswith("50 records")
    page.click("#turns .proofs button")
    page.wait_for_selector("#evidence pre")
    page.keyboard.press("Escape")
    assert page.is_hidden("#evidence")
    page.reload()
    page.wait_for_selector("#turns .proofs button")
    assert page.inner_text("#turns .said").startswith("50 records")


def test_what_records_hold_stays_text(browser: Any, site: Served) -> None:
    page = opened(browser, site, "/", viewport={"width": 360, "height": 740})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.fill("#words", "show the errors")
    page.keyboard.press("Enter")
    page.wait_for_selector("#turns .proofs button")
    page.click("#turns .proofs button")
    page.wait_for_selector("#evidence pre")
    assert "<script>" in page.inner_text("#evidence")
    for path in ("/templates", f"/templates/{site.product.templates('payment refused', 1)[0][0].id}"):
        page.goto(site.url + path)
        assert "broken" not in page.title()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "broken" not in page.title()
    assert {url.partition("/")[0] + "//" + url.split("/")[2] for url in asked} == {site.url}


def test_two_tabs_approve_one_action_once_and_the_second_is_told_who_was_first(browser: Any, site: Served) -> None:
    asked = site.http.post("/v1/approvals", json={"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 5}}).json()["approval"]
    first, second = (opened(browser, site, f"/approvals/{asked['id']}") for _ in range(2))
    assert "spec.replicas" in first.inner_text(".diff")

    first.click("text=Approve exactly this")
    first.wait_for_selector("h1 .state.succeeded")
    second.click("text=Approve exactly this")
    second.wait_for_selector(".problem")

    assert "you answered it before" in second.inner_text(".problem") or "ann approved it" in second.inner_text(".problem")
    assert site.desk.approvals.show(asked["id"]).state == "succeeded"


def test_a_rejection_asks_for_its_reason(browser: Any, site: Served) -> None:
    asked = site.http.post("/v1/approvals", json={"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 6}}).json()["approval"]
    page = opened(browser, site, f"/approvals/{asked['id']}")

    page.click("button[value=reject]")
    assert site.desk.approvals.show(asked["id"]).state == "pending"
    page.fill("#reason", "not at night")
    page.click("button[value=reject]")
    page.wait_for_selector("h1 .state.rejected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser: Any, site: Served, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    asked = site.http.post("/v1/approvals", json={"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 7}}).json()["approval"]
    page = opened(browser, site, "/", color_scheme=scheme)
    wrong = []
    for path in ("/", "/approvals", f"/approvals/{asked['id']}", "/incidents", "/templates?query=payment", "/spend", "/probes"):
        page.goto(site.url + path)
        found = Axe().run(page).response["violations"]
        wrong += [(path, one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in {"serious", "critical"}]
    assert wrong == []

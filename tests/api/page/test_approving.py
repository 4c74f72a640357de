"""Approvals in two tabs of a browser, and a server that restarts while somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.page.routes import router
from tests.api.page.conftest import Guarded
from tests.api.server.conftest import Served
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble

SCALE = {"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 5}, "cause": "<script>window.hit=1</script>"}


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double:
        shop = Shop(double, tmp_path / "kube")
        one = Served(tmp_path / "home", shop.access)
        one.services.routers.append(router(one.services))
        one.start()
        one.door.__class__ = Guarded
        yield one
        one.stop()
        one.desk.close()
        shop.actions.close()


def tab_of(browser: Any, served: Served, name: str, path: str, **how: Any) -> Any:
    tab = browser.new_context(extra_http_headers={"X-Person": f"{name}/approver"}, **how).new_page()
    tab.goto(served.url + path)
    return tab


@pytest.mark.parametrize("scripts", [True, False])
def test_of_two_tabs_the_second_is_told_who_was_first(browser: Any, acting: Served, scripts: bool) -> None:
    asked = acting.http.post("/v1/approvals", json=SCALE, headers=acting.as_("rob", "responder")).json()["approval"]
    bob, eve = (tab_of(browser, acting, name, f"/approvals/{asked['id']}", java_script_enabled=scripts) for name in ("bob", "eve"))
    assert asked["preview"]["digest"][:16] in bob.inner_text("main")
    bob.click("text=Approve exactly this")
    bob.wait_for_selector(".state.succeeded >> nth=0")
    eve.click("text=Approve exactly this")
    eve.wait_for_selector("[role=alert]")

    assert "bob" in eve.inner_text("[role=alert]")


def test_a_rejection_without_a_reason_is_not_sent(browser: Any, acting: Served) -> None:
    asked = acting.http.post("/v1/approvals", json=SCALE, headers=acting.as_("rob", "responder")).json()["approval"]
    tab = tab_of(browser, acting, "bob", f"/approvals/{asked['id']}")
    tab.click("button[value=reject]")
    assert acting.http.get(f"/v1/approvals/{asked['id']}").json()["state"] == "pending"
    tab.fill("#reason", "not at night")
    tab.click("button[value=reject]")
    tab.wait_for_selector(".state.rejected >> nth=0")

    assert "not at night" in tab.inner_text(".history")
    assert tab.evaluate("window.hit") is None

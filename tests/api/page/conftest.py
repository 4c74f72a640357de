"""The page in Debian's Chromium: a server over HTTP with the headers of the door, and one browser a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.door.headers import protecting
from api.page.routes import router
from tests.api.page.whole import Whole, recorded
from tests.api.server.conftest import Door, Served, filled
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble

__all__ = ["browser", "filled", "hostile", "incident_home", "whole"]
CHROMIUM = Path("/usr/bin/chromium")
XSS = ("<script>window.hit=1</script>", "<img src=http://127.0.0.1:9/x onerror=window.hit=1>", '" autofocus onfocus="window.hit=1" x="', "'><svg onload=window.hit=1>",
       "</textarea><script>window.hit=1</script>", "javascript:window.hit=1", "{{ 7*7 }}", "</title><iframe src=javascript:window.hit=1>")
"""Markup, attributes, URLs and template syntax, as they may stand in log lines."""


class Guarded(Door):
    """A door with the headers that a browser gets."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, protecting(send, secure=False) if scope["type"] == "http" else send)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Not for longer: while it is open a loop runs in this thread, in which other tests could not run one of their own."""
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over records that are an attack."""
    from api.wiring.product import Product

    folder = tmp_path_factory.mktemp("hostile")
    lines = [f"2026-11-26T10:{at // 60:02}:{at % 60:02}Z ERROR checkout payment failed {XSS[at % len(XSS)]} order {at}\n" for at in range(400)]
    lines.append(f"2026-11-26T10:09:00Z ERROR checkout payment failed {'x' * 10_000}\n")
    (folder / "checkout.log").write_text("".join(lines))
    product = Product(folder / "home")
    product.ingest([folder / "checkout.log"])
    product.index()
    one = Served(folder / "home")
    one.services.routers.append(router(one.services))
    one.start()
    one.door.__class__ = Guarded
    yield one
    one.stop()
    one.desk.close()


@pytest.fixture(scope="session")
def incident_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the recorded incident; to be copied."""
    return recorded(tmp_path_factory.mktemp("recorded") / "home")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, incident_home: Path) -> Iterator[Whole]:
    """``oncalm serve`` over the recorded incident and a small cluster."""
    import shutil

    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(incident_home, folder / "home")
    (folder / "kube").mkdir()
    with ApiDouble() as double:
        shop = Shop(double, folder / "kube")
        one = Whole(folder / "home", ONCALM_KUBECONFIG=str(shop.access.kubeconfig))
        one.access = shop.access
        one.start()
        yield one
        one.kill()
        shop.actions.close()

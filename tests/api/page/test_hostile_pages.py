"""What others write — alerts, notes, links, summaries, schedules, questions, causes — is text on every page of the real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.page.conftest import XSS
from tests.api.page.whole import Whole
from tests.api.server.conftest import until

BAD = " ".join(XSS)
MORE = ("</script><script>window.hit=1</script>", "\u2028\u202e<b>", "';window.hit=1;//", "<svg><script>window.hit=1</script></svg>", "&lt;script&gt;window.hit=1&lt;/script&gt;",
        "%3Cscript%3Ewindow.hit=1%3C/script%3E", "{% raw %}{{ config }}", "${window.hit=1}")
HIT = "[window.hit ?? null, document.querySelectorAll('main script, main iframe, main svg script, main img:not(.drawn), main [onerror], main [onload], main [onfocus], main [onclick]').length, document.querySelectorAll('a[href^=javascript]').length]"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[tuple[Whole, list[str]]]:
    """A server, and the pages that show what attackers wrote."""
    folder = tmp_path_factory.mktemp("attacked")
    shutil.copytree(filled, folder / "home")
    lines = "".join(f"2026-11-26T10:11:{at % 60:02}Z ERROR <script>window.hit=1</script> pay failed {bad} no {at}\n" for at in range(60) for bad in (XSS + MORE)[at % 16 :][:1])
    (folder / "bad.log").write_text(lines, "utf-8")
    from api.wiring.product import Product

    product = Product(folder / "home")
    product.ingest([folder / "bad.log"])
    product.index()
    one = Whole(folder / "home")
    root = one.key("root", "admin")
    one.start()
    try:
        with httpx.Client(base_url=one.url, headers={"Authorization": f"Bearer {root}"}, timeout=60) as http:
            yield one, written(http)
    finally:
        one.kill()


def written(http: httpx.Client) -> list[str]:
    """Attacks at every place that takes words; the pages on which they are shown."""
    alerts = [{"title": f"{bad} fails", "service": bad[:60], "severity": "critical", "starts_at": "2026-11-26T10:05:00Z", "labels": {"alertname": bad, bad[:30]: bad},
               "annotations": {"summary": bad}, "description": BAD, "url": "javascript:window.hit=1"} for bad in XSS + MORE]
    told = http.post("/v1/alerts/generic", json=alerts).json()
    incidents = [one["id"] for one in http.get("/v1/incidents").json()["items"]]
    assert len(incidents) >= len(XSS + MORE) - 2, told
    first = incidents[0]
    until(lambda: http.get(f"/v1/incidents/{first}").json()["investigation"]["state"] in {"done", "failed"}, 120)
    for bad in XSS + MORE:
        http.post(f"/v1/incidents/{first}/note", json={"text": bad})
    assert http.post(f"/v1/incidents/{first}/link", json={"url": "javascript:window.hit=1"}).status_code == 422
    http.post(f"/v1/incidents/{first}/link", json={"url": "https://x.example/?q=%22%3E%3Cscript%3E", "title": XSS[2]})
    http.post(f"/v1/incidents/{first}/participant", json={"person": "<b>eve"})
    http.post(f"/v1/incidents/{first}/resolve", json={"why": BAD})
    http.post("/v1/schedules", json={"name": XSS[0], "cron": "0 8 * * *", "deliver": [{"kind": "folder", "to": "out/<script>"}]}).raise_for_status()
    summary = http.post("/v1/summaries", json={"from": "2026-11-26T10:00:00Z", "to": "2026-11-26T10:12:00Z"}).json()["id"]
    draft = http.post("/v1/summaries", json={"kind": "postmortem", "incident": first}).json()["id"]
    asked = http.post("/v1/chat", json={"question": f"how many lines contain {XSS[0]}?", "detach": True})
    assert asked.status_code == 200
    talk = http.get("/v1/conversations").json()["items"][0]["id"]
    return ["/", f"/?conversation={talk}", "/incidents", "/incidents?every=true", *(f"/incidents/{one}" for one in incidents[:6]), "/summaries", f"/summaries/{summary}", f"/summaries/{draft}",
            "/templates", "/templates?query=%3Cscript%3Ewindow.hit=1%3C/script%3E", f"/v1/summaries/{summary}?format=html", f"/v1/summaries/{draft}?format=html",
            "/nowhere/%3Cimg%20src=x%20onerror=window.hit=1%3E", "/login?next=%22%3E%3Cscript%3Ewindow.hit=1%3C/script%3E", "/summaries?cursor=%22%3E%3Cscript%3E"]


def test_what_attackers_write_is_text_on_every_page(browser: Any, attacked: tuple[Whole, list[str]]) -> None:
    whole, pages = attacked
    tab = whole.tab(browser, "root")
    for path in pages:
        status = 404 if path.startswith("/nowhere") else 400 if "cursor" in path else 200
        assert (path, tab.goto(whole.url + path).status, tab.evaluate(HIT)) == (path, status, [None, 0, 0])
    assert [one for one in tab.wrong if "style" not in one] == []  # mail's own styles are refused, as they should be


def test_an_attack_that_is_asked_and_answered_in_the_page_is_text(browser: Any, attacked: tuple[Whole, list[str]]) -> None:
    whole, _ = attacked
    tab = whole.tab(browser, "root")
    for question in ("show the errors that contain pay failed", "how many lines contain </script><script>window.hit=1</script>?"):
        tab.fill("#words", question)
        tab.press("#words", "Enter")
        tab.wait_for_selector(f"#turns .turn >> text={question[:20]}", timeout=60_000)
        tab.wait_for_function("!document.querySelector('#send').disabled")
    if tab.query_selector(".proofs button"):
        tab.click(".proofs button >> nth=0")
        tab.wait_for_selector("#evidence:not([hidden])")
    assert (tab.evaluate(HIT), tab.wrong) == ([None, 0, 0], [])


def test_strangers_learn_nothing_and_get_in_nowhere(attacked: tuple[Whole, list[str]]) -> None:
    whole, pages = attacked
    with httpx.Client(base_url=whole.url, timeout=30) as stranger:
        ready = stranger.get("/readyz").json()
        assert {one["seen"] for one in ready["checks"]} == {""}
        for path in pages:
            if not path.startswith(("/login", "/nowhere")):
                assert (path, stranger.get(path, headers={"X-Person": "root/admin", "X-Forwarded-For": "127.0.0.1"}).status_code) == (path, 401)
        assert stranger.get("/v1/me", params={"key": whole.keys["root"], "access_token": whole.keys["root"]}).status_code == 401
        for path in ("/static/../routes.py", "/static/..%2froutes.py", "/static/%2e%2e/rendering.py", "/static/.%00style.css", "/v1/alerts/../approvals"):
            assert (path, stranger.get(path).status_code) in {(path, 404), (path, 401), (path, 400)}
    with whole.http("root") as root:
        assert all(one["seen"] for one in root.get("/readyz").json()["checks"])


def test_somebody_who_is_in_may_sign_in_as_another(browser: Any, attacked: tuple[Whole, list[str]]) -> None:
    whole, _ = attacked
    tab = whole.tab(browser, "ann")
    tab.goto(f"{whole.url}/login")
    tab.fill("#credential", whole.keys["bob"])
    tab.press("#credential", "Enter")
    tab.wait_for_selector("header nav")

    assert "bob" in tab.inner_text(".person")

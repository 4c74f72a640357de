"""Approvals, investigations, records and health over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.incidents.parsing import parse
from agent.incidents.service import Delivery
from tests.api.server.conftest import Served, until
from tests.api.server.reading import events
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble

SCALE = {"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 5}, "cause": "saturation"}
WINDOW = {"from": "2026-11-26 10:00", "to": "2026-11-26 10:10"}


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double:
        shop = Shop(double, tmp_path / "kube")
        one = Served(tmp_path / "home", shop.access)
        one.start()
        yield one
        one.stop()
        one.desk.close()
        shop.actions.close()


def test_what_was_shown_is_approved_once_and_the_second_is_told_who_was_first(acting: Served) -> None:
    http, bob, eve = acting.http, acting.as_("bob", "approver"), acting.as_("eve", "approver")
    asked = http.post("/v1/approvals", json=SCALE, headers=acting.as_("rob", "responder")).json()["approval"]
    digest = {"digest": asked["preview"]["digest"]}

    assert http.post(f"/v1/approvals/{asked['id']}/approve", json={"digest": "0" * 64}, headers=bob).status_code == 409
    assert http.post(f"/v1/approvals/{asked['id']}/approve", json=digest, headers=acting.as_("rob", "responder")).status_code == 403
    done = http.post(f"/v1/approvals/{asked['id']}/approve", json=digest, headers=bob)
    again = http.post(f"/v1/approvals/{asked['id']}/approve", json=digest, headers=eve)

    assert (done.status_code, done.json()["state"]) == (200, "succeeded")
    assert (again.status_code, "bob" in again.json()["detail"]) == (409, True), again.json()
    shown = http.get(f"/v1/approvals/{asked['id']}").json()
    assert (shown["answers"][0]["person"], shown["answers"][0]["via"], shown["verification"]["phase"]) == ("bob", "http", "watching")
    back = http.post(f"/v1/approvals/{asked['id']}/rollback", json={"reason": "slower"}, headers=bob).json()
    assert back["state"] == "rolled_back"
    assert http.post(f"/v1/approvals/{asked['id']}/judge", json={"effect": "harmful"}).json()["effect_verdict"] == "harmful"
    assert http.get("/v1/audit/verify").json()["sound"]
    assert "approved" in {one["event"] for one in http.get("/v1/audit").json()["items"]}


def test_what_a_rule_allows_is_done_and_nothing_else(acting: Served) -> None:
    (acting.home / "policy.yaml").write_text("version: 1\nrules:\n  - name: scale the web\n    actions: [scale]\n    namespaces: [shop]\n    decision: allow\n")
    acting.desk.decisions.path = acting.home / "policy.yaml"

    done = acting.http.post("/v1/approvals", json=SCALE).json()
    asked = acting.http.post("/v1/approvals", json={**SCALE, "action": "restart_rollout", "params": {}}).json()

    assert (done["decision"]["decision"], done["approval"]["state"]) == ("allow", "succeeded"), done
    assert (asked["decision"]["decision"], asked["approval"]["state"]) == ("ask", "pending")


def test_a_rejection_needs_a_reason_and_is_final(acting: Served) -> None:
    asked = acting.http.post("/v1/approvals", json=SCALE).json()["approval"]

    assert acting.http.post(f"/v1/approvals/{asked['id']}/reject", json={}).status_code == 422
    assert acting.http.post(f"/v1/approvals/{asked['id']}/reject", json={"reason": "at night"}).json()["state"] == "rejected"
    late = acting.http.post(f"/v1/approvals/{asked['id']}/approve", json={"digest": asked["preview"]["digest"]})
    assert late.status_code == 409
    assert acting.http.get("/v1/approvals").json()["items"] == []
    assert len(acting.http.get("/v1/approvals", params={"state": "rejected"}).json()["items"]) == 1


def test_without_a_cluster_an_action_is_refused_with_the_reason(served: Served) -> None:
    response = served.http.post("/v1/approvals", json=SCALE)

    assert (response.status_code, response.json()["approval"], response.json()["decision"]["decision"]) == (200, None, "refuse"), response.text
    assert "cluster" in str(response.json()["preview"]["obstacles"])


def test_an_investigation_is_a_job(served: Served) -> None:
    made = served.http.post("/v1/investigations", json={"symptom": "checkouts fail: why?", **WINDOW})
    assert made.status_code == 202
    ident = made.json()["id"]

    with served.http.stream("GET", f"/v1/investigations/{ident}/events") as response:
        assert list(events(response.iter_lines()))[-1][1] == "answer"
    done = until(lambda: (found := served.http.get(f"/v1/investigations/{ident}").json())["state"] == "done" and found)
    assert done["result"]["evidence"][0]["tool"] == "incident.suspects"
    assert served.http.delete(f"/v1/investigations/{ident}").status_code == 409
    assert [one["id"] for one in served.http.get("/v1/investigations", params={"state": "done"}).json()["items"]] == [ident]
    assert served.http.post("/v1/investigations", json={"symptom": "x"}, headers=served.as_("eve", "viewer")).status_code == 403


def test_an_investigation_of_an_incident_carries_its_alert(served: Served) -> None:
    labels = {"alertname": "CheckoutFails", "service": "checkout"}
    body = {"alerts": [{"status": "firing", "labels": {**labels, "pod": pod}, "startsAt": "2026-11-26T10:05:00Z"} for pod in ("a", "b")]}
    served.desk.incidents.receive([Delivery(parse("alertmanager", body, datetime.now(UTC)).alerts)])
    incident = served.desk.incidents.list()[0][0].id
    ident, other = (served.http.post("/v1/investigations", json={"symptom": "checkouts fail", "incident": one, **WINDOW}).json()["id"] for one in (incident, "inc-none"))

    done = until(lambda: (found := served.http.get(f"/v1/investigations/{ident}").json())["state"] == "done" and found)
    failed = until(lambda: (found := served.http.get(f"/v1/investigations/{other}").json())["state"] == "failed" and found)

    assert done["result"]["alert"] == {"labels": labels, "incident": incident}
    assert "no such incident" in str(failed)


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("PUT", "/v1/chat", 405), ("GET", "/v1/approvals/nope", 404), ("GET", "/v1/approvals?state=odd", 422), ("GET", "/v1/investigations/nope", 404),
    ("GET", "/v1/traces/abc", 404), ("GET", "/v1/templates/nope", 404), ("GET", "/v1/templates?top=0", 422), ("GET", "/v1/lines/context?source=x", 422),
    ("GET", "/v1/chat/nope/events", 404), ("POST", "/v1/chat", 422), ("GET", "/v1/audit?after=x", 422),
])
def test_errors_are_problem_documents(served: Served, method: str, path: str, status: int) -> None:
    response = served.http.request(method, path)

    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), response.text
    assert response.json()["status"] == status
    assert response.json()["detail"]


def test_only_read_tools_are_called(served: Served) -> None:
    for name in ("shell.run", "scale", "approve", "approvals.approve"):
        assert served.http.post(f"/v1/tools/{name}", json={}).status_code == 404
    assert served.http.post("/v1/tools/logs.count", json={"arguments": {"nonsense": 1}}).status_code == 400


def test_health_tells_the_truth(served: Served) -> None:
    assert served.http.get("/livez").json() == {"status": "ok"}
    assert served.http.get("/readyz").json()["status"] == "ready"
    (served.home / "manifest.db").write_bytes(b"not a database")

    broken = served.http.get("/readyz")

    assert (broken.status_code, broken.json()["status"]) == (503, "not ready")
    assert [one["check"] for one in broken.json()["checks"] if not one["ok"] and one["needed"]] == ["store"]


def test_metrics_name_routes_and_never_what_was_asked(served: Served) -> None:
    served.http.get("/v1/traces/5ec7e7")
    served.http.get("/etc/passwd-5ec7e7")

    text = served.http.get("/metrics").text

    assert 'oncalm_http_requests_total{method="GET",route="/v1/traces/{trace}",status="404"} 1.0' in text
    assert "5ec7e7" not in text
    assert 'oncalm_approvals{state="pending"} 0.0' in text


def test_records_are_found_by_meaning_and_in_context(served: Served) -> None:
    best = served.http.get("/v1/templates", params={"query": "database is locked", "top": 1}).json()["items"][0]
    assert "locked" in best["display"]
    one = served.http.get(f"/v1/templates/{best['id']}").json()
    assert sum(row[-1] for row in one["counts"]["found"]["result"]["rows"]) == best["count"] == 60
    lines = served.http.post("/v1/tools/logs.lines", json={"arguments": {"templates": [best["id"]], "limit": 1}}).json()["found"]["result"]["lines"]
    around = served.http.get("/v1/lines/context", params={"source": lines[0]["source"], "line": lines[0]["line_no"], "around": 2}).json()
    assert len(around["found"]["result"]["lines"]) in {3, 5}

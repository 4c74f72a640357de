"""From an alert to a fix on the incident's timeline: proposed, approved and done by whatever door; investigated again; counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.approvals.people import Person
from api.actions.desk import Desk
from api.cli import app
from api.page.routes import router as page
from api.server.joining import joined
from api.settings import Settings
from api.wiring.product import Product
from tests.api.server.conftest import Served, until
from tests.investigating.failing_cart import ago, killed
from tests.investigating.test_proposals import product, shop
from tests.tools.cluster.shops import Held

__all__ = ["product", "shop"]
BOB = Person("bob", "approver")


@pytest.fixture
def served(tmp_path: Path, shop: Held, product: Product) -> Iterator[Served]:
    """A server over a shop whose cart is killed for memory."""
    killed(shop, "cart")
    shop.load()
    home, settings = tmp_path / "home", Settings(home=tmp_path / "home")
    desk = Desk(home, product.cluster)
    product.desk = desk
    one = Served(home, product.cluster, product, desk)
    made = joined(settings, home, product, desk)
    one.services.collectors += made.collectors
    one.services.routers.append(page(one.services, made.incidents, made.summaries))
    for part in made.parts:
        one.services.routers += part.routers()
        one.services.background.append(part)
    one.start()
    yield one
    one.stop()
    desk.close()


@pytest.fixture
def incident(served: Served) -> str:
    told = served.http.post("/v1/alerts/generic", json={"title": "web fails", "service": "web", "severity": "critical", "starts_at": ago(0).isoformat()})
    return str(told.json()["incidents"][0])


def timeline(served: Served, incident: str) -> list[dict[str, Any]]:
    return list(served.http.get(f"/v1/incidents/{incident}").json()["timeline"])


def investigated(served: Served, incident: str) -> dict[str, Any]:
    return dict(until(lambda: (found := served.http.get(f"/v1/incidents/{incident}").json()["investigation"])["state"] == "done" and found, 60))


def test_what_becomes_of_a_proposal_stands_on_the_timeline_once(served: Served, incident: str) -> None:
    investigated(served, incident)
    asked = served.http.post(f"/v1/incidents/{incident}/propose", headers=served.as_("rob", "responder"))
    again = served.http.post(f"/v1/incidents/{incident}/propose", headers=served.as_("rob", "responder"))
    assert (asked.status_code, asked.json()["preview"]["action"]["name"], again.json()["id"]) == (201, "raise_limit", asked.json()["id"])
    assert served.http.post(f"/v1/incidents/{incident}/propose", headers=served.as_("vic", "viewer")).status_code == 403
    other = Desk(served.home, served.access)  # as the command line or Slack
    other.approve(asked.json()["id"], BOB, digest=asked.json()["digest"], via="cli")
    other.close()

    told = [(one["actor"], one["body"]["state"]) for one in timeline(served, incident) if one["kind"] == "approval"]
    assert told[:2] == [("rob", "asked"), ("bob", "approved")]
    assert len(told) == len(set(told))
    assert "succeeded" in {state for _, state in told}
    shown = served.http.get(f"/incidents/{incident}").text
    assert f'href="/approvals/{asked.json()["id"]}"' in shown


def test_a_hand_made_proposal_is_for_an_incident_that_is_there(served: Served, incident: str) -> None:
    scale = {"action": "scale", "target": "Deployment/web", "namespace": "shop", "params": {"replicas": 4}}
    assert served.http.post("/v1/approvals", json={**scale, "incident": "inc-0000000000000000"}).status_code == 404
    made = served.http.post("/v1/approvals", json={**scale, "incident": incident}).json()["approval"]
    served.http.post(f"/v1/approvals/{made['id']}/reject", json={"reason": "not now"}, headers=served.as_("bob", "approver"))

    told = [one["words"] for one in timeline(served, incident) if one["kind"] == "approval"]
    assert (told[0].startswith("asked: scale of shop/Deployment/web"), told[1]) == (True, "rejected: scale of shop/Deployment/web (not now)")


def test_an_incident_is_investigated_again_from_the_page_and_the_command_line(served: Served, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = investigated(served, incident)["result"]["id"]
    assert served.http.post(f"/incidents/{incident}", data={"do": "investigate", "why": "look again"}).status_code == 303
    second = until(lambda: (found := investigated(served, incident)["result"]["id"]) != first and found)
    monkeypatch.setenv("ONCALM_HOME", str(served.home))
    done = CliRunner().invoke(app, ["incidents", "investigate", incident, "--why", "and again"])

    assert (done.exit_code, until(lambda: (found := investigated(served, incident)["result"]["id"]) not in {first, second} and found) != "") == (0, True)
    assert [one["body"].get("why") for one in timeline(served, incident) if one["kind"] == "investigation_asked"] == ["look again", "and again"]


def test_metrics_tell_of_alerts_incidents_and_the_queue(served: Served, incident: str) -> None:
    investigated(served, incident)
    served.http.post("/v1/alerts/generic", json={"nothing": "in it"})
    served.http.post("/v1/alerts/generic", content=b"{", headers={"content-type": "application/json"})
    told = served.http.get("/metrics").text

    for line in ('oncalm_alerts_total{outcome="accepted",source="generic"} 1.0', 'oncalm_alerts_total{outcome="malformed",source="generic"} 2.0', "oncalm_alerts_waiting 0.0",
                 'oncalm_incidents{severity="critical",state="investigating"} 1.0', 'oncalm_incident_investigations{state="queued"} 0.0',
                 "oncalm_incident_investigation_oldest_seconds 0.0"):
        assert line in told, line

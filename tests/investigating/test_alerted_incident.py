"""From the alert to the cause: a webhook about a victim leads, unasked, to where the recorded incident's fault acts."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.incidents.alerting import by_product
from api.wiring.product import Product
from tests.api.alert_server import serving


def _body(starts: datetime, fingerprint: str) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "alerts": [{
        "status": "firing", "labels": {"alertname": "HighErrorRate", "severity": "critical", "service": "edge"},
        "annotations": {"summary": "5xx of edge above 5% for the last 10 minutes"}, "startsAt": starts.isoformat(), "fingerprint": fingerprint}]}


def test_an_alert_finds_its_cause_and_the_next_recalls_it(incident: Product, truth: dict[str, str], tmp_path: Path) -> None:
    fires = datetime.fromisoformat(truth["fault_start"]) + timedelta(seconds=10)  # at the edge, which only suffers
    with serving(tmp_path, investigate=by_product(incident)) as running:

        def investigated(fingerprint: str) -> dict[str, Any]:
            ident = running.post("alertmanager", _body(fires, fingerprint), role="responder").json()["incidents"][0]
            until = time.monotonic() + 120
            while (found := running.incident("GET", f"/{ident}").json())["investigation"]["state"] not in {"done", "failed"}:
                assert time.monotonic() < until, "it was not investigated"
                time.sleep(0.1)
            return found  # type: ignore[no-any-return] # of JSON

        first = investigated("f1")
        running.incident("POST", f"/{first['id']}/resolve", json={"why": "took the change back"})
        clock = running.alerting.incidents.clock
        running.alerting.incidents.clock = lambda: clock() + timedelta(hours=2)
        second = investigated("f2")

    assert first["investigation"]["result"]["suspects"][0]["entity"]["name"] in f"{truth['culprit']}: {truth['mechanism']}"
    assert second["id"] != first["id"]
    assert [(one["kind"], one["body"]["why"]) for one in second["timeline"] if one["body"].get("incident") == first["id"]] == [
        ("earlier", "took the change back"), ("recalled", "took the change back")]


@pytest.mark.parametrize("late", [0, 10, 40, 60, 70, 74])
@pytest.mark.parametrize("said", ["edge: HighErrorRate 5xx of edge above 5%", "storefront: latency is high"])
def test_an_alert_that_comes_late_still_leads_to_the_origin(incident: Product, truth: dict[str, str], late: int, said: str) -> None:
    """Alerts fire when a condition has held for a while; the trouble began before, wherever in it they fall."""
    fires = datetime.fromisoformat(truth["fault_start"]) + timedelta(seconds=late)

    found = incident.investigate(said, at=fires)

    assert found["suspects"][0]["entity"]["name"] in f"{truth['culprit']}: {truth['mechanism']}", found["windows_chosen"]
    assert abs(datetime.fromisoformat(found["window"]["start"]) - datetime.fromisoformat(truth["fault_start"])) < timedelta(seconds=12)

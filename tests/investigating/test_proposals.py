"""From a symptom to an approved, executed and recorded fix: a workload killed at its memory limit, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.approvals.people import Person
from api.desk import Desk
from api.proposing import ask
from api.wiring import Product
from telemetry.sources.kubernetes.configuration import Access
from telemetry.sources.kubernetes.resources import RESOURCES
from telemetry.sources.web import Limits
from tests.signals.kube.shop import NAMESPACE
from tests.tools.cluster.shops import Held
from tools.actions.world import kind_of
from tools.cluster.double import ApiDouble

NOW = datetime.now(UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Held]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Held(double, tmp_path / "kube")
        yield one
        one.cluster.close()


@pytest.fixture
def product(tmp_path: Path, shop: Held) -> Product:
    """Two hours of a web service whose cart fails for the last twenty minutes."""
    with (tmp_path / "web.jsonl").open("w") as out:
        for second in range(0, 7200, 4):
            at, bad = NOW - timedelta(seconds=7200 - second), second >= 6000
            said = "cannot reach cart: connection refused" if bad else f"served /cart in {second % 7 + 3} ms"
            out.write(json.dumps({"timestamp": at.isoformat(), "level": "error" if bad else "info", "service": "web", "message": said}) + "\n")
    access = Access(str(tmp_path / "kube" / "kubeconfig"), limits=Limits(2, 5, 10))
    made = Product(tmp_path / "home", cluster=access, desk=Desk(tmp_path / "home", access))
    made.ingest([str(tmp_path / "web.jsonl")])
    made.index()
    return made


def killed(shop: Held, name: str) -> None:
    """Its pod is killed for memory, again and again, since a quarter of an hour."""
    since = (NOW - timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    pod = shop.shop.pods(name)[0]
    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    pod["status"]["containerStatuses"][0] |= {"restartCount": 6, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                                              "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": since}}}


def limit(shop: Held, name: str) -> Any:
    found = shop.double.objects.get(kind_of("Deployment"), NAMESPACE, name)
    assert found is not None
    return found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]


def test_a_cause_becomes_an_action_that_is_approved_done_and_taken_back(shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    desk = product.desk
    assert desk is not None
    found = product.investigate("web fails since 20 minutes")

    (proposal,) = found["proposals"]
    assert (proposal["action"], proposal["target"]["name"], proposal["decision"]) == ("raise_limit", "cart", "ask")
    assert proposal["params"]["resource"] == "memory"
    before = limit(shop, "cart")
    asked, again = ask(found, desk, Person("ana", "responder")), ask(found, desk, Person("ana", "responder"))
    assert asked is not None
    assert asked == again
    assert limit(shop, "cart") == before

    done = desk.approve(asked, Person("ben", "approver"), digest=desk.approvals.show(asked).line.digest)
    assert (done.state, limit(shop, "cart")) == ("succeeded", proposal["params"]["limit"])
    assert desk.executor.rollback(asked, reason="no better").state == "rolled_back"
    assert limit(shop, "cart") == before


def test_a_cause_that_only_people_can_mend_says_so(shop: Held, product: Product) -> None:
    shop.load()

    found = product.investigate("web fails since 20 minutes")

    assert found["proposals"] == []
    assert found["no_action"]


def test_without_permission_to_write_the_proposal_still_shows_what_it_would_do(shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    shop.double.allowed = {(verb, resource, "*") for verb in ("get", "list") for resource in (*(one.full for one in RESOURCES.values()), "pods/log")}
    found = product.investigate("web fails since 20 minutes")

    (proposal,) = found["proposals"]
    assert any(edit["path"].endswith("limits.memory") for edit in proposal["dry_run"])
    assert proposal["decision"] == "ask"


def test_a_defect_of_proposing_does_not_lose_the_investigation(shop: Held, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load()
    monkeypatch.setattr("api.proposing.proposals", lambda *_: 1 / 0)

    found = product.investigate("web fails since 20 minutes")

    assert found["suspects"]
    assert (found["proposals"], "ZeroDivisionError" in found["no_action"]) == ([], True)

"""From a symptom to an approved, executed and recorded fix: a workload killed at its memory limit, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.approvals.people import Person
from api.actions.desk import Desk
from api.actions.proposals import ask, put
from api.wiring.product import Product
from telemetry.sources.kubernetes.resources import RESOURCES
from tests.investigating import failing_cart
from tests.investigating.failing_cart import killed, limit
from tests.signals.kube.shop import NAMESPACE
from tests.tools.cluster.shops import Held
from tools.actions.world import kind_of


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Held]:
    with failing_cart.cluster(tmp_path) as one:
        yield one


@pytest.fixture
def product(tmp_path: Path, shop: Held) -> Product:
    return failing_cart.product(tmp_path)


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


def test_what_a_rule_allows_is_carried_out_at_once_and_told(shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    (product.home / "policy.yaml").write_text("version: 1\nrules:\n  - {name: memory, decision: allow, actions: [raise_limit], namespaces: [shop]}\n")
    desk = Desk(product.home, product.cluster)
    found = product.investigate("web fails since 20 minutes")

    approval = put(found, desk, Person("ana", "responder"))

    assert approval is not None
    assert (found["approval_outcome"]["state"], limit(shop, "cart")) == ("succeeded", found["proposals"][0]["params"]["limit"])
    assert "executed once, as approved by policy" in found["approval_outcome"]["told"]
    assert put(found, desk, Person("ana", "responder")) is None
    assert limit(shop, "cart") == found["proposals"][0]["params"]["limit"]


def test_what_the_policy_refuses_by_now_is_told_and_not_done(shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    found, before = product.investigate("web fails since 20 minutes"), limit(shop, "cart")
    (product.home / "policy.yaml").write_text("version: 1\nrules:\n  - {name: freeze, decision: refuse, why: the sale is on}\n")

    assert put(found, Desk(product.home, product.cluster), Person("ana", "responder")) is None
    assert (found["approval"], "NOT executed, NOT queued" in found["approval_outcome"]["told"], limit(shop, "cart")) == (None, True, before)


def test_what_cannot_be_asked_for_loses_no_investigation(shop: Held, product: Product) -> None:
    killed(shop, "cart")
    shop.load()
    found = product.investigate("web fails since 20 minutes")
    assert product.desk is not None

    assert put(found, product.desk, Person("vic", "viewer")) is None
    assert "may not propose" in found["approval_outcome"]["told"]
    shop.double.objects.remove(kind_of("Deployment"), NAMESPACE, "cart")
    assert put(found, product.desk, Person("ana", "responder")) is None
    assert (found["approval"], "could not be asked for" in found["approval_outcome"]["told"]) == (None, True)


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
    monkeypatch.setattr("api.actions.proposals.proposals", lambda *_: 1 / 0)

    found = product.investigate("web fails since 20 minutes")

    assert found["suspects"]
    assert (found["proposals"], "ZeroDivisionError" in found["no_action"]) == ([], True)

"""The whole life of every action of the catalogue, over real HTTP to a double of an API server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.approvals.people import Person
from agent.approvals.record import Proposal
from agent.approvals.service import Approvals
from agent.audit.journal import Journal
from agent.audit.verifying import verify
from agent.executor.executor import Executor
from tests.tools.actions.worlds import CASES, Shop
from tools.actions.action import Target
from tools.actions.world import kind_of
from tools.cluster.double import ApiDouble

ANA, BEN = Person("ana", "responder"), Person("ben", "approver")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        one = Shop(double, tmp_path / "kube")
        yield one
        one.actions.close()


@pytest.fixture
def desk(tmp_path: Path) -> Approvals:
    return Approvals(Journal.of(tmp_path / "home", clock=lambda: datetime.now(UTC)))


def held(shop: Shop, target: Target) -> dict[str, Any]:
    """The object as the server has it."""
    one = kind_of(target.kind)
    found = shop.double.objects.get(one, target.namespace, target.name)
    assert found is not None
    return found


def plan(shop: Shop, target: Target) -> Any:
    """What people wrote: all but status and what the server keeps."""
    found = held(shop, target)
    notes = {key: value for key, value in (found["metadata"].get("annotations") or {}).items() if not key.startswith("oncalm.dev/")}
    return found.get("spec"), notes


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1].kind}")
def test_what_was_approved_is_done_once_and_taken_back(shop: Shop, desk: Approvals, case: Any) -> None:
    name, target, params = case
    executor = Executor(desk, lambda _: shop.actions, recheck=lambda _: None)
    preview = shop.preview(name, target, params)
    asked = desk.propose(Proposal(preview, "ask", 0.2, "none"), ANA)
    desk.approve(asked.id, BEN, digest=preview.digest)
    before = plan(shop, target)
    done = executor.run(asked.id)
    during = plan(shop, target)
    again = executor.run(asked.id)
    back = executor.rollback(asked.id, reason="it got worse")

    assert (done.state, again.state, back.state) == ("succeeded", "succeeded", "rolled_back"), (done.line, back.line)
    assert during != before
    assert plan(shop, target) == before or preview.reversible != "exactly"
    assert verify(desk.journal).sound


def test_a_target_whose_status_alone_moved_is_still_what_was_approved(shop: Shop, desk: Approvals) -> None:
    executor = Executor(desk, lambda _: shop.actions, recheck=lambda _: None)
    name, target, params = CASES[0]
    preview = shop.preview(name, target, params)
    asked = desk.propose(Proposal(preview, "ask", 0.2, "none"), ANA)
    desk.approve(asked.id, BEN, digest=preview.digest)
    shop.double.objects.put({**held(shop, target), "status": {"readyReplicas": 2, "observedGeneration": 1}})

    assert executor.run(asked.id).state == "succeeded"


def test_a_target_that_somebody_else_changed_is_asked_about_anew(shop: Shop, desk: Approvals) -> None:
    executor = Executor(desk, lambda _: shop.actions, recheck=lambda _: None)
    name, target, params = CASES[0]
    preview = shop.preview(name, target, params)
    asked = desk.propose(Proposal(preview, "ask", 0.2, "none"), ANA)
    desk.approve(asked.id, BEN, digest=preview.digest)
    shop.double.objects.put({**held(shop, target), "spec": {**held(shop, target)["spec"], "minReadySeconds": 30}})

    assert executor.run(asked.id).state == "superseded"
    assert held(shop, target)["spec"]["replicas"] == 3

"""Proposals of investigations wait in paused runs, on approvals that are the truth, over a real API double and databases."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.approvals.people import Person
from agent.approvals.record import Approval
from agent.verification.verifier import Limits
from api.actions.desk import Desk
from tests.agent.forks import child, ended
from tests.tools.actions.worlds import Shop
from tools.actions.action import Target
from tools.cluster.double import ApiDouble

ANN, BOB = Person("ann", "approver"), Person("bob", "approver")
WEB = Target("Deployment", "web", "shop")


class Home:
    """A home with a cluster; every :meth:`desk` is as another process would open it."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self.folder, self.shop = folder, shop

    def desk(self) -> Desk:
        return Desk(self.folder, self.shop.access)

    def ask(self, investigation: str = "i1") -> Approval:
        asked = self.desk().propose("scale", WEB, {"replicas": 5}, ANN, cause="saturation", confidence=0.9, investigation=investigation)
        assert asked.approval is not None
        return asked.approval

    def replicas(self) -> int:
        from tools.actions.world import kind_of

        found = self.shop.double.objects.get(kind_of("Deployment"), "shop", "web")
        return int(found["spec"]["replicas"]) if found else -1


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    (tmp_path / "kube").mkdir()
    with ApiDouble(token="t0ken-of-oncalm") as double:
        shop = Shop(double, tmp_path / "kube")
        yield Home(tmp_path / "home", shop)
        shop.actions.close()


def outcome(home: Home, approval: Approval) -> Any:
    return home.desk().runs.outcome(approval.id)


def test_a_proposal_of_an_investigation_waits_in_a_run(home: Home) -> None:
    asked = home.ask()

    assert (outcome(home, asked)["state"], outcome(home, asked)["over"], home.replicas()) == ("pending", False, 3)


def test_a_resume_without_an_approval_does_nothing_and_waits_again(home: Home) -> None:
    asked = home.ask()

    assert [home.desk().resume(asked.id).state for _ in range(3)] == ["pending"] * 3
    assert (outcome(home, asked)["over"], home.replicas()) == (False, 3)


def test_the_answer_resumes_it_and_its_outcome_is_told(home: Home) -> None:
    asked = home.ask()

    done = home.desk().approve(asked.id, BOB, digest=asked.line.digest, via="slack")

    assert (done.state, home.replicas()) == ("succeeded", 5)
    assert outcome(home, asked)["over"] is False  # until it is verified
    home.desk().watch(done, Limits(settle=0, every=0.01, within=0.02, hold=0, rolling=0.01, rollback=0.02), wait=threading.Event().wait, tell=lambda _: None)
    told = home.desk().outcomes.of(asked.id)
    assert outcome(home, asked)["over"] is True
    assert (told["verified"], "taken back by its inverse" in told["told"]) == ("worse", True)  # no controller here makes pods ready
    assert home.replicas() == 3


def test_a_rejection_ends_it(home: Home) -> None:
    asked = home.ask()

    home.desk().reject(asked.id, BOB, reason="wrong service")

    assert (outcome(home, asked)["state"], outcome(home, asked)["over"], home.replicas()) == ("rejected", True, 3)
    assert "NOT executed" in home.desk().outcomes.of(asked.id)["told"]


def test_many_resumes_at_once_act_once(home: Home) -> None:
    asked = home.ask()
    home.desk().approvals.approve(asked.id, BOB, digest=asked.line.digest)
    writes = _writes(home)
    found: list[str] = []

    threads = [threading.Thread(target=lambda: found.append(home.desk().resume(asked.id).state)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert found == ["succeeded"] * 4
    assert (home.replicas(), _writes(home) - writes) == (5, 1)


def test_killed_between_answer_and_effect_it_goes_on_at_the_next_resume(home: Home) -> None:
    asked = home.ask()

    def die() -> None:
        desk = home.desk()
        desk.approvals.approve(asked.id, BOB, digest=asked.line.digest)
        os.kill(os.getpid(), signal.SIGKILL)

    assert ended(child(die)) == -signal.SIGKILL
    assert home.replicas() == 3
    assert (home.desk().resume(asked.id).state, home.replicas()) == ("succeeded", 5)


def test_killed_within_the_effect_it_is_settled_by_a_look_and_never_done_again(home: Home) -> None:
    asked = home.ask()
    writes = _writes(home)

    def die() -> None:
        desk = home.desk()
        perform = desk.catalogue.perform

        def then_die(action: Any, granted: Any) -> Any:
            perform(action, granted)
            os.kill(os.getpid(), signal.SIGKILL)

        desk.catalogue.perform = then_die  # type: ignore[method-assign]
        desk.approve(asked.id, BOB, digest=asked.line.digest)

    assert ended(child(die)) == -signal.SIGKILL
    assert home.replicas() == 5
    assert home.desk().resume(asked.id).state == "succeeded"
    assert _writes(home) - writes == 1


def test_a_lost_checkpoint_is_begun_anew_from_the_store(home: Home) -> None:
    asked = home.ask()
    for one in home.folder.glob("paused.db*"):
        one.unlink()

    done = home.desk().approve(asked.id, BOB, digest=asked.line.digest)

    assert (done.state, home.replicas(), outcome(home, asked)["state"]) == ("succeeded", 5, "succeeded")


def test_a_proposal_by_hand_needs_no_run(home: Home) -> None:
    asked = home.ask(investigation="")

    done = home.desk().approve(asked.id, BOB, digest=asked.line.digest)

    assert (done.state, home.replicas(), (home.folder / "paused.db").exists()) == ("succeeded", 5, False)


def _writes(home: Home) -> int:
    """Requests that changed the cluster."""
    return sum(one.method == "PATCH" and "dryRun" not in str(one.query) for one in home.shop.double.asked)

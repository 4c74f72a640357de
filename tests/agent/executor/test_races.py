"""However many people and processes press at once, each approved action happens exactly once."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from agent.approvals.errors import ApprovalRefusedError
from agent.audit.verifying import verify
from tests.agent.desk import BOB, NOON, Desk
from tests.agent.forks import child, ended
from tools.actions.action import Target

MANY, PROCESSES = 200, 4


def target(number: int) -> Target:
    return Target("Deployment", f"app-{number}", "shop")


def press(home: Path, url: str | None, mine: list[str], digests: dict[str, str], gate: Path) -> None:
    """What an impatient person does: approve and run what others press at the same time."""
    desk = Desk(home, url, clock=lambda: NOON)
    while not gate.exists():
        time.sleep(0.005)
    for name in mine:
        with suppress(ApprovalRefusedError):  # somebody was faster
            desk.approvals.approve(name, BOB, digest=digests[name])
        desk.executor.run(name)
    desk.close()


def test_two_hundred_approvals_and_double_clicks_happen_once_each(tmp_path: Path, url: str | None) -> None:
    desk = Desk(tmp_path / "home", url, clock=lambda: NOON)
    asked = [desk.ask(3 + number % 5, target(number)) for number in range(MANY)]
    names, digests = [one.id for one in asked], {one.id: one.record["digest"] for one in asked}
    desk.close()
    pids = []
    for process in range(PROCESSES):  # every approval is pressed by two of them, in an order of their own
        mine = [name for number, name in enumerate(names) if process in {number % PROCESSES, (number + 1) % PROCESSES}]
        mine = mine[process * 7 :] + mine[: process * 7]
        pids.append(child(lambda mine=mine: press(tmp_path / "home", url, mine, digests, tmp_path / "go")))
    (tmp_path / "go").touch()

    assert [ended(pid) for pid in pids] == [0] * PROCESSES
    desk = Desk(tmp_path / "home", url, clock=lambda: NOON)
    assert len(desk.world.effects()) == MANY
    assert all(desk.world.effects(target(number)) == [3 + number % 5] for number in range(MANY))
    assert len(desk.approvals.list(("succeeded",))) == MANY
    assert verify(desk.journal).problems == ()
    desk.close()


def test_only_one_action_of_a_target_is_under_way(tmp_path: Path, url: str | None) -> None:
    desk = Desk(tmp_path / "home", url, clock=lambda: NOON)
    names = [desk.approved(3 + number, target(0)).id for number in range(6)]
    desk.close()

    def run(name: str) -> None:
        Desk(tmp_path / "home", url, clock=lambda: NOON).executor.run(name)

    pids = [child(lambda name=name: run(name)) for name in names]

    assert [ended(pid) for pid in pids] == [0] * 6
    desk = Desk(tmp_path / "home", url, clock=lambda: NOON)
    assert len(desk.world.effects()) == 1  # the others were made for the world before
    assert len(desk.approvals.list(("superseded",))) == 5
    desk.close()

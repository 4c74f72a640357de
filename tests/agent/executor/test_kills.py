"""A kill at any moment of an action's life doubles nothing, loses nothing, and leaves a state that is true."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.approvals.states import STATES, UNDER_WAY
from agent.audit.journal import Journal, Writing
from agent.audit.tip import Tip, TipFile
from agent.audit.verifying import verify
from agent.executor.executor import Executor
from agent.approvals.service import Approvals
from tests.agent.desk import BOB, EVE, NOON, WEB, Desk
from tests.agent.forks import child, die, ended
from tests.agent.world import World

TRUE = {
    "pending": [], "approved": [], "failed": [], "succeeded": [5], "rolled_back": [5, 2], "rollback_failed": [5],
}
"""Which effects a state admits once everything is settled."""
REACHED = {"asked": 1, "bob": 2, "eve": 3, "ran": 4, "taken back": 5}
RANK = {"pending": 1, "approved": 3, "failed": 4, "succeeded": 4, "rolled_back": 5, "rollback_failed": 5}


class MortalTip(TipFile):
    """A tip before which one may die."""

    reach: Callable[[str], None]

    def advance(self, tip: Tip) -> None:
        self.reach("committed, tip not noted")
        super().advance(tip)


class MortalJournal(Journal):
    """A journal in whose transactions one may die."""

    reach: Callable[[str], None]

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        with super().writing() as writing:
            yield writing
            self.reach("written, not committed")


def mortal(desk: Desk, reach: Callable[[str], None]) -> Desk:
    """The desk, with death at hand: around every commit, preview, effect."""
    journal = desk.journal
    journal.__class__ = MortalJournal
    journal.reach = reach  # type: ignore[attr-defined]
    journal.tip_file.__class__ = MortalTip
    journal.tip_file.reach = reach  # type: ignore[attr-defined]
    desk.world = World(desk.world.path, before=lambda what: reach(f"before {what}"), after=lambda what: reach(f"after {what}, not answered"))
    desk.executor = Executor(Approvals(journal), desk.world, recheck=desk.recheck)
    return desk


def live(desk: Desk, done: Callable[[str], None] = lambda _: None) -> str:
    """An action's whole life, from wherever it stands: asked, approved by two, run, found worse, taken back."""
    found = desk.approvals.list(STATES)
    asked = found[0].id if found else desk.ask(5, decision="ask_two", key="life").id
    done("asked")
    for person in (BOB, EVE):
        now = desk.approvals.show(asked)
        if now.state == "pending" and person.id not in {one.person for one in now.answers}:
            desk.approve(now, person)
        done(person.id)
    if desk.approvals.show(asked).state in {"approved", "executing", "unknown"}:
        desk.executor.run(asked)
    done("ran")
    if desk.approvals.show(asked).state == "succeeded":
        desk.executor.verified(asked, "worse", "errors rose")
        desk.executor.rollback(asked, reason="errors rose")
    desk.executor.settle(asked)
    done("taken back")
    return desk.approvals.show(asked).state


def life(home: Path, url: str | None, strike: int | None, seen: Path) -> None:
    """In a child: live, and die at the ``strike``-th point that is reached. ``seen`` gets the points and what was done."""
    points = 0

    def reach(what: str) -> None:
        nonlocal points
        seen.open("a").write(f"point {what}\n")
        if points == strike:
            die()
        points += 1

    live(mortal(Desk(home, url, clock=lambda: NOON), reach), lambda what: print(f"done {what}", file=seen.open("a")))


def survived(home: Path, url: str | None, done: list[str]) -> str:
    """The state that another process finds after the kill; it must be true, and not behind what was said to be done."""
    desk = Desk(home, url, clock=lambda: NOON)
    until = time.monotonic() + 5
    while True:
        desk.executor.recover()
        if not desk.approvals.list(UNDER_WAY) or time.monotonic() > until:
            break
        time.sleep(0.02)  # PostgreSQL has not seen yet that its client is gone
    line = next(iter(desk.approvals.list(STATES)), None)
    effects = desk.world.effects(WEB)
    if line is None:
        assert (effects, done) == ([], [])
        desk.close()
        return "none"
    assert effects == TRUE[line.state]
    answers = {one.person for one in desk.approvals.show(line.id).answers}
    assert all(RANK[line.state] >= REACHED[what] or what in answers for what in done)
    end = live(desk)
    assert (end, desk.world.effects(WEB)) in [("rolled_back", [5, 2]), ("failed", []), ("rollback_failed", [5])]
    assert verify(desk.journal).problems == ()
    desk.close()
    return line.state


@pytest.mark.timeout(60)
def test_kill_at_every_point_of_a_life(tmp_path: Path, url: str | None, request: pytest.FixtureRequest) -> None:
    def fresh() -> str | None:
        return None if url is None else request.getfixturevalue("postgres").database("made")

    assert ended(child(lambda: life(tmp_path / "whole", url, None, tmp_path / "seen"))) == 0
    points = [line for line in (tmp_path / "seen").read_text().splitlines() if line.startswith("point ")]
    assert len(points) >= 12

    states = []
    for strike in range(len(points)):
        home, seen, place = tmp_path / f"home-{strike}", tmp_path / f"seen-{strike}", fresh()
        assert ended(child(lambda home=home, seen=seen, place=place, strike=strike: life(home, place, strike, seen))) == -9  # type: ignore[misc]
        done = [line.removeprefix("done ") for line in seen.read_text().splitlines() if line.startswith("done ")]
        states.append(survived(home, place, done))

    assert {"none", "pending", "approved", "failed", "succeeded", "rolled_back"} <= set(states)

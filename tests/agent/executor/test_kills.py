"""A kill at any moment of an action's life doubles nothing, loses nothing, and leaves a state that is true."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.approvals.record import Line
from agent.approvals.service import Approvals
from agent.approvals.states import STATES, UNDER_WAY
from agent.audit.journal import Journal, Writing
from agent.audit.tip import Tip, TipFile
from agent.audit.verifying import verify
from agent.executor.executor import Executor
from tests.agent.desk import BOB, EVE, NOON, Desk
from tests.agent.forks import child, die, ended
from tests.agent.world import World
from tools.actions.action import Target

Place = tuple[Path, str | None]
"""A home and a database."""
TRUE: dict[str, list[int]] = {
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
    journal.reach = reach
    journal.tip_file.__class__ = MortalTip
    journal.tip_file.reach = reach
    desk.world = World(desk.world.path, before=lambda what: reach(f"before {what}"), after=lambda what: reach(f"after {what}, not answered"))
    desk.executor = Executor(Approvals(journal), lambda _: desk.world, recheck=desk.recheck)
    return desk


def at(place: Place, strike: int | None) -> tuple[Desk, Target]:
    """One life's desk and target; lives share a database, and each has a world."""
    home, url = place
    world = World(home / f"world-{strike}")
    return Desk(home, url, clock=lambda: NOON, world=world), Target("Deployment", f"app-{strike}", "shop")


def standing(desk: Desk, target: Target) -> Line | None:
    """The approval of a life, if it was asked."""
    return next((line for line in desk.approvals.list(STATES) if line.target == str(target)), None)


def live(desk: Desk, target: Target, done: Callable[[str], None] = lambda _: None) -> str:
    """An action's whole life, from wherever it stands: asked, approved by two, run, found worse, taken back."""
    found = standing(desk, target)
    asked = found.id if found else desk.ask(5, target, decision="ask_two", key=target.name).id
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


def life(place: Place, strike: int | None, seen: Path) -> None:
    """In a child: live, and die at the ``strike``-th point that is reached. ``seen`` gets the points and what was done."""
    points = 0

    def note(what: str) -> None:
        with seen.open("a") as told:
            told.write(what + "\n")

    def reach(what: str) -> None:
        nonlocal points
        note(f"point {what}")
        if points == strike:
            die()
        points += 1

    desk, target = at(place, strike)
    live(mortal(desk, reach), target, lambda what: note(f"done {what}"))


def survived(place: Place, strike: int, done: list[str]) -> str:
    """The state that another process finds after the kill; it must be true, and not behind what was said to be done."""
    desk, target = at(place, strike)
    until = time.monotonic() + 5
    while True:
        desk.executor.recover()
        if not desk.approvals.list(UNDER_WAY) or time.monotonic() > until:
            break
        time.sleep(0.02)  # PostgreSQL has not seen yet that its client is gone
    line, effects = standing(desk, target), desk.world.effects(target)
    if line is None:
        assert (effects, done) == ([], [])
    else:
        assert effects == TRUE[line.state]
        answers = {one.person for one in desk.approvals.show(line.id).answers}
        assert all(RANK[line.state] >= REACHED[what] or what in answers for what in done)
    end = live(desk, target)
    assert (end, desk.world.effects(target)) in [("rolled_back", [5, 2]), ("failed", []), ("rollback_failed", [5])]
    desk.close()
    return line.state if line else "none"


@pytest.mark.timeout(60)
def test_kill_at_every_point_of_a_life(tmp_path: Path, url: str | None) -> None:
    place = (tmp_path / "home", url)
    assert ended(child(lambda: life(place, None, tmp_path / "seen"))) == 0
    points = [line for line in (tmp_path / "seen").read_text().splitlines() if line.startswith("point ")]
    assert len(points) >= 12

    states = []
    for strike in range(len(points)):
        seen = tmp_path / f"seen-{strike}"
        assert ended(child(lambda strike=strike, seen=seen: life(place, strike, seen))) == -signal.SIGKILL
        done = [line.removeprefix("done ") for line in seen.read_text().splitlines() if line.startswith("done ")]
        states.append(survived(place, strike, done))

    assert {"none", "pending", "approved", "failed", "succeeded", "rolled_back"} <= set(states)
    assert verify(at(place, None)[0].journal).problems == ()

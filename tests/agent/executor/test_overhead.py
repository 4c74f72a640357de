"""What approving and guarding costs an action, without the action."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from agent.executor.ledger import RunLedger, grant_of
from tests.agent.desk import BOB, NOON, Desk
from tools.actions.action import Action, Effect, Target
from tools.guard import carry_out


def milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1e3


class Nothing:
    """A performer whose effect takes no time."""

    def __init__(self, desk: Desk) -> None:
        self.preview, self.settle, self.names, self.schema = desk.world.preview, desk.world.settle, desk.world.names, desk.world.schema

    def perform(self, action: Action) -> Effect:
        return Effect("done")


def test_guard_costs_an_action_little(desk: Desk) -> None:
    asked = [desk.ask(3, Target("Deployment", f"a{number}", "s")) for number in range(40)]
    performer, cost = Nothing(desk), {"approve": [], "guard": [], "run": []}
    for number, one in enumerate(asked):
        cost["approve"].append(milliseconds(lambda one=one: desk.approve(one, BOB)))
        if number % 2:
            cost["run"].append(milliseconds(lambda one=one: desk.executing(performer).run(one.id)))
        else:
            grant, ledger = grant_of(desk.approvals.show(one.id), NOON.replace(hour=13)), RunLedger(desk.journal)
            cost["guard"].append(milliseconds(
                lambda one=one, grant=grant, ledger=ledger: carry_out(one.preview, grant, ledger, performer, now=NOON)))
    medians = {name: round(statistics.median(values), 1) for name, values in cost.items()}
    best = {name: round(min(values), 1) for name, values in cost.items()}

    assert best["guard"] < 10, (medians, best)

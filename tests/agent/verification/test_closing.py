"""What follows a verdict is done once, also when it is told twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from agent.verification.closing import ends_at
from agent.verification.state import Verdict
from telemetry.errors import OnCalmError
from tests.agent.verification.world import World, ill_until


@dataclass
class Desk:
    """An executor's states."""

    state: str = "succeeded"
    done: list[str] = field(default_factory=list)

    def verified(self, approval: str, result: Verdict, statement: str) -> None:
        self.done.append(f"verified {result}")
        self.state = "confirmed" if result == "confirmed" else self.state

    def rollback(self, approval: str, *, reason: str) -> None:
        if self.state != "succeeded":
            raise OnCalmError(f"NOT rolled back: it is {self.state}")
        self.done.append("rollback")
        self.state = "rolled_back"


def test_a_rollback_told_again_after_a_kill_is_not_done_again() -> None:
    desk = Desk()
    ends = ends_at(desk, lambda approval: desk.state, lambda state: None)

    assert [ends.rollback("A1", "worse"), ends.rollback("A1", "worse")] == ["rolled_back", "rolled_back"]
    assert desk.done == ["rollback"]


def test_a_verdict_told_again_after_a_kill_is_recorded_once() -> None:
    desk = Desk()
    ends = ends_at(desk, lambda approval: desk.state, lambda state: None)
    state = replace(World(ill_until(0)).begin(), verdict="confirmed", statement="well")

    ends.record(state)
    ends.record(state)

    assert desk.done == ["verified confirmed"]


def test_a_rollback_that_may_not_be_is_an_error() -> None:
    desk = Desk(state="confirmed")

    with pytest.raises(OnCalmError, match="it is confirmed"):
        ends_at(desk, lambda approval: desk.state, lambda state: None).rollback("A1", "worse")

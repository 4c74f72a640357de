"""A verdict on a cause changes the next decision, the recall of its investigation, and what history shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.approvals.people import Person
from agent.recall.memory import Investigation, Memory
from api.actions.proposals import recalled
from tests.api.test_acting import Terminal, terminal
from tests.api.test_resuming import ANN, BOB, WEB, Home, home

__all__ = ["home", "terminal"]
NOW = datetime.now(UTC)


def done(home: Home, investigation: str = "inv-1") -> str:
    asked = home.ask(investigation)
    home.desk().approve(asked.id, BOB, digest=asked.line.digest)
    return asked.id


def doubt(home: Home, cause: str = "saturation") -> float:
    desk = home.desk()
    return desk.decisions.decide(desk.catalogue.preview("scale", WEB, {"replicas": 7}), cause=cause, confidence=0.9).risk.factors["doubt of the cause"]


def test_a_wrong_cause_is_trusted_less_the_next_time(home: Home) -> None:
    ident = done(home)
    before = doubt(home)

    home.desk().outcomes.judge(ident, ANN, cause="wrong")

    assert (before, doubt(home), doubt(home, "memory")) == (pytest.approx(0.1), pytest.approx(1 - 0.9 * 0.8), pytest.approx(0.1))
    desk = home.desk()
    reasons = desk.decisions.decide(desk.catalogue.preview("scale", WEB, {"replicas": 7}), cause="saturation", confidence=0.9).reasons
    assert any("this cause was wrong before" in one for one in reasons)


def test_its_investigation_is_not_recalled_as_true(home: Home) -> None:
    kept = Investigation(made=NOW, question="why?", query={"operation": "count"}, calls=[], conclusion={}, model="m", runs=["inv-1"])
    memory = Memory(home.folder / "cache" / "recall")
    memory.keep("s", kept)
    memory.close()
    ident = done(home)

    home.desk().outcomes.judge(ident, ANN, cause="wrong", effect="harmful")

    memory = Memory(home.folder / "cache" / "recall")
    assert memory.find("s", NOW) is None
    memory.close()


def test_a_recall_tells_what_became_of_its_action(home: Home) -> None:
    ident = done(home)
    home.desk().outcomes.judge(ident, ANN, cause="right", effect="helpful")
    about: dict[str, Any] = {"runs": ["inv-0", "inv-1"]}

    told = recalled(about, home.desk())

    assert len(about["actions"]) == 1
    assert "scale of " in told[0]
    assert "engineers say: cause right, helpful" in told[0]


def test_a_viewer_may_not_judge(home: Home) -> None:
    ident = done(home)

    with pytest.raises(Exception, match="may not judge"):
        home.desk().outcomes.judge(ident, Person("eve", "viewer"), cause="wrong")


def test_history_says_what_was_learned(terminal: Terminal) -> None:
    asked = terminal.asked()
    terminal("approvals", "approve", asked["id"], "--digest", asked["preview"]["digest"])
    terminal("approvals", "judge", asked["id"], "--cause", "wrong")

    shown = " ".join(terminal("history").stdout.split())

    assert "scale against saturation" in shown
    assert "its confidence counts 0.80 of itself" in shown

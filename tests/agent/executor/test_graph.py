"""A graph that waits for people: resumed twice, or after a crash, it does what was approved once."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from agent.approvals.errors import ApprovalRefusedError
from agent.approvals.waiting import Waiting, wait_for_answer
from agent.executor.nodes import carrying_out
from tests.agent.desk import BOB, NOON, WEB, Desk
from tests.agent.forks import child, die, ended
from tests.agent.world import World

CONFIG: Any = {"configurable": {"thread_id": "incident-7"}, "recursion_limit": 25}


class Seen(Waiting, total=False):
    """The state of the graph."""

    outcome: dict[str, Any]


def graph(desk: Desk, world: World | None = None) -> Any:
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    def propose(_: Seen) -> dict[str, Any]:
        return {"approval": desk.ask(5, key="incident-7").id}

    saver = SqliteSaver(sqlite3.connect(desk.home / "graph.db", check_same_thread=False, timeout=10))
    made = StateGraph(Seen)
    made.add_node("propose", propose)
    made.add_node("wait", wait_for_answer)
    made.add_node("act", carrying_out(desk.executing(world or desk.world)))
    for before, after in ((START, "propose"), ("propose", "wait"), ("wait", "act"), ("act", END)):
        made.add_edge(before, after)
    return made.compile(checkpointer=saver)


def resume(desk: Desk, world: World | None = None) -> dict[str, Any]:
    from langgraph.types import Command

    return graph(desk, world).invoke(Command(resume="go on"), CONFIG, durability="sync")["outcome"]


def waiting(desk: Desk) -> str:
    """Run until it waits; the approval's id."""
    stopped = graph(desk).invoke({}, CONFIG, durability="sync")["__interrupt__"]
    return str(stopped[0].value["approval"])


def test_answer_that_resumes_it_is_no_approval(desk: Desk) -> None:
    asked = waiting(desk)

    outcome = resume(desk)

    assert (outcome["approval"], outcome["state"], desk.world.effects()) == (asked, "pending", [])
    assert "NOT executed, NOT queued" in outcome["told"]


def test_rejection_tells_the_model_that_nothing_was_done(desk: Desk) -> None:
    asked = waiting(desk)
    desk.approvals.reject(asked, BOB, reason="wrong service")

    told = resume(desk)["told"]

    assert "NOT executed, NOT queued" in told
    assert "wrong service" in told
    assert desk.world.effects() == []


def test_double_resume_acts_once(desk: Desk) -> None:
    desk.approve(desk.approvals.show(waiting(desk)))
    outcomes: list[Any] = []

    def go() -> None:
        try:
            outcomes.append(resume(desk)["state"])
        except ApprovalRefusedError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == ["succeeded"] * 4
    assert desk.world.effects(WEB) == [5]


def test_crash_after_the_effect_is_resumed_without_a_second_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", clock=lambda: NOON)
    desk.approve(desk.approvals.show(waiting(desk)))
    desk.close()

    def crash() -> None:
        again = Desk(tmp_path / "home", clock=lambda: NOON)
        resume(again, World(again.world.path, after=lambda _: die()))

    assert ended(child(crash)) == -9
    again = Desk(tmp_path / "home", clock=lambda: NOON)
    outcome = graph(again).invoke(None, CONFIG, durability="sync")["outcome"]

    assert outcome["state"] == "succeeded"
    assert again.world.effects(WEB) == [5]
    again.close()

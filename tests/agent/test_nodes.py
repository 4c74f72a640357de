"""What the nodes of the graph read from the state."""

from __future__ import annotations

from typing import Any

from agent.context import Context
from agent.nodes import results_of
from agent.state import State
from telemetry.models import Catalog, Window
from tools.registry import Registry, ToolResult


def context() -> Context:
    class Silent:
        name = "silent"
        catalog: Catalog

    silent: Any = Silent()
    return Context(silent, Registry([]))


def result(total: int) -> dict[str, Any]:
    return ToolResult(tool="logs.count", status="found", query={}, window=Window(), total=total).model_dump(mode="json")


def test_results_stand_in_the_order_of_their_ids() -> None:
    state = State(results={"E10": result(10), "E2": result(2)})

    assert list(results_of(state, context())) == ["E2", "E10"]


def test_result_is_validated_once_and_a_new_one_of_its_id_again() -> None:
    given, first = context(), State(results={"E1": result(1)})
    one, two = results_of(first, given)["E1"], results_of(first, given)["E1"]
    other = results_of(State(results={"E1": result(7)}), given)["E1"]

    assert one is two
    assert other.total == 7

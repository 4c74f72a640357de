"""Thin graph nodes: each asks the analyst or the tools and writes what it learned into the state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from langgraph.runtime import Runtime

from agent.analyst import Given, ToolCall, Triage
from agent.context import Context
from agent.state import State
from telemetry.models import Window
from tools.registry import ToolResult


def triage(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Read the question."""
    found = runtime.context.analyst.triage(given(state))
    update: dict[str, Any] = {"triage": found.model_dump(mode="json"), "calls": [], "results": []}
    if found.reading is not None:
        update["reading"] = found.reading
    return update


def plan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Choose the tool calls."""
    calls = runtime.context.analyst.plan(Triage.model_validate(state["triage"]))
    return {"calls": [c.model_dump(mode="json") for c in calls]}


def investigate(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Make the calls; each answers exactly once, failures included."""
    calls = [ToolCall.model_validate(c) for c in state["calls"]]
    results = [runtime.context.tools.call(c.tool, c.arguments) for c in calls]
    return {"results": [r.model_dump(mode="json") for r in results]}


def summarise(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Say the answer."""
    results = [ToolResult.model_validate(r) for r in state["results"]]
    found = runtime.context.analyst.summarise(given(state), Triage.model_validate(state["triage"]), results)
    return {"summary": found.model_dump(mode="json")}


def readable(state: State) -> str:
    """Where to go after triage: a question that cannot be read is summarised (as a refusal) at once."""
    return "summarise" if state["triage"].get("refusal") else "plan"


def given(state: State) -> Given:
    window = state.get("window")
    return Given(
        question=state["question"], now=datetime.fromisoformat(state["now"]),
        window=Window.model_validate(window) if window else None, previous=state.get("reading"),
    )

"""Thin graph nodes: each asks the analyst or the tools and writes what it learned into the state."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import Send

from agent.analyst import Analyst, Given, Progress, ToolCall, Triage, Turn
from agent.context import Context
from agent.state import AGAIN, Errand, State
from telemetry.errors import OnCalmError
from telemetry.models import Window
from tools.registry import ToolResult

_log = logging.getLogger(__name__)


class RunStoppedError(OnCalmError):
    """Whoever asked has gone."""


def triage(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Read the question, and forget what the conversation's last run did."""
    with _at("triage", runtime):
        found = runtime.context.analyst.triage(given(state))
        update: dict[str, Any] = {
            "triage": found.model_dump(mode="json"), "turns": [AGAIN], "results": {AGAIN: True}, "usage": {},
            "memory": {}, "done": False, "conclusion": None, "fallback": "", "fallback_kind": "", "earlier": state.get("said"),
        }
        if found.reading is not None:
            update["reading"] = found.reading
        return update


def plan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Choose the next tool calls, or end. An analyst that fails leaves the run to the offline one."""
    with _at("plan", runtime):
        results = results_of(state, runtime.context)
        progress = Progress(
            turns=tuple(Turn.model_validate(t) for t in state["turns"]), results=results,
            memory=state.get("memory", {}), usage=state["usage"], say=runtime.stream_writer,
        )
        found = Triage.model_validate(state["triage"])
        try:
            step = _analyst(state, runtime).step(given(state), found, progress)
        except OnCalmError as error:
            if runtime.context.offline is None or isinstance(error, RunStoppedError):
                raise
            return _left(state, found, runtime, error)
        return {"turns": [step.turn.model_dump(mode="json")], "done": step.done, "conclusion": step.conclusion,
                "usage": _sum(state["usage"], step.usage), "memory": step.memory or state.get("memory", {})}


def _left(state: State, found: Triage, runtime: Runtime[Context], error: OnCalmError) -> dict[str, Any]:
    """The offline analyst takes over: its own calls are made unless they were."""
    why = str(error)
    assert runtime.context.offline is not None  # noqa: S101 - the caller asked
    runtime.stream_writer({"kind": "status", "text": f"going on without a model: {why}"})
    _log.warning("going on without a model: %s", why)
    step = runtime.context.offline.step(given(state), found, Progress(results=results_of(state, runtime.context)))
    return {"turns": [step.turn.model_dump(mode="json")], "done": step.done, "fallback": why,
            "fallback_kind": getattr(error, "kind", "failed"), "usage": _sum(state["usage"], getattr(error, "usage", {}))}


def investigate(state: Errand, runtime: Runtime[Context]) -> dict[str, Any]:
    """Make one call; it is answered exactly once, failures included."""
    with _at("investigate", runtime):
        call = ToolCall.model_validate(state["call"])
        result = _refused(call) if call.problem else _called(call, runtime)
        runtime.stream_writer({"kind": "result", "evidence": state["evidence"], "tool": call.tool,
                               "status": result.status, "total": result.total})
        return {"results": {state["evidence"]: result.model_dump(mode="json")}}


def _called(call: ToolCall, runtime: Runtime[Context]) -> ToolResult:
    """The call's result; a tool gets no more time than the run has left, and a second at least."""
    left = runtime.context.left()
    if left is None:
        return runtime.context.tools.call(call.tool, call.arguments)
    return runtime.context.tools.call(call.tool, call.arguments, timeout=max(left, 1.0))


def _refused(call: ToolCall) -> ToolResult:
    return ToolResult(tool=call.tool, status="failed", query=call.arguments, window=Window(), error=call.problem)


def summarise(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Say the answer."""
    with _at("summarise", runtime):
        found = _analyst(state, runtime).summarise(
            given(state), Triage.model_validate(state["triage"]), results_of(state, runtime.context), state.get("conclusion"))
        said = {"question": state["question"], "answer": found.answer}
        return {"summary": found.model_dump(mode="json"), "done": True, "said": said}


def errands(state: State) -> list[Send] | str:
    """Where to go after a step: one ``investigate`` per call, or the summary."""
    calls = state["turns"][-1]["calls"] if state["turns"] else {}
    if state.get("done") or not calls and state.get("fallback"):
        return "summarise"
    if not calls:
        return "plan"
    return [Send("investigate", Errand(evidence=name, call=call)) for name, call in calls.items()]


def given(state: State) -> Given:
    window = state.get("window")
    return Given(
        question=state["question"], now=datetime.fromisoformat(state["now"]),
        window=Window.model_validate(window) if window else None, previous=state.get("reading"),
        earlier=state.get("earlier"),
    )


def results_of(state: State, context: Context) -> dict[str, ToolResult]:
    """The results by evidence id, in the order of the ids. Those of earlier turns were validated then."""
    found = sorted(state.get("results", {}).items(), key=lambda pair: int(pair[0].lstrip("E")))
    for name, raw in found:
        if name not in context.read or context.read[name][0] is not raw:
            context.read[name] = raw, ToolResult.model_validate(raw)
    return {name: context.read[name][1] for name, _ in found}


def _analyst(state: State, runtime: Runtime[Context]) -> Analyst:
    context = runtime.context
    return context.offline if state.get("fallback") and context.offline else context.analyst


def _at(name: str, runtime: Runtime[Context]) -> Any:
    """The span of a node; nothing is begun for someone who has gone."""
    if runtime.context.stopped():
        raise RunStoppedError("whoever asked has gone", where=name, remedy="ask again")
    return runtime.context.node(name)


def _sum(kept: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Add up counts and costs, lists and tables; an unknown cost stays unknown; other things are taken over."""
    return {**kept, **{key: _added(kept[key], value) if key in kept else value for key, value in new.items()}}


def _added(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, int | float) and isinstance(new, int | float):
        return old + new
    return None if old is None else new

"""One question, one run of the graph, one answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.answer import assemble
from agent.checkpoints import checkpoints
from agent.context import Context
from agent.graph import RECURSION_LIMIT, build
from agent.state import State
from telemetry.models import Window

Watch = Callable[[dict[str, Any]], None]
"""Takes the events of a run as they happen: ``{"kind": "result" | "draft" | "status" | "call", ...}``."""


def ask(
    context: Context, question: str, *, now: datetime, window: Window | None = None,
    conversation: str | None = None, memory: Path | None = None, watch: Watch = lambda _: None,
    told: Callable[[State, str, float], dict[str, Any]] = assemble,
) -> dict[str, Any]:
    """Answer ``question``; ``conversation`` (kept in the SQLite file ``memory``) gives follow-ups context.

    ``told`` makes the document of a finished run, given its analyst and how many seconds it took.
    The same question in a conversation whose run was killed goes on from its last step.
    """
    started = time.monotonic()
    start: State = {
        "question": question, "now": now.isoformat(),
        "window": window.model_dump(mode="json") if window else None,
    }
    config: dict[str, Any] = {"recursion_limit": RECURSION_LIMIT}
    if conversation is None or memory is None:
        state = _run(build(), start, config, context, watch, {})
        return told(state, context.analyst.name, time.monotonic() - started)
    config["configurable"] = {"thread_id": conversation}
    with checkpoints(memory, conversation) as saver:
        graph = build(saver)
        going_on = _interrupted(graph, config, start)
        durable = "sync" if context.offline else "exit"  # a model's steps are paid for; the offline ones are not
        state = _run(graph, None if going_on else start, config, context, watch, {"durability": durable})
    answer = told(state, context.analyst.name, time.monotonic() - started)
    if going_on:
        answer["notes"] = [*answer["notes"], "This run was interrupted before and went on from its last step."]
    return {**answer, "conversation": conversation}


def _run(
    graph: Any, start: State | None, config: dict[str, Any], context: Context, watch: Watch, more: dict[str, Any]
) -> State:
    """Stream the graph to its end: events to ``watch``, the last values back."""
    state: State = {}
    for mode, part in graph.stream(start, config, context=context, stream_mode=["custom", "values"], **more):
        if mode == "custom":
            watch(part)
        else:
            state = part
    return state


def _interrupted(graph: Any, config: dict[str, Any], start: State) -> bool:
    """Whether the conversation's last run asked the same and never came to its end."""
    last = graph.get_state(config)
    same = all(last.values.get(key) == start.get(key) for key in ("question", "window"))
    return bool(last.tasks) and same  # a task that ended just before the kill is none of `next` any more

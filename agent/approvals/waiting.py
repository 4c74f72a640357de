"""The graph's node that waits for people. It does nothing else: what stands before an interrupt runs again on resume."""

from __future__ import annotations

from typing import Any, TypedDict


class Waiting(TypedDict, total=False):
    """What such a graph's state holds: the id that was proposed, and what came back, which is a word and no permission."""

    approval: str
    answer: Any


def wait_for_answer(state: Waiting) -> dict[str, Any]:
    """Stop until somebody resumes with an answer. Whether anything may run is read from the store, never from the answer."""
    from langgraph.types import interrupt

    return {"answer": interrupt({"approval": state["approval"]})}

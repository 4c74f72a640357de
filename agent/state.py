"""What a run learns, as plain JSON so that a checkpoint holds data only."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

AGAIN = "again"
"""First item of an update that replaces a list instead of adding to it."""


def adding(kept: list[Any], new: list[Any]) -> list[Any]:
    """Add to a list; a list that begins with :data:`AGAIN` starts it afresh."""
    return list(new[1:]) if new[:1] == [AGAIN] else [*kept, *new]


def by_id(kept: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Add results by their evidence id; the first result of an id stays. With :data:`AGAIN` they start afresh."""
    if AGAIN in new:
        return {key: value for key, value in new.items() if key != AGAIN}
    return {**kept, **{key: value for key, value in new.items() if key not in kept}}


class State(TypedDict, total=False):
    """Keys appear in the order of the nodes that fill them."""

    question: str
    now: str
    window: dict[str, Any] | None
    reading: dict[str, Any] | None
    """The last reading of the conversation: context for follow-up questions."""
    said: dict[str, str] | None
    """Question and answer of the conversation's last run that came to its end."""
    earlier: dict[str, str] | None
    """The same of the run before this one."""
    triage: dict[str, Any]
    turns: Annotated[list[dict[str, Any]], adding]
    results: Annotated[dict[str, Any], by_id]
    """Tool results by evidence id."""
    usage: dict[str, Any]
    memory: dict[str, Any]
    """What the analyst must know again when the run goes on in another process."""
    done: bool
    conclusion: dict[str, Any] | None
    fallback: str
    """Why the offline analyst finished the run; empty when it did not have to."""
    fallback_kind: str
    """The same in a word for programs (:attr:`agent.llm.errors.ModelError.kind`)."""
    summary: dict[str, Any]


class Errand(TypedDict):
    """What one ``investigate`` is sent: a call and the evidence id of its result."""

    evidence: str
    call: dict[str, Any]

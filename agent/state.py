"""What a run learns, as plain JSON so that a checkpoint holds data only."""

from __future__ import annotations

from typing import Any, TypedDict


class State(TypedDict, total=False):
    """Keys appear in the order of the nodes that fill them."""

    question: str
    now: str
    window: dict[str, Any] | None
    reading: dict[str, Any] | None
    """The last reading of the conversation: context for follow-up questions."""
    triage: dict[str, Any]
    calls: list[dict[str, Any]]
    results: list[dict[str, Any]]
    summary: dict[str, Any]

"""What a run is given besides its question: the analysts and the tools."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.analyst import Analyst
from tools.registry import ToolResult


class Tools(Protocol):
    """What runs tool calls: a registry, or one behind a cache or a span. Never raises."""

    def call(self, name: str, arguments: dict[str, Any], *, timeout: float | None = None) -> ToolResult: ...


def _unseen(_: str) -> AbstractContextManager[Any]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Context:
    """Collaborators, never checkpointed."""

    analyst: Analyst
    tools: Tools
    offline: Analyst | None = None
    """Who finishes a run that ``analyst`` cannot; None when ``analyst`` needs nobody."""
    node: Callable[[str], AbstractContextManager[Any]] = _unseen
    """Entered around every node, by its name: the span it is seen as."""
    left: Callable[[], float | None] = lambda: None
    """Seconds that the run has left for tools; None for as long as each tool may take."""
    stopped: Callable[[], bool] = lambda: False
    """Whether whoever asked has gone; the run then ends before its next step."""
    read: dict[str, tuple[dict[str, Any], ToolResult]] = field(default_factory=dict)
    """Results by evidence id as the state holds them, and validated."""

"""A model and tools that are seen while they work; their faces stay the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from agent.llm.model import Emit, Model, Reply, Request
from agent.observe.observer import ModelNote, Observer
from tools.registry import ToolResult

Price = Callable[[Reply], float | None]
"""What a reply cost, in USD; None when the price of the model is unknown."""


class ObservedModel:
    """Implements :class:`agent.llm.model.Model`. ``server`` is the endpoint's base URL."""

    def __init__(self, inner: Model, observer: Observer, *, server: str | None = None, price: Price | None = None) -> None:
        self.name = inner.name
        self._inner = inner
        self._observer = observer
        self._server = server
        self._price = price

    def complete(self, request: Request, *, deadline: float, emit: Emit | None = None) -> Reply:
        with self._observer.model_call(request, self.name, self._server, stream=emit is not None) as note:
            reply = self._inner.complete(request, deadline=deadline, emit=_noting(emit, note))
            note.replied(reply)
        cost = self._price(reply) if self._price and not reply.stored else None
        if cost:
            self._observer.spent(cost, self.name)
        return reply


def _noting(emit: Emit | None, note: ModelNote) -> Emit | None:
    if emit is None:
        return None

    def noted(text: str) -> None:
        note.streaming()
        emit(text)

    return noted


class _Tools(Protocol):
    """What runs tool calls; with a ``timeout`` only when one is given."""

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult: ...


class ObservedTools:
    """Runs tool calls as ``inner`` does. Names that are not ``known`` are a model's invention and recorded as ``unknown``."""

    def __init__(self, inner: _Tools, observer: Observer, *, known: Collection[str]) -> None:
        self._inner = inner
        self._observer = observer
        self._known = frozenset(known)

    def call(self, name: str, arguments: dict[str, Any], *, call_id: str | None = None, **options: Any) -> ToolResult:
        """Make the call; ``options`` (``timeout``) go to ``inner`` as they are."""
        seen = name if name in self._known else "unknown"
        with self._observer.tool_call(seen, call_id, arguments) as note:
            result = self._inner.call(name, arguments, **options)
            note.returned(result)
        return result

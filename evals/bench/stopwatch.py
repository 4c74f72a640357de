"""Times what a run does from outside: each model call, each tool call, and the tool's own part of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import Any

from agent.context import Tools
from agent.llm.analyst import LlmAnalyst
from agent.llm.model import Emit, Model, Reply, Request
from api.wiring.model import Asking, Thinking
from tools.registry import Registry, Tool, ToolResult

_CALL: ContextVar[int] = ContextVar("call", default=0)
"""The call around a tool, which runs in a thread of its own within the same context."""


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of ``time.perf_counter``; ``key`` joins a tool's span to the call around it."""

    kind: str
    start: float
    end: float
    key: int = 0

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Stopwatch:
    """Spans of one run; threads may add."""

    spans: list[Span] = field(default_factory=list)

    def add(self, kind: str, start: float, end: float, key: int = 0) -> None:
        self.spans.append(Span(kind, start, end, key))

    def of(self, kind: str) -> list[Span]:
        """In the order of their beginning."""
        return sorted((span for span in self.spans if span.kind == kind), key=lambda span: span.start)

    def busy(self, kind: str, start: float, end: float) -> float:
        """Seconds between two moments in which at least one span of a kind was open."""
        total, until = 0.0, start
        for span in self.of(kind):
            low, high = max(span.start, until), min(span.end, end)
            if high > low:
                total, until = total + high - low, high
        return total

    def around(self, outer: str, inner: str) -> list[float]:
        """Seconds of each outer span without the inner one that it holds."""
        held = {span.key: span.seconds for span in self.of(inner)}
        return [span.seconds - held[span.key] for span in self.of(outer) if span.key in held]

    def opening(self) -> float:
        """From the question to the first request, without tools."""
        start, first = self.of("ask")[0].start, self.of("model")[0].start
        return first - start - self.busy("tool", start, first)

    def ending(self) -> float:
        """From the last reply to the answer."""
        return self.of("ask")[0].end - self.of("model")[-1].end


@dataclass(frozen=True)
class Timed(Thinking):
    """A model to think with whose calls, and those of the tools, are timed."""

    watch: Stopwatch = field(default_factory=Stopwatch)

    @contextmanager
    def context(self, *given: Any, **more: Any) -> Iterator[Asking]:
        """The context of the product, with a stopwatch around its model and its tools."""
        with Thinking.context(self, *given, **more) as asking:
            analyst = asking.context.analyst
            assert isinstance(analyst, LlmAnalyst)
            analyst.model = _TimedModel(analyst.model, self.watch)
            yield replace(asking, context=replace(asking.context, tools=_TimedTools(asking.context.tools, self.watch)))

    def _tools(self, *given: Any, **more: Any) -> tuple[Registry, list[str]]:
        registry, notes = Thinking._tools(self, *given, **more)
        return Registry([self._timed(tool) for name in registry.names() if (tool := registry.tool(name))]), notes

    def _timed(self, tool: Tool[Any]) -> Tool[Any]:
        def call(given: Any) -> Any:
            begun = time.perf_counter()
            try:
                return tool.call(given)
            finally:
                self.watch.add("tool", begun, time.perf_counter(), _CALL.get())

        return replace(tool, call=call)


class _TimedModel:
    def __init__(self, inner: Model, watch: Stopwatch) -> None:
        self.name = inner.name
        self._inner, self._watch = inner, watch

    def complete(self, request: Request, *, deadline: float, emit: Emit | None = None) -> Reply:
        begun = time.perf_counter()
        reply = self._inner.complete(request, deadline=deadline, emit=emit)
        self._watch.add("model", begun, time.perf_counter())
        return reply


class _TimedTools:
    def __init__(self, inner: Tools, watch: Stopwatch) -> None:
        self._inner, self._watch = inner, watch

    def call(self, name: str, arguments: dict[str, Any], *, timeout: float | None = None) -> ToolResult:
        begun = time.perf_counter()
        key = hash((get_ident(), begun))
        token = _CALL.set(key)
        try:
            return self._inner.call(name, arguments, timeout=timeout)
        finally:
            self._watch.add("call", begun, time.perf_counter(), key)
            _CALL.reset(token)

"""The observer of runs. This one is silent: it costs next to nothing and imports nothing of OpenTelemetry."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from agent.llm.model import Reply, Request
from agent.observe.settings import TelemetrySettings
from tools.registry import ToolResult


class RunNote:
    """Takes what a run came to."""

    def finished(self, answer: Mapping[str, Any]) -> None:
        """Note the answer: the document of ``ask --json``."""


class ModelNote:
    """Takes what a model call gave."""

    def streaming(self) -> None:
        """Note that text comes in; the first time counts."""

    def replied(self, reply: Reply) -> None:
        """Note the reply."""


class ToolNote:
    """Takes what a tool call gave."""

    def returned(self, result: ToolResult) -> None:
        """Note the result."""


_RUN = nullcontext(RunNote())
_NODE = nullcontext(None)
_MODEL = nullcontext(ModelNote())
_TOOL = nullcontext(ToolNote())


class Observer:
    """Sees runs, nodes, model calls and tool calls. Every method of it is safe in any thread and never raises."""

    listens = False
    """Whether anything is recorded."""

    def run(
        self, question_id: str, analyst: str, conversation: str | None = None, *, path: str = "ask",
        question: str | None = None, traceparent: str | None = None, tracestate: str | None = None,
    ) -> AbstractContextManager[RunNote]:
        """Around a run, in the thread that streams the graph.

        ``path`` is what is sampled by, as ``ask`` or ``investigate``. ``traceparent`` (W3C) names the caller's span,
        whose sampled flag is respected. ``question`` is recorded only with ``record_content``.
        """
        return _RUN

    def node(self, name: str) -> AbstractContextManager[None]:
        """Around a node of the graph."""
        return _NODE

    def model_call(
        self, request: Request, model: str, server: str | None = None, *, stream: bool = False
    ) -> AbstractContextManager[ModelNote]:
        """Around one model call; ``server`` is the endpoint's base URL."""
        return _MODEL

    def tool_call(
        self, name: str, call_id: str | None = None, arguments: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[ToolNote]:
        """Around one tool call. ``name`` becomes part of metrics: never pass one that a model made up."""
        return _TOOL

    def looked_up(self, layer: str, *, hit: bool) -> None:
        """Count a look-up in a cache: ``replies``, ``tools``, ``recall`` or ``flight``."""

    def spent(self, usd: float, model: str) -> None:
        """Count money spent on a model."""

    def headers(self) -> dict[str, str]:
        """W3C trace context of the current span, for a request that leaves. Baggage is never part of it."""
        return {}

    def log_handler(self, level: int = logging.INFO) -> logging.Handler:
        """A handler that exports log records with trace and span id; the caller adds it to a logger."""
        return logging.NullHandler()

    def flush(self, seconds: float | None = None) -> bool:
        """Send what waits; whether all of it was tried within so many seconds."""
        return True

    def close(self, seconds: float | None = None) -> None:
        """Send what waits, within so many seconds, and stop. Later calls do nothing."""

    def close_on_sigterm(self) -> bool:
        """Close before a SIGTERM ends the process; see :func:`agent.observe.ending.close_on_sigterm`."""
        return False

    def install_globally(self) -> None:
        """Make the providers OpenTelemetry's global ones, for libraries that record on their own."""


SILENT = Observer()


def observer(
    settings: TelemetrySettings | None, *, clock: Callable[[], float] = time.monotonic,
    chance: Callable[[], float] = random.random,
) -> Observer:
    """The observer for these settings; silent without an endpoint. ``clock`` and ``chance`` are the sampler's."""
    if settings is None or settings.endpoint is None:
        return SILENT
    from agent.observe.recording import RecordingObserver

    return RecordingObserver(settings, clock=clock, chance=chance)

"""What becomes of a span while it is open: attributes, errors, and the metrics of the same moment."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from types import TracebackType
from typing import Any, Generic, TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from agent.llm.model import Reply
from agent.observe import attributes as names
from agent.observe.content import document, masked, output
from agent.observe.metrics import Instruments
from agent.observe.observer import ModelNote, RunNote, ToolNote
from telemetry.errors import OnCalmError
from tools.registry import ToolResult

Note = TypeVar("Note")
_FRAMES = 20
_TEXT = 1_000


class Recorder:
    """Where notes go besides their span. ``content`` is the longest recorded content; 0 records none."""

    def __init__(self, to: Instruments, content: int) -> None:
        self.to = to
        self.content = content


class SpanNote:
    """What a note does when its span opens and closes."""

    span: Span
    recorder: Recorder

    def failed(self, error: BaseException) -> None:
        """Take over what an error tells."""

    def closed(self, seconds: float, error: str | None) -> None:
        """Record the metrics; ``error`` is the type of error that ended it."""


class Active(AbstractContextManager[Note], Generic[Note]):
    """A span that is current inside the ``with``. Errors set its status and pass through."""

    __slots__ = ("_attributes", "_caller", "_kind", "_name", "_note", "_span", "_started", "_token", "_tracer")

    def __init__(
        self, tracer: Tracer, name: str, kind: SpanKind, attributes: Mapping[str, Any], note: Note, caller: Context | None = None
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._note = note
        self._caller = caller

    def __enter__(self) -> Note:
        self._span = self._tracer.start_span(self._name, self._caller, self._kind, self._attributes)
        self._token: Token[Context] = otel_context.attach(trace.set_span_in_context(self._span, self._caller))
        self._started = time.perf_counter()
        if isinstance(self._note, SpanNote):
            self._note.span = self._span
        return self._note

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._started
        note = self._note if isinstance(self._note, SpanNote) else None
        problem = None
        if error is not None and not _is_control_flow(error):
            problem = type(error).__name__
            _tell(self._span, error, note.recorder.content if note else 0)
            if note:
                note.failed(error)
        if note:
            note.closed(seconds, problem)
        otel_context.detach(self._token)
        if self._span.is_recording():  # it may have been ended because the process is
            self._span.end()


class SpanRunNote(RunNote, SpanNote):
    """The note of a run."""

    def __init__(self, recorder: Recorder, analyst: str, path: str) -> None:
        self.recorder = recorder
        self._analyst = analyst
        self._path = path
        self._outcome = "ended"

    def finished(self, answer: Mapping[str, Any]) -> None:
        """Note the answer: its usage, its operation, and whether the offline analyst finished it."""
        usage, operation = answer.get("usage") or {}, (answer.get("query") or {}).get("operation")
        self._outcome = "fallback" if answer.get("fallback") else "answered" if answer.get("understood", True) else "not_understood"
        if operation:
            self._path = f"{self._path}/{operation}"
        told = {
            names.GEN_AI_USAGE_INPUT_TOKENS: usage.get("input_tokens"), names.GEN_AI_USAGE_OUTPUT_TOKENS: usage.get("output_tokens"),
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: usage.get("cached_tokens"), names.COST: usage.get("cost_usd"),
            names.OUTCOME: self._outcome, names.PATH: self._path, names.FALLBACK: bool(answer.get("fallback")),
        }
        if self.recorder.content:
            told[names.GEN_AI_OUTPUT_MESSAGES] = output(Reply(str(answer.get("answer", ""))), self.recorder.content)
        self.span.set_attributes({key: value for key, value in told.items() if value is not None})

    def closed(self, seconds: float, error: str | None) -> None:
        told = {names.ANALYST: self._analyst, names.PATH: self._path, names.OUTCOME: "failed" if error else self._outcome}
        if error:
            told[names.ERROR_TYPE] = error
            self.span.set_attribute(names.OUTCOME, "failed")
        self.recorder.to.runs.add(1, told)
        self.recorder.to.run_seconds.record(seconds, told)
        if self._outcome == "fallback":
            self.recorder.to.fallbacks.add(1, {names.ANALYST: self._analyst})


class SpanModelNote(ModelNote, SpanNote):
    """The note of a model call. ``common`` are the attributes of its metrics."""

    def __init__(self, recorder: Recorder, common: Mapping[str, Any]) -> None:
        self.recorder = recorder
        self._common = dict(common)
        self._opened = time.perf_counter()
        self._streams = False

    def streaming(self) -> None:
        if not self._streams:
            self._streams = True
            self.span.set_attribute(names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, time.perf_counter() - self._opened)

    def replied(self, reply: Reply) -> None:
        told: dict[str, Any] = {names.GEN_AI_RESPONSE_FINISH_REASONS: (reply.finish,)}
        if reply.model:
            told[names.GEN_AI_RESPONSE_MODEL] = self._common[names.GEN_AI_RESPONSE_MODEL] = reply.model
        if self.recorder.content:
            told[names.GEN_AI_OUTPUT_MESSAGES] = output(reply, self.recorder.content)
        self.span.set_attributes(told)
        if reply.stored:  # nothing was sent, and nothing is paid
            self.span.set_attributes({names.CACHE_HIT: True})
            return
        self._count(reply.usage.input, reply.usage.cached, reply.usage.output)

    def failed(self, error: BaseException) -> None:
        """A useless reply costs all the same."""
        usage = getattr(error, "usage", None)
        if isinstance(usage, dict):
            self._count(*(int(usage.get(key) or 0) for key in ("input_tokens", "cached_tokens", "output_tokens")))

    def closed(self, seconds: float, error: str | None) -> None:
        self.recorder.to.operation.record(seconds, {**self._common, names.ERROR_TYPE: error} if error else self._common)

    def _count(self, given: int, cached: int, made: int) -> None:
        if not given and not made:
            return
        self.span.set_attributes({names.GEN_AI_USAGE_INPUT_TOKENS: given, names.GEN_AI_USAGE_OUTPUT_TOKENS: made,
                                  names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: cached})
        self.recorder.to.tokens.record(given, {**self._common, names.GEN_AI_TOKEN_TYPE: "input"})
        self.recorder.to.tokens.record(made, {**self._common, names.GEN_AI_TOKEN_TYPE: "output"})
        if cached:
            self.recorder.to.cached_tokens.add(cached, self._common)


class SpanToolNote(ToolNote, SpanNote):
    """The note of a tool call."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder = recorder
        self._name = name
        self._status = "failed"

    def returned(self, result: ToolResult) -> None:
        """A failed result is an error of the span; a source that could not be asked is told by its status alone."""
        self._status = result.status
        self.span.set_attributes({names.TOOL_STATUS: result.status, names.TOOL_TOTAL: result.total})
        if self.recorder.content:
            seen = result.model_dump(mode="json", include={"status", "total", "error", "found"})
            self.span.set_attribute(names.GEN_AI_TOOL_CALL_RESULT, document(seen, self.recorder.content))
        if result.status == "failed":
            self.span.set_attribute(names.ERROR_TYPE, "failed")
            why = masked(result.error or "", min(_TEXT, self.recorder.content)) if self.recorder.content else "failed"
            self.span.set_status(Status(StatusCode.ERROR, why))

    def closed(self, seconds: float, error: str | None) -> None:
        told = {names.GEN_AI_TOOL_NAME: self._name, names.TOOL_STATUS: "failed" if error else self._status}
        self.recorder.to.tool_calls.add(1, told)
        self.recorder.to.tool_seconds.record(seconds, told)


def _is_control_flow(error: BaseException) -> bool:
    """Whether it is no error: a generator that is closed, or LangGraph's way to pause a graph."""
    return isinstance(error, GeneratorExit) or any(base.__name__ == "GraphBubbleUp" for base in type(error).__mro__)


def _tell(span: Span, error: BaseException, content: int) -> None:
    """Record an error. Its text may hold what was asked or read, so that it counts as content."""
    kind = type(error).__name__
    text = masked(str(error), min(_TEXT, content)) if content else ""
    told = {"exception.type": f"{type(error).__module__}.{kind}", **({"exception.message": text} if text else {})}
    if not isinstance(error, OnCalmError):  # a defect: where it came from is our own code
        told["exception.stacktrace"] = "".join(traceback.format_tb(error.__traceback__, limit=-_FRAMES))
    span.add_event("exception", told)
    span.set_attribute(names.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, text or kind))

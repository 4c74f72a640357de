"""The observer that records, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agent.llm.model import Request
from agent.observe import attributes as names
from agent.observe.content import document, masked, prompt
from agent.observe.ending import close_on_sigterm
from agent.observe.metrics import Instruments
from agent.observe.notes import Active, Recorder, SpanModelNote, SpanRunNote, SpanToolNote
from agent.observe.observer import ModelNote, Observer, RunNote, ToolNote
from agent.observe.pipeline import Pipeline
from agent.observe.settings import TelemetrySettings

_SCOPE = "oncalm"
_NAME_CHARS = 200
_PORTS = {"http": 80, "https": 443}
_TRACE_CONTEXT = TraceContextTextMapPropagator()


class RecordingObserver(Observer):
    """Records spans, metrics and logs, and sends them to a collector from threads of its own."""

    listens = True

    def __init__(
        self, settings: TelemetrySettings, *, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._pipeline = Pipeline(settings, clock=clock, chance=chance)
        self._tracer = self._pipeline.tracers.get_tracer(_SCOPE, settings.version or None)
        meter = self._pipeline.meters.get_meter(_SCOPE, settings.version or None)
        self._recorder = Recorder(Instruments(meter, self._pipeline.lost), settings.content_chars if settings.record_content else 0)

    def run(
        self, question_id: str, analyst: str, conversation: str | None = None, *, path: str = "ask",
        question: str | None = None, traceparent: str | None = None, tracestate: str | None = None,
    ) -> AbstractContextManager[RunNote]:
        told: dict[str, Any] = {
            names.GEN_AI_OPERATION_NAME: names.INVOKE_AGENT, names.GEN_AI_AGENT_NAME: "oncalm",
            names.QUESTION_ID: question_id[:_NAME_CHARS], names.ANALYST: analyst, names.PATH: path,
        }
        if conversation is not None:
            told[names.GEN_AI_CONVERSATION_ID] = conversation[:_NAME_CHARS]
        if question is not None and self._settings.record_content:
            told[names.GEN_AI_INPUT_MESSAGES] = prompt([{"role": "user", "content": question}], self._settings.content_chars)
        note = SpanRunNote(self._recorder, analyst, path)
        caller = _context_of(traceparent, tracestate)
        return Active(self._tracer, "invoke_agent oncalm", SpanKind.INTERNAL, told, note, caller)

    def node(self, name: str) -> AbstractContextManager[None]:
        return Active(self._tracer, f"node {name}", SpanKind.INTERNAL, {names.NODE: name}, None)

    def model_call(
        self, request: Request, model: str, server: str | None = None, *, stream: bool = False
    ) -> AbstractContextManager[ModelNote]:
        host, port = _address(server)
        common = {names.GEN_AI_OPERATION_NAME: names.CHAT, names.GEN_AI_PROVIDER_NAME: names.provider(host),
                  names.GEN_AI_REQUEST_MODEL: model, names.SERVER_ADDRESS: host, names.SERVER_PORT: port}
        common = {key: value for key, value in common.items() if value is not None}
        told = {**common, **_asked(request, stream=stream)}
        if self._settings.record_content:
            told[names.GEN_AI_INPUT_MESSAGES] = prompt(request.messages, self._settings.content_chars)
        return Active(self._tracer, f"chat {model}", SpanKind.CLIENT, told, SpanModelNote(self._recorder, common))

    def tool_call(
        self, name: str, call_id: str | None = None, arguments: Mapping[str, Any] | None = None
    ) -> AbstractContextManager[ToolNote]:
        told = {names.GEN_AI_OPERATION_NAME: names.EXECUTE_TOOL, names.GEN_AI_TOOL_NAME: name[:_NAME_CHARS],
                names.GEN_AI_TOOL_TYPE: "function"}
        if call_id is not None:
            told[names.GEN_AI_TOOL_CALL_ID] = call_id[:_NAME_CHARS]
        if arguments is not None and self._settings.record_content:
            told[names.GEN_AI_TOOL_CALL_ARGUMENTS] = document(arguments, self._settings.content_chars)
        note = SpanToolNote(self._recorder, name[:_NAME_CHARS])
        return Active(self._tracer, f"execute_tool {name[:_NAME_CHARS]}", SpanKind.INTERNAL, told, note)

    def looked_up(self, layer: str, *, hit: bool) -> None:
        self._recorder.to.lookups.add(1, {names.CACHE_LAYER: layer, names.CACHE_HIT: hit})

    def spent(self, usd: float, model: str) -> None:
        self._recorder.to.spend.add(max(0.0, usd), {names.GEN_AI_REQUEST_MODEL: model})

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _TRACE_CONTEXT.inject(carrier)
        return carrier

    def log_handler(self, level: int = logging.INFO) -> logging.Handler:
        from agent.observe.logs import OtelHandler

        return OtelHandler(self._pipeline.loggers, level)

    def flush(self, seconds: float | None = None) -> bool:
        return self._pipeline.flush(seconds)

    def close(self, seconds: float | None = None) -> None:
        self._pipeline.close(seconds)

    def close_on_sigterm(self) -> bool:
        return close_on_sigterm(self.close)

    def install_globally(self) -> None:
        from opentelemetry import metrics, trace
        from opentelemetry._logs import set_logger_provider

        trace.set_tracer_provider(self._pipeline.tracers)
        metrics.set_meter_provider(self._pipeline.meters)
        set_logger_provider(self._pipeline.loggers)

    @property
    def lost(self) -> int:
        """Spans and log records that did not fit or could not be delivered so far."""
        return self._pipeline.lost()


def _context_of(traceparent: str | None, tracestate: str | None) -> Context | None:
    """The caller's context; None (the current one) when there is no caller or its header cannot be read."""
    if not traceparent:
        return None
    carrier = {"traceparent": traceparent.strip(), **({"tracestate": tracestate} if tracestate else {})}
    current = otel_context.get_current()
    found = _TRACE_CONTEXT.extract(carrier, current)
    return None if found is current else found


def _address(server: str | None) -> tuple[str | None, int | None]:
    """Host and port of a base URL; never its user, password or path."""
    try:
        parts = urlsplit(server or "")
        return parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None, None


def _asked(request: Request, *, stream: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        names.GEN_AI_OUTPUT_TYPE: "json" if request.schema else "text", names.GEN_AI_REQUEST_MAX_TOKENS: request.max_output_tokens,
        names.GEN_AI_REQUEST_TEMPERATURE: request.temperature, names.GEN_AI_REQUEST_STREAM: stream or None,
        **{f"{names.PROMPT_DIGEST}{name}": masked(digest, 100) for name, digest in request.digests.items()},
    }
    return {key: value for key, value in told.items() if value is not None}

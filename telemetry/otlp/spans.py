"""Spans of an export request."""

from __future__ import annotations

from typing import Any, get_args

from telemetry.masks import masked
from telemetry.otlp.decoded import Decoded, RefusedError, micros
from telemetry.otlp.values import Origin, hexed, merged, origin_of, pairs
from telemetry.records import Span, SpanKind, SpanStatus

_KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
_STATUS: tuple[SpanStatus, ...] = get_args(SpanStatus)


def spans_of(request: Any) -> Decoded[Span]:
    """Every span of an ``ExportTraceServiceRequest``. A clock that went back leaves a span of no duration."""
    found: Decoded[Span] = Decoded()
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            origin = origin_of(resource.resource, scope.scope)
            for span in scope.spans:
                try:
                    found.records.append(_span(span, origin))
                except RefusedError as refused:
                    found.reasons[str(refused)] += 1
    return found


def _span(span: Any, origin: Origin) -> Span:
    trace, ident = hexed(span.trace_id, 16), hexed(span.span_id, 8)
    if not trace or not ident:
        raise RefusedError("a span needs a trace id of 16 bytes and a span id of 8, not all zeros")
    start = micros(span.start_time_unix_nano, "the start of a span")
    end = micros(span.end_time_unix_nano, "the end of a span") if span.end_time_unix_nano else start
    return Span(
        trace, ident, hexed(span.parent_span_id, 8), origin.service, masked(span.name), start, max(0, end - start),
        _one_of(_KINDS, span.kind), _one_of(_STATUS, span.status.code), masked(span.status.message), origin.pod, origin.node,
        merged(origin, pairs(span.attributes)),
        tuple((e.time_unix_nano // 1000, masked(e.name), pairs(e.attributes)) for e in span.events),
        tuple((linked, hexed(one.span_id, 8)) for one in span.links if (linked := hexed(one.trace_id, 16))))


def _one_of(names: tuple[Any, ...], number: int) -> Any:
    """The name of a number, the first for numbers that later versions may define."""
    return names[number] if 0 <= number < len(names) else names[0]

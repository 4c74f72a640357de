"""Spans and series of live sources as the tables that a result shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.masks import masked, masked_value
from telemetry.models import Result
from telemetry.records import Span
from telemetry.sources.protocols import MetricSeries

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS, _BUCKETS, _DEEP = 300, 40, 30


def _time(micros: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=micros):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def traces_table(spans: Sequence[Span], limit: int) -> Result:
    """One row per trace, the slowest first."""
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    rows: list[list[Any]] = []
    for ident, own in traces.items():
        first = min(own, key=lambda one: (bool(one.parent_id), one.start))
        start, end = min(one.start for one in own), max(one.start + one.duration for one in own)
        failing = sorted({masked(f"{one.service}: {one.operation}") for one in own if one.status == "error"})
        rows.append([ident, _time(start), round((end - start) / 1000, 3), masked(first.service), masked(first.operation), len(own), "; ".join(failing[:5])])
    rows.sort(key=lambda row: -row[2])
    columns = ["trace", "start", "ms", "service", "operation", "spans", "failing"]
    return Result(kind="table", columns=columns, rows=rows[:limit]) if rows else Result(kind="none")


def spans_table(spans: Sequence[Span]) -> Result:
    """One row per span in call order, indented below its parent; spans whose parent is not there stand as roots."""
    known = {one.span_id for one in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda one: (one.start, -one.duration)):
        children.setdefault(span.parent_id if span.parent_id in known and span.parent_id != span.span_id else "", []).append(span)
    rows: list[list[Any]] = []
    left = [(span, 0) for span in reversed(children.get("", []))]
    seen: set[str] = set()
    while left and len(rows) < _SPANS:
        span, deep = left.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        rows.append(_span(span, deep))
        left += [(child, deep + 1) for child in reversed(children.get(span.span_id, []))]
    # Spans that are each other's parents hang on no root.
    rows += [_span(span, 0) for span in spans if span.span_id not in seen][:max(0, _SPANS - len(rows))]
    columns = ["start", "ms", "service", "operation", "kind", "status", "attributes"]
    return Result(kind="table", columns=columns, rows=rows) if rows else Result(kind="none")


def _span(span: Span, deep: int) -> list[Any]:
    said = ", ".join(f"{masked(name)}={masked_value(name, value)[:80]}" for name, value in list(span.attributes.items())[:8])
    status = f"{span.status}: {masked(span.message)}" if span.message else span.status
    return [_time(span.start), round(span.duration / 1000, 3), masked(span.service), "  " * min(deep, _DEEP) + masked(span.operation), span.kind, status, said]


def by_series(series: Sequence[MetricSeries]) -> Result:
    """One row per series: how its values lie."""
    columns = ["series", "view", "unit", "points", "first", "last", "min", "mean", "max", "time of max"]
    rows: list[list[Any]] = [[
        _labels(one), one.view, one.unit, len(one.values), *(float(f"{v:.6g}") for v in (
            one.values[0], one.values[-1], one.values.min(), one.values.mean(), one.values.max())), _time(int(one.times[one.values.argmax()]))]
        for one in series]
    return Result(kind="table", columns=columns, rows=rows) if rows else Result(kind="none")


def over_time(series: Sequence[MetricSeries]) -> Result:
    """Up to 40 points of each series, the mean of each stretch."""
    rows: list[list[Any]] = []
    for one in series:
        width = -(-len(one.values) // _BUCKETS)
        rows += [[_labels(one), _time(int(one.times[at])), float(f"{one.values[at:at + width].mean():.6g}")] for at in range(0, len(one.values), width)]
    return Result(kind="table", columns=["series", "time", "value"], rows=rows) if rows else Result(kind="none")


def _labels(one: MetricSeries) -> str:
    return ", ".join(f"{masked(name)}={masked_value(name, value)}" for name, value in sorted(one.labels.items())) or masked(one.metric)

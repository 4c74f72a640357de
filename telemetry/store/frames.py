"""Spans, metric points and changes as columns of Parquet, and back.

What has no column of its own is JSON text with sorted keys, so that equal attributes are equal texts; buckets are
lists of numbers. Times are ``timestamp[us, UTC]``, durations microseconds. "" stands for nothing in texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from telemetry.records import Change, Distribution, MetricPoint, Span
from telemetry.store.shelves import TIME, RecordKind

if TYPE_CHECKING:
    import polars as pl

Record = Span | MetricPoint | Change
Row = Sequence[Any]
SERIES = ("metric", "service", "pod", "node", "attributes", "kind", "unit", "temporality", "monotonic")
"""What makes two points points of one series."""
NAMED: Mapping[RecordKind, tuple[str, ...]] = {
    "spans": ("service",), "points": ("service", "metric"), "changes": ("service",)}
"""The fields whose values the manifest counts."""
IDENTITY: Mapping[RecordKind, tuple[str, ...]] = {
    "spans": ("trace_id", "span_id"), "points": (*SERIES, "time"), "changes": ("id",)}
"""Records equal in these are one record."""
_SORTED: Mapping[RecordKind, tuple[str, ...]] = {
    "spans": ("start",), "points": ("metric", "service", "pod", "node", "attributes", "time"), "changes": ("time",)}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def schema(kind: RecordKind) -> dict[str, Any]:
    """The columns of a kind and their polars types."""
    import polars as pl

    text, number, real, when = pl.String, pl.Int64, pl.Float64, pl.Datetime("us", "UTC")
    if kind == "spans":
        return {"trace_id": text, "span_id": text, "parent_id": text, "service": text, "operation": text, "start": when,
                "duration": number, "kind": text, "status": text, "message": text, "pod": text, "node": text,
                "attributes": text, "events": text, "links": text}
    if kind == "changes":
        return {"id": text, "time": when, "kind": text, "title": text, "service": text, "namespace": text, "actor": text,
                "version": text, "before": text, "source": text, "ended": when, "attributes": text}
    return {"metric": text, "time": when, "value": real, "kind": text, "unit": text, "temporality": text,
            "monotonic": pl.Boolean, "started": when, "service": text, "pod": text, "node": text, "attributes": text,
            "count": number, "total": real, "low": real, "high": real, "bounds": pl.List(real), "counts": pl.List(number),
            "quantiles": pl.List(real), "exemplars": text}


def row_of(record: Record) -> Row:
    """A record as the values of its columns, all of them numbers, texts, lists of numbers or None."""
    if isinstance(record, Span):
        return _span_row(record)
    return _point_row(record) if isinstance(record, MetricPoint) else _change_row(record)


def to_frame(kind: RecordKind, rows: Sequence[Row]) -> pl.DataFrame:
    """The rows of one kind as a frame, ordered as segments are.

    Characters that UTF-8 does not have (lone surrogates) are written as ``\\ud800``.
    """
    import polars as pl

    columns = dict(zip(schema(kind), zip(*rows, strict=True), strict=True)) if rows else {}
    whole: dict[str, Any] = {name: columns.get(name, ()) for name in schema(kind)}
    try:
        frame = pl.DataFrame(whole, schema=schema(kind), strict=False)
    except UnicodeEncodeError:
        clean = {name: [_clean(v) for v in values] for name, values in whole.items()}
        frame = pl.DataFrame(clean, schema=schema(kind), strict=False)
    return ordered(kind, frame)


def ordered(kind: RecordKind, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in the order of segments: spans and changes by time, points by series and time."""
    return frame.sort(_SORTED[kind], maintain_order=True)


def names_of(kind: RecordKind, frame: pl.DataFrame) -> dict[tuple[str, str], int]:
    """Records per value of the fields that the manifest counts."""
    return {(field, name): count for field in NAMED[kind]
            for name, count in frame[field].value_counts().iter_rows() if name}


def _clean(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _span_row(span: Span) -> Row:
    return (span.trace_id, span.span_id, span.parent_id, span.service, span.operation, span.start, span.duration,
            span.kind, span.status, span.message, span.pod, span.node, pairs_text(span.attributes),
            _encode([(t, n, dict(a)) for t, n, a in span.events]) if span.events else "",
            _encode(span.links) if span.links else "")


def _point_row(point: MetricPoint) -> Row:
    d = point.distribution
    spread = (None,) * 7 if d is None else (
        d.count, d.total, d.low, d.high, list(d.bounds), list(d.counts), [x for pair in d.quantiles for x in pair])
    return (point.metric, point.time, point.value, point.kind, point.unit, point.temporality, point.monotonic,
            point.started, point.service, point.pod, point.node, pairs_text(point.attributes), *spread,
            _encode(point.exemplars) if point.exemplars else "")


def _change_row(change: Change) -> Row:
    return (change.id, change.time, change.kind, change.title, change.service, change.namespace, change.actor,
            change.version, change.before, change.source, change.ended, pairs_text(change.attributes))


def pairs_text(pairs: Mapping[str, str]) -> str:
    """Attributes as they are stored."""
    return _encode(dict(pairs)) if pairs else ""


def pair_texts(name: str, value: str) -> tuple[str, str]:
    """How one attribute begins the stored text, and how it stands behind another: exact, for quotes are escaped."""
    written = _encode({name: value})[1:-1]
    return "{" + written, "," + written


@lru_cache(4096)
def _pairs(text: str) -> Mapping[str, str]:
    return json.loads(text) if text else {}


def pairs_of(text: str) -> dict[str, str]:
    """Attributes from what is stored."""
    return dict(_pairs(text))


def spans_of(frame: pl.DataFrame) -> list[Span]:
    """The rows as spans."""
    return [Span(**{**row, "attributes": pairs_of(row["attributes"]),
                    "events": tuple((t, n, a) for t, n, a in json.loads(row["events"] or "[]")),
                    "links": tuple((t, s) for t, s in json.loads(row["links"] or "[]"))})
            for row in _rows("spans", frame)]


def changes_of(frame: pl.DataFrame) -> list[Change]:
    """The rows as changes."""
    return [Change(**{**row, "attributes": pairs_of(row["attributes"])}) for row in _rows("changes", frame)]


def points_of(frame: pl.DataFrame) -> list[MetricPoint]:
    """The rows as metric points."""
    return [_point(row) for row in _rows("points", frame)]


def exemplars_of(text: str) -> tuple[tuple[int, float, str, str], ...]:
    """(time, value, trace id, span id) from what is stored."""
    return tuple((t, v, trace, span) for t, v, trace, span in json.loads(text or "[]"))


def _point(row: dict[str, Any]) -> MetricPoint:
    count, total, low, high, bounds, counts, quantiles = (
        row.pop(name) for name in ("count", "total", "low", "high", "bounds", "counts", "quantiles"))
    spread = None if count is None else Distribution(
        count, total, tuple(bounds or ()), tuple(counts or ()), low, high, tuple(_two(quantiles or ())))
    return MetricPoint(**{**row, "attributes": pairs_of(row["attributes"]), "distribution": spread,
                          "exemplars": exemplars_of(row["exemplars"])})


def _two(flat: Sequence[float]) -> Iterable[tuple[float, float]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _rows(kind: RecordKind, frame: pl.DataFrame) -> Iterable[dict[str, Any]]:
    import polars as pl

    times = [name for name in (TIME[kind], "started", "ended") if name in frame.columns]
    plain = frame.with_columns(pl.col(times).cast(pl.Int64))
    return plain.select(list(schema(kind))).iter_rows(named=True)

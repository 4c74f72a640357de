"""Metric points of an export request: every kind of the metrics data model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from telemetry.masks import masked
from telemetry.otlp.buckets import MOST, explicit
from telemetry.otlp.decoded import LATEST, Decoded, RefusedError, micros
from telemetry.otlp.values import Origin, hexed, merged, origin_of, pairs
from telemetry.records import Distribution, MetricKind, MetricPoint, Temporality

_TEMPORALITY: dict[int, Temporality] = {1: "delta", 2: "cumulative"}
_NO_VALUE = 1
"""``FLAG_NO_RECORDED_VALUE``: the series has nothing to say at that time."""


def points_of(request: Any) -> Decoded[MetricPoint]:
    """Every point of an ``ExportMetricsServiceRequest`` that has a value."""
    found: Decoded[MetricPoint] = Decoded()
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            origin = origin_of(resource.resource, scope.scope)
            for metric in scope.metrics:
                _metric(metric, origin, found)
    return found


def _metric(metric: Any, origin: Origin, found: Decoded[MetricPoint]) -> None:
    kind: MetricKind | None = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    for point in data.data_points:
        if point.flags & _NO_VALUE:
            continue
        try:
            found.records.append(_point(metric, kind, data, point, origin))
        except RefusedError as refused:
            found.reasons[str(refused)] += 1


def _point(metric: Any, kind: MetricKind, data: Any, point: Any, origin: Origin) -> MetricPoint:
    if not metric.name:
        raise RefusedError("a metric needs a name")
    if kind in {"sum", "histogram", "exponential_histogram"} and data.aggregation_temporality not in _TEMPORALITY:
        raise RefusedError(f"a {kind} needs an aggregation temporality, delta or cumulative")
    temporality = "" if kind == "gauge" else "cumulative" if kind == "summary" else _TEMPORALITY[data.aggregation_temporality]
    spread = None if kind in {"gauge", "sum"} else _distribution(kind, point)
    started = point.start_time_unix_nano // 1000
    return MetricPoint(
        masked(metric.name), micros(point.time_unix_nano, "the time of a point"), _number(point) if spread is None else _mean(spread),
        kind, masked(metric.unit), temporality, kind == "sum" and data.is_monotonic, started if 0 < started < LATEST else None,
        origin.service, origin.pod, origin.node, merged(origin, pairs(point.attributes)), spread,
        tuple(_exemplars(point)) if kind != "summary" else ())


def _number(point: Any) -> float:
    kind = point.WhichOneof("value")
    if kind is None:
        raise RefusedError("a point needs a value")
    return float(getattr(point, kind))


def _mean(spread: Distribution) -> float:
    if not spread.count:
        return 0.0
    return spread.total / spread.count if spread.total is not None else math.nan


def _distribution(kind: MetricKind, point: Any) -> Distribution:
    if point.count >= 1 << 63:
        raise RefusedError("a count is beyond 64 bits with a sign")
    if kind == "summary":
        return Distribution(point.count, point.sum, quantiles=tuple((q.quantile, q.value) for q in point.quantile_values))
    total, low, high = (getattr(point, name) if point.HasField(name) else None for name in ("sum", "min", "max"))
    bounds, counts = explicit(point) if kind == "exponential_histogram" else _buckets(point)
    return Distribution(point.count, total, bounds, counts, low, high)


def _buckets(point: Any) -> tuple[tuple[float, ...], tuple[int, ...]]:
    bounds, counts = tuple(point.explicit_bounds), tuple(point.bucket_counts)
    if not counts and not bounds:
        return (), ()
    if len(counts) != len(bounds) + 1:
        raise RefusedError("a histogram needs one bucket more than it has bounds")
    if len(counts) > MOST or any(n >= 1 << 63 for n in counts):
        raise RefusedError(f"a histogram has more than {MOST} buckets, or a count beyond 64 bits with a sign")
    if not all(a < b for a, b in pairwise(bounds)) or not all(map(math.isfinite, bounds)):
        raise RefusedError("the bounds of a histogram must ascend")
    return bounds, counts


def _exemplars(point: Any) -> Iterator[tuple[int, float, str, str]]:
    """Those that lead to a trace."""
    for one in point.exemplars:
        kind, trace, time = one.WhichOneof("value"), hexed(one.trace_id, 16), one.time_unix_nano // 1000
        if kind and trace and 0 < time < LATEST:
            yield time, float(getattr(one, kind)), trace, hexed(one.span_id, 8)

"""Range vectors of Prometheus as series: joined from several requests, without what is no number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from telemetry.records import Distribution, MetricKind
from telemetry.sources.answers import Trouble, mapping, sequence, words
from telemetry.sources.protocols import MetricSeries, View
from telemetry.sources.remote import SECOND


class Matrix:
    """Series that grow by answer and answer, in the order of their first appearance."""

    def __init__(self, metric: str, kind: MetricKind, view: View, unit: str) -> None:
        self.metric, self.kind, self.view, self.unit = metric, kind, view, unit
        self.dropped = 0
        """Values that were NaN or infinite. Stale markers are no values: servers leave them out."""
        self._found: dict[tuple[tuple[str, str], ...], dict[int, tuple[float, Distribution | None]]] = {}

    @property
    def empty(self) -> bool:
        return not any(self._found.values())

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the ``data`` of an answer. Raises Trouble when it is no range vector."""
        if data.get("resultType") != "matrix":
            raise Trouble(f"the server gave {words(data.get('resultType'))!r} instead of a range of values")
        for one in sequence(data.get("result"), "result"):
            series = mapping(one, "a series")
            labels = {str(k): words(v) for k, v in mapping(series.get("metric") or {}, "metric").items() if k != "__name__"}
            points = self._found.setdefault(tuple(sorted(labels.items())), {})
            for pair in sequence(series.get("values"), "values"):
                time, text = _pair(pair)
                self._put(points, time, _number(text), None)
            for pair in sequence(series.get("histograms"), "histograms"):
                time, body = _pair(pair)
                spread = distribution(mapping(body, "a histogram"))
                mean = spread.total / spread.count if spread.count and spread.total is not None else 0.0
                self._put(points, time, mean, spread)

    def _put(self, points: dict[int, tuple[float, Distribution | None]], time: float, value: float, spread: Distribution | None) -> None:
        if math.isfinite(value):
            points[round(time * SECOND)] = value, spread
        else:
            self.dropped += 1

    def series(self) -> list[MetricSeries]:
        """The series that have values, times ascending."""
        return [self._one(labels, points) for labels, points in self._found.items() if points]

    def _one(self, labels: tuple[tuple[str, str], ...], points: dict[int, tuple[float, Distribution | None]]) -> MetricSeries:
        times = sorted(points)
        spreads = tuple(spread for time in times if (spread := points[time][1]) is not None)
        return MetricSeries(
            self.metric, dict(labels), np.array(times, dtype=np.int64), np.array([points[t][0] for t in times], dtype=np.float64),
            self.kind, self.view, self.unit, spreads if len(spreads) == len(times) else ())


def distribution(found: Mapping[str, Any]) -> Distribution:
    """A native histogram: its buckets ``[rule, low, high, count]``, which are not cumulative."""
    buckets = [sequence(one, "a bucket") for one in sequence(found.get("buckets"), "buckets")]
    parts = sorted((_number(high), _number(low), _number(count)) for _, low, high, count in buckets)
    bounds, counts, edge = [], [], -math.inf
    for high, low, count in parts:
        if low > edge and (edge > -math.inf or math.isfinite(low)):
            bounds.append(low)  # a stretch without values
            counts.append(0)
        bounds.append(high)
        counts.append(round(count))
        edge = high
    if bounds and bounds[-1] == math.inf:
        bounds.pop()
    else:
        counts.append(0)
    return Distribution(round(_number(found.get("count"))), _number(found.get("sum")), tuple(bounds), tuple(counts))


def _pair(value: Any) -> tuple[float, Any]:
    pair = sequence(value, "a point")
    if len(pair) != 2 or not isinstance(pair[0], int | float):
        raise Trouble("the answer is not what was asked for: a point is not [time, value]")
    return float(pair[0]), pair[1]


def _number(text: Any) -> float:
    try:
        return float(words(text))
    except ValueError as error:
        raise Trouble(f"the answer is not what was asked for: {words(text)[:40]!r} is no number") from error

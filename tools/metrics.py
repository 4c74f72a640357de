"""Metric lookup over the store: which series there are, and how one went, before and during."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from telemetry.models import Found, Result
from tools.incident import iso
from tools.log_inputs import Span
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader, SeriesColumns

STEPS = 60
"""Points of a series that are shown; more are averaged."""


class ListInput(Span):
    """Which series."""

    service: str | None = Field(default=None, description="Exact service name; null: all")
    contains: str = Field(default="", description="Text in the metric's name; empty: any")
    limit: int = Field(default=40, ge=1, le=200, description="1 to 200; null: 40")


class SeriesInput(Span):
    """One metric."""

    metric: str = Field(min_length=1, description="Exact name as metrics.list shows it")
    service: str | None = Field(default=None, description="Exact service name; null: all that have it")
    limit: int = Field(default=5, ge=1, le=20, description="Series, 1 to 20; null: 5")


class ExemplarsInput(Span):
    """Single measurements behind a metric."""

    metric: str | None = Field(default=None, description="Exact name as metrics.list shows it; null: all")
    service: str | None = Field(default=None, description="Exact service name; null: all")
    limit: int = Field(default=10, ge=1, le=100, description="1 to 100, the largest values; null: 10")


def metric_tools(records: RecordReader) -> Registry:
    """``metrics.list``, ``metrics.series`` and ``metrics.exemplars``. Without any point on record they are not assessed."""

    def there() -> None:
        if not records.count("points"):
            raise NotAssessed("no metrics are kept here", where="metrics", remedy="send them: oncalm receive, or read them: oncalm import")

    def listed(given: ListInput) -> Outcome:
        there()
        held = [one for one in records.series(given.window(), service=given.service) if given.contains.lower() in one.metric.lower()]
        rows = [[_owner(one), one.metric, _labels(one), one.unit, len(one.times), *_spread(one.values)] for one in held]
        rows.sort(key=lambda row: (str(row[0]), str(row[1]), str(row[2])))
        columns = ["of", "metric", "labels", "unit", "points", "min", "median", "max", "last"]
        return _told(given, columns, rows, given.limit, len(held))

    def series(given: SeriesInput) -> Outcome:
        there()
        held = records.series(given.window(), metric=given.metric, service=given.service)[: given.limit]
        rows = [[_owner(one), _labels(one), iso(time), value] for one in held for time, value in _thinned(one)]
        return _told(given, ["of", "labels", "time", f"{given.metric}{f' ({held[0].unit})' if held and held[0].unit else ''}"], rows, len(rows), len(rows))

    def exemplars(given: ExemplarsInput) -> Outcome:
        there()
        held = records.exemplars(given.window(), given.metric, given.service)
        largest = sorted(held, key=lambda one: (-one.value, one.time))
        rows = [[one.pod or one.service, one.metric, iso(one.time), round(one.value, 6), one.trace_id, one.span_id] for one in largest]
        told = _told(given, ["of", "metric", "time", "value", "trace", "span"], rows, given.limit, len(held))
        return told if rows else replace(told, reason="no measurement of the window names its trace (exporters must send exemplars)")

    return Registry([
        Tool("metrics.exemplars", "Measurements behind a metric that name the trace they were made in, largest first: the way from a slow "
             "or failing point to traces.show.", "read", ExemplarsInput, exemplars, timeout=60.0, freshness="closed_window", tags=("metrics",)),
        Tool("metrics.list", "Which metric series a window holds, with their range. Use it before asking for a series by name.", "read",
             ListInput, listed, timeout=60.0, freshness="closed_window", tags=("metrics",)),
        Tool("metrics.series", "How a metric went over time, by series.", "read", SeriesInput, series, timeout=60.0,
             freshness="closed_window", tags=("metrics",)),
    ])


def _told(given: Span, columns: Sequence[str], rows: list[list[Any]], limit: int, total: int) -> Outcome:
    result = Result(kind="table", columns=list(columns), rows=rows[:limit]) if rows else Result(kind="none")
    found = Found(result=result, total=total, searched=total, window=given.window(), excerpt=[])
    return Outcome(found, query=given.model_dump(mode="json"), reason=None if rows else "no series of this kind has a point in the window")


def _owner(one: SeriesColumns) -> str:
    return one.pod or one.service or one.node


def _labels(one: SeriesColumns) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(one.attributes.items()))[:200]


def _spread(values: Any) -> list[float]:
    return [round(float(value), 6) for value in (values.min(), np.median(values), values.max(), values[-1])]


def _thinned(one: SeriesColumns) -> list[tuple[int, float]]:
    """At most so many points, each the mean of a stretch."""
    step = -(-len(one.times) // STEPS)
    return [(int(one.times[at]), round(float(one.values[at : at + step].mean()), 6)) for at in range(0, len(one.times), step)]

"""PromQL from typed queries, and how far apart the points of an answer are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from telemetry.errors import QueryError
from telemetry.sources.protocols import MetricQuery
from telemetry.sources.remote import SECOND, quoted

POINTS = 11_000
"""A server gives no more points per series at once (``exceeded maximum resolution``)."""
WANTED = 240
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def selector(metric: str, labels: Mapping[str, str]) -> str:
    """``metric{label="value"}``; names of UTF-8 (Prometheus 3) are quoted. Raises QueryError for an empty name."""
    if not metric or len(metric) > 300:
        raise QueryError("a metric needs a name", where="metric")
    for name in labels:
        if not _LABEL.fullmatch(name) and not name.isprintable():
            raise QueryError(f"{name[:60]!r} cannot be a label", where="labels")
    inner = [f"{name if _LABEL.fullmatch(name) else quoted(name)}={quoted(value)}" for name, value in sorted(labels.items())]
    if _METRIC.fullmatch(metric):
        return metric + ("{" + ",".join(inner) + "}" if inner else "")
    return "{" + ",".join([quoted(metric), *inner]) + "}"


def either(metric: str, labels: Mapping[str, str], service: str, names: Sequence[str]) -> str:
    """A selector; with a service one of the labels ``names`` holds it."""
    if not service:
        return selector(metric, labels)
    return " or ".join(selector(metric, {**labels, name: service}) for name in names)


def step_of(query: MetricQuery, scrape: float) -> float:
    """Seconds between points: given, else a round number that gives some :data:`WANTED`, no finer than samples are."""
    if query.step is not None:
        return max(0.001, query.step)
    least = max(scrape / 2, (query.end - query.start) / SECOND / WANTED)
    return float(next((step for step in _STEPS if step >= least), -(-least // 86400) * 86400))


def pieces(start: int, end: int, step: float) -> list[tuple[int, int]]:
    """The (first, last) point in microseconds of each request: a grid that starts at ``start`` and ends before ``end``."""
    width = max(1, round(step * SECOND))
    count = max(0, -(-(end - start) // width))
    return [(start + at * width, start + (min(at + POINTS, count) - 1) * width) for at in range(0, count, POINTS)]


def second(time: int) -> str:
    """A time as the API takes it."""
    return f"{time // SECOND}.{time % SECOND:06}"


def duration(seconds: float) -> str:
    """A duration as PromQL takes it, in milliseconds."""
    return f"{max(1, round(seconds * 1000))}ms"

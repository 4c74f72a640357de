"""Records made for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telemetry.models import Window
from telemetry.records import Change, Distribution, MetricPoint, Span

SECOND = 1_000_000
BASE = 1_790_000_000 * SECOND
ALWAYS = Window()


def at(seconds: float) -> datetime:
    """A moment so many seconds after the tests' beginning."""
    return datetime.fromtimestamp(BASE / SECOND + seconds, UTC)


def span(number: int, parent: int | None = None, *, second: float = 0, **changes: Any) -> Span:
    """A span of trace 1 that lasts a millisecond."""
    given = {"trace_id": f"{1:032x}", "service": "cart", "operation": "GET /cart", "duration": 1000, **changes}
    return Span(span_id=f"{number:016x}", parent_id=f"{parent:016x}" if parent else "", start=BASE + int(second * SECOND), **given)


def gauge(second: float, value: float, **changes: Any) -> MetricPoint:
    """A point of a gauge."""
    return MetricPoint(**{"metric": "memory", "time": BASE + int(second * SECOND), "value": value, "service": "cart", **changes})


def total(second: float, value: float, **changes: Any) -> MetricPoint:
    """A point of a counter since the beginning."""
    counting = {"metric": "requests", "kind": "sum", "temporality": "cumulative", "monotonic": True, "started": BASE - SECOND}
    return gauge(second, value, **{**counting, **changes})


def histogram(second: float, counts: tuple[int, ...], bounds: tuple[float, ...] = (1.0, 2.0), **changes: Any) -> MetricPoint:
    """A point of a cumulative histogram, whose values are all 1."""
    spread = Distribution(sum(counts), float(sum(counts)), bounds, counts)
    given = {"metric": "latency", "kind": "histogram", "temporality": "cumulative", "started": BASE - SECOND, "unit": "ms"}
    return gauge(second, 1.0, **{**given, "distribution": spread, **changes})


def change(ident: str, second: float = 0, **changes: Any) -> Change:
    """A rollout of cart."""
    return Change(**{"id": ident, "time": BASE + int(second * SECOND), "kind": "deploy", "title": "cart v2", "service": "cart", **changes})

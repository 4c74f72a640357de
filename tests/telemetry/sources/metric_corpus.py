"""Metrics that every implementation holds in the contract suite, as remote writes and as records."""

from __future__ import annotations

import math
from collections.abc import Iterator

from telemetry.records import Distribution, MetricPoint
from tests.telemetry.sources.remote_write import STALE, Native, Written

STEP = 15
POINTS = 80
BOUNDS = (0.1, 0.5, 1.0)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def counted(pod: str, at: int) -> float:
    """A counter of two a second; that of pod b begins anew at point 40."""
    return float(30 * (at - 40 if pod == "cart-b" and at >= 40 else at))


def memory(at: int) -> float:
    return math.nan if at == 10 else math.inf if at == 11 else 100.0 + at


def spread(at: int) -> tuple[int, ...]:
    """Per bucket: of ten a point nine lie in (0.1, 0.5] and one in (0.5, 1]."""
    return (0, 9 * at, at, 0)


def written(start: int) -> list[Written]:
    """All series from ``start`` (seconds since 1970) on."""
    times = [(start + STEP * at) * 1000 for at in range(POINTS)]

    def series(name: str, value: list[float | Native], exemplars: list[tuple[int, float, dict[str, str]]] | None = None, **labels: str) -> Written:
        return Written({"__name__": name, "service": "cart", **labels}, list(zip(times, value, strict=False)), exemplars or [])

    found = [series("requests_total", [counted(pod, at) for at in range(POINTS)], pod=pod,
                    exemplars=[(times[7], 0.25, {"trace_id": TRACE, "span_id": "00f067aa0ba902b7"})] if pod == "cart-a" else []) for pod in ("cart-a", "cart-b")]
    found.append(series("memory_bytes", [memory(at) for at in range(POINTS)], pod="cart-a"))
    found.append(series("ended_bytes", [*(float(at) for at in range(20)), STALE]))
    for number, bound in enumerate((*map(str, BOUNDS), "+Inf")):
        found.append(series("latency_seconds_bucket", [float(sum(spread(at)[:number + 1])) for at in range(POINTS)], le=bound))
    found.append(series("latency_seconds_count", [float(10 * at) for at in range(POINTS)]))
    found.append(series("latency_seconds_sum", [4.0 * at for at in range(POINTS)]))
    found.append(series("native_seconds", [Native((at, 9 * at), 13.0 * at) for at in range(POINTS)]))
    return found


def points(start: int) -> Iterator[MetricPoint]:
    """The same as records, as OTLP brings them."""
    begun = (start - STEP) * 1_000_000
    for at in range(POINTS):
        time = (start + STEP * at) * 1_000_000
        for pod in ("cart-a", "cart-b"):
            since = begun if pod == "cart-a" or at < 40 else (start + STEP * 40) * 1_000_000 - 1
            exemplars = ((time, 0.25, TRACE, "00f067aa0ba902b7"),) if (pod, at) == ("cart-a", 7) else ()
            yield MetricPoint("requests_total", time, counted(pod, at), "sum", "", "cumulative", monotonic=True, started=since, service="cart",
                              pod=pod, exemplars=exemplars)
        if math.isfinite(memory(at)):
            yield MetricPoint("memory_bytes", time, memory(at), service="cart", pod="cart-a")
        whole = Distribution(10 * at, 4.0 * at, BOUNDS, spread(at))
        yield MetricPoint("latency_seconds", time, 0.4, "histogram", "s", "cumulative", started=begun, service="cart", distribution=whole)

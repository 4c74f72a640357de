"""The records beyond log lines: spans, metric points and changes, as they are read, kept and handed on.

Times are microseconds since 1970 (UTC), durations microseconds. Names follow OpenTelemetry: ``service`` is
``service.name``, ``pod`` ``k8s.pod.name``, ``node`` ``k8s.node.name``; what has no column of its own is an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
MetricKind = Literal["gauge", "sum", "histogram", "exponential_histogram", "summary"]
Temporality = Literal["", "delta", "cumulative"]
ChangeKind = Literal["deploy", "config", "scale", "flag", "other"]


@dataclass(frozen=True, slots=True)
class Span:
    """One span of a trace. ``parent_id`` is empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    operation: str
    start: int
    duration: int
    kind: SpanKind = "unspecified"
    status: SpanStatus = "unset"
    message: str = ""
    """The status' description."""
    pod: str = ""
    node: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[int, str, Mapping[str, str]], ...] = ()
    """(time, name, attributes): exceptions and what else the span noted."""
    links: tuple[tuple[str, str], ...] = ()
    """(trace id, span id)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The buckets of a histogram point: ``counts[i]`` values lie in ``(bounds[i-1], bounds[i]]``; quantiles of a summary."""

    count: int
    total: float | None = None
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None
    quantiles: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One point of one series. ``value`` is the number of a gauge or sum, and the mean of a distribution."""

    metric: str
    time: int
    value: float
    kind: MetricKind = "gauge"
    unit: str = ""
    temporality: Temporality = ""
    monotonic: bool = False
    started: int | None = None
    """Since when a sum or distribution counts."""
    service: str = ""
    pod: str = ""
    node: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    distribution: Distribution | None = None
    exemplars: tuple[tuple[int, float, str, str], ...] = ()
    """(time, value, trace id, span id)."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something somebody or something changed: a rollout, a setting, a number of replicas, a flag."""

    id: str
    time: int
    kind: ChangeKind
    title: str
    service: str = ""
    namespace: str = ""
    actor: str = ""
    version: str = ""
    before: str = ""
    source: str = ""
    """Where it was learned: ``kubernetes``, ``git``, the name of a feed."""
    ended: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

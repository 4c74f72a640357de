"""What a source of logs, traces or metrics is asked and what it gives: one protocol for each.

Queries and records are plain data. Windows are half-open, ``start <= time < end``, in microseconds since 1970
(UTC). No method raises for what a server does: everything comes back in an :class:`Answer`, which says whether it
is whole. Threads may ask one source at once; ``close`` lets its connections go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from telemetry.records import Distribution, MetricKind, Span

T = TypeVar("T")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Status = Literal["complete", "partial", "failed", "not_assessed"]
View = Literal["raw", "rate", "mean", "quantile"]
"""What the numbers of a series are: as kept, per second, or the mean or a quantile of a histogram."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Records, and how far they can be trusted.

    ``complete``: all that was asked for, also when that is nothing. ``partial``: some of it; what is not here may
    exist. ``failed``: the question was put and not answered. ``not_assessed``: it could not be put, for instance
    because nobody answers there or because of missing permissions. Only ``complete`` is evidence of absence.
    """

    source: str
    status: Status
    records: tuple[T, ...] = ()
    reason: str = ""
    """Why the answer is not complete; empty when it is."""
    remedy: str = ""
    asked: tuple[str, ...] = ()
    """What was put to the server, in order; never with credentials."""
    notes: tuple[str, ...] = ()
    """How the answer was got, where that is not plain: chosen labels, dropped numbers, second attempts."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which log lines; all conditions hold together. ``contains`` ignores case; ``levels`` are those of the store."""

    start: int
    end: int
    service: str = ""
    namespace: str = ""
    pod: str = ""
    contains: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    trace_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Exact values of labels or fields as the server names them."""
    limit: int = 1_000
    newest: bool = False
    """Whether the last lines of the window are wanted when there are more than ``limit``."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record as a server keeps it: ``text`` is the line or message, what else it knows is named."""

    time: int
    text: str
    level: str = ""
    service: str = ""
    namespace: str = ""
    pod: str = ""
    host: str = ""
    trace_id: str = ""
    span_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces: those with a span of the window that meets all conditions. Durations are microseconds."""

    start: int
    end: int
    service: str = ""
    operation: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    failed: bool = False
    """Whether only spans with the status error are meant."""
    limit: int = 20
    """Traces, not spans."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One metric over a window. ``labels`` are exact, as the server names them; ``service`` is found among them.

    Without ``view`` it follows from the kind: rate of a counter, quantile of a histogram, else raw.
    Without ``step`` (seconds) some 240 points are asked for.
    """

    start: int
    end: int
    metric: str
    service: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    view: View | None = None
    quantile: float = 0.95
    step: float | None = None
    limit: int = 1_000
    """Series."""


@dataclass(frozen=True, slots=True, eq=False)
class MetricSeries:
    """One series as columns: ``times`` ascending, ``values`` finite, both of one length; gaps are left out."""

    metric: str
    labels: Mapping[str, str]
    times: Ints
    values: Floats
    kind: MetricKind = "gauge"
    view: View = "raw"
    unit: str = ""
    distributions: tuple[Distribution, ...] = ()
    """Of a native histogram's raw view, one per time."""


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric that a server knows; ``kind`` is empty when it does not say."""

    name: str
    kind: MetricKind | Literal[""] = ""
    unit: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation behind a metric, with the trace it belongs to."""

    metric: str
    labels: Mapping[str, str]
    time: int
    value: float
    trace_id: str
    span_id: str = ""


class Connected(Protocol):
    """What all sources share."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str:
        """What it is: ``loki``, ``prometheus`` …"""
        ...

    def check(self) -> Answer[str]:
        """Whether it can be asked, cheaply; the record says what answered."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class LogSource(Connected, Protocol):
    """Where log lines are."""

    def lines(self, query: LogQuery) -> Answer[LogLine]:
        """The lines in time order, each once; the first ``limit`` of the window or, with ``newest``, the last.

        More lines than the limit make the answer partial.
        """
        ...

    def services(self, start: int, end: int) -> Answer[str]:
        """Names that ``LogQuery.service`` can take, sorted."""
        ...


@runtime_checkable
class TraceSource(Connected, Protocol):
    """Where traces are."""

    def traces(self, query: TraceQuery) -> Answer[Span]:
        """All spans of the traces that the query selects, trace by trace, each in order of start."""
        ...

    def trace(self, trace_id: str) -> Answer[Span]:
        """The spans of one trace; none when there is no such trace."""
        ...

    def services(self, start: int, end: int) -> Answer[str]:
        """Names that ``TraceQuery.service`` can take, sorted."""
        ...


@runtime_checkable
class MetricSource(Connected, Protocol):
    """Where metrics are."""

    def series(self, query: MetricQuery) -> Answer[MetricSeries]:
        """The series of one metric; those without a number in the window are left out."""
        ...

    def metrics(self, start: int, end: int, words: str = "") -> Answer[MetricName]:
        """The metrics of a window whose names hold ``words``, sorted."""
        ...

    def label_sets(self, query: MetricQuery) -> Answer[Mapping[str, str]]:
        """The labels of the series that the query selects."""
        ...

    def exemplars(self, query: MetricQuery) -> Answer[Exemplar]:
        """Observations of the metric that name a trace, in time order."""
        ...

"""The store itself as a source: the logs that were read, and the spans and points that were received or fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from telemetry.errors import OnCalmError, StoreError
from telemetry.models import Filter, Line, Query, Window
from telemetry.records import Span
from telemetry.sources.answers import Gathering, Trouble, gathered
from telemetry.sources.protocols import (
    Answer,
    Exemplar,
    LogLine,
    LogQuery,
    MetricName,
    MetricQuery,
    MetricSeries,
    TraceQuery,
)
from telemetry.store.beyond import RecordReader
from telemetry.store.reader import Reader
from telemetry.store.series import SeriesColumns

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = "store"


def window_of(start: int, end: int) -> Window:
    """A window from microseconds since 1970."""
    return Window(start=_EPOCH + timedelta(microseconds=start), end=_EPOCH + timedelta(microseconds=end))


class _Stored:
    """One home, opened for each question: what was written meanwhile is seen."""

    kind = "store"

    def __init__(self, home: Path, name: str = _NAME) -> None:
        self.home = home
        self.name = name

    def check(self) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            self._there()
            g.records.append(f"the store in {self.home}")

        return gathered(self.name, work)

    def close(self) -> None:
        """Nothing stays open between questions."""

    def _there(self) -> None:
        if not (self.home / "manifest.db").exists():
            raise Trouble("the store holds nothing yet", status="not_assessed", remedy="run: oncalm ingest PATH")

    def _gather(self, asked: object, work: Callable[[Gathering[T]], None]) -> Answer[T]:
        def tried(g: Gathering[T]) -> None:
            g.ask(str(asked))
            self._there()
            try:
                work(g)
            except StoreError as error:
                raise Trouble(error.what, remedy=error.remedy) from error
            except OnCalmError as error:
                raise Trouble(str(error)) from error

        return gathered(self.name, tried)


class StoredLogs(_Stored):
    """Log lines of files, pipes and OTLP, as the store keeps them: the pipeline's whole lines."""

    def lines(self, query: LogQuery) -> Answer[LogLine]:
        def work(g: Gathering[LogLine]) -> None:
            reader = Reader(self.home)
            try:
                filters = _filters(reader, query)
                found = reader.run(Query(operation="last" if query.newest else "first", window=window_of(query.start, query.end), filters=filters, limit=query.limit))
                lines = sorted((one for one in found.result.lines or [] if one.time), key=lambda one: (one.time or _EPOCH, one.id))
                g.records += [_line(one, query) for one in lines]
                if found.total > len(lines):
                    g.gap(f"there are more lines than the limit of {query.limit}: {found.total}")
            finally:
                reader.close()

        return self._gather(query, work)

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            reader = Reader(self.home)
            try:
                found = reader.run(Query(operation="top", field="service", window=window_of(start, end), limit=1000))
                g.records += sorted(str(row[0]) for row in found.result.rows or [] if row[0])
            finally:
                reader.close()

        return self._gather("services", work)


def _filters(reader: Reader, query: LogQuery) -> tuple[Filter, ...]:
    """The conditions. Raises Trouble, not assessed, for a field that no record has."""
    named = {**query.fields, **({"namespace": query.namespace} if query.namespace else {})}
    found = [Filter(field="host", op="eq", value=query.pod)] if query.pod else []  # records have their pod as host
    for name, value in named.items():
        ref = name if reader.knows(name) else f"param:{name}"
        if not reader.knows(ref):
            raise Trouble(f"no stored record has a field {name[:60]!r}", status="not_assessed")
        found.append(Filter(field=ref, op="eq", value=value))
    found += [Filter(field="service", op="eq", value=query.service)] if query.service else []
    found += [Filter(field="level", op="in", value=query.levels)] if query.levels else []
    found += [Filter(field="text", op="icontains", value=text) for text in query.contains]
    return (*found, *([Filter(field="trace_id", op="eq", value=query.trace_id)] if query.trace_id else []))


def _line(line: Line, query: LogQuery) -> LogLine:
    assert line.time is not None  # noqa: S101 - a window has dated records only
    micros = (line.time - _EPOCH) // timedelta(microseconds=1)
    return LogLine(micros, line.text, line.level or "", line.service or "", host=line.host or "", trace_id=query.trace_id,
                   fields={"source": line.source, "line_no": str(line.line_no)})


class StoredTraces(_Stored):
    """Spans of the store."""

    def traces(self, query: TraceQuery) -> Answer[Span]:
        def work(g: Gathering[Span]) -> None:
            with RecordReader(self.home) as reader:
                hits = reader.spans(
                    window_of(query.start, query.end), (query.service,) if query.service else (), query.operation or None, None,
                    query.least, query.most, errors_only=query.failed, attributes=query.attributes)
                idents = list(dict.fromkeys(span.trace_id for span in hits))
                if len(idents) > query.limit:
                    g.gap(f"there are more traces than the limit of {query.limit}")
                for ident in idents[:query.limit]:
                    g.records += sorted(reader.spans(Window(), trace_id=ident), key=lambda one: (one.start, -one.duration))

        return self._gather(query, work)

    def trace(self, trace_id: str) -> Answer[Span]:
        def work(g: Gathering[Span]) -> None:
            with RecordReader(self.home) as reader:
                found = reader.spans(Window(), trace_id=trace_id.strip().lower())
                g.records += sorted(found, key=lambda one: (one.start, -one.duration))

        return self._gather(trace_id, work)

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            with RecordReader(self.home) as reader:
                g.records += sorted(name for name in reader.services("spans") if name)

        return self._gather("services", work)


class StoredMetrics(_Stored):
    """Metric points of the store; :mod:`telemetry.store.series` says how they become series."""

    def series(self, query: MetricQuery) -> Answer[MetricSeries]:
        def work(g: Gathering[MetricSeries]) -> None:
            if query.step is not None:
                g.note("points are given where they are stored: the step has no effect")
            with RecordReader(self.home) as reader:
                found = _viewed(reader, query)
            if len(found) > query.limit:
                g.gap(f"there are more series than the limit of {query.limit}")
            g.records += found[:query.limit]

        return self._gather(query, work)

    def metrics(self, start: int, end: int, words: str = "") -> Answer[MetricName]:
        def work(g: Gathering[MetricName]) -> None:
            with RecordReader(self.home) as reader:
                g.records += [MetricName(name) for name in sorted(reader.metrics()) if words.lower() in name.lower()]

        return self._gather(words, work)

    def label_sets(self, query: MetricQuery) -> Answer[Mapping[str, str]]:
        def work(g: Gathering[Mapping[str, str]]) -> None:
            with RecordReader(self.home) as reader:
                found = {tuple(sorted(labels_of(one).items())) for one in _columns(reader, query)}
            g.records += [dict(one) for one in sorted(found)[:query.limit]]
            if len(found) > query.limit:
                g.gap(f"there are more series than the limit of {query.limit}")

        return self._gather(query, work)

    def exemplars(self, query: MetricQuery) -> Answer[Exemplar]:
        def work(g: Gathering[Exemplar]) -> None:
            with RecordReader(self.home) as reader:
                found = reader.exemplars(window_of(query.start, query.end), query.metric, query.service or None, query.limit)
            g.records += [Exemplar(e.metric, {"service": e.service, "pod": e.pod}, e.time, e.value, e.trace_id, e.span_id) for e in found]

        return self._gather(query, work)


def _columns(reader: RecordReader, query: MetricQuery, suffix: str = "") -> list[SeriesColumns]:
    wanted = dict(query.labels)
    return reader.series(
        window_of(query.start, query.end), query.metric + suffix, query.service or wanted.pop("service", None), pod=wanted.pop("pod", None),
        node=wanted.pop("node", None), attributes=wanted)


def _viewed(reader: RecordReader, query: MetricQuery) -> list[MetricSeries]:
    """The stored name, or of a distribution the part that shows the view. Raises Trouble for a view that is not kept."""
    found = [one for one in _columns(reader, query) if one.metric == query.metric]
    if found:
        natural = {"sum": "rate"}.get(found[0].kind, "raw")
        if query.view is not None and query.view != natural:
            raise Trouble(f"the store gives {query.metric} as {natural} only", status="not_assessed", remedy="leave view out")
        return [_series(one, query, natural) for one in found]
    suffix = {"rate": ".rate", "mean": ".mean", "raw": ".rate"}.get(query.view or "", f".p{query.quantile * 100:g}")
    shown = "rate" if suffix == ".rate" else "mean" if suffix == ".mean" else "quantile"
    return [_series(one, query, shown) for one in _columns(reader, query, suffix)]


def _series(one: SeriesColumns, query: MetricQuery, view: str) -> MetricSeries:
    shown = view if view in {"raw", "rate", "mean", "quantile"} else "raw"
    return MetricSeries(query.metric, labels_of(one), one.times, one.values, one.kind, shown, one.unit)  # type: ignore[arg-type] # one of the four


def labels_of(one: SeriesColumns) -> dict[str, str]:
    """The labels of a stored series: its attributes, and who it is of."""
    own = {"service": one.service, "pod": one.pod, "node": one.node}
    return {**{name: value for name, value in own.items() if value}, **one.attributes}

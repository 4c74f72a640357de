"""Reading spans, metric points and changes: as records, and as arrays for the signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from telemetry.errors import StoreError
from telemetry.models import Window
from telemetry.records import Change, MetricPoint, Span
from telemetry.store import version
from telemetry.store.frames import IDENTITY, changes_of, exemplars_of, pair_texts, points_of, schema, spans_of
from telemetry.store.guard import reading
from telemetry.store.manifest import Manifest
from telemetry.store.selection import micros
from telemetry.store.shelves import KINDS, TIME, RecordKind, RecordSegment, counted, listed

if TYPE_CHECKING:
    import polars as pl

    from telemetry.columns import Spans
    from telemetry.store.series import SeriesColumns

EARLIER = 600_000_000
"""Ten minutes: how far before the window is looked for where counting stood, and around it for parents of spans."""
NO_ATTRIBUTES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A measurement that led to a trace. ``time`` in microseconds (UTC)."""

    metric: str
    service: str
    pod: str
    time: int
    value: float
    trace_id: str
    span_id: str


class RecordReader:
    """A consistent view of the records beyond logs, as they were when opened. No file of it is removed before
    :meth:`close`. Raises StoreError without a home, and where a segment is damaged."""

    def __init__(self, home: Path) -> None:
        version.check(home)
        self.home = home
        self._held = ExitStack()
        manifest = Manifest(home)
        try:
            self._held.enter_context(reading(home))
            self._segments = {kind: listed(manifest.db, kind) for kind in KINDS}
            self._services = {kind: counted(manifest.db, "service", kind) for kind in KINDS}
            self._metrics = counted(manifest.db, "metric")
        except BaseException:
            self._held.close()
            raise
        finally:
            manifest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the files go."""
        self._held.close()

    def extent(self, kind: RecordKind) -> tuple[int, int] | None:
        """First and last time of a kind, microseconds since 1970; None without records."""
        found = self._segments[kind]
        return (min(s.first for s in found), max(s.last for s in found)) if found else None

    def count(self, kind: RecordKind) -> int:
        """Records of a kind as stored; duplicates count."""
        return sum(s.rows for s in self._segments[kind])

    def services(self, kind: RecordKind | None = None) -> dict[str, int]:
        """Records per service, of one kind or of all, most first; duplicates count."""
        found: dict[str, int] = {}
        for one in (kind,) if kind else KINDS:
            for name, count in self._services[one].items():
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items(), key=lambda x: (-x[1], x[0])))

    def metrics(self) -> dict[str, int]:
        """Points per metric, most first; duplicates count."""
        return dict(self._metrics)

    def spans(
        self, window: Window, services: Sequence[str] = (), operation: str | None = None, trace_id: str | None = None,
        min_duration: int | None = None, max_duration: int | None = None, errors_only: bool = False,  # noqa: FBT001, FBT002 - a filter among filters
        attributes: Mapping[str, str] = NO_ATTRIBUTES, limit: int | None = None, order: Literal["time", "slowest"] = "time",
    ) -> list[Span]:
        """Spans that start in the window and meet every condition; durations in microseconds, both ends included.

        ``attributes`` must all be there with these values. The earliest come first, or with ``slowest`` the longest.
        """
        import polars as pl

        where = [pl.col("service").is_in(list(services))] if services else []
        where += [pl.col("operation") == operation] if operation is not None else []
        where += [pl.col("trace_id") == trace_id] if trace_id is not None else []
        where += [pl.col("duration") >= min_duration] if min_duration is not None else []
        where += [pl.col("duration") <= max_duration] if max_duration is not None else []
        where += [pl.col("status") == "error"] if errors_only else []
        where += [_has(name, value) for name, value in attributes.items()]
        slowest, key = order == "slowest", "duration" if order == "slowest" else "start"
        frame = self._first(_bounds(window), where, key, limit, descending=slowest)
        return spans_of(frame if limit is None else frame.head(limit))

    def _first(
        self, bounds: tuple[int | None, int | None], where: list[pl.Expr], key: str, limit: int | None, *, descending: bool,
    ) -> pl.DataFrame:
        """Spans in order of a column, at least ``limit`` of them. Of many only those that may be among the first are read whole."""
        import polars as pl

        several = 2 * limit + 10 if limit is not None else 0  # some may be duplicates
        values = self._read("spans", bounds, where, columns=[key], once=False)[key] if several else None
        if values is not None and len(values) > 4 * several:
            edge = (values.top_k(several).min() if descending else values.bottom_k(several).max())
            near = pl.col(key) >= edge if descending else pl.col(key) <= edge
            frame = self._read("spans", bounds, [*where, near]).sort(key, descending=descending, maintain_order=True)
            if limit is not None and len(frame) >= limit:
                return frame
        return self._read("spans", bounds, where).sort(key, descending=descending, maintain_order=True)

    def span_columns(self, window: Window, *, ids: bool = True) -> Spans:
        """All spans that start in the window, as arrays; with ``ids`` each row's trace and span id, to cite."""
        from telemetry.store.span_columns import COLUMNS, span_columns

        low, high = _bounds(window)
        around = (low and low - EARLIER, high and high + EARLIER)
        return span_columns(self._read("spans", around, columns=COLUMNS, once=False), low, high, ids=ids, selves=self.services())

    def points(
        self, window: Window, metric: str | None = None, service: str | None = None, limit: int | None = None,
    ) -> list[MetricPoint]:
        """Metric points as they came, in time order."""
        frame = self._read("points", _bounds(window), _equal(metric=metric, service=service))
        frame = frame.sort("time", maintain_order=True)
        return points_of(frame if limit is None else frame.head(limit))

    def series(
        self, window: Window, metric: str | None = None, service: str | None = None, *, pod: str | None = None,
        node: str | None = None, attributes: Mapping[str, str] = NO_ATTRIBUTES,
    ) -> list[SeriesColumns]:
        """Series of numbers (:class:`telemetry.store.series.SeriesColumns` says what becomes of each kind).

        ``metric``: the stored name, or one that a distribution gives (``NAME.p95``).
        """
        import polars as pl

        from telemetry.store.series import series_of, wanted

        where = _equal(service=service, pod=pod, node=node)
        if metric is not None:
            names = [name for name in self._metrics if metric == name or metric.startswith(name + ".")]
            where.append(pl.col("metric").is_in(names))
        where += [_has(name, value) for name, value in attributes.items()]
        low, high = _bounds(window)
        columns = [name for name in schema("points") if name != "exemplars"]
        frame = self._read("points", (low and low - EARLIER, high), where, columns, once=False)
        return wanted(series_of(frame, low, high), metric)

    def exemplars(
        self, window: Window, metric: str | None = None, service: str | None = None, limit: int | None = None,
    ) -> list[Exemplar]:
        """Measurements of the window that name a trace, in time order."""
        import polars as pl

        low, high = _bounds(window)
        where = [*_equal(metric=metric, service=service), pl.col("exemplars") != ""]
        columns = ("metric", "service", "pod", "exemplars")
        frame = self._read("points", (low, high and high + EARLIER), where, columns=columns, once=False)  # a point comes after what it shows
        found = {Exemplar(name, of, pod, *exemplar) for name, of, pod, text in frame.iter_rows() for exemplar in exemplars_of(text)}
        inside = [e for e in found if (low is None or e.time >= low) and (high is None or e.time < high)]
        return sorted(inside, key=lambda e: (e.time, e.metric, e.trace_id, e.span_id))[:limit]

    def changes(self, window: Window, service: str | None = None) -> list[Change]:
        """Changes that began in the window, in time order."""
        frame = self._read("changes", _bounds(window), _equal(service=service))
        return changes_of(frame.sort("time", "id", maintain_order=True))

    def _read(
        self, kind: RecordKind, bounds: tuple[int | None, int | None], where: Sequence[pl.Expr] = (),
        columns: Sequence[str] | None = None, *, once: bool = True,
    ) -> pl.DataFrame:
        """The rows of a kind within bounds, duplicates taken out when ``once``, the first stored one kept."""
        import polars as pl

        low, high = bounds
        chosen = [s for s in self._segments[kind] if s.overlaps(low, high)]
        if not chosen:
            empty = pl.DataFrame(schema=schema(kind))
            return empty.select(columns) if columns else empty
        time = pl.col(TIME[kind]).cast(pl.Int64)
        partly = not all((low is None or s.first >= low) and (high is None or s.last < high) for s in chosen)
        sides = [*([time >= low] if low is not None else []), *([time < high] if high is not None else [])]
        conditions = [*(sides if partly else []), *where]
        try:
            scan = pl.scan_parquet([self.home / s.path for s in chosen], hive_partitioning=False)
            scan = scan.filter(*conditions) if conditions else scan
            frame = (scan.select(columns) if columns else scan).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self._damage(chosen, error) from error
        return frame.unique(IDENTITY[kind], keep="first", maintain_order=True) if once else frame

    def _damage(self, segments: Sequence[RecordSegment], error: Exception) -> StoreError:
        broken = [s for s in segments if not reads(self.home, s)]
        where = self.home / broken[0].path if broken else self.home
        return StoreError(f"a segment is damaged or missing: {error}", where=str(where),
                          remedy="run: oncalm doctor --repair (sets it aside so that the rest can be read)")


def reads(home: Path, segment: RecordSegment) -> bool:
    """Whether a segment's file can be read whole."""
    import polars as pl

    try:
        return len(pl.read_parquet(home / segment.path)) == segment.rows
    except (pl.exceptions.PolarsError, OSError):
        return False


def _bounds(window: Window) -> tuple[int | None, int | None]:
    return (micros(window.start) if window.start else None, micros(window.end) if window.end else None)


def _equal(**named: str | None) -> list[pl.Expr]:
    import polars as pl

    return [pl.col(name) == value for name, value in named.items() if value is not None]


def _has(name: str, value: str) -> pl.Expr:
    """Whether the attributes hold this pair."""
    import polars as pl

    first, later = pair_texts(name, value)
    return pl.col("attributes").str.starts_with(first) | pl.col("attributes").str.contains(later, literal=True)

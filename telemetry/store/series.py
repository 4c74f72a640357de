"""Metric points as series of numbers: gauges as they are, sums as rates, distributions as rate, mean and quantiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from telemetry.records import MetricKind
from telemetry.store.buckets import QUANTILES, quantiles, rebucket
from telemetry.store.frames import SERIES, pairs_of
from telemetry.store.rates import UNKNOWN, Flags, Floats, Ints, Stretch, rates

if TYPE_CHECKING:
    import polars as pl

_SPREAD = ("histogram", "exponential_histogram", "summary")
NAMES = tuple(f"p{share * 100:g}" for share in QUANTILES)


@dataclass(frozen=True, slots=True)
class SeriesColumns:
    """One series of one metric. ``times`` ascends (microseconds, UTC), ``values`` are of the same length and finite.

    Cumulative sums are rates per second, delta sums are divided by their time; both have ``/s`` behind their unit.
    A distribution ``NAME`` gives ``NAME.rate``, ``NAME.mean`` and ``NAME.p50`` ``NAME.p95`` ``NAME.p99``, of what was
    added since the point before; a summary the quantiles that it states.
    """

    metric: str
    unit: str
    kind: MetricKind
    times: Ints
    values: Floats
    service: str = ""
    pod: str = ""
    node: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A frame sorted by series and time, without duplicates; ``starts`` are the series' first rows."""

    frame: pl.DataFrame
    """What differs from point to point."""
    heads: pl.DataFrame
    """What names a series, a row for each."""
    stored: Ints
    """Where each series begins in the store: their order, whatever their hashes."""
    stretch: Stretch
    starts: Ints
    inside: Flags
    """Which points lie in the window; those before it only say where counting stood."""

    def are(self, column: str, value: str | bool) -> Flags:  # noqa: FBT001 - a value of a column
        """Of which points a column of the heads has this value."""
        widths = np.diff(np.append(self.starts, len(self.inside)))
        same: Flags = np.repeat((self.heads[column] == value).to_numpy(), widths)
        return same


def series_of(frame: pl.DataFrame, low: int | None, high: int | None) -> list[SeriesColumns]:
    """Every series of the frame with its values at ``low <= time < high``; series without any are left out.

    The frame may begin earlier, so that the first rates of the window are known.
    """
    import polars as pl

    spread = pl.col("kind").is_in(_SPREAD)
    plain, spreads = frame.select(*SERIES, "time", "value", "started").filter(~spread), frame.filter(spread)
    found = list(_plain(_sort(plain, low, high))) if len(plain) else []
    return found + (list(_spreads(_sort(spreads, low, high))) if len(spreads) else [])


def _sort(frame: pl.DataFrame, low: int | None, high: int | None) -> _Sorted:
    import polars as pl

    key = frame.select(SERIES).hash_rows(*np.random.SeedSequence().generate_state(1).tolist()).to_numpy()
    times = frame["time"].cast(pl.Int64).to_numpy()
    order = np.lexsort((times, key))
    key, times = key[order], times[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (key[1:] != key[:-1]) | (times[1:] != times[:-1])
    order, key, times = order[fresh], key[fresh], times[fresh]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = key[1:] != key[:-1]
    heads, stored = frame.select(SERIES)[order[first]], order[first]
    frame = frame.drop([name for name in SERIES if name != "kind"])[order]
    inside = np.ones(len(order), dtype=np.bool_)
    inside &= times >= low if low is not None else True
    inside &= times < high if high is not None else True
    started = frame["started"].cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
    return _Sorted(frame, heads, stored, Stretch(times, started, first), np.flatnonzero(first), inside)


def _plain(points: _Sorted) -> Iterator[SeriesColumns]:
    """Gauges and sums. A cumulative sum that may fall (a queue's length) is a level, and stays as it is."""
    values, delta, whole = points.frame["value"].to_numpy(), points.are("temporality", "delta"), points.are("monotonic", value=True)
    rated = points.are("kind", "sum") & (delta | whole)
    values = np.where(rated, rates(points.stretch, values, delta=delta, whole=whole), values)
    for one, at in _split(points, values):
        yield replace(one, unit=_per_second(one.unit)) if rated[at] else one


def _per_second(unit: str) -> str:
    return f"{unit or '1'}/s"


def _split(points: _Sorted, values: Floats, only: Flags | None = None) -> Iterator[tuple[SeriesColumns, int]]:
    """The series of the frame with those of their values that are known, and the row where each begins."""
    kept = np.flatnonzero(points.inside & np.isfinite(values) & (True if only is None else only))
    edges = np.searchsorted(kept, np.append(points.starts, len(values)))
    filled = np.flatnonzero(edges[1:] > edges[:-1])
    filled = filled[np.argsort(points.stored[filled])]
    times, values = points.stretch.times[kept], values[kept]
    rows = points.heads[filled].iter_rows()
    for number, (metric, service, pod, node, attributes, kind, unit, _, _) in zip(filled.tolist(), rows, strict=True):
        part = slice(int(edges[number]), int(edges[number + 1]))
        yield (SeriesColumns(metric, unit, kind, times[part], values[part], service, pod, node, pairs_of(attributes)),
               int(points.starts[number]))


def _spreads(points: _Sorted) -> Iterator[SeriesColumns]:
    """Histograms of both kinds and summaries."""
    frame = points.frame
    delta, summary = points.are("temporality", "delta"), points.are("kind", "summary")
    counts = _Counts(points, delta)
    added, total = counts.added(), counts.change(frame["total"].to_numpy().astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        named = {"rate": added / points.stretch.spans(delta=delta, reset=counts.reset), "mean": total / added}
    shares = counts.quantiles()
    for name, values in named.items():
        for one, _ in _split(points, values):
            yield replace(one, metric=f"{one.metric}.{name}", unit=_per_second("") if name == "rate" else one.unit)
    for number, name in enumerate(NAMES):
        for one, _ in _split(points, shares[:, number], ~summary):
            yield replace(one, metric=f"{one.metric}.{name}")
    yield from _stated(points, summary)


def _stated(points: _Sorted, summary: Flags) -> Iterator[SeriesColumns]:
    """The quantiles that summaries state."""
    rows = np.flatnonzero(summary)
    if not len(rows):
        return
    by_share: dict[float, Floats] = {}
    for row, flat in zip(rows.tolist(), points.frame["quantiles"].gather(rows).to_list(), strict=True):
        for share, value in zip((flat or ())[::2], (flat or ())[1::2], strict=True):
            by_share.setdefault(share, np.full(len(summary), np.nan))[row] = value
    for share, values in sorted(by_share.items()):
        for one, _ in _split(points, values):
            yield replace(one, metric=f"{one.metric}.p{share * 100:g}")


class _Counts:
    """What distributions counted since the point before."""

    def __init__(self, points: _Sorted, delta: Flags) -> None:
        self._points, self._delta = points, delta
        frame, stretch = points.frame, points.stretch
        self._count = frame["count"].to_numpy().astype(np.float64)
        self._before = stretch.before()
        self._high = np.where(delta, frame["high"].to_numpy().astype(np.float64), np.nan)
        """The largest value of what a point added; of a cumulative one only that since its start is known."""
        self._geometric = points.are("kind", "exponential_histogram")
        self._counts, self._widths = _flat(frame["counts"])
        self._bounds, widths = _flat(frame["bounds"])
        self._from = np.cumsum(self._widths) - self._widths
        self._bounds_from = np.cumsum(widths) - widths
        self._bounds_widths = widths
        self.reset = ~delta & ~stretch.first & (stretch.restarted() | (self._count < self._count[self._before]))

    def change(self, values: Floats) -> Floats:
        """How much a cumulative number grew; NaN for a series' first."""
        alone = self._delta | self.reset
        found = np.where(alone, values, values - values[self._before])
        found[self._points.stretch.first & ~self._delta] = np.nan
        return found

    def added(self) -> Floats:
        return self.change(self._count)

    def quantiles(self) -> Floats:
        """(points, quantiles) of what each point added."""
        import polars as pl

        found = np.full((len(self._count), len(QUANTILES)), np.nan)
        fitting = (self._widths > 1) & (self._widths == self._bounds_widths + 1)
        known = fitting & (self._delta | ~self._points.stretch.first) & self._points.inside
        like = self._points.frame.select("bounds", "kind", pl.col("counts").list.len()).hash_rows().to_numpy()
        same = self._delta | self.reset | (like == like[self._before])
        order = np.flatnonzero(known & same)
        order = order[np.argsort(like[order], kind="stable")]
        for rows in np.split(order, np.flatnonzero(np.diff(like[order].view(np.int64))) + 1):
            if len(rows):
                found[rows] = self._of(rows, self._bounds_of(rows[0]), self._added(rows))
        for row in np.flatnonzero(known & ~same & fitting[self._before]).tolist():
            found[row] = self._moved(row)
        return found

    def _of(self, rows: Ints, bounds: Floats, counts: Floats) -> Floats:
        return quantiles(bounds, counts, geometric=bool(self._geometric[rows[0]]), high=self._high[rows])

    def _added(self, rows: Ints) -> Floats:
        """Bucket counts of rows that all have the same bounds. A bucket that fell says that counting began again."""
        places = np.arange(self._widths[rows[0]])
        now = self._counts[self._from[rows][:, None] + places]
        alone = self._delta[rows] | self.reset[rows]
        earlier = np.where(alone, rows, self._before[rows])
        change = now - self._counts[self._from[earlier][:, None] + places]
        added: Floats = np.where((alone | (change < 0).any(axis=1))[:, None], now, change)
        return added

    def _bounds_of(self, row: int) -> Floats:
        begin = self._bounds_from[row]
        return self._bounds[begin:begin + self._bounds_widths[row]]

    def _moved(self, row: int) -> Floats:
        """The buckets were other ones at the point before: both are counted under all bounds of the two."""
        before = int(self._before[row])
        bounds = np.union1d(self._bounds_of(before), self._bounds_of(row))
        now, last = (rebucket(self._bounds_of(n), self._counts[self._from[n]:self._from[n] + self._widths[n]], bounds)
                     for n in (row, before))
        shares: Floats = self._of(np.array([row]), bounds, np.maximum(now - last, 0.0)[None, :])[0]
        return shares


def _flat(lists: pl.Series) -> tuple[Floats, Ints]:
    """The numbers of all lists one after the other, and how many each list has."""
    import polars as pl

    widths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    filled = lists.filter(pl.Series(widths > 0))
    numbers: Floats = filled.explode().to_numpy().astype(np.float64)
    return numbers, widths


def wanted(series: Sequence[SeriesColumns], metric: str | None) -> list[SeriesColumns]:
    """The series of a metric: of its own name, or one of those a distribution gives."""
    if metric is None:
        return list(series)
    exact = [one for one in series if one.metric == metric]
    return exact or [one for one in series if one.metric.rpartition(".")[0] == metric]



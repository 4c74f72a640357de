"""Writing, compacting and sweeping the Parquet files of the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.durable import sync_folder
from telemetry.errors import StoreError
from telemetry.store.guard import remove
from telemetry.store.manifest import Manifest, Segment, add_segments, sum_up
from telemetry.store.parquet import write_parquet
from telemetry.store.table import UNKNOWN, Coded, Column, Numbers, Table, Times, stack
from telemetry.texts import Texts

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

DENSE = 20_000
"""Records from which an hour (else a day) gets a file of its own; sparser stretches share one file."""
FOLDER = "records"
TALLY = ("key_id", "level", "service", "host", "logger", "source")
HOUR = 3_600_000_000
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Written:
    """A segment on disk, not yet listed, with its tallies per key and constant field."""

    segment: Segment
    tallies: list[tuple[Any, ...]]


def write(home: Path, table: Table) -> list[Written]:
    """Write ``table`` as segments partitioned by day and hour. Every file is durable on return."""
    order = _order(table)
    times = table.times()[order]
    written = [_write_one(home, table.take(order[rows]), folder) for folder, rows in _partitions(times)]
    for folder in {(home / one.segment.path).parent for one in written}:
        sync_folder(folder)
    return written


def _order(table: Table) -> Ints:
    """Sort by key, then time (unknown ones last), then as read."""
    import numpy as np

    keys, times = _integers(table, "key_id"), table.times()
    keys = keys - keys.min()
    if keys.max() < 65_536:
        keys = keys.astype(np.uint16)  # numpy sorts these by counting
    times = np.where(times == UNKNOWN, np.iinfo(np.int64).max, times)
    if (times[1:] >= times[:-1]).all():
        return np.argsort(keys, kind="stable")
    return np.lexsort((times, keys))


def _integers(table: Table, name: str) -> Ints:
    column = table.columns[name]
    assert isinstance(column, Numbers)  # noqa: S101 - of every table of records
    return column.values


def _partitions(times: Ints) -> Iterator[tuple[str, Ints | slice]]:
    """Folders, and which rows go there."""
    import numpy as np

    known = times != UNKNOWN
    hours = times // HOUR
    left = np.ones(len(times), dtype=bool)
    for unit, values in ((HOUR, hours), (DAY, times // DAY)):
        distinct, counts = np.unique(values[left & known], return_counts=True)
        if len(distinct) == 1 and left.all() and known.all() and (unit == HOUR or counts[0] >= DENSE):
            yield _folder(int(distinct[0]) * unit, hourly=unit == HOUR), slice(None)
            return
        for value in distinct[counts >= DENSE].tolist():
            rows = np.flatnonzero((values == value) & left & known)
            left[rows] = False
            yield _folder(value * unit, hourly=unit == HOUR), rows
    if left.any():
        days = np.unique(times[left & known] // DAY, return_counts=True)[0]  # without counts it loads numpy.ma
        folder = _folder(int(days[0]) * DAY, hourly=False) if len(days) == 1 else "day=mixed/hour=mixed"
        yield folder, np.flatnonzero(left)


def _folder(micros: int, *, hourly: bool) -> str:
    when = datetime.fromtimestamp(micros // 1_000_000, UTC)
    return f"day={when:%Y-%m-%d}/hour={format(when, '%H') if hourly else 'mixed'}"


def _write_one(home: Path, table: Table, folder: str) -> Written:
    name = f"{FOLDER}/{folder}/{os.urandom(16).hex()}.parquet"
    final = home / name
    partial = final.with_suffix(".partial")
    table = Table({n: c for n, c in table.columns.items() if not (_slot(n) and _empty(c))}, table.rows)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            write_parquet(stream, table)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(final)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"a segment could not be written: {error}", where=str(final),
            remedy="free disk space or choose another --home, then run the same command again: "
            "it goes on where it stopped",
        ) from error
    times = table.times()
    known = times[times != UNKNOWN]
    first, last = (int(known.min()), int(known.max())) if len(known) else (None, None)
    slots = [slot for name in table.columns if (slot := _slot(name))]
    segment = Segment(name, table.rows, final.stat().st_size, first, last, table.rows - len(known), max(slots, default=0))
    return Written(segment, _tallies(table))


def _slot(name: str) -> int:
    """One more than the number of a variable's column, 0 for other columns."""
    return int(name[1:]) + 1 if name[0] == "p" and name[1:].isdigit() else 0


def _empty(column: Column) -> bool:
    return isinstance(column, Texts) and not column.known().any()


def _tallies(table: Table) -> list[tuple[Any, ...]]:
    """Count the rows per (key, level, service, host, logger, source), with the first and last time."""
    import numpy as np

    group = np.zeros(table.rows, dtype=np.int64)
    for name in TALLY:
        group = _finer(group, table.columns[name])
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    times = table.times()[order]
    late = np.where(times == UNKNOWN, np.iinfo(np.int64).max, times)
    firsts, lasts = np.minimum.reduceat(late, starts).tolist(), np.maximum.reduceat(times, starts).tolist()
    counts = np.diff(starts, append=table.rows).tolist()
    labels = [_labels(table.columns[name], order[starts]) for name in TALLY]
    spans = [(None, None) if last == UNKNOWN else (first, last) for first, last in zip(firsts, lasts, strict=True)]
    return [(*label, count, *span) for *label, count, span in zip(*labels, counts, spans, strict=True)]


def _finer(group: Ints, column: Column) -> Ints:
    """Split groups by a column; numbers stay small enough for the next one."""
    import numpy as np

    assert isinstance(column, (Numbers, Coded))  # noqa: S101 - the others are not tallied
    codes = column.codes + 1 if isinstance(column, Coded) else column.values - column.values.min()
    size = int(codes.max()) + 1
    if size == 1:
        return group
    if int(group.max()) * size > 2**60:
        group = np.unique(group, return_inverse=True)[1]
    return group * size + codes


def _labels(column: Column, rows: Ints) -> list[Any]:
    if isinstance(column, Coded):
        names = (*column.values, None)
        return [names[code] for code in column.codes[rows].tolist()]
    assert isinstance(column, Numbers)  # noqa: S101 - as above
    return list(column.values[rows].tolist())


def sweep(manifest: Manifest) -> int:
    """Remove files that no manifest row lists: the remains of a killed writer, and what readers held on to.

    Returns how many went; none while someone reads.
    """
    listed = {manifest.home / s.path for _, s in manifest.segments()}
    found = [p for p in (manifest.home / FOLDER).rglob("*") if p.is_file() and p not in listed]
    return remove(manifest.home, found) if found else 0


def compact(manifest: Manifest, *, least: int = 16) -> int:
    """Merge small segments when at least ``least`` have gathered. Returns how many were merged.

    A damaged segment stays as it is: it is ``oncalm doctor``'s.
    """
    small = [(i, s) for i, s in manifest.segments() if s.rows < DENSE]
    chosen: list[tuple[int, Segment]] = []
    for item in small:
        if sum(s.rows for _, s in chosen) + item[1].rows > 10 * DENSE:
            break
        chosen.append(item)
    if len(chosen) < least:
        return 0
    import polars as pl  # only now: most ingests have nothing to merge, and loading it takes a tenth of a second

    tables = []
    for item in list(chosen):
        try:
            tables.append(to_table(pl.read_parquet(manifest.home / item[1].path)))
        except (pl.exceptions.PolarsError, OSError):
            chosen.remove(item)
    if len(chosen) < 2:
        return 0
    written = write(manifest.home, stack(tables))
    with manifest.transaction() as db:
        add_segments(db, [(w.segment, w.tallies) for w in written])
        unlist(db, [i for i, _ in chosen])
    remove(manifest.home, [manifest.home / segment.path for _, segment in chosen])
    return len(chosen)


def to_table(frame: pl.DataFrame) -> Table:
    """The records of a segment that was read, as they are written."""
    return Table({name: _column(frame[name]) for name in frame.columns}, len(frame))


def _column(series: pl.Series) -> Column:
    import numpy as np
    import polars as pl

    if series.name == "ts":
        return Times(series.cast(pl.Int64).fill_null(UNKNOWN).to_numpy())
    if series.dtype != pl.String:
        return Numbers(series.to_numpy())
    if series.name not in TALLY:
        return Texts.of(series.cast(pl.Binary).to_list())
    place: dict[str, int] = {}
    codes = [-1 if v is None else place.setdefault(v, len(place)) for v in series.to_list()]
    return Coded(np.array(codes, dtype=np.int32), tuple(place))


def unlist(db: Any, ids: list[int]) -> None:
    """Take segments off the list, inside the caller's transaction; their files stay."""
    db.executemany("DELETE FROM segments WHERE id = ?", ((i,) for i in ids))
    db.executemany("DELETE FROM tallies WHERE segment = ?", ((i,) for i in ids))
    if ids:
        sum_up(db)

"""Writing spans, metric points and changes: durable files first, then their listing, all or nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Self

from telemetry.durable import sync_folder
from telemetry.errors import StoreError
from telemetry.records import Change, MetricPoint, Span
from telemetry.store import version
from telemetry.store.frames import IDENTITY, Row, names_of, ordered, row_of, to_frame
from telemetry.store.guard import remove
from telemetry.store.manifest import Manifest
from telemetry.store.shelves import (
    KINDS,
    TIME,
    Names,
    RecordKind,
    RecordSegment,
    delist,
    enlist,
    listed,
    prepare,
    sweep_records,
)

if TYPE_CHECKING:
    import polars as pl

BATCH = 250_000
"""Records of a kind that are gathered before they are written; a segment has about as many at most."""
SMALL = 20_000
"""Segments with fewer records are merged when many have gathered."""
LEAST = 16
GROUP = 65_536
LATEST = 4_102_444_800_000_000
"""2100-01-01: a time beyond is a unit taken for another one."""

Written = tuple[RecordSegment, Names]
Also = Callable[[sqlite3.Connection], None]


class RecordWriter:
    """Owns the writer's lock of one home (or works under that of an open ``manifest``); nothing counts before
    :meth:`commit`. Left by an exception, or without a commit, what was added is forgotten."""

    def __init__(self, home: Path, *, manifest: Manifest | None = None) -> None:
        """Raises WriterBusyError when another process writes, StoreError when the home cannot be used."""
        version.check(home)
        self.home = home
        self._own = manifest is None
        self.manifest = Manifest(home, write=True) if manifest is None else manifest
        version.stamp(self.manifest.db)
        prepare(self.manifest.db)
        sweep_records(self.manifest)
        self._waiting: dict[RecordKind, list[Row]] = {kind: [] for kind in KINDS}
        self._written: list[Written] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the lock go. What was not committed is swept by the next writer."""
        if self._own:
            self.manifest.close()

    def add_spans(self, spans: Sequence[Span]) -> None:
        """Add spans. Raises StoreError for a start or duration that no clock shows."""
        for span in spans:
            _check(span.start, "span", span.span_id)
            if not 0 <= span.duration <= LATEST:
                raise StoreError(f"a span lasts {span.duration} microseconds", where=span.span_id,
                                 remedy="give durations in microseconds, none below 0")
        self.add_rows("spans", list(map(row_of, spans)))

    def add_points(self, points: Sequence[MetricPoint]) -> None:
        """Add metric points. Raises StoreError for a time that no clock shows."""
        for point in points:
            _check(point.time, "point", point.metric)
        self.add_rows("points", list(map(row_of, points)))

    def add_changes(self, changes: Sequence[Change]) -> None:
        """Add changes. Raises StoreError for a time that no clock shows."""
        for change in changes:
            _check(change.time, "change", change.id)
        self.add_rows("changes", list(map(row_of, changes)))

    def add_rows(self, kind: RecordKind, rows: Sequence[Row]) -> None:
        """Add records as :func:`telemetry.store.frames.row_of` writes them."""
        self._waiting[kind] += rows
        if len(self._waiting[kind]) >= BATCH:
            self._write(kind)

    def commit(self, also: Also = lambda _: None) -> int:
        """Make durable what was added, together with what ``also`` writes to the manifest; returns the records."""
        for kind in KINDS:
            self._write(kind)
        written, self._written = self._written, []
        with self.manifest.transaction() as db:
            enlist(db, written)
            also(db)
        return sum(segment.rows for segment, _ in written)

    def forget(self) -> None:
        """Drop what was added since the last commit."""
        self._waiting, self._written = {kind: [] for kind in KINDS}, []

    def compact(self, *, least: int = LEAST) -> int:
        """Merge small segments when at least ``least`` of a kind have gathered; returns how many were merged."""
        return sum(_compact(self.manifest, kind, least) for kind in KINDS)

    def _write(self, kind: RecordKind) -> None:
        rows, self._waiting[kind] = self._waiting[kind], []
        if rows:
            self._written += write_records(self.home, kind, to_frame(kind, rows))


def _check(time: int, what: str, name: str) -> None:
    if not 0 < time < LATEST:
        raise StoreError(f"a {what} has the time {time}, which is no time in microseconds since 1970", where=name,
                         remedy="check the unit of the times")


def write_records(home: Path, kind: RecordKind, frame: pl.DataFrame) -> list[Written]:
    """Write a frame as one segment per UTC day; every file is durable on return, none is listed."""
    import polars as pl

    days = frame.with_columns(day=pl.col(TIME[kind]).dt.date()).partition_by("day", as_dict=True, include_key=False)
    written = [_write_one(home, kind, part, f"{kind}/day={day[0]}") for day, part in sorted(days.items(), key=str)]
    for folder in {(home / segment.path).parent for segment, _ in written}:
        for path in (folder, folder.parent, home):
            sync_folder(path)
    return written


def _write_one(home: Path, kind: RecordKind, frame: pl.DataFrame, folder: str) -> Written:
    import polars as pl

    name = f"{folder}/{os.urandom(16).hex()}.parquet"
    final = home / name
    partial = final.with_suffix(".partial")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            frame.write_parquet(stream, compression="zstd", compression_level=1, row_group_size=GROUP)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(final)
    except (OSError, pl.exceptions.PolarsError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(f"a segment could not be written: {error}", where=str(final),
                         remedy="free disk space or choose another --home, then run the same command again") from error
    times = frame[TIME[kind]].cast(pl.Int64)
    first, last = _number(times.min()), _number(times.max())
    return RecordSegment(kind, name, len(frame), final.stat().st_size, first, last), names_of(kind, frame)


def _number(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 - a written frame has rows, and each a time
    return value


def _compact(manifest: Manifest, kind: RecordKind, least: int) -> int:
    """Merge the small segments of each day of which there are enough, without their duplicates; damaged ones stay."""
    days: dict[str, list[RecordSegment]] = {}
    for segment in listed(manifest.db, kind):
        if segment.rows < SMALL:
            days.setdefault(str(PurePath(segment.path).parent), []).append(segment)
    return sum(_merge(manifest, kind, list(_fitting(small))) for small in days.values() if len(small) >= least)


def _merge(manifest: Manifest, kind: RecordKind, chosen: list[RecordSegment]) -> int:
    import polars as pl

    frames = []
    for segment in list(chosen):
        try:
            frames.append(pl.read_parquet(manifest.home / segment.path))
        except (pl.exceptions.PolarsError, OSError):
            chosen.remove(segment)
    if len(chosen) < 2:
        return 0
    whole = pl.concat(frames).unique(IDENTITY[kind], keep="first", maintain_order=True)
    written = write_records(manifest.home, kind, ordered(kind, whole))
    with manifest.transaction() as db:
        enlist(db, written)
        delist(db, chosen)
    remove(manifest.home, [manifest.home / s.path for s in chosen])
    return len(chosen)


def _fitting(segments: Sequence[RecordSegment]) -> Iterator[RecordSegment]:
    """As many as make one segment."""
    rows = 0
    for segment in segments:
        rows += segment.rows
        if rows > BATCH:
            return
        yield segment

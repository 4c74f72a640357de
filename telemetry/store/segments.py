"""Writing, compacting, expiring and sweeping the Parquet files of the store."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telemetry.errors import StoreError
from telemetry.store.manifest import Manifest, Segment, add_segments, sum_up

if TYPE_CHECKING:
    import polars as pl

DENSE = 20_000
"""Records from which an hour (else a day) gets a file of its own; sparser stretches share one file."""
FOLDER = "records"
TALLY = ("key_id", "level", "service", "host", "logger", "source")


@dataclass(frozen=True, slots=True)
class Written:
    """A segment on disk, not yet listed, with its tallies per key and constant field."""

    segment: Segment
    tallies: list[tuple[Any, ...]]


def write(home: Path, frame: pl.DataFrame) -> list[Written]:
    """Write ``frame`` as segments partitioned by day and hour. Every file is durable on return."""
    return [_write_one(home, part, folder) for folder, part in _partitions(frame)]


def _partitions(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    import polars as pl

    frame = frame.sort("key_id", "ts", "id", nulls_last=True)
    stamped = frame.with_columns(_hour=pl.col("ts").dt.truncate("1h"))
    hours = stamped.group_by("_hour").agg(n=pl.len()).sort("_hour")
    if len(hours) == 1 and hours["_hour"][0] is not None:
        return [(_folder(hours["_hour"][0], hourly=True), frame)]
    dense_hours = hours.filter((pl.col("n") >= DENSE) & pl.col("_hour").is_not_null())["_hour"]
    parts = [
        (_folder(hour, hourly=True), stamped.filter(pl.col("_hour") == hour).drop("_hour"))
        for hour in dense_hours
    ]
    rest = stamped.filter(~pl.col("_hour").is_in(dense_hours.implode()) | pl.col("_hour").is_null())
    rest = rest.with_columns(_day=pl.col("_hour").dt.truncate("1d"))
    days = rest.group_by("_day").agg(n=pl.len()).sort("_day")
    dense_days = days.filter((pl.col("n") >= DENSE) & pl.col("_day").is_not_null())["_day"]
    for day in dense_days:
        part = rest.filter(pl.col("_day") == day).drop("_hour", "_day")
        parts.append((_folder(day, hourly=False), part))
    rest = rest.filter(~pl.col("_day").is_in(dense_days.implode()) | pl.col("_day").is_null())
    if len(rest):
        known = rest["_day"].drop_nulls().unique()
        folder = _folder(known[0], hourly=False) if len(known) == 1 else "day=mixed/hour=mixed"
        parts.append((folder, rest.drop("_hour", "_day")))
    return parts


def _folder(when: Any, *, hourly: bool) -> str:
    return f"day={when:%Y-%m-%d}/hour={format(when, '%H') if hourly else 'mixed'}"


def _write_one(home: Path, frame: pl.DataFrame, folder: str) -> Written:
    import polars as pl

    name = f"{FOLDER}/{folder}/{uuid.uuid4().hex}.parquet"
    final = home / name
    partial = final.with_suffix(".partial")
    empty = [c for c in frame.columns if c[0] == "p" and c[1:].isdigit() and frame[c].null_count() == len(frame)]
    frame = frame.drop(empty)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(partial, compression="zstd", compression_level=1, row_group_size=65_536)
        _sync(partial)
        partial.rename(final)
        _sync(final.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(
            f"a segment could not be written: {error}", where=str(final),
            remedy="free disk space or choose another --home, then run the same command again: "
            "it goes on where it stopped",
        ) from error
    times = frame["ts"].cast(pl.Int64)
    slots = [int(c[1:]) + 1 for c in frame.columns if c[0] == "p" and c[1:].isdigit()]
    segment = Segment(
        name, len(frame), final.stat().st_size, _whole(times.min()), _whole(times.max()),
        times.null_count(), max(slots, default=0),
    )
    stamp = pl.col("ts").cast(pl.Int64)
    tallies = frame.group_by(*TALLY).agg(rows=pl.len(), first=stamp.min(), last=stamp.max()).rows()
    return Written(segment, tallies)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(manifest: Manifest) -> int:
    """Remove files that no manifest row lists: the remains of a killed writer. Returns how many."""
    listed = {manifest.home / s.path for _, s in manifest.segments()}
    removed = 0
    for path in (manifest.home / FOLDER).rglob("*"):
        if path.is_file() and path not in listed:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def compact(manifest: Manifest, *, least: int = 16) -> int:
    """Merge small segments when at least ``least`` have gathered. Returns how many were merged."""
    import polars as pl

    small = [(i, s) for i, s in manifest.segments() if s.rows < DENSE]
    chosen: list[tuple[int, Segment]] = []
    for item in small:
        if sum(s.rows for _, s in chosen) + item[1].rows > 10 * DENSE:
            break
        chosen.append(item)
    if len(chosen) < least:
        return 0
    frames = [pl.read_parquet(manifest.home / s.path) for _, s in chosen]
    written = write(manifest.home, pl.concat(frames, how="diagonal"))
    with manifest.transaction() as db:
        add_segments(db, [(w.segment, w.tallies) for w in written])
        unlist(db, [i for i, _ in chosen])
    for _, segment in chosen:
        (manifest.home / segment.path).unlink(missing_ok=True)
    return len(chosen)


def expire(manifest: Manifest, *, before: int | None = None, max_bytes: int | None = None) -> int:
    """Drop whole segments whose newest record is older than ``before`` (µs), then the oldest ones until
    at most ``max_bytes`` remain. Returns how many records went."""
    segments = manifest.segments()
    gone = [(i, s) for i, s in segments if before is not None and s.last is not None and s.last < before]
    if max_bytes is not None:
        rest = sorted((x for x in segments if x not in gone), key=lambda x: (x[1].last or 0, x[0]))
        total = sum(s.bytes for _, s in rest)
        for item in rest:
            if total <= max_bytes:
                break
            gone.append(item)
            total -= item[1].bytes
    with manifest.transaction() as db:
        unlist(db, [i for i, _ in gone])
    for _, segment in gone:
        (manifest.home / segment.path).unlink(missing_ok=True)
    return sum(s.rows for _, s in gone)


def unlist(db: Any, ids: list[int]) -> None:
    """Take segments off the list, inside the caller's transaction; their files stay."""
    db.executemany("DELETE FROM segments WHERE id = ?", ((i,) for i in ids))
    db.executemany("DELETE FROM tallies WHERE segment = ?", ((i,) for i in ids))
    if ids:
        sum_up(db)

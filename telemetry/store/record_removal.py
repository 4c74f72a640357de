"""Taking records beyond logs out of the store, by age, by size, or because their file is damaged."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.errors import StoreError
from telemetry.store.guard import remove
from telemetry.store.manifest import Manifest
from telemetry.store.record_reader import reads
from telemetry.store.record_writer import write_records
from telemetry.store.removal import expire
from telemetry.store.segments import sweep
from telemetry.store.shelves import TIME, RecordSegment, delist, enlist, listed, prepare, sweep_records


def retain(manifest: Manifest, *, before: int | None, max_bytes: int | None) -> int:
    """Drop all records, of logs and beyond, older than ``before`` (µs), then the segments that end first until at most
    ``max_bytes`` remain. Returns how many records went."""
    prepare(manifest.db)
    sweep(manifest)
    sweep_records(manifest)
    gone = expire(manifest, before=before)
    gone += _by_age(manifest, before) if before is not None else 0
    if max_bytes is None:
        return gone
    ends: list[tuple[int, int, RecordSegment | None]] = [(s.last or 0, s.bytes, None) for _, s in manifest.segments()]
    ends += [(s.last, s.bytes, s) for s in listed(manifest.db)]
    left, logs = sum(size for _, size, _ in ends), sum(s.bytes for _, s in manifest.segments())
    going: list[RecordSegment] = []
    for _, size, segment in sorted(ends, key=lambda x: x[0]):
        if left <= max_bytes:
            break
        left -= size
        logs -= size if segment is None else 0
        going += [segment] if segment else []
    return gone + _drop(manifest, going) + expire(manifest, max_bytes=logs)


def _by_age(manifest: Manifest, before: int) -> int:
    old = [s for s in listed(manifest.db) if s.first < before]
    whole = [s for s in old if s.last < before]
    gone = _drop(manifest, whole)
    return gone + sum(_cut(manifest, s, before) for s in old if s not in whole)


def _cut(manifest: Manifest, segment: RecordSegment, before: int) -> int:
    """Write a segment again without what is too old."""
    import polars as pl

    path = manifest.home / segment.path
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoreError(f"a segment is damaged or missing: {error}", where=str(path),
                         remedy="run: oncalm doctor --repair (sets it aside so that the rest can be used)") from error
    kept = frame.filter(pl.col(TIME[segment.kind]).cast(pl.Int64) >= before)
    written = write_records(manifest.home, segment.kind, kept)
    with manifest.transaction() as db:
        enlist(db, written)
        delist(db, [segment])
    remove(manifest.home, [path])
    return len(frame) - len(kept)


def _drop(manifest: Manifest, segments: Sequence[RecordSegment]) -> int:
    with manifest.transaction() as db:
        delist(db, segments)
    remove(manifest.home, [manifest.home / s.path for s in segments])
    return sum(s.rows for s in segments)


def damaged(manifest: Manifest) -> list[RecordSegment]:
    """The segments whose files are missing or do not read."""
    return [s for s in listed(manifest.db) if not reads(manifest.home, s)]


def set_aside(manifest: Manifest, segments: Sequence[RecordSegment]) -> None:
    """Take damaged segments off the list and their files into the folder ``damaged``."""
    with manifest.transaction() as db:
        delist(db, segments)
    for segment in segments:
        path = manifest.home / segment.path
        if path.exists():
            aside = manifest.home / "damaged" / f"{segment.kind}-{path.name}"
            aside.parent.mkdir(exist_ok=True)
            path.rename(aside)

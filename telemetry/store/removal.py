"""Taking records out of the store, by age, by size or by source: segments that keep others are written again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry.errors import StoreError
from telemetry.store.guard import remove
from telemetry.store.manifest import Manifest, Segment, SourceRow, add_segments, put_source
from telemetry.store.segments import to_table, unlist, write

if TYPE_CHECKING:
    import polars as pl


def read_segment(manifest: Manifest, segment: Segment) -> pl.DataFrame:
    """Read a whole segment. Raises StoreError when it is damaged or missing."""
    import polars as pl

    path = manifest.home / segment.path
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoreError(f"a segment is damaged or missing: {error}", where=str(path),
                         remedy="run: oncalm doctor --repair (sets it aside so that the rest can be used)") from error


def keep_only(
    manifest: Manifest, chosen: list[tuple[int, Segment]], kept: pl.Expr, source: SourceRow | None = None
) -> int:
    """Write ``chosen`` segments again with the records for which ``kept`` holds; returns how many went.

    In one transaction, together with ``source``, when given: how far that source counts as read.
    """
    frames = [(ident, segment, read_segment(manifest, segment)) for ident, segment in chosen]
    rest = [(ident, segment, frame.filter(kept)) for ident, segment, frame in frames]
    changed = [(ident, segment, frame) for ident, segment, frame in rest if len(frame) < segment.rows]
    written = [w for _, _, frame in changed if len(frame) for w in write(manifest.home, to_table(frame))]
    with manifest.transaction() as db:
        add_segments(db, [(w.segment, w.tallies) for w in written])
        unlist(db, [ident for ident, _, _ in changed])
        if source:
            put_source(db, source)
    remove(manifest.home, [manifest.home / segment.path for _, segment, _ in changed])
    return sum(segment.rows - len(frame) for _, segment, frame in changed)


def drop_from(manifest: Manifest, source: SourceRow) -> int:
    """Take a source back to what ``source`` says: the records of its later lines go. Returns how many."""
    import polars as pl

    holds = manifest.db.execute("SELECT DISTINCT segment FROM tallies WHERE source = ?", (source.id,))
    idents = {int(ident) for (ident,) in holds}
    later = (pl.col("source") == source.id) & (pl.col("line_no") > source.lines)
    chosen = [(i, s) for i, s in manifest.segments() if i in idents and _holds(manifest, s, later)]
    return keep_only(manifest, chosen, ~later, source)


def _holds(manifest: Manifest, segment: Segment, wanted: pl.Expr) -> bool:
    import polars as pl

    try:
        found = pl.scan_parquet(manifest.home / segment.path).filter(wanted).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError):
        return False  # damaged: doctor tells, reading on must not fail
    return bool(found)


def expire(manifest: Manifest, *, before: int | None = None, max_bytes: int | None = None) -> int:
    """Drop every record older than ``before`` (µs), then the segments that end first until at most
    ``max_bytes`` remain. Records without a time are never too old. Returns how many records went.

    A segment that straddles ``before`` is written again without its older records.
    """
    import polars as pl

    gone = 0
    if before is not None:
        old = [(i, s) for i, s in manifest.segments() if s.first is not None and s.first < before]
        whole = [(i, s) for i, s in old if s.undated == 0 and s.last is not None and s.last < before]
        gone += _drop(manifest, whole)
        kept = pl.col("ts").is_null() | (pl.col("ts").cast(pl.Int64) >= before)
        for item in old:
            gone += keep_only(manifest, [item], kept) if item not in whole else 0
    if max_bytes is not None:
        rest = sorted(manifest.segments(), key=lambda x: (x[1].last or 0, x[0]))
        total = sum(s.bytes for _, s in rest)
        leave = []
        for item in rest:
            if total <= max_bytes:
                break
            leave.append(item)
            total -= item[1].bytes
        gone += _drop(manifest, leave)
    return gone


def _drop(manifest: Manifest, chosen: list[tuple[int, Segment]]) -> int:
    with manifest.transaction() as db:
        unlist(db, [i for i, _ in chosen])
    remove(manifest.home, [manifest.home / segment.path for _, segment in chosen])
    return sum(s.rows for _, s in chosen)

"""Where segments of spans, metric points and changes are listed: two more tables of the manifest.

They lie beside the log segments, one folder per kind, and follow the same rule: a file counts once it is listed.
A home without these tables holds no such records; it opens all the same.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from telemetry.store.guard import remove
from telemetry.store.manifest import Manifest

RecordKind = Literal["spans", "points", "changes"]
KINDS: tuple[RecordKind, ...] = get_args(RecordKind)
TIME: Mapping[RecordKind, str] = {"spans": "start", "points": "time", "changes": "time"}
"""The column that orders the records of a kind."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record_segments (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS record_names (
  segment INTEGER NOT NULL, field TEXT NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS record_names_segment ON record_names (segment);
"""


@dataclass(frozen=True, slots=True)
class RecordSegment:
    """One Parquet file of one kind; ``first`` and ``last`` are microseconds since 1970 (UTC)."""

    kind: RecordKind
    path: str
    rows: int
    bytes: int
    first: int
    last: int
    id: int = 0
    """Given when it is listed."""

    def overlaps(self, low: int | None, high: int | None) -> bool:
        """Whether it may hold records with ``low <= time < high``; None leaves a side open."""
        return (low is None or self.last >= low) and (high is None or self.first < high)


Names = Mapping[tuple[str, str], int]
"""Records per (field, name): ``("service", "cart")``, ``("metric", "http.server.duration")``."""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables in a manifest that is open for writing."""
    db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")


def prepared(db: sqlite3.Connection) -> bool:
    """Whether the manifest has the tables."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'record_segments'").fetchone() is not None


def listed(db: sqlite3.Connection, kind: RecordKind | None = None) -> list[RecordSegment]:
    """The segments that count, in the order they were listed."""
    if not prepared(db):
        return []
    rows = db.execute("SELECT kind, path, rows, bytes, first, last, id FROM record_segments ORDER BY id")
    return [found for row in rows if (found := RecordSegment(*row)).kind == kind or kind is None]


def enlist(db: sqlite3.Connection, segments: Iterable[tuple[RecordSegment, Names]]) -> None:
    """List segments with their names, inside the caller's transaction."""
    for segment, names in segments:
        cursor = db.execute(
            "INSERT INTO record_segments (kind, path, rows, bytes, first, last) VALUES (?,?,?,?,?,?)",
            (segment.kind, segment.path, segment.rows, segment.bytes, segment.first, segment.last))
        db.executemany("INSERT INTO record_names VALUES (?,?,?,?)",
                       [(cursor.lastrowid, field, name, rows) for (field, name), rows in names.items()])


def delist(db: sqlite3.Connection, segments: Sequence[RecordSegment]) -> None:
    """Take segments off the list, inside the caller's transaction; their files stay."""
    db.executemany("DELETE FROM record_segments WHERE id = ?", [(s.id,) for s in segments])
    db.executemany("DELETE FROM record_names WHERE segment = ?", [(s.id,) for s in segments])


def counted(db: sqlite3.Connection, field: str, kind: RecordKind | None = None) -> dict[str, int]:
    """Stored records per name of a field, commonest first; duplicates count."""
    if not prepared(db):
        return {}
    found: Counter[str] = Counter()
    rows = db.execute("SELECT kind, name, n.rows FROM record_names n JOIN record_segments s ON s.id = n.segment "
                      "WHERE field = ?", (field,))
    for of, name, count in rows:
        found[name] += count if kind in {None, of} else 0
    return {name: count for name, count in sorted(found.items(), key=lambda x: (-x[1], x[0])) if count}


def sweep_records(manifest: Manifest) -> int:
    """Remove files that no row lists: what a killed writer left, and what readers held on to."""
    known = {manifest.home / s.path for s in listed(manifest.db)}
    found = [path for kind in KINDS for path in (manifest.home / kind).rglob("*") if path.is_file() and path not in known]
    return remove(manifest.home, found) if found else 0

"""The manifest: one SQLite database that names segments, keys, templates and how far each source was read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any

from telemetry.durable import hold
from telemetry.errors import StoreError

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sources (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, device INTEGER, inode INTEGER, head TEXT NOT NULL,
  head_size INTEGER NOT NULL, offset INTEGER NOT NULL, lines INTEGER NOT NULL, state TEXT NOT NULL,
  tail TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS segments (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  first INTEGER, last INTEGER, undated INTEGER NOT NULL, slots INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, text TEXT NOT NULL, slots TEXT NOT NULL, example TEXT NOT NULL,
  template TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS templates (
  id TEXT PRIMARY KEY, pattern TEXT NOT NULL, display TEXT NOT NULL, params TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tallies (
  segment INTEGER NOT NULL, key INTEGER NOT NULL, level TEXT, service TEXT, host TEXT, logger TEXT,
  source INTEGER NOT NULL, rows INTEGER NOT NULL, first INTEGER, last INTEGER);
CREATE INDEX IF NOT EXISTS tallies_segment ON tallies (segment);
CREATE TABLE IF NOT EXISTS totals (
  key INTEGER NOT NULL, level TEXT, service TEXT, host TEXT, logger TEXT, rows INTEGER NOT NULL, first INTEGER,
  last INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS totals_group ON totals (
  key, ifnull(level, char(0)), ifnull(service, char(0)), ifnull(host, char(0)), ifnull(logger, char(0)));
"""
_TALLIED = (
    "SELECT key, level, service, host, logger, sum(rows), min(first), max(last) FROM tallies {} GROUP BY 1, 2, 3, 4, 5"
)
_AT_ONCE = 50
_ADD_TOTALS = f"""
INSERT INTO totals {_TALLIED}
ON CONFLICT (key, ifnull(level, char(0)), ifnull(service, char(0)), ifnull(host, char(0)), ifnull(logger, char(0)))
DO UPDATE SET rows = rows + excluded.rows,
  first = min(ifnull(first, excluded.first), ifnull(excluded.first, first)),
  last = max(ifnull(last, excluded.last), ifnull(excluded.last, last))
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Parquet file of records; ``first`` and ``last`` are microseconds since 1970 (UTC) or None."""

    path: str
    rows: int
    bytes: int
    first: int | None
    last: int | None
    undated: int
    slots: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """How far one source was read: ``offset`` decompressed bytes, ``lines`` lines, and its clock's state."""

    id: int
    path: str
    device: int
    inode: int
    head: str
    head_size: int
    offset: int
    lines: int
    state: dict[str, Any]
    tail: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A distinct masked message. ``slots`` are (type, name) of the columns p0, p1 …; ``words`` are the
    (name, value) pairs that its template makes variable and this key holds constant."""

    id: int
    text: str
    slots: tuple[tuple[str, str], ...]
    example: str
    template: str = ""
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template as kept: ``params`` are (name, type) pairs in order of appearance."""

    id: str
    pattern: str
    display: str
    params: tuple[tuple[str, str], ...]


class Manifest:
    """Open the manifest of ``home``; ``write=True`` takes the single writer's lock or says who holds it."""

    def __init__(self, home: Path, *, write: bool = False) -> None:
        self.home = home
        self._lock: IO[str] | None = None
        path = home / "manifest.db"
        try:
            if write:
                home.mkdir(parents=True, exist_ok=True)
                self._lock = hold(
                    home / "writer.lock", doing="is writing to this store", remedy="wait until it has finished, stop it, or use another --home")
                self.db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
                self.db.execute("PRAGMA journal_mode=WAL")
                self.db.execute("PRAGMA synchronous=FULL")
                self.db.executescript(f"BEGIN;{SCHEMA}COMMIT;")
                if not self.db.execute("SELECT 1 FROM totals LIMIT 1").fetchone():
                    with self.transaction():
                        sum_up(self.db)
            elif not path.exists():
                raise StoreError(
                    "no logs have been ingested yet", where=str(home), remedy="run: oncalm ingest PATH"
                )
            else:
                self.db = _open_for_reading(path)
            self.db.execute("SELECT count(*) FROM segments").fetchone()
        except (sqlite3.DatabaseError, OSError) as error:
            self.close()
            raise StoreError(
                f"the store cannot be opened: {error}", where=str(home),
                remedy="check that the folder is writable and has free space, or choose another --home",
            ) from error

    def close(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
        if self._lock:
            self._lock.close()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits on success, rolls back on any error."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def segments(self) -> list[tuple[int, Segment]]:
        rows = self.db.execute(
            "SELECT id, path, rows, bytes, first, last, undated, slots FROM segments ORDER BY id"
        )
        return [(row[0], Segment(*row[1:])) for row in rows]

    def sources(self) -> list[SourceRow]:
        rows = self.db.execute(
            "SELECT id, path, device, inode, head, head_size, offset, lines, state, tail FROM sources ORDER BY id"
        )
        return [SourceRow(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], json.loads(r[8]), r[9]) for r in rows]

    def keys(self) -> Iterator[KeyRow]:
        rows = self.db.execute("SELECT id, text, slots, example, template, words FROM keys ORDER BY id")
        for r in rows:
            yield KeyRow(r[0], r[1], _pairs(r[2]), r[3], r[4], _pairs(r[5]))

    def templates(self) -> list[TemplateRow]:
        rows = self.db.execute("SELECT id, pattern, display, params FROM templates")
        return [TemplateRow(r[0], r[1], r[2], _pairs(r[3])) for r in rows]

    def totals(self) -> list[tuple[Any, ...]]:
        """Records, first and last time (µs) per (key, level, service, host, logger) over all segments."""
        if self.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'totals'").fetchone():
            return self.db.execute("SELECT * FROM totals").fetchall()
        return self.db.execute(_TALLIED.format("")).fetchall()

    def meta(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def add_segments(db: sqlite3.Connection, segments: Iterable[tuple[Segment, list[tuple[Any, ...]]]]) -> None:
    """List segments with their tallies (key, level, service, host, logger, source, rows, first, last)."""
    added = []
    for segment, tallies in segments:
        cursor = db.execute(
            "INSERT INTO segments (path, rows, bytes, first, last, undated, slots) VALUES (?,?,?,?,?,?,?)",
            (segment.path, segment.rows, segment.bytes, segment.first, segment.last, segment.undated,
             segment.slots),
        )
        _add_tallies(db, cursor.lastrowid or 0, tallies)
        added.append(cursor.lastrowid)
    if added:
        db.execute(_ADD_TOTALS.format(f"WHERE segment IN ({','.join('?' * len(added))})"), added)


def _add_tallies(db: sqlite3.Connection, segment: int, tallies: list[tuple[Any, ...]]) -> None:
    """Insert many rows by a statement, for each statement costs about as much as its rows."""
    one = f"({segment},?,?,?,?,?,?,?,?,?)"
    whole = len(tallies) - len(tallies) % _AT_ONCE
    rows = (tuple(chain.from_iterable(tallies[at : at + _AT_ONCE])) for at in range(0, whole, _AT_ONCE))
    db.executemany(f"INSERT INTO tallies VALUES {','.join([one] * _AT_ONCE)}", rows)
    db.executemany(f"INSERT INTO tallies VALUES {one}", tallies[whole:])


def sum_up(db: sqlite3.Connection) -> None:
    """Make the totals anew from the tallies, inside the caller's transaction: after segments went."""
    db.execute("DELETE FROM totals")
    db.execute(f"INSERT INTO totals {_TALLIED.format('')}")


def put_source(db: sqlite3.Connection, row: SourceRow) -> None:
    db.execute(
        "INSERT OR REPLACE INTO sources VALUES (?,?,?,?,?,?,?,?,?,?)",
        (row.id, row.path, row.device, row.inode, row.head, row.head_size, row.offset, row.lines,
         json.dumps(row.state), row.tail),
    )


def add_keys(db: sqlite3.Connection, keys: Iterable[KeyRow]) -> None:
    db.executemany(
        "INSERT INTO keys (id, text, slots, example, template, words) VALUES (?,?,?,?,?,?)",
        ((k.id, k.text, json.dumps(k.slots), k.example, k.template, json.dumps(k.words)) for k in keys),
    )


def set_assignments(
    db: sqlite3.Connection,
    assigned: Iterable[tuple[int, str, tuple[tuple[str, str], ...]]],
    templates: Iterable[TemplateRow],
) -> None:
    """Write (key, template, words) and replace the templates named."""
    db.executemany(
        "UPDATE keys SET template = ?, words = ? WHERE id = ?",
        ((template, json.dumps(words), key) for key, template, words in assigned),
    )
    db.executemany(
        "INSERT OR REPLACE INTO templates VALUES (?,?,?,?)",
        ((t.id, t.pattern, t.display, json.dumps(t.params)) for t in templates),
    )
    db.execute("DELETE FROM templates WHERE id NOT IN (SELECT DISTINCT template FROM keys)")


@lru_cache(20_000)
def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((a, b) for a, b in json.loads(text))


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """Open read-only; where even the WAL index cannot be made (a read-only home), as it lies on disk."""
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=30,
                             check_same_thread=False)
        db.execute("SELECT count(*) FROM segments").fetchone()
    except sqlite3.OperationalError:
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, isolation_level=None,
                             check_same_thread=False)
    return db

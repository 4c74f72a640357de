"""What the manifest knows of the inbox: the last file that was put into the store, and which requests it held.

Written in the transaction that lists the records, so that a kill between two of them loses and doubles nothing.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from telemetry.store.manifest import Manifest, SourceRow, put_source

NAME = "otlp"
"""What the source of received log records is called."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox_digests (digest TEXT PRIMARY KEY, at REAL NOT NULL);
"""
_DONE, _SOURCE = "inbox_done", "inbox_source"
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Receipts:
    """``done`` is the number of the last file in the store; ``known`` digests come with when, oldest first."""

    done: int = 0
    known: dict[str, float] = field(default_factory=dict)


def receipts(home: Path) -> Receipts:
    """What is known; nothing for a home that holds nothing yet."""
    if not (home / "manifest.db").exists():
        return Receipts()
    manifest = Manifest(home)
    try:
        known: dict[str, float] = {}
        if manifest.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'inbox_digests'").fetchone():
            known = dict(manifest.db.execute("SELECT digest, at FROM inbox_digests ORDER BY at"))
        return Receipts(int(manifest.meta(_DONE) or 0), known)
    finally:
        manifest.close()


def prepare_receipts(db: sqlite3.Connection) -> None:
    """Make the table in a manifest that is open for writing."""
    db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")


def done(manifest: Manifest) -> int:
    """The number of the last file in the store."""
    return int(manifest.meta(_DONE) or 0)


def acknowledge(manifest: Manifest, number: int, digests: Iterable[str], *, keep: float) -> None:
    """Note that a file is in the store, inside the caller's transaction; digests older than ``keep`` seconds go."""
    now = time.time()
    manifest.db.execute("DELETE FROM inbox_digests WHERE at < ?", (now - keep,))
    manifest.db.executemany("INSERT OR REPLACE INTO inbox_digests VALUES (?, ?)", [(d, now) for d in digests if d])
    manifest.set_meta(_DONE, str(number))
    row = _source(manifest)
    if row is not None and row.path != NAME:
        put_source(manifest.db, SourceRow(row.id, NAME, 0, 0, "", 0, 0, row.lines, {}, ""))


def begin_lines(manifest: Manifest, path: Path) -> None:
    """Make ``path`` the file that the source of received log records is read from, from its beginning.

    All files are one source, whose lines go on counting. Without this a file that begins like an earlier one would be
    taken for it, and be read from where that ended.
    """
    row = _source(manifest)
    if row is not None and row.path == str(path):
        return  # begun before a kill: it goes on from where it was committed
    about, start = path.stat(), path.open("rb").read(_HEAD)
    head = hashlib.blake2b(start, digest_size=16).hexdigest()
    with manifest.transaction() as db:
        ident = row.id if row else 1 + int(db.execute("SELECT coalesce(max(id), 0) FROM sources").fetchone()[0])
        put_source(db, SourceRow(ident, str(path), about.st_dev, about.st_ino, head, len(start), 0, row.lines if row else 0, {}, ""))
        manifest.set_meta(_SOURCE, str(ident))


def lines_read(manifest: Manifest, path: Path) -> int:
    """Bytes of ``path`` that are in the store."""
    row = _source(manifest)
    return row.offset if row is not None and row.path == str(path) else 0


def _source(manifest: Manifest) -> SourceRow | None:
    ident = manifest.meta(_SOURCE)
    return next((row for row in manifest.sources() if ident and row.id == int(ident)), None)

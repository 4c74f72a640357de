"""What was fetched from a source: stretches of time, and the files they became, so that nothing is fetched twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Stretch = tuple[int, int]
State = Literal["written", "complete", "partial"]
"""``written``: a file is there that may not be in the store yet. Only ``complete`` ones need not be fetched again."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fetched (
  source TEXT NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
  state TEXT NOT NULL, whole INTEGER NOT NULL, records INTEGER NOT NULL, path TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS fetched_source ON fetched (source, kind, start);
"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One stretch. ``whole``: the answer was complete. ``path`` is relative to the folder, empty without a file."""

    start: int
    stop: int
    state: State
    whole: bool
    records: int
    path: str
    service: str
    row: int = 0


class Ledger:
    """The stretches of one source, kind of record and service (empty: of all), in the home's folder ``fetched``."""

    def __init__(self, home: Path, source: str, kind: str, service: str) -> None:
        self.folder = home / "fetched"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.folder / "ledger.db", isolation_level=None, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)
        self._key = (source, kind)
        self.service = service

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._db.close()

    def open_in(self, start: int, end: int) -> list[Stretch]:
        """The parts of a window that are not in the store, in order. What was fetched of all services counts for each."""
        done = [(one.start, one.stop) for one in self._rows(start, end) if one.state == "complete" and one.service in {"", self.service}]
        return without(start, end, done)

    def touching(self, start: int, end: int) -> list[Fetched]:
        """Every stretch with a file that may hold records of a window, of whatever service."""
        return [one for one in self._rows(start, end) if one.path]

    def waiting(self) -> list[Fetched]:
        """Files that were written and may not be in the store."""
        return [one for one in self._rows(-(1 << 62), 1 << 62) if one.state == "written"]

    def add(self, start: int, stop: int, state: State, records: int, path: str = "", *, whole: bool) -> None:
        """Note a stretch, durably."""
        row = (*self._key, self.service, start, stop, state, whole, records, path)
        self._db.execute("INSERT INTO fetched VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def settle(self, done: Sequence[Fetched]) -> None:
        """The files of these stretches are in the store."""
        for one in done:
            self._db.execute("UPDATE fetched SET state = ? WHERE rowid = ?", ("complete" if one.whole else "partial", one.row))

    def _rows(self, start: int, end: int) -> list[Fetched]:
        found = self._db.execute(
            "SELECT start, stop, state, whole, records, path, service, rowid FROM fetched "
            "WHERE source = ? AND kind = ? AND start < ? AND stop > ? ORDER BY start, rowid", (*self._key, end, start))
        return [Fetched(row[0], row[1], row[2], bool(row[3]), *row[4:]) for row in found]


def without(start: int, end: int, done: Sequence[Stretch]) -> list[Stretch]:
    """What is left of ``start`` to ``end`` when the ``done`` stretches are taken out."""
    left, at = [], start
    for low, high in sorted(done):
        if low > at:
            left.append((at, min(low, end)))
        at = max(at, high)
        if at >= end:
            break
    return [*left, (at, end)] if at < end else left


def cut(stretches: Sequence[Stretch], width: int) -> list[Stretch]:
    """Stretches no longer than ``width``, their inner edges on its multiples: other windows are cut at the same places."""
    found = []
    for low, high in stretches:
        edges = [low, *range((low // width + 1) * width, high, width), high]
        found += list(zip(edges, edges[1:], strict=False))
    return found

"""The second thread of an ingest: columns of each block, gathered into segments, written durably."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.store.manifest import SourceRow
from telemetry.store.segments import Written, write
from vectorstore.assemble import Task
from vectorstore.rows import build

if TYPE_CHECKING:
    import polars as pl

ROWS = 65_000
BYTES = 10 << 20
"""A segment's rows and text from which it is written."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """Durable segments, and how far their sources are read once these count."""

    written: list[Written]
    sources: list[SourceRow]
    next_id: int


class Columns:
    """Used by one thread at a time."""

    def __init__(self, home: Path, *, next_id: int) -> None:
        self.home = home
        self.next_id = next_id
        self._frames: list[pl.DataFrame] = []
        self._sources: dict[int, SourceRow] = {}
        self._rows = 0
        self._bytes = 0

    def add(self, task: Task) -> Flushed | None:
        """Compute one block's columns; returns what was flushed when enough has gathered."""
        if len(task.records.rows):
            frame = build(
                task.lines, task.records, task.plans, task.used, task.which, task.clock, task.key_ids,
                task.source.id, task.first_line, self.next_id, service=task.service, words=task.words,
            )
            self.next_id += len(frame)
            self._frames.append(frame)
            self._rows += len(frame)
            self._bytes += len(task.lines.data)
        self._sources[task.source.id] = task.progress()
        return self.flush() if self._rows >= ROWS or self._bytes >= BYTES else None

    def flush(self) -> Flushed | None:
        """Write what has gathered."""
        import polars as pl

        if not self._sources:
            return None
        written = write(self.home, pl.concat(self._frames, how="diagonal")) if self._frames else []
        flushed = Flushed(written, list(self._sources.values()), self.next_id)
        self._frames, self._sources, self._rows, self._bytes = [], {}, 0, 0
        return flushed

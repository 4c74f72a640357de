"""Behind the reading of an ingest: one thread computes the columns of each block, another writes segments."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.store.manifest import SourceRow
from telemetry.store.segments import Written, write
from telemetry.store.table import Coded, Table, stack
from telemetry.times import Clock
from vectorstore.rows import Records, build

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ROWS = 65_000
BYTES = 7 << 20
"""A segment's rows and text from which it is written."""


@dataclass(frozen=True, slots=True)
class Task:
    """One block ready for its columns."""

    records: Records
    key_ids: Ints
    words: Coded
    clock: Clock
    source: SourceRow
    first_line: int
    service: str | None

    def progress(self) -> SourceRow:
        """The source's row once this block counts; asked after the clock has read the block."""
        return replace(self.source, state={
            **self.source.state, "clock": self.clock.state(), "notes": sorted(self.clock.notes)})


@dataclass(frozen=True, slots=True)
class Flushed:
    """Segments on their way to disk, and how far their sources are read once these are durable and count."""

    written: Future[list[Written]]
    sources: list[SourceRow]
    next_id: int


class Columns:
    """Used by one thread at a time; ``writer`` is the thread that writes."""

    def __init__(self, home: Path, writer: Executor, *, next_id: int) -> None:
        self.home = home
        self._writer = writer
        self.next_id = next_id
        self._tables: list[Table] = []
        self._sources: dict[int, SourceRow] = {}
        self._rows = 0
        self._bytes = 0

    def add(self, task: Task) -> Flushed | None:
        """Compute one block's columns; returns what is written when enough has gathered."""
        if len(task.records.rows):
            table = build(
                task.records, task.clock, task.key_ids, task.words, source=task.source.id,
                first_line=task.first_line, first_id=self.next_id, service=task.service,
            )
            self.next_id += table.rows
            self._tables.append(table)
            self._rows += table.rows
            self._bytes += len(task.records.lines.data)
        self._sources[task.source.id] = task.progress()
        return self.flush() if self._rows >= ROWS or self._bytes >= BYTES else None

    def flush(self) -> Flushed | None:
        """Write what has gathered."""
        if not self._sources:
            return None
        written = self._writer.submit(_written, self.home, self._tables)
        flushed = Flushed(written, list(self._sources.values()), self.next_id)
        self._tables, self._sources, self._rows, self._bytes = [], {}, 0, 0
        return flushed


def _written(home: Path, tables: list[Table]) -> list[Written]:
    return write(home, stack(tables)) if tables else []

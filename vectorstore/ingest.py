"""The life of a log line: block → skeletons → plans → columns → durable segments, exactly once.

One thread reads, plans and numbers keys; a second one computes columns, a third one writes Parquet. A commit
adds finished segments, new keys and the progress of their sources in one transaction.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import monotonic

from telemetry.errors import SourceError
from telemetry.sources.files import Block, Source, blocks
from telemetry.sources.following import follow
from telemetry.store.manifest import Manifest, SourceRow, add_keys, add_segments, put_source, set_assignments
from telemetry.store.removal import drop_from
from telemetry.store.segments import Written, compact, sweep
from vectorstore.assemble import SourceReader
from vectorstore.columns import Columns, Flushed, Task
from vectorstore.keys import SNAPSHOT, KeyTable
from vectorstore.resume import known_as, left_behind

IN_FLIGHT = 1
COMMIT_EVERY = 2.0
"""Seconds between commits: what a kill makes the next ingest do again."""
BLOCK = 4 << 20
"""Bytes read at a time: large enough for columns to pay, small enough for a flat 300 MB."""


@dataclass(slots=True)
class Report:
    """What an ingest did. Counts are of this run; ``problems`` name file, place and remedy."""

    lines: int = 0
    records: int = 0
    undated: int = 0
    unformatted: int = 0
    redacted: int = 0
    bytes: int = 0
    resumed: int = 0
    sources: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


Progress = Callable[[Report, Source], None]


class Ingestor:
    """Owns the writer's lock of one home for as long as it is open."""

    def __init__(self, home: Path, *, service: str | None = None, declared: str | None = None,
                 zone: str | None = None) -> None:
        self.manifest = Manifest(home, write=True)
        sweep(self.manifest)
        self.keys = _keys(self.manifest)
        self.service, self.declared, self.zone = service, declared, zone
        self.report = Report()
        last = self.manifest.db.execute("SELECT coalesce(max(id), 0) FROM sources").fetchone()[0]
        self._next_source = int(last) + 1
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="columns")
        self._waiting: deque[Future[Flushed | None]] = deque()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="segments")
        self._done: list[Flushed] = []
        self._committed = monotonic()
        stored = self.manifest.meta("next_id")
        self.columns = Columns(home, self._writer, next_id=int(stored or 1))

    def close(self) -> None:
        """Commit what is finished, keep drain's state, let the lock go."""
        try:
            self.flush()
            compact(self.manifest)
            self.keys.save()
        finally:
            self._stop()
            self.manifest.close()

    def abort(self) -> None:
        """Give up without committing what is in flight; the next ingest goes on from the last commit."""
        self._stop()
        self.manifest.close()

    def _stop(self) -> None:
        """Let both threads end what they are at and drop what they have not begun."""
        for pool in (self._pool, self._writer):
            pool.shutdown(wait=True, cancel_futures=True)

    def ingest(
        self, sources: Iterable[Source], progress: Progress | None = None, stop: Callable[[], bool] = lambda: False
    ) -> Report:
        """Read every source from where it was left. A source that fails is reported and the rest goes on.

        ``stop`` ends the reading of a pipe; what came before counts.
        """
        for source in sources:
            self.report.sources += 1
            try:
                self._one(source, progress, stop)
            except SourceError as error:
                self.report.problems.append(str(error))
        self.flush()
        return self.report

    def follow(self, source: Source, stop: Callable[[], bool], progress: Progress | None = None) -> Report:
        """Go on reading a growing source until ``stop`` says so; every block is committed as it comes.

        What was rotated away since it was read last is read first.
        """
        for rotated in left_behind(source, self.manifest.sources()):
            self._one(rotated, None, stop)
        first = self._reader(source)
        readers: dict[Source, SourceReader] = {}
        for now, block in follow(source, first.offset, stop):
            reader = readers.get(now)
            if reader is None:
                reader = readers[now] = self._reader(now) if readers else first
                self.report.sources += 1
            if not block.data:
                self._settle(readers.values())
            self._read(reader, block, again=True)
            self.flush()
            if progress:
                progress(self.report, now)
        self._settle(readers.values())
        for reader in readers.values():
            self._finish(reader)
        self.flush()
        return self.report

    def _settle(self, readers: Iterable[SourceReader]) -> None:
        """Let go of the records that waited for more of their lines."""
        for reader in readers:
            for task in reader.rest():
                self._submit(task)

    def _take_up(self, reader: SourceReader, data: bytes) -> bool:
        """When new text goes on where the last record stopped, take that record out: it comes again, whole."""
        again = reader.goes_on(data)
        if again:
            self.flush()
            self.report.records -= drop_from(self.manifest, reader.reopen())
        return again

    def _one(self, source: Source, progress: Progress | None, stop: Callable[[], bool]) -> None:
        reader = self._reader(source)
        found = blocks(source, start=reader.offset, size=BLOCK, stop=stop)
        try:
            first = next(found, None)
            if first and self._take_up(reader, first.data):
                found = blocks(source, start=reader.offset, size=BLOCK, stop=stop)
            elif first:
                found = chain([first], found)
            for block in found:
                self._read(reader, block, again=source.stream)
                if progress:
                    progress(self.report, source)
        finally:
            self._settle([reader])
            self._finish(reader)

    def _read(self, reader: SourceReader, block: Block, *, again: bool) -> None:
        """Feed a block; an empty one says that nothing came for a while: what waits is made durable."""
        if block.data:
            if again:
                self._take_up(reader, block.data)
            self._feed(reader, block, final=False)
            return
        self._settle([reader])
        self.flush()
        compact(self.manifest, least=64)

    def _reader(self, source: Source) -> SourceReader:
        row = known_as(source, self.manifest.sources())
        if row is None:
            row = SourceRow(self._next_source, source.path, source.device, source.inode, "", 0, 0, 0, {}, "")
            self._next_source += 1
        elif row.offset:
            self.report.resumed += 1
        return SourceReader(source, row, self.keys, self.report, service=self.service,
                            declared=self.declared, zone=self.zone)

    def _feed(self, reader: SourceReader, block: Block, *, final: bool) -> None:
        self.report.bytes += len(block.data)
        for task in reader.feed(block, final=final):
            self._submit(task)

    def _submit(self, task: Task) -> None:
        while len(self._waiting) >= IN_FLIGHT:
            self._commit(self._waiting.popleft().result())
        self._waiting.append(self._pool.submit(self.columns.add, task))

    def _finish(self, reader: SourceReader) -> None:
        self.report.formats.update(reader.formats)
        self.report.notes += [n for n in reader.notes() if n not in self.report.notes]

    def flush(self) -> None:
        """Make everything read so far durable."""
        for future in self._drain():
            self._commit(future.result())
        self._commit(self._pool.submit(self.columns.flush).result(), now=True)

    def _drain(self) -> Iterator[Future[Flushed | None]]:
        while self._waiting:
            yield self._waiting.popleft()

    def _commit(self, flushed: Flushed | None, *, now: bool = False) -> None:
        """Commit what is finished, a while after the last time or at once."""
        if flushed is not None:
            if self._done:
                wait([self._done[-1].written])  # one segment is written while the next one gathers, no more
            self._done.append(flushed)
        if self._done and (now or monotonic() - self._committed >= COMMIT_EVERY):
            self._put(self._done)
            self._done, self._committed = [], monotonic()

    def _put(self, done: list[Flushed]) -> None:
        """List finished segments, their keys and how far their sources are read, all or nothing."""
        fresh, assigned, templates = self.keys.take()
        written = [one for flushed in done for one in flushed.written.result()]
        with self.manifest.transaction() as db:
            add_keys(db, fresh)
            set_assignments(db, assigned, templates)
            add_segments(db, [(w.segment, w.tallies) for w in written])
            for row in {row.id: row for flushed in done for row in flushed.sources}.values():
                put_source(db, row)
            self.manifest.set_meta("next_id", str(done[-1].next_id))
        self.report.records += sum(w.segment.rows for w in written)
        self.report.undated += sum(w.segment.undated for w in written)


def _keys(manifest: Manifest) -> KeyTable:
    """The keys of a home; drain's state is made again from them when it is no state at all."""
    try:
        return KeyTable(manifest)
    except (AttributeError, IndexError):
        (manifest.home / SNAPSHOT).unlink()
        return KeyTable(manifest)


__all__ = ["Ingestor", "Progress", "Report", "Written"]

"""What is stored in one home: the records, and the index of their templates by meaning."""

from __future__ import annotations

import gc
import importlib
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry.models import Catalog, Template
    from telemetry.sources.files import Source
    from telemetry.store.reader import Reader
    from vectorstore.embedding import Embedder
    from vectorstore.index import TemplateIndex
    from vectorstore.ingest import Progress, Report


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for cyclic garbage less often: what an ingest or an answer makes is kept or goes by itself, and looking costs a tenth."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class Home:
    """The store and the template index of one home folder."""

    def __init__(self, home: Path, *, embedding_path: Path | None = None, zone: str | None = None) -> None:
        """``embedding_path``: a folder with the weights of a sentence-transformers model. ``zone``: of logs that state none."""
        self.home = home
        self.zone = zone
        self.embedding_path = embedding_path

    @seldom_collecting()
    def ingest(
        self, paths: Sequence[str | Path], *, service: str | None = None, declared: str | None = None,
        progress: Progress | None = None, follow: bool = False, stop: Callable[[], bool] = lambda: False,
        started: Callable[[list[Source]], None] | None = None,
    ) -> Report:
        """Read logs into the store; with ``follow`` go on as the one file grows, until ``stop`` says so."""
        _load_numpy()
        from telemetry.errors import UsageError
        from telemetry.sources.finding import expand
        from telemetry.store import version
        from vectorstore.ingest import Ingestor

        found = expand([str(p) for p in paths])
        if follow and len(found.sources) != 1:
            raise UsageError("--follow takes one file", where="ingest", remedy="name a single file")
        version.check(self.home)
        if started:
            started(found.sources)
        ingestor = Ingestor(self.home, service=service, declared=declared, zone=self.zone)
        try:
            version.stamp(ingestor.manifest.db)
            if follow and not found.sources[0].stream:
                report = ingestor.follow(found.sources[0], stop, progress)
            else:
                report = ingestor.ingest(found.sources, progress, stop)
        except BaseException:
            with suppress(Exception):
                ingestor.abort()
            raise
        ingestor.close()
        report.problems += [str(p) for p in found.problems]
        report.notes += found.skips
        return report

    def index(self, *, changed: bool = True) -> list[str]:
        """Bring the Chroma index up to date with the store's templates; returns what was repaired on the way.

        When nothing has ``changed``, only if it is not what it should be (its last update failed).
        """
        if not changed and self.indexed():
            return []
        with self._reader() as reader:
            index = self._index()
            index.sync(reader.catalog.templates)
        return index.notes

    def indexed(self) -> bool:
        """Whether the index holds exactly the store's templates."""
        with self._reader() as reader:
            return self._index().holds(reader.catalog.templates)

    def _searchable(self, reader: Reader) -> TemplateIndex:
        """The template index; built again when its snapshot is lost or damaged and the home can be written."""
        from telemetry.errors import StoreError

        index = self._index()
        if not index.readable and reader.catalog.templates:
            with suppress(StoreError):
                index.sync(reader.catalog.templates)
        return index

    def templates(self, query: str, top: int) -> list[tuple[Template, float | None]]:
        """The templates nearest to ``query`` by meaning, each with its similarity; without a query the commonest."""
        with self._reader() as reader:
            known = {one.id: one for one in reader.catalog.templates}
            if not query.strip():
                return [(one, None) for one in sorted(known.values(), key=lambda one: -one.count)[:top]]
            return [(known[ident], score) for ident, score in self._searchable(reader).search(query, top) if ident in known]

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """The spans of a trace in the order of their begins, at most four hundred; times in milliseconds since the first began."""
        from telemetry.models import Window
        from telemetry.store.beyond import RecordReader

        with closing(RecordReader(self.home)) as records:
            found = sorted(records.spans(Window(), trace_id=trace.strip().lower()), key=lambda one: one.start)[:400]
        return [{"service": one.service, "name": one.operation, "start_ms": (one.start - found[0].start) / 1000, "duration_ms": one.duration / 1000,
                 "error": one.status == "error", "span_id": one.span_id} for one in found]

    def catalog(self) -> Catalog:
        """What the store holds."""
        with self._reader() as reader:
            return reader.catalog

    def retain(self, *, before: datetime | None, max_bytes: int | None) -> int:
        """Drop records of every kind by age and by size; returns how many went."""
        from telemetry.errors import StoreError
        from telemetry.store import version
        from telemetry.store.manifest import Manifest
        from telemetry.store.record_removal import retain

        version.check(self.home)
        if not (self.home / "manifest.db").exists():
            raise StoreError("no logs have been ingested yet", where=str(self.home), remedy="run: oncalm ingest PATH")
        manifest = Manifest(self.home, write=True)
        try:
            micros = int(before.timestamp() * 1_000_000) if before else None
            return retain(manifest, before=micros, max_bytes=max_bytes)
        finally:
            manifest.close()

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        """A reader whose segments stay on disk for as long as it is used."""
        from telemetry.store import version
        from telemetry.store.guard import reading
        from telemetry.store.reader import Reader

        version.check(self.home)
        with reading(self.home), closing(Reader(self.home)) as reader:
            yield reader

    def _index(self) -> TemplateIndex:
        from vectorstore.index import TemplateIndex

        return TemplateIndex(self.home / "templates", self.embedder())

    def embedder(self) -> Embedder:
        """What turns text into vectors; its cache is kept in the home unless that cannot be written or read."""
        from vectorstore.embedding import choose

        cache = self.home / "embeddings" if os.access(self.home, os.W_OK) else None
        try:
            return choose(self.embedding_path, cache)
        except (sqlite3.Error, OSError):
            return choose(self.embedding_path, None)


def _load_numpy() -> None:
    """Load numpy without threads for linear algebra: an ingest has none, and starting them costs it 40 ms."""
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ or "numpy" in sys.modules:
        return
    os.environ[name] = "1"
    try:
        importlib.import_module("numpy")
    finally:
        del os.environ[name]  # not for programs that are started later

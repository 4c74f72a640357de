"""Benchmark logs in a store of their own, through the product's own path, gone when done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.offline.target import TemplateSearch
from api.wiring.product import Product
from telemetry.models import Catalog, Filter, Line, Query
from telemetry.store.reader import Reader
from vectorstore.embedding import choose
from vectorstore.index import TemplateIndex


@dataclass(frozen=True)
class LogStore:
    """One ingested log: what a question is answered from."""

    reader: Reader
    catalog: Catalog
    search: TemplateSearch

    def lines(self, filters: Sequence[Filter], limit: int) -> list[Line]:
        """The first ``limit`` lines that ``filters`` select, in time order."""
        found = self.reader.run(Query(operation="lines", filters=tuple(filters), limit=limit))
        return found.result.lines or []


@contextmanager
def ingested(lines: Sequence[str]) -> Iterator[LogStore]:
    """A store that holds ``lines``, with its template index."""
    with tempfile.TemporaryDirectory() as folder:
        log, home = Path(folder) / "lines.log", Path(folder) / "home"
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        product = Product(home)
        product.ingest([log])
        reader = Reader(home)
        try:
            index = TemplateIndex(home / "templates", choose(None, home / "embeddings"))
            index.sync(reader.catalog.templates)
            yield LogStore(reader, reader.catalog, index)
        finally:
            reader.close()

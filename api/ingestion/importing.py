"""``oncalm import``: tables, feeds and Git history into the store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Self

from api.wiring.product import Product
from telemetry.errors import SourceError, UsageError
from telemetry.imports.git import git_changes
from telemetry.imports.mapping import MappingFile, Records, load_mapping
from telemetry.imports.otlp import is_otlp, read_otlp
from telemetry.imports.reading import Imported, files_of, read_feed, read_mapped, table_for
from telemetry.imports.records import Made
from telemetry.records import Change, MetricPoint, Span
from telemetry.store.beyond import RecordWriter

FOLDER = "imports"
BATCH = 20_000


def import_files(product: Product, paths: list[str], mapping_path: Path | None) -> Imported:
    """Import files. Each counts whole or not at all; one that cannot be read is told, and the rest goes on.

    Raises UsageError for a mapping that cannot be used.
    """
    mapping = load_mapping(mapping_path) if mapping_path else None
    imported, logs = Imported(), list[Path]()
    with RecordWriter(product.home) as writer:
        for path in files_of(paths, mapping, imported):
            _one(path, mapping, writer, imported, logs)
        writer.compact()
    if logs:
        report = product.ingest([str(p) for p in logs])
        imported.problems += report.problems
        imported.notes += report.notes
        for path in logs:
            path.unlink()
    return imported


def import_git(product: Product, repository: Path, since: str | None, service: str | None) -> Imported:
    """Import the history of a repository. Raises SourceError."""
    imported = Imported(files=1)
    changes = list(git_changes(repository, since, service))
    with RecordWriter(product.home) as writer:
        writer.add_changes(changes)
        writer.commit()
    imported.records["changes"] += len(changes)
    return imported


def _one(path: Path, mapping: MappingFile | None, writer: RecordWriter, imported: Imported, logs: list[Path]) -> None:
    table = table_for(path, mapping) if mapping else None
    if mapping is not None and table is None:
        imported.problems.append(str(UsageError("no table of the mapping reads it", where=str(path), remedy="correct `files` there")))
        return
    before = imported.records.copy()
    try:
        if table is not None:
            made = read_mapped(path, table, imported)
        else:
            made = read_otlp(path, imported) if is_otlp(path) else read_feed(path, imported)
        with _LogFile(path, writer.home) as lines:
            _add(made, writer, lines)
            writer.commit()
        logs += lines.written
        imported.files += 1
    except (SourceError, UsageError) as error:
        writer.forget()
        imported.records = before
        imported.problems.append(str(error))


def _add(made: Iterable[tuple[Records, Made]], writer: RecordWriter, lines: _LogFile) -> None:
    """Add records in batches, log lines to their file."""
    for batch in _batches(made):
        lines.write([r for r in batch if isinstance(r, str)])
        writer.add_spans([r for r in batch if isinstance(r, Span)])
        writer.add_points([r for r in batch if isinstance(r, MetricPoint)])
        writer.add_changes([r for r in batch if isinstance(r, Change)])


def _batches(made: Iterable[tuple[Records, Made]]) -> Iterator[list[Made]]:
    batch: list[Made] = []
    for _, one in made:
        batch.append(one)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


class _LogFile:
    """A file's log records as JSON lines, under a name that is the same for the same file: it is read once, however often it
    is imported. Made when there is a line; gone when the import fails."""

    def __init__(self, path: Path, home: Path) -> None:
        ident = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=6).hexdigest()
        self._path = home / FOLDER / f"{path.name.split('.')[0]}.{ident}.jsonl"
        self._stream: IO[str] | None = None

    @property
    def written(self) -> list[Path]:
        """The file, if there is one."""
        return [self._path] if self._stream is not None else []

    def write(self, lines: Sequence[str]) -> None:
        """Add lines."""
        if lines and self._stream is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._path.open("w", encoding="utf-8", errors="backslashreplace")
        if self._stream is not None:
            self._stream.writelines(f"{line}\n" for line in lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()
            if failed is not None:
                self._path.unlink(missing_ok=True)

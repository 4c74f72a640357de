"""Files made records by a mapping, or by the natural names of a change feed; what cannot be used is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from telemetry.errors import SourceError, UsageError
from telemetry.imports.mapping import MappingFile, Records, Spec, Table
from telemetry.imports.records import Made, maker, missing
from telemetry.imports.tables import Row, RowError, format_of, rows

_NATURAL: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "uuid", "change_id", "event_id", "uid"),
    "time": ("time", "timestamp", "date", "datetime", "at", "started_at", "start", "start_time", "created_at", "when", "ts", "deployed_at"),
    "ended": ("ended", "end", "ended_at", "end_time", "finished_at", "completed_at"),
    "kind": ("kind", "type", "change_type", "event_type", "category", "event", "action"),
    "title": ("title", "message", "summary", "description", "name", "text", "subject"),
    "service": ("service", "service_name", "app", "application", "component", "deployment", "workload", "project"),
    "namespace": ("namespace", "environment", "env"),
    "actor": ("actor", "author", "user", "by", "deployer", "who", "initiator", "triggered_by"),
    "version": ("version", "to", "revision", "tag", "image", "commit", "sha", "new", "after", "new_value"),
    "before": ("before", "from", "previous", "previous_version", "old", "old_value"),
    "source": ("source", "origin"),
}
"""How feeds of changes call their fields, likeliest first; capitals, dashes and blanks do not count."""


@dataclass(slots=True)
class Imported:
    """What came of an import: records by kind, rows that could not be used by reason, each with its first place."""

    records: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    files: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def refuse(self, path: Path, line: int, why: str) -> None:
        """Count a row that cannot be used."""
        self.refused[why] += 1
        self.first.setdefault(why, f"{path}:{line}")

    def told(self) -> list[str]:
        """The refused rows as sentences."""
        return [f"{count:,} left out: {why} (first at {self.first[why]})" for why, count in self.refused.most_common()]


def table_for(path: Path, mapping: MappingFile) -> Table | None:
    """The first table of the mapping that reads a file of this name."""
    return next((t for t in mapping.tables if fnmatchcase(path.name, t.files) or fnmatchcase(path.as_posix(), f"*/{t.files}")), None)


def read_mapped(path: Path, table: Table, imported: Imported) -> Iterator[tuple[Records, Made]]:
    """The records of a file. Raises SourceError when it cannot be read, UsageError when it lacks a column."""
    form = table.format or format_of(path)
    makers: dict[tuple[str, ...], Callable[[Row], list[Made]]] = {}

    def make(row: Row) -> list[Made]:
        names = tuple(row)
        if names not in makers:
            lacking = missing(table, names) if form in {"csv", "parquet"} else []
            if lacking:
                told = ", ".join(f"{column!r} (named by {key})" for key, column in lacking)
                raise UsageError(f"the file has no column {told}", where=str(path), remedy=f"it has {', '.join(names)[:500]}")
            if len(makers) > 1000:  # rows of JSON, each with other keys
                makers.clear()
            makers[names] = maker(table, names, path.stem, lambda why: imported.refuse(path, at, why))
        return makers[names](row)

    at = 0
    for at, row in rows(path, form, delimiter=table.delimiter, header=table.header, items=table.items):
        try:
            if isinstance(row, RowError):
                raise row
            made = make(row)
        except RowError as error:
            imported.refuse(path, at, str(error))
            continue
        imported.records[table.records] += len(made)
        yield from ((table.records, one) for one in made)


def read_feed(path: Path, imported: Imported) -> Iterator[tuple[Records, Made]]:
    """The changes of a feed whose fields have the names that feeds usually give them. Raises like :func:`read_mapped`."""
    makers: dict[tuple[str, ...], Callable[[Row], list[Made]] | None] = {}
    none = 0
    for line, row in rows(path, format_of(path)):
        try:
            if isinstance(row, RowError):
                raise row
            names = tuple(row)
            if names not in makers:
                table = natural(names)
                makers[names] = maker(table, names, path.stem) if table else None
            make = makers[names]
            if make is None:
                none += 1
                raise RowError("a change needs a time and a title (or a kind)")
            made = make(row)
        except RowError as error:
            imported.refuse(path, line, str(error))
            continue
        imported.records["changes"] += len(made)
        yield from (("changes", one) for one in made)
    if makers and none and not any(makers.values()):
        raise UsageError("no row looks like a change (a time, and a title or a kind)", where=str(path), remedy="say what its columns mean with --mapping")


def natural(columns: tuple[str, ...]) -> Table | None:
    """The table that reads rows with these columns as changes; None when they have no time or nothing to call it by."""
    plain = {column.lower().replace("-", "_").replace(" ", "_"): column for column in reversed(columns)}
    found = {name: Spec(column=next(plain[a] for a in aliases if a in plain)) for name, aliases in _NATURAL.items()
             if any(a in plain for a in aliases)}
    if "title" not in found and "kind" in found:
        found["title"] = found["kind"]
    if not {"time", "title"} <= found.keys():
        return None
    return Table(records="changes", fields=found, attributes="*")


def files_of(paths: list[str], mapping: MappingFile | None, imported: Imported) -> Iterator[Path]:
    """The files behind files and folders; those of a folder that no table reads are noted and passed over."""
    for name in paths:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            fitting = [p for p in inside if mapping is not None and table_for(p, mapping)]
            if len(fitting) < len(inside):
                imported.notes.append(f"{path}: {len(inside) - len(fitting)} files fit no table of the mapping and were passed over")
            yield from fitting
        elif path.is_file():
            yield path
        else:
            imported.problems.append(str(SourceError("there is no such file or folder", where=name, remedy="check the spelling")))

"""Rows of files: CSV, Parquet, JSON and JSON lines, compressed or not, each with its place to be named by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from telemetry.errors import SourceError
from telemetry.imports.framed import SUFFIXES
from telemetry.sources.files import Source, blocks

Row = Mapping[str, Any]
_FORMATS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_CELL = 64 << 20
"""Bytes of a CSV cell at most."""
_PACKED = (".gz", ".zst", ".xz", ".bz2")


class RowError(ValueError):
    """A row that cannot be used; ``str()`` says why, without what differs from row to row."""


Found = Iterator[tuple[int, Row | RowError]]
"""The line or number of each row, and the row, or why it is none."""


def format_of(path: Path) -> str:
    """The format that a file's name tells. Raises SourceError."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in _PACKED]
    if not suffixes or suffixes[-1] not in _FORMATS:
        raise SourceError("its name does not tell its format", where=str(path),
                          remedy=f"name it {', '.join(_FORMATS)}, or say `format` in the mapping")
    return _FORMATS[suffixes[-1]]


def known(path: Path) -> bool:
    """Whether a file's name tells its format."""
    if any(suffix in SUFFIXES for suffix in path.suffixes):
        return True
    try:
        format_of(path)
    except SourceError:
        return False
    return True


def rows(path: Path, form: str, *, delimiter: str = ",", header: int = 1, items: str | None = None) -> Found:
    """The rows of a file. Raises SourceError for a file that cannot be read as what it is."""
    if form == "csv":
        tabs = delimiter == "," and ".tsv" in [s.lower() for s in path.suffixes]
        return _csv(path, "\t" if tabs else delimiter, header)
    if form == "parquet":
        return _parquet(path)
    return _json(path, items) if form == "json" else _json_lines(path)


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file with their ends, whatever its encoding or compression."""
    for block in blocks(Source(str(path))):
        yield from io.StringIO(block.data.decode(), newline="\n")  # no other character ends a line


def _csv(path: Path, delimiter: str, header: int) -> Found:
    csv.field_size_limit(_CELL)
    reader = csv.reader(lines(path), delimiter=delimiter)
    try:
        heads = [row for _, row in zip(range(header), reader, strict=False)]
        if len(heads) < header:
            return
        names = [_joined(cells) for cells in zip(*heads, strict=True)]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise SourceError(f"several columns are called {', '.join(double)}", where=str(path), remedy="give them names of their own")
        for row in reader:
            if not row:
                continue
            if len(row) == len(names):
                yield reader.line_num, dict(zip(names, row, strict=True))
            else:
                yield reader.line_num, RowError("a row has more or fewer cells than the head")
    except csv.Error as error:
        raise SourceError(f"line {reader.line_num} is no CSV: {error}", where=str(path), remedy="what came before was read") from error
    except ValueError as error:
        raise SourceError("the lines of its head differ in length", where=str(path), remedy="correct `header`") from error


def _joined(cells: Iterable[str]) -> str:
    return "|".join(cell.strip() for cell in cells).rstrip("|")


def _parquet(path: Path) -> Found:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"cannot be read as Parquet: {error}", where=str(path), remedy="check that it was copied whole") from error
    return ((number, row) for number, row in enumerate(frame.iter_rows(named=True), 1))


def _json(path: Path, items: str | None) -> Found:
    try:
        found = json.loads("".join(lines(path)))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"is no JSON: {error}", where=str(path), remedy="say `format: jsonl` when each line is an object") from error
    for name in items.split(".") if items else ():
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list):
        raise SourceError(f"holds no list{f' at {items}' if items else ''}", where=str(path), remedy="say where with `items`")
    return _objects(enumerate(found, 1))


def _json_lines(path: Path) -> Found:
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            yield number, RowError("a line is no JSON")
            continue
        yield from _objects([(number, found)])


def _objects(found: Iterable[tuple[int, Any]]) -> Found:
    for number, value in found:
        yield number, flat(value) if isinstance(value, dict) else RowError("an item is no JSON object")


def flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The object with its inner objects' keys dotted; lists stay. What is deeper than 16 levels is left out."""
    found: dict[str, Any] = {}
    for key, one in value.items():
        name = before + str(key)
        if isinstance(one, dict) and one and name.count(".") < 16:
            found |= flat(one, f"{name}.")
        else:
            found[name] = one
    return found

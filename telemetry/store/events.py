"""Log records as columns: when, which template, who wrote it, in which trace. For what counts and compares, not for text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from telemetry.columns import Ints
from telemetry.models import Query, Window
from telemetry.numbering import distinct, numbered
from telemetry.store.bindings import quote
from telemetry.store.selection import overlapping

if TYPE_CHECKING:
    from telemetry.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a record, as far as the record or the name of its file says."""

    service: str
    host: str
    level: str
    logger: str


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Dated records in no particular order. ``time`` in µs since 1970 (UTC); the others are indexes, ``trace`` -1 for none."""

    time: Ints
    template: Ints
    author: Ints
    trace: Ints
    templates: tuple[str, ...]
    """Template ids."""
    authors: tuple[Author, ...]
    traces: tuple[str, ...]
    """The traces given, then those that only the records name."""

    def __len__(self) -> int:
        return len(self.time)


def event_columns(reader: Reader, window: Window, traces: Sequence[str] = ()) -> EventColumns:
    """All dated records of a window. ``traces`` are known trace ids, which keep their numbers. Raises QueryError, StoreError."""
    segments = overlapping(reader.segments, window)
    scan, where = reader.source(Query(operation="count", window=window)), f"({reader.conditions.where(window, ())}) AND ts IS NOT NULL"
    named = bool(segments) and bool(reader.rows(f"SELECT 1 FROM {scan} WHERE trace_id IS NOT NULL LIMIT 1"))
    found = _traces(reader, f"FROM {scan} WHERE {where} AND trace_id IS NOT NULL", traces) if named else list(traces)
    words = {name: sorted({str(value) for (value,) in reader.rows(
        f"SELECT DISTINCT {name} FROM {scan} WHERE {name} IS NOT NULL")}) for name in ("service", "host", "level", "logger")} if segments else {}
    if not segments:
        empty = np.zeros(0, np.int64)
        return EventColumns(empty, empty, empty, empty, (), (), tuple(traces))
    with reader.naming("trace_numbers", found if named else []) as numbers:
        joined = f"LEFT JOIN {numbers} ON trace_id = name" if named else ""
        number = "coalesce(number, -1)" if named else "-1"
        got = reader.columns(f"SELECT epoch_us(ts) AS time, key_id AS key, {_author(words)} AS author, ({number})::BIGINT AS trace FROM {scan} {joined} WHERE {where}")
    template, templates = _templates(reader, got["key"])
    author, authors = _authors(reader, got["author"], words)
    return EventColumns(got["time"], template, author, got["trace"], templates, authors, tuple(found))


def _traces(reader: Reader, selected: str, known: Sequence[str]) -> list[str]:
    held = set(known)
    return [*known, *sorted(name for (name,) in reader.rows(f"SELECT DISTINCT trace_id {selected}") if name not in held)]


def _author(words: Mapping[str, Sequence[str]]) -> str:
    """SQL for one number of file, service, host, level and logger: each a digit, 0 for none, of a base of its own."""
    code = "source::BIGINT"
    for name, values in words.items():
        listed = ", ".join(quote(value) for value in values)
        digit = f"coalesce(list_position([{listed}], {name}), 0)" if values else "0"
        code = f"({code} * {len(values) + 1} + {digit})"
    return code


def _authors(reader: Reader, codes: Ints, words: Mapping[str, Sequence[str]]) -> tuple[Ints, tuple[Author, ...]]:
    """Distinct (file, service, host, level, logger); a record that names no service is by its file."""
    held, at = numbered(codes)
    return at, tuple(_author_of(reader, code, words) for code in held.tolist())


def _author_of(reader: Reader, code: int, words: Mapping[str, Sequence[str]]) -> Author:
    said = {}
    for name, values in reversed(list(words.items())):
        code, digit = divmod(code, len(values) + 1)
        said[name] = values[digit - 1] if digit else ""
    return Author(said["service"] or _stem(reader, code), said["host"], said["level"], said["logger"])


def _templates(reader: Reader, keys: Ints) -> tuple[Ints, tuple[str, ...]]:
    held = distinct(keys)
    names = [reader.template_of(int(key)) for key in held]
    ids = sorted(set(names))
    place = {name: number for number, name in enumerate(ids)}
    table = np.zeros(int(held.max(initial=0)) + 1, np.int64)
    table[held] = [place[name] for name in names]
    return table[keys], tuple(ids)


def _stem(reader: Reader, source: int) -> str:
    """The file's name without its endings: ``storefront.log.gz`` is by storefront."""
    row = reader.sources.get(source)
    return PurePath(row.path).name.split(".")[0] if row else ""

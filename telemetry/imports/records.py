"""Rows made spans, metric points, changes and log lines, as a table of the mapping says."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from telemetry.imports.fields import Text, duration_reader, number_of, text, text_reader, time_reader
from telemetry.imports.kinds import change_kind, span_kind, span_status
from telemetry.imports.mapping import Metric, Table
from telemetry.imports.tables import Row, RowError
from telemetry.masks import masked, masked_value
from telemetry.records import Change, MetricKind, MetricPoint, Span, Temporality

Made = Span | MetricPoint | Change | str
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TRUE = frozenset({"true", "1", "yes", "t"})


def missing(table: Table, columns: Sequence[str]) -> list[tuple[str, str]]:
    """The (key, column) pairs of a table whose column is not there."""
    given = table.attributes
    pairs = list(given.items()) if isinstance(given, dict) else [(c, c) for c in given if given != "*"]
    named = [(f"fields.{name}", spec.column) for name, spec in table.fields.items() if spec.column is not None and spec.default is None]
    named += [(f"attributes.{name}", column) for name, column in pairs]
    wide = [(f"metrics.{n}", m.column or m.columns or "") for n, m in enumerate(table.metrics)
            if all(fits(m, column) is None for column in columns)]
    return [(key, column) for key, column in named if column not in columns] + wide


def maker(
    table: Table, columns: Sequence[str], source: str, refuse: Callable[[str], None] = lambda _: None
) -> Callable[[Row], list[Made]]:
    """What makes the records of a row with these columns; it raises RowError. Log records are lines of JSON.

    ``source`` is where changes were learned that do not say. ``refuse`` is told of single cells that cannot be used.
    """
    make = {"spans": _spans, "points": _points, "changes": _changes, "logs": _logs}[table.records]
    return make(_Reading(table, columns, source, refuse))


class _Reading:
    """The readers of a table's fields."""

    def __init__(self, table: Table, columns: Sequence[str], source: str, refuse: Callable[[str], None]) -> None:
        self.table, self.columns, self.source, self.refuse = table, columns, source, refuse
        used = {spec.column for spec in table.fields.values()} | {column for column, _, _ in _wide(table, columns)}
        given = table.attributes
        if isinstance(given, dict):
            self._attributes = list(given.items())
        else:
            self._attributes = [(c, c) for c in (columns if given == "*" else given) if given != "*" or c not in used]
        self._open = given == "*"
        self._used = used

    def text(self, name: str) -> Text:
        """Reads a field as text, its secrets masked."""
        read = text_reader(self.table.fields.get(name), self.table.none)
        return lambda row: masked(read(row))

    def needed(self, name: str) -> Text:
        """Reads a field that must not be empty."""
        read = self.text(name)

        def found(row: Row) -> str:
            said = read(row)
            if not said:
                raise RowError(f"{name} is empty")
            return said

        return found

    def time(self, name: str) -> Callable[[Row], int | None]:
        spec = self.table.fields.get(name)
        return time_reader(spec, self.table.none) if spec else lambda _: None

    def time_needed(self, name: str) -> Callable[[Row], int]:
        read = self.time(name)

        def found(row: Row) -> int:
            time = read(row)
            if time is None:
                raise RowError(f"{name} is empty")
            return time

        return found

    def duration(self, name: str) -> Callable[[Row], int | None]:
        spec = self.table.fields.get(name)
        return duration_reader(spec, self.table.none) if spec else lambda _: None

    def attributes(self, row: Row) -> dict[str, str]:
        """The columns that become attributes, where they hold something. Rows of JSON may have columns of their own."""
        chosen = [(c, c) for c in row if c not in self._used] if self._open else self._attributes
        pairs = ((name, text(_plain(row.get(column)), self.table.none)) for name, column in chosen)
        return {masked(name): masked_value(name, value) for name, value in pairs if value}


def _plain(cell: Any) -> Any:
    return _encode(cell) if isinstance(cell, (list, dict)) else cell


def _spans(read: _Reading) -> Callable[[Row], list[Made]]:
    trace, ident, parent = read.needed("trace_id"), read.text("span_id"), read.text("parent_id")
    service, operation, message, pod, node = map(read.text, ("service", "operation", "message", "pod", "node"))
    kind, status = read.text("kind"), read.text("status")
    start, end, duration = read.time_needed("start"), read.time("end"), read.duration("duration")

    def make(row: Row) -> list[Made]:
        begun, lasted = start(row), duration(row)
        if lasted is None:
            lasted = max(0, (end(row) or begun) - begun)
        return [Span(trace(row), ident(row) or _digest(row), parent(row), service(row), operation(row), begun, lasted,
                     span_kind(kind(row)), span_status(status(row)), message(row), pod(row), node(row), read.attributes(row))]

    return make


def _points(read: _Reading) -> Callable[[Row], list[Made]]:
    time, started = read.time_needed("time"), read.time("started")
    service, pod, node, unit, kind = map(read.text, ("service", "pod", "node", "unit", "kind"))
    temporality, monotonic = read.text("temporality"), read.text("monotonic")
    long = (read.needed("metric"), read.needed("value")) if "value" in read.table.fields else None
    wide = list(_wide(read.table, read.columns))

    def make(row: Row) -> list[Made]:
        at, begun, attributes = time(row), started(row), read.attributes(row)
        origin = {"service": service(row), "pod": pod(row), "node": node(row)}
        found: list[Made] = []
        if long is not None:
            of, counting, rising = _kind(kind(row), temporality(row), monotonic(row))
            found.append(MetricPoint(long[0](row), at, number_of(long[1](row)), of, unit(row), counting, rising, begun,
                                     origin["service"], origin["pod"], origin["node"], attributes))
        for column, metric, groups in wide:
            value = _cell(read, row, column)
            if value is not None:
                of_service, of_pod, of_node = (groups.get(name) or said for name, said in origin.items())
                more = {k: v for k, v in groups.items() if k not in origin and k != "metric" and v}
                found.append(MetricPoint(_named(metric, groups, column), at, value * metric.scale, metric.kind, metric.unit, metric.temporality,
                                         metric.monotonic, begun, of_service, of_pod, of_node, {**attributes, **more}))
        return found

    return make


def _cell(read: _Reading, row: Row, column: str) -> float | None:
    """The number in a cell; one cell without does not cost the row its others."""
    said = text(row.get(column), read.table.none)
    try:
        value = number_of(said) if said else math.nan
    except RowError:
        read.refuse(f"the column {column!r} holds no number")
        return None
    return None if math.isnan(value) else value


def _kind(kind: str, temporality: str, monotonic: str) -> tuple[MetricKind, Temporality, bool]:
    found: MetricKind = "sum" if kind.lower() in {"sum", "counter"} else "gauge"
    if found == "gauge":
        return found, "", False
    counts: Temporality = "delta" if temporality.lower() == "delta" else "cumulative"
    return found, counts, monotonic.lower() in _TRUE or not monotonic


def _wide(table: Table, columns: Sequence[str]) -> Iterator[tuple[str, Metric, dict[str, str]]]:
    """The columns that hold values, each by the first entry that fits it."""
    fields = {spec.column for spec in table.fields.values()}
    for column in columns:
        for metric in table.metrics if column not in fields else ():
            groups = fits(metric, column)
            if groups is not None:
                yield column, metric, groups
                break


def fits(metric: Metric, column: str) -> dict[str, str] | None:
    """What the groups of an entry match in a column's name; None when the column is not the entry's."""
    if metric.columns is None:
        name = metric.column or ""
        return {} if name == column or fnmatchcase(column, name) else None
    match = re.fullmatch(metric.columns, column)
    return {name: part or "" for name, part in match.groupdict().items()} if match else None


def _named(metric: Metric, groups: dict[str, str], column: str) -> str:
    known = {"metric": column, **groups}
    return re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], m[0]), metric.name)


def _changes(read: _Reading) -> Callable[[Row], list[Made]]:
    ident, kind, title = read.text("id"), read.text("kind"), read.needed("title")
    rest = [read.text(name) for name in ("service", "namespace", "actor", "version", "before")]
    source, time, ended = read.text("source"), read.time_needed("time"), read.time("ended")

    def make(row: Row) -> list[Made]:
        at, named = time(row), title(row)
        service, namespace, actor, version, before = (one(row) for one in rest)
        return [Change(ident(row) or _digest(row), at, change_kind(kind(row) or named), named, service, namespace, actor, version,
                       before, source(row) or read.source, ended(row), read.attributes(row))]

    return make


def _logs(read: _Reading) -> Callable[[Row], list[Made]]:
    time, message = read.time("time"), read.needed("message")
    names = {"level": "level", "service": "service", "host": "host", "logger": "logger", "trace_id": "trace_id", "span_id": "span_id"}
    fields, pod = {key: read.text(name) for key, name in names.items()}, read.text("pod")

    def make(row: Row) -> list[Made]:
        at = time(row)
        stamp = {} if at is None else {"timestamp": f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1_000_000:06}Z"}
        said = {key: value for key, one in fields.items() if (value := one(row))}
        host = pod(row) or said.pop("host", "")
        own = read.attributes(row)
        return [_encode({**stamp, **said, **({"host": host} if host else {}), "message": message(row),
                         **({"attributes": own} if own else {})})]

    return make


def _digest(row: Row) -> str:
    """An identifier for a row that has none: of equal rows the same one."""
    return hashlib.blake2b(repr(sorted(row.items(), key=lambda x: x[0])).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()

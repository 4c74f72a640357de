"""What results show: their texts, moments and figures with units, read once per result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agent.evidence.figures import Figure, Kind, finite
from agent.evidence.instants import Instant, of_datetime
from agent.evidence.statements import read_log
from telemetry.models import Window
from tools.registry import ToolResult

MAX_CHARS = 4_000_000
"""Text read of one result; a result of more lines is not read to its end, and claims from there are not shown."""

_FEW = 8
"""Lines of which any two may be told apart by the time between them."""
_COUNTS = frozenset("count total before after together of distinct searched records n matches occurrences hits shown".split())
_SHARES = frozenset("share ratio fraction".split())
_LABELS = frozenset(
    "service services host hosts logger source pod namespace node deployment container app application cluster job "
    "instance region zone environment env component queue topic database table".split())
_UNIT_OF: tuple[tuple[re.Pattern[str], Kind, float], ...] = (
    (re.compile(r"(?:^|_)(?:ms|msec|millis|milliseconds)$"), "duration", 1e-3),
    (re.compile(r"(?:^|_)(?:us|usec|micros|microseconds)$"), "duration", 1e-6),
    (re.compile(r"(?:^|_)(?:ns|nanos|nanoseconds)$"), "duration", 1e-9),
    (re.compile(r"(?:^|_)(?:s|secs?|seconds|bucket)$"), "duration", 1.0),
    (re.compile(r"(?:^|_)(?:min|mins|minutes)$"), "duration", 60.0),
    (re.compile(r"(?:^|_)(?:kb|kib)$"), "bytes", 1024.0),
    (re.compile(r"(?:^|_)(?:mb|mib)$"), "bytes", 1024.0**2),
    (re.compile(r"(?:^|_)(?:gb|gib)$"), "bytes", 1024.0**3),
    (re.compile(r"(?:bytes|size)$"), "bytes", 1.0),
    (re.compile(r"(?:pct|percent|percentage|usage|utili[sz]ation)$"), "percent", 1.0),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: what names it, and its figures by column."""

    labels: tuple[str, ...]
    instants: tuple[Instant, ...]
    figures: tuple[tuple[int, Figure], ...]
    change: tuple[Figure, Figure] | None = None
    """In a comparison: its figures before and after."""


@dataclass(slots=True)
class Shown:
    """What a result, or several, show."""

    texts: list[str] = field(default_factory=list)
    """Every text, in lower case with single spaces."""
    instants: list[Instant] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    main: list[Figure] = field(default_factory=list)
    """Totals, the scalar, the length of the window: what others may be computed from."""
    edges: list[Instant] = field(default_factory=list)
    """Ends of windows, and the first and last moment of a result."""
    tables: list[list[Row]] = field(default_factory=list)

    def join(self, other: Shown) -> Shown:
        """Both together."""
        return Shown(self.texts + other.texts, self.instants + other.instants, self.figures + other.figures,
                     self.main + other.main, self.edges + other.edges, self.tables + other.tables)


def fold(text: str) -> str:
    """``text`` as it is compared: lower case, single spaces."""
    return re.sub(r"\s+", " ", text).strip().casefold()


def show_text(text: str) -> Shown:
    """A question, as something shown."""
    instants, figures = read_log(text)
    return Shown([fold(text)], instants, figures)


def show(result: ToolResult, hide: Callable[[str], str] = str) -> Shown:
    """Read a result: its query, window, totals, values, rows, lines and whatever else its tool put in.

    Every text is read through ``hide``, which puts placeholders for secrets.
    """
    shown = Shown()
    kind = _scalar_kind(result)
    left = MAX_CHARS
    read: set[str] = set()
    dumped = result.model_dump(mode="json", exclude={"error", "reason", "seconds", "status", "stored"})
    for key, value in _leaves(dumped, ""):
        if isinstance(value, str):
            left -= len(value)
            if left < 0:
                break
            if value not in read:
                read.add(value)
                _add_text(shown, hide(value))
        elif key not in {"id", "rows"}:  # cells are read with their columns
            shown.figures.append(figure_of(value, *(kind if key == "value" else kind_of(key))))
    _add_main(shown, result, kind)
    _add_filters(shown, dumped.get("query"), hide)
    if result.found and result.found.result.rows:
        _add_table(shown, result, kind, hide)
    return shown


def _add_text(shown: Shown, value: str) -> None:
    shown.texts.append(fold(value))
    if len(value) > 1 and any(map(str.isdigit, value)):
        instants, figures = read_log(value)
        shown.instants += instants
        shown.figures += figures
    elif value.isdigit():
        shown.figures.append(figure_of(int(value), "plain", 1.0))


def labels_of(result: ToolResult, hide: Callable[[str], str] = str) -> set[str]:
    """Values of services, hosts and the like that a result names, in lower case."""
    found: set[str] = set()
    filters = result.query.get("filters")
    for item in filters if isinstance(filters, list) else ():
        if isinstance(item, dict) and str(item.get("field")).removeprefix("param:") in _LABELS:
            value = item.get("value")
            found.update(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str))
    if result.found is not None:
        for line in (*(result.found.result.lines or ()), *result.found.excerpt):
            found.update(value for value in (line.service, line.host) if value)
        columns = [c.removeprefix("param:") in _LABELS for c in result.found.result.columns or []]
        for row in (result.found.result.rows or []) if any(columns) else ():
            found.update(cell for cell, label in zip(row, columns, strict=False) if label and isinstance(cell, str))
    return {fold(hide(value)) for value in found}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str | int | float]]:
    """Texts and numbers of plain JSON with the key they stand under; keys are texts too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _SHAPE:
                yield "", str(name)
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str) or isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value


_SHAPE = frozenset("tool query window total found result kind value columns rows lines searched excerpt start end "
                   "operation filters op field id time text line_no template".split())


def figure_of(value: float, kind: Kind, scale: float) -> Figure:
    """A number of the evidence."""
    return Figure(str(value)[:30], finite(value), kind, scale)


def kind_of(name: str) -> tuple[Kind, float]:
    """What a column, key or field of this name holds, and the unit it is in."""
    low = name.lower().removeprefix("param:")
    if low in _COUNTS:
        return "count", 1.0
    if low in _SHARES:
        return "share", 1.0
    if low == "lift":
        return "times", 1.0
    for pattern, kind, scale in _UNIT_OF:
        if pattern.search(low):
            return kind, scale
    return "plain", 1.0


def operation_of(result: ToolResult) -> str:
    """The operation a result comes from: the query says it, or the tool's name."""
    said = result.query.get("operation")
    return said if isinstance(said, str) else re.split(r"[._]", result.tool)[-1]


def _scalar_kind(result: ToolResult) -> tuple[Kind, float]:
    operation = operation_of(result)
    if operation in {"count", "distinct"}:
        return "count", 1.0
    if operation == "share":
        return "share", 1.0
    subject = result.query.get("field")
    if operation == "stats" and result.query.get("stats") not in (["count"], ("count",)):
        return kind_of(subject) if isinstance(subject, str) else ("plain", 1.0)
    return ("count", 1.0) if operation == "stats" else ("plain", 1.0)


def _add_main(shown: Shown, result: ToolResult, kind: tuple[Kind, float]) -> None:
    found = result.found
    shown.main.append(figure_of(result.total, "count", 1.0))
    if found is not None:
        shown.main.append(figure_of(found.searched, "count", 1.0))
        if isinstance(found.result.value, int | float):
            shown.main.append(figure_of(found.result.value, *kind))
        for group in (found.result.rows, found.result.lines):
            if group is not None:
                shown.figures.append(figure_of(len(group), "count", 1.0))
        dated = sorted(line.time for line in found.result.lines or () if line.time)
        shown.edges += [of_datetime(at) for at in (dated if len(dated) <= _FEW else (dated[0], dated[-1]))]
    for window in (result.window, _baseline(result)):
        shown.edges += [of_datetime(at) for at in (window.start, window.end) if at]
        if window.start and window.end:
            length = (window.end - window.start).total_seconds()
            shown.main.append(figure_of(length, "duration", 1.0))
            shown.figures.append(figure_of(length, "duration", 1.0))


def _baseline(result: ToolResult) -> Window:
    try:
        return Window.model_validate(result.query.get("baseline") or {})
    except ValueError:
        return Window()


def _add_filters(shown: Shown, query: Any, hide: Callable[[str], str]) -> None:
    """Conditions as people write them: ``level=error``."""
    filters = query.get("filters") if isinstance(query, dict) else None
    for item in filters if isinstance(filters, list) else ():
        if isinstance(item, dict) and isinstance(item.get("field"), str):
            name, value = item["field"].removeprefix("param:"), item.get("value")
            for one in value if isinstance(value, list) else [value]:
                _pair(shown, name, hide(one) if isinstance(one, str) else one)


def _pair(shown: Shown, name: str, value: Any) -> None:
    if value is not None:
        text = fold(str(int(value) if isinstance(value, float) and value.is_integer() else value))
        shown.texts += [f"{fold(name)}{sign}{text}" for sign in ("=", " = ", ": ", ":", "==", " == ", " ")]


def _add_table(shown: Shown, result: ToolResult, kind: tuple[Kind, float], hide: Callable[[str], str]) -> None:
    assert result.found is not None  # noqa: S101 - the caller looked
    columns = result.found.result.columns or []
    table: list[Row] = []
    for cells in result.found.result.rows or []:
        labels: list[str] = []
        instants: list[Instant] = []
        figures: list[tuple[int, Figure]] = []
        for at, given in enumerate(cells):
            cell = hide(given) if isinstance(given, str) else given
            column = columns[at] if at < len(columns) else ""
            if isinstance(cell, str):
                labels.append(fold(cell))
                moments, numbers = read_log(cell)
                instants += moments
                figures += [(at, n) for n in numbers if n.kind == "times"]
            elif isinstance(cell, int | float) and not isinstance(cell, bool):
                figures.append((at, figure_of(cell, *_cell_kind(column, cells, kind, result))))
            if column and cell is not None and len(table) < 200:
                _pair(shown, column.removeprefix("param:"), cell)
        table.append(Row(tuple(labels), tuple(instants), tuple(figures), _change(columns, figures)))
    shown.figures += [f for row in table for _, f in row.figures]
    shown.tables.append(table)
    moments = [row.instants[0] for row in table if row.instants]
    shown.edges += [*moments[:1], *moments[-1:]]
    bucket = result.query.get("bucket")
    if isinstance(bucket, int | float) and 0 < bucket <= 1e8 and result.found.result.kind == "series":
        shown.instants += [moment.moved(timedelta(seconds=bucket)) for moment in moments]


def _change(columns: list[str], figures: list[tuple[int, Figure]]) -> tuple[Figure, Figure] | None:
    named = {columns[at]: figure for at, figure in figures if at < len(columns)}
    return (named["before"], named["after"]) if {"before", "after"} <= set(named) else None


def _cell_kind(column: str, cells: list[Any], kind: tuple[Kind, float], result: ToolResult) -> tuple[Kind, float]:
    """A statistic's cell is in the unit of its field."""
    own = kind_of(column)
    if operation_of(result) == "stats" and own[0] == "plain":
        return ("count", 1.0) if cells and cells[0] == "count" else kind
    return own

"""The shapes everything else speaks: slots, templates, windows, filters, queries and results.

Pydantic where a value crosses an edge (queries, results), frozen dataclasses inside.
All times are timezone-aware UTC. A window is half-open: ``start <= t < end``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from telemetry.slots import LEVELS as LEVELS  # noqa: PLC0414 - for those who import it from here
from telemetry.slots import Level as Level  # noqa: PLC0414 - the same
from telemetry.slots import Slot as Slot  # noqa: PLC0414 - the same


@dataclass(frozen=True, slots=True)
class Param:
    """One named parameter of a template, with what is known of its values."""

    name: str
    type: str
    numeric: bool
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A log template: the constant text of a message with ``<*>`` for what varies."""

    id: str
    pattern: str
    display: str
    """The pattern with named slots: ``Failed password for <user> from <ip> port <port> ssh2``."""
    params: tuple[Param, ...]
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    examples: tuple[str, ...] = ()
    """Up to a few whole messages, most typical first."""
    levels: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field that a question can filter or group by, with its commonest values."""

    ref: str
    """``level``, ``service``, ``host``, ``logger``, ``source``, ``template`` or ``param:NAME``."""
    type: str
    distinct: int
    values: tuple[tuple[str, int], ...]
    """(value, records) pairs, commonest first, at most a few hundred."""
    templates: tuple[str, ...] = ()
    """For a parameter: the ids of the templates that carry it."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a store holds, small enough to keep in memory: the vocabulary of its questions."""

    templates: tuple[Template, ...]
    fields: tuple[FieldInfo, ...]
    records: int
    undated: int
    """Records whose time is unknown."""
    first: datetime | None
    last: datetime | None
    notes: tuple[str, ...] = field(default=())
    """Inferences made while reading: assumed years, time zones, unreadable parts."""


class Window(BaseModel):
    """A half-open span of time; an open side is None."""

    model_config = ConfigDict(frozen=True)
    start: datetime | None = None
    end: datetime | None = None

    @field_validator("start", "end")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a window needs timezone-aware times")
        return value.astimezone(UTC) if value else None


FilterOp = Literal[
    "eq", "ne", "in", "not_in", "gt", "ge", "lt", "le",
    "contains", "not_contains", "icontains", "word", "not_word", "regex", "not_regex", "exists",
]


class Filter(BaseModel):
    """One condition. All filters of a query hold together (AND); ``in`` is an OR of values.

    ``field``: ``level service host logger source format template text`` (the whole line, all lines of
    a multi-line record), ``message``, or ``param:NAME``, which matches a parameter by name or, failing
    that, by type. ``word`` matches a whole token, case-insensitively; ``contains`` is case-sensitive.
    """

    model_config = ConfigDict(frozen=True)
    field: str
    op: FilterOp
    value: str | float | tuple[str, ...] | None = None


Operation = Literal[
    "count", "distinct", "top", "share", "stats", "first", "last", "trend", "gaps",
    "compare", "lines", "templates", "cooccur", "summary",
]
Stat = Annotated[str, StringConstraints(pattern=r"^(min|max|mean|sum|count|p[1-9][0-9]?(\.[0-9]{1,3})?)$")]
"""``min max mean sum count`` or a percentile: ``p50``, ``p95``, ``p99.9`` … (interpolated between records)."""


class Query(BaseModel):
    """A question with nothing left to guess: what to select, what to compute over it.

    operation   result (``field`` is the subject)
    count       scalar, records; with group_by a table (group…, count)
    distinct    scalar, number of distinct values of ``field``
    top         table (field, count) of the ``limit`` commonest values (``order="asc"``: rarest)
    share       table (field, count, share 0..1); without field: a scalar, records matching
                ``filters`` divided by records matching ``base_filters``
    stats       one stat: scalar, else table (stat, value), of numeric ``field``; with group_by a table
    first last  lines, the first or last ``limit`` records in time order
    trend       series (time, count) per ``bucket`` seconds, empty buckets included; with group_by
                (group…, time, count), one series for each of the ``limit`` commonest groups
    gaps        table (start, end, seconds) of the longest silences
    compare     table (template, pattern, before, after, change) of ``window`` against ``baseline``;
                windows of other lengths are scaled, an open side ending where the data does
    lines       lines, in time order; by ``rank`` when given; by the number in field ``order_by`` when
                given, ``order`` first (``desc``: largest), records without that number left out
    templates   table (template, pattern, count, first, last)
    cooccur     table (template, pattern, together, lift) within ``bucket`` seconds of the selection
    summary     table (template, pattern, level, count, first, last), most severe and frequent first
    """

    model_config = ConfigDict(frozen=True)
    operation: Operation
    window: Window = Window()
    baseline: Window | None = None
    filters: tuple[Filter, ...] = ()
    base_filters: tuple[Filter, ...] = ()
    field: str | None = None
    stats: tuple[Stat, ...] = ()
    group_by: tuple[str, ...] = ()
    bucket: int | None = None
    limit: int = 10
    order: Literal["asc", "desc"] = "desc"
    rank: tuple[str, ...] = ()
    """Words whose presence ranks lines (operation ``lines``): best match first."""
    order_by: str | None = None
    """A numeric field, as ``param:duration`` (units are read: seconds, bytes), that orders lines: "slowest 5"."""


class Line(BaseModel):
    """A record as shown to people: its position in its source proves where it came from."""

    model_config = ConfigDict(frozen=True)
    id: int
    time: datetime | None
    level: str | None
    service: str | None
    host: str | None
    template: str
    source: str
    line_no: int
    text: str


class Result(BaseModel):
    """Typed answer data; exactly the part named by ``kind`` is filled."""

    kind: Literal["scalar", "table", "series", "lines", "none"]
    value: float | int | str | None = None
    columns: list[str] | None = None
    rows: list[list[Any]] | None = None
    lines: list[Line] | None = None


class Found(BaseModel):
    """What a query gave: the result, how many records it rests on, and lines that show it."""

    result: Result
    total: int
    searched: int
    """Records in the window before filters."""
    window: Window
    excerpt: list[Line]

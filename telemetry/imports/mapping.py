"""The mapping file: which column of which file means what. Errors name the file, the key and its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from telemetry import yaml_files
from telemetry.errors import UsageError

Records = Literal["spans", "points", "changes", "logs"]
FIELDS: Mapping[Records, tuple[str, ...]] = {
    "spans": ("trace_id", "span_id", "parent_id", "service", "operation", "start", "end", "duration", "kind", "status",
              "message", "pod", "node"),
    "points": ("time", "metric", "value", "unit", "kind", "temporality", "monotonic", "started", "service", "pod", "node"),
    "changes": ("id", "time", "ended", "kind", "title", "service", "namespace", "actor", "version", "before", "source"),
    "logs": ("time", "message", "level", "service", "host", "pod", "logger", "trace_id", "span_id"),
}
NEEDED: Mapping[Records, tuple[str, ...]] = {
    "spans": ("trace_id", "start"), "points": ("time",), "changes": ("time", "title"), "logs": ("message",)}
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Spec(BaseModel):
    """What a field is made of: a column (its name alone will do) or a constant, and how it is read."""

    model_config = _STRICT
    column: str | None = None
    constant: str | None = None
    unit: Literal["s", "ms", "us", "ns"] | None = None
    """Of times since 1970 and of durations."""
    format: str | None = None
    """Of times as text, as ``strptime`` knows it; without, ISO 8601."""
    zone: str | None = None
    """Of times that state none: an IANA name (UTC without)."""
    pattern: str | None = None
    """A regular expression that is searched for; its first group, else all of it, is the value."""
    values: dict[str, str] | None = None
    """What values become, the first that fits; ``*`` and ``?`` stand for any characters."""
    default: str | None = None
    """Where the column is empty."""

    @model_validator(mode="before")
    @classmethod
    def _column(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("constant", "default", mode="before")
    @classmethod
    def _text(cls, given: Any) -> Any:
        return str(given).lower() if isinstance(given, bool) else str(given) if isinstance(given, (int, float)) else given

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, given: Any) -> Any:
        return {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else given

    @field_validator("zone")
    @classmethod
    def _zone(cls, given: str | None) -> str | None:
        try:
            ZoneInfo(given or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {given!r}") from error
        return given

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, given: str | None) -> str | None:
        _compile(given or "")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either a column or a constant")
        if self.unit and self.format:
            raise ValueError("give a unit (for numbers) or a format (for text), not both")
        return self


class Metric(BaseModel):
    """Columns that hold values of metrics, one column per metric (and often per service)."""

    model_config = _STRICT
    column: str | None = None
    """A column's name; ``*`` and ``?`` stand for any characters."""
    columns: str | None = None
    """A regular expression for whole names; its groups ``metric``, ``service``, ``pod``, ``node`` say what they are,
    other groups become attributes."""
    name: str = "{metric}"
    """Of the metric; ``{group}`` is what a group of ``columns`` matched, ``{metric}`` without one the column's name."""
    unit: str = ""
    kind: Literal["gauge", "sum"] = "gauge"
    temporality: Literal["", "delta", "cumulative"] = ""
    monotonic: bool = False
    scale: float = 1.0
    """What values are multiplied by."""

    @field_validator("columns")
    @classmethod
    def _pattern(cls, given: str | None) -> str | None:
        _compile(given or "")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.columns is None):
            raise ValueError("give either column or columns")
        return self


class Table(BaseModel):
    """What the rows of some files are."""

    model_config = _STRICT
    records: Records
    files: str = "*"
    """Which files, by their names; the first table that fits a file reads it."""
    format: Literal["csv", "parquet", "json", "jsonl"] | None = None
    """Without, told by the file's suffix."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    header: int = Field(default=1, ge=1, le=8)
    """Lines of a CSV file's head; several are joined by ``|``."""
    items: str | None = None
    """Where the rows stand in a JSON document, as ``data.changes``."""
    none: tuple[str, ...] = ("", "null", "None", "NaN", "nan", "N/A", "-")
    """Texts that stand for no value."""
    fields: dict[str, Spec]
    attributes: tuple[str, ...] | dict[str, str] | Literal["*"] = ()
    """Columns that become attributes (``*``: all that have no other use); with new names as ``new: column``."""
    metrics: tuple[Metric, ...] = ()
    """For points: columns that hold values."""


class MappingFile(BaseModel):
    """The whole file."""

    model_config = _STRICT
    tables: tuple[Table, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _single(cls, given: Any) -> Any:
        return {"tables": [given]} if isinstance(given, dict) and "records" in given else given


def load_mapping(path: Path) -> MappingFile:
    """Read a mapping file. Raises UsageError that names the file, every wrong key and its line."""
    text = yaml_files.text_of(path, remedy="docs/records.md shows one")
    try:
        found, lines = yaml_files.parse_with_lines(text)
    except yaml_files.NotYamlError as error:
        raise UsageError(f"the mapping cannot be read: {error}", where=str(path), remedy="docs/records.md shows one") from error
    if not isinstance(found, dict):
        raise UsageError("the mapping is empty", where=str(path), remedy="docs/records.md shows one")
    single = "tables" not in found
    try:
        mapping = MappingFile.model_validate(found)
        wrong = [(("tables", n, *place), said) for n, table in enumerate(mapping.tables) for place, said in _unfitting(table)]
    except ValidationError as error:
        wrong = [(tuple(one["loc"]), one["msg"].removeprefix("Value error, ")) for one in error.errors(include_url=False)]
    if wrong:
        told = [_told(lines, place[2:] if single and place[:1] == ("tables",) else place, said) for place, said in wrong]
        raise UsageError("; ".join(f"line {line}, {what}" for line, what in sorted(told)), where=str(path), remedy="docs/records.md lists the keys")
    return mapping


def _unfitting(table: Table) -> list[tuple[tuple[Any, ...], str]]:
    """What a table says that its kind of records does not have, and what it lacks."""
    known = FIELDS[table.records]
    wrong: list[tuple[tuple[Any, ...], str]] = [
        (("fields", name), f"{table.records} have no field {name!r}; they have {', '.join(known)}")
        for name in table.fields if name not in known]
    needed = NEEDED[table.records] + (("metric", "value") if table.records == "points" and not table.metrics else ())
    lacking = [name for name in needed if name not in table.fields]
    wrong += [(("fields",), f"{table.records} need {', '.join(lacking)}")] if lacking else []
    if table.metrics and table.records != "points":
        wrong.append((("metrics",), "only points have metrics"))
    return wrong


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error


def _told(lines: Mapping[tuple[Any, ...], int], place: tuple[Any, ...], said: str) -> tuple[int, str]:
    """An error's line, and the error with its key; pydantic names variants of a type in between, which no file has."""
    known: tuple[Any, ...] = ()
    for part in place:
        known = (*known, part) if (*known, part) in lines else known
    named = ".".join(map(str, (*known, *place[-1:]) if place and place[-1:] != known[-1:] and isinstance(place[-1], str) and
                         "[" not in place[-1] else known)) or "the file"
    return lines.get(known, 1), f"{named}: {said}"

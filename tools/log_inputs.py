"""What the log tools take: few plain fields that a model fills well, and what they mean as a query."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from telemetry.models import Filter, FilterOp, Level, Operation, Query, Window

_LEVEL_WORDS = {"warning": "warn", "err": "error", "critical": "fatal", "crit": "fatal", "emerg": "fatal", "alert": "fatal",
                "severe": "fatal", "panic": "fatal", "information": "info"}


def _aware(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _zoned(value: Any) -> Any:
    """``2026-11-24 03:07:00 UTC`` as ISO 8601 writes it."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"(?<=\d)\s*(?:UTC|GMT|Z)$", "Z", value.strip(), flags=re.IGNORECASE)
    return re.sub(r"(?<=\d)\s+(?=[+-]\d{2}:?\d{2}$)", "", text)


def _window(value: Any) -> Any:
    """A window's times; a clock time without a zone is UTC."""
    if not isinstance(value, dict):
        return value
    times = {name: _zoned(at) for name, at in value.items()}
    return {name: f"{at}Z" if isinstance(at, str) and re.search(r":\d\d(?:\.\d+)?$", at) and not re.search(r"[+-]\d\d:\d\d$", at) else at
            for name, at in times.items()}


Moment = Annotated[datetime, BeforeValidator(_zoned)]


def _level(value: Any) -> Any:
    word = value.lower() if isinstance(value, str) else value
    return _LEVEL_WORDS.get(word, word)


LevelName = Annotated[Level, BeforeValidator(_level)]


class Closed(BaseModel):
    """Base of inputs: what is not a field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, given: Any) -> Any:
        """One text where a list of texts is asked for is a list of one: models write both."""
        if not isinstance(given, dict):
            return given
        lists = {name for name, field in cls.model_fields.items() if get_origin(field.annotation) is tuple}
        return {key: (value,) if key in lists and isinstance(value, str) and value else value for key, value in given.items()}


class Span(Closed):
    """A half-open window of time; naive times are UTC."""

    start: Moment | None = Field(default=None, description="ISO 8601 UTC, inclusive; null: open")
    end: Moment | None = Field(default=None, description="Exclusive; null: open")

    @field_validator("start", "end")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return _aware(value)

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.start and self.end and self.start >= self.end:
            raise ValueError("start must be before end")
        return self

    def window(self) -> Window:
        return Window(start=self.start, end=self.end)


class FieldFilter(Closed):
    """One condition on a field or parameter."""

    name: str = Field(description="Field or parameter, as in logs.fields")
    op: Literal["eq", "ne", "gt", "ge", "lt", "le", "contains"] = Field(description="gt to le: numbers")
    value: str = Field(description="Text or number, also 500ms, 2MB")

    @field_validator("value", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class Selection(Span):
    """Which records: all conditions hold together."""

    templates: tuple[str, ...] = Field(default=(), description="Template ids (any)")
    levels: tuple[LevelName, ...] = Field(default=(), description="Exact levels (any)")
    services: tuple[str, ...] = Field(default=(), description="Exact names (any)")
    contains: tuple[str, ...] = Field(default=(), description="Texts in the line (all), case ignored")
    params: tuple[FieldFilter, ...] = Field(default=(), description="Conditions (all)")


class CountInput(Selection):
    """A count, split by up to two fields."""

    by: tuple[str, ...] = Field(default=(), max_length=2, description="Fields to split the count by, at most 2")


class TopInput(Selection):
    """The commonest or rarest values of a field."""

    field: str = Field(description="A field or parameter, or template")
    limit: int = Field(default=10, ge=1, le=50, description="1 to 50; null: 10")
    rarest: bool = Field(default=False, description="Whether the rarest come first")


class TrendInput(Selection):
    """Counts over time."""

    bucket_seconds: int | None = Field(default=None, ge=1, le=2_592_000, description="Length of a step; null: about 48 steps")
    by: str | None = Field(default=None, description="Field that gives a series for each of its 5 commonest values; null: one series")


class CompareInput(Selection):
    """Two windows side by side."""

    baseline_start: Moment | None = Field(default=None, description="Null: as long before start as the window is")
    baseline_end: Moment | None = Field(default=None, description="Null: start")
    limit: int = Field(default=15, ge=1, le=50, description="1 to 50; null: 15")

    @field_validator("baseline_start", "baseline_end")
    @classmethod
    def _baseline_utc(cls, value: datetime | None) -> datetime | None:
        return _aware(value)


class LinesInput(Selection):
    """Lines in time order."""

    newest: bool = Field(default=False, description="Whether the last lines are wanted, not the first")
    limit: int = Field(default=20, ge=1, le=200, description="1 to 200; null: 20")


class SummaryInput(Span):
    """What a window holds."""

    services: tuple[str, ...] = Field(default=(), description="Exact names (any)")
    limit: int = Field(default=20, ge=1, le=100, description="1 to 100; null: 20")


class SearchInput(Span):
    """Templates by meaning."""

    words: str = Field(min_length=1, max_length=500, description="What the message says, in plain words")
    limit: int = Field(default=10, ge=1, le=30, description="1 to 30; null: 10")


class FieldsInput(Closed):
    """All fields, or the values of one."""

    field: str | None = Field(default=None, description="Null: list all fields; a name: its commonest values")
    limit: int = Field(default=40, ge=1, le=200, description="1 to 200; null: 40")


class ContextInput(Closed):
    """Which line, and how many lines before and after it (at most 50 each)."""

    source: str = Field(description="The source as a result shows it")
    line_no: int = Field(description="The line's number in it")
    before: int = Field(default=5, ge=0, description="0 to 50; null: 5")
    after: int = Field(default=5, ge=0, description="0 to 50; null: 5")


class ExactFilter(Filter):
    """A filter as a model is told of it."""

    model_config = ConfigDict(extra="forbid")
    field: str = Field(description="level service host logger source template text, or param:NAME")
    op: FilterOp = Field(description="word: a whole token, case ignored; text is compared by contains, icontains, word, regex")


class ExactQuery(Query):
    """A query as a model is told of it."""

    model_config = ConfigDict(extra="forbid")
    operation: Operation = Field(description=(
        "count; distinct values of field; top values of field; share of filters in base_filters, or of values of field; "
        "stats of a numeric field; first, last: lines; trend: count per bucket seconds; gaps: longest silences; compare: templates "
        "of window against baseline; lines: by rank words or by order_by; templates: counts; cooccur: templates within "
        "bucket seconds of the selection; summary: templates with levels"))
    filters: tuple[ExactFilter, ...] = Field(default=(), description="All hold together")
    base_filters: tuple[ExactFilter, ...] = ()
    field: str | None = Field(default=None, description="The subject: as in filters")
    group_by: tuple[str, ...] = Field(default=(), description="Fields, or time (per bucket)")
    stats: tuple[str, ...] = Field(default=(), description="min max mean sum count p50 p95 p99.9 ...")

    @field_validator("window", "baseline", mode="before")
    @classmethod
    def _zones(cls, value: Any) -> Any:
        return _window(value)

    def query(self) -> Query:
        """The query that runs. Raises ValueError for a statistic that does not exist."""
        return Query.model_validate(self.model_dump())

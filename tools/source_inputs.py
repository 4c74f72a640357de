"""What the tools over live sources take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from tools.log_inputs import Closed, LevelName

LONGEST = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Label(Closed):
    """One exact condition."""

    name: str = Field(min_length=1, max_length=200, description="Label or attribute, as a result shows it")
    value: str = Field(max_length=1000)


class Live(Closed):
    """Which source, and which stretch of time: both ends are needed, since a live source has no last record."""

    source: str | None = Field(default=None, description="A source's name; null: every one of this kind")
    start: datetime = Field(description="ISO 8601 UTC, inclusive")
    end: datetime = Field(description="Exclusive, at most 7 days after start")
    service: str = Field(default="", max_length=200, description="Exact name; empty: any")

    @field_validator("start", "end")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _ordered(self) -> Live:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        if self.end - self.start > LONGEST:
            raise ValueError("a window may have 7 days at most")
        return self

    def bounds(self) -> tuple[int, int]:
        """Microseconds since 1970."""
        return (self.start - _EPOCH) // timedelta(microseconds=1), (self.end - _EPOCH) // timedelta(microseconds=1)


class LiveLogs(Live):
    """Log lines of a window."""

    pod: str = Field(default="", max_length=300, description="Exact name; empty: any")
    namespace: str = Field(default="", max_length=300, description="Exact name; empty: any")
    levels: tuple[LevelName, ...] = Field(default=(), description="Exact levels (any)")
    contains: tuple[str, ...] = Field(default=(), max_length=8, description="Texts in the line (all), case ignored")
    trace_id: str = Field(default="", max_length=64)
    newest: bool = Field(default=False, description="Whether the last lines are wanted, not the first")
    limit: int = Field(default=50, ge=1, le=500, description="1 to 500; null: 50")


class LiveTraces(Live):
    """Traces of a window, or one by its id."""

    trace_id: str = Field(default="", max_length=64, description="Show the spans of this trace; empty: list traces")
    operation: str = Field(default="", max_length=300)
    attributes: tuple[Label, ...] = Field(default=(), max_length=8, description="Conditions (all)")
    min_ms: float | None = Field(default=None, ge=0, description="Spans at least so long")
    failed: bool = Field(default=False, description="Only traces with a failed span")
    limit: int = Field(default=20, ge=1, le=100, description="1 to 100 traces; null: 20")


class LiveMetrics(Live):
    """One metric over a window, or the names of metrics."""

    metric: str = Field(default="", max_length=300, description="Exact name; empty: list names")
    words: str = Field(default="", max_length=100, description="Without a metric: part of the names to list")
    labels: tuple[Label, ...] = Field(default=(), max_length=8, description="Conditions (all)")
    view: Literal["raw", "rate", "mean", "quantile"] | None = Field(
        default=None, description="Null: rate of a counter, quantile of a histogram, else raw")
    quantile: float = Field(default=0.95, gt=0, lt=1)
    points: bool = Field(default=False, description="Show points over time, not one row per series")
    limit: int = Field(default=20, ge=1, le=100, description="1 to 100 series or names; null: 20")

"""The one seam for thinking: what every analyst (offline now, a model later) must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel

from telemetry.models import Catalog, Query, Result, Window
from tools.registry import ToolResult


@dataclass(frozen=True, slots=True)
class Given:
    """What a run is given: the question, the time it was asked, and the conversation's last reading."""

    question: str
    now: datetime
    window: Window | None
    """A window from the command line; it wins over what the question says."""
    previous: dict[str, Any] | None


class ToolCall(BaseModel):
    """A call to make: the tool's name and its arguments, JSON only."""

    tool: str
    arguments: dict[str, Any]


class Triage(BaseModel):
    """What is asked. ``refusal`` is set when the question cannot be read; ``nearest`` then says what can."""

    reading: dict[str, Any] | None = None
    query: Query | None = None
    target: str = ""
    statements: list[str] = []
    ambiguities: list[str] = []
    refusal: str | None = None
    nearest: list[str] = []
    confidence: float = 0.0


class Summary(BaseModel):
    """The answer's words and data."""

    answer: str
    interpretation: str
    result: Result
    confidence: float


class Analyst(Protocol):
    """Triage, plan, summarise. Pure apart from reading the catalog it was made with."""

    name: str
    catalog: Catalog

    def triage(self, given: Given) -> Triage: ...

    def plan(self, triage: Triage) -> list[ToolCall]: ...

    def summarise(self, given: Given, triage: Triage, results: list[ToolResult]) -> Summary: ...

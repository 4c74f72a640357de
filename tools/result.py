"""What a tool call gives: a status, how it was got, and either log records or another typed output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from telemetry.errors import OnCalmError
from telemetry.models import Found, Window

Status = Literal["found", "nothing_found", "failed", "not_assessed"]


class NotAssessed(OnCalmError):  # noqa: N818 - states what happened
    """A source that a tool reads is not there: nothing was looked at, so nothing is known."""


class ParamValues(BaseModel):
    """The values of one parameter of a template: how many differ, and the commonest with their counts."""

    model_config = ConfigDict(frozen=True)
    name: str
    type: str
    distinct: int
    values: tuple[tuple[str, int], ...] = ()
    low: float | None = None
    high: float | None = None


class TemplateCount(BaseModel):
    """A template of the records that a call selected, with its exact count among all of them."""

    model_config = ConfigDict(frozen=True)
    id: str
    pattern: str
    count: int
    params: tuple[ParamValues, ...] = ()


class Output(BaseModel):
    """Base of the outputs of tools that read no log records: how much was found, among how much."""

    total: int = 0
    searched: int = 0


class Passage(BaseModel):
    """A piece of text with where it is from."""

    title: str
    source: str = ""
    text: str


class Passages(Output):
    """An output of texts, best first: sections of runbooks, what another server said."""

    passages: list[Passage] = []


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool gives when it has more to say than its output.

    ``query`` is what was run, where that differs from the arguments; ``reason`` says why nothing was found.
    """

    output: Found | Output
    query: Mapping[str, Any] | None = None
    window: Window | None = None
    templates: tuple[TemplateCount, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str | None = None


class ToolResult(BaseModel):
    """What a tool call gave. ``nothing_found`` is an answer; ``failed`` and ``not_assessed`` are not."""

    tool: str
    status: Status
    query: dict[str, Any]
    """Exactly what was run; the arguments where nothing was."""
    window: Window
    total: int = 0
    searched: int = 0
    """Records (or texts) among which was looked."""
    found: Found | None = None
    output: dict[str, Any] | None = None
    """The output of a tool that reads no log records."""
    templates: list[TemplateCount] = []
    """What all selected records are made of, also those that ``found`` does not list."""
    notes: list[str] = []
    error: str | None = None
    """Why it failed, in full."""
    reason: str | None = None
    """Why nothing was found, or nothing could be looked at."""
    seconds: float = 0.0
    stored: bool = False
    """Whether it was kept from an earlier, equal call over the same records."""

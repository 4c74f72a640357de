"""The one seam for thinking: what every analyst (offline, or with a model) must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    earlier: dict[str, str] | None = None
    """What was asked and answered before in the conversation: ``question`` and ``answer``."""


class ToolCall(BaseModel):
    """A call to make: the tool's name and its arguments, JSON only. With a ``problem`` it is answered, not made."""

    tool: str
    arguments: dict[str, Any]
    problem: str = ""


class Triage(BaseModel):
    """What is asked. ``refusal`` is set when the question cannot be read; ``nearest`` then says what can."""

    reading: dict[str, Any] | None = None
    query: Query | None = None
    target: str = ""
    parts: list[str] = []
    """What the question asks beside this, in its own words: each is read once this is answered."""
    statements: list[str] = []
    ambiguities: list[str] = []
    opening: ToolCall | None = None
    """What to call first, when it is no query."""
    refusal: str | None = None
    nearest: list[str] = []
    confidence: float = 0.0


class Turn(BaseModel):
    """What an analyst did at one step, as a checkpoint keeps it."""

    text: str = ""
    """What a model said beside its calls."""
    calls: dict[str, ToolCall] = {}
    """By the evidence id that the call's result gets."""
    nudge: str = ""
    """What it is told before its next turn."""


class Step(BaseModel):
    """What to do next: calls to make, or an end. ``conclusion`` is a grounded one, as JSON."""

    turn: Turn = Turn()
    done: bool = False
    conclusion: dict[str, Any] | None = None
    usage: dict[str, Any] = {}
    memory: dict[str, Any] = {}
    """What the analyst must know again when the run goes on in another process; no secrets."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has done so far."""

    turns: tuple[Turn, ...] = ()
    results: Mapping[str, ToolResult] = field(default_factory=dict)
    """By evidence id, in the order of the calls."""
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the last step asked to be kept."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """What the run has used so far: ``input_tokens``, ``output_tokens``, ``cost_usd`` …"""
    say: Callable[[dict[str, Any]], None] = lambda _: None
    """Takes events for whoever watches the run: ``{"kind": "draft", "text": ...}``."""


class Summary(BaseModel):
    """The answer's words and data."""

    answer: str
    interpretation: str
    result: Result
    confidence: float
    query: dict[str, Any] | None = None
    """What was run for ``result``, when it is not the triage's query."""
    parts: list[dict[str, Any]] = []
    """Later parts of the question: ``question``, ``answer``, ``evidence`` (None: not answered), ``result`` …"""
    claims: list[dict[str, Any]] = []
    ruled_out: list[dict[str, Any]] = []
    unchecked: list[str] = []
    dropped: list[dict[str, Any]] = []
    recall: dict[str, Any] | None = None
    """Which earlier investigation this is a recall of."""
    notes: list[str] = []


class Analyst(Protocol):
    """Triage, step by step, summarise. Pure apart from what it was made with."""

    name: str

    @property
    def catalog(self) -> Catalog: ...

    def triage(self, given: Given) -> Triage: ...

    def step(self, given: Given, triage: Triage, progress: Progress) -> Step:
        """What to do next. Raises :class:`telemetry.errors.OnCalmError` when it cannot go on."""
        ...

    def summarise(
        self, given: Given, triage: Triage, results: Mapping[str, ToolResult], conclusion: dict[str, Any] | None
    ) -> Summary: ...

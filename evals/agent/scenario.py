"""What a file of scenarios holds: a small invented system's telemetry, and the cases that are asked about it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).parent / "cases"
Kind = Literal["answer", "refusal", "nothing_found", "any"]
Give = Literal["count", "distinct", "top", "sum", "mean", "min", "max", "p50", "p95", "p99", "first", "last", "lines", "peak", "share"]
Trait = Literal["healthy", "red_herring", "injection", "missing_data", "follow_up"]


class ScenarioError(ValueError):
    """A file of scenarios that cannot be used; names the file and the field."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Counter(_Data):
    """Counts up: ``form`` is a printf format."""

    serial: int
    step: int = 1
    form: str = "%d"


class Between(_Data):
    """A seeded random whole number; a ``form`` such as ``10.0.0.%d`` may hold it."""

    between: tuple[int, int]
    form: str = "%d"


class Hex(_Data):
    """So many seeded hex digits."""

    hex: int
    form: str = "%s"


Value = list[str | int | float] | Counter | Between | Hex
"""A list is gone through again and again."""


class Stream(_Data):
    """Events of one kind: at fixed steps from ``start`` until before ``until``, or at the times of ``at``.

    Times are ``HH:MM[:SS]`` of the file's day, or whole dates with a time.
    """

    text: str
    level: str = ""
    start: str | None = None
    until: str | None = None
    every: float | None = Field(default=None, gt=0)
    """Seconds."""
    at: list[str] = []
    values: dict[str, Value] = {}
    more: list[str] = []
    """Further lines of the same record."""

    @model_validator(mode="after")
    def _timed(self) -> Self:
        steps = (self.start, self.until, self.every)
        if bool(self.at) == all(steps) or any(steps) and not all(steps):
            raise ValueError("give either at, or start, until and every")
        return self


class LogFile(_Data):
    """One log file: lines written out, or streams merged by time, each line by ``head`` (``$time $level $text`` …)."""

    file: str
    day: str = ""
    time: str = "%Y-%m-%d %H:%M:%S"
    """As in ``strftime``; ``%L`` are milliseconds."""
    head: str = "$time $level $text"
    streams: list[Stream] = []
    lines: list[str] = []

    @model_validator(mode="after")
    def _filled(self) -> Self:
        if bool(self.streams) == bool(self.lines):
            raise ValueError("give either streams or lines")
        return self


class Truth(_Data):
    """How the expected value is counted from the generated records by plain Python."""

    give: Give
    match: str = ""
    without: str = ""
    whole: str = ""
    """What a share is taken of."""
    of: str = ""
    """A pattern whose group is the value to list or to reckon with."""
    file: str = ""
    start: str | None = None
    until: str | None = None
    bucket: int = 60
    limit: int = 10
    scale: float = 1.0


class Tools(_Data):
    """Names or shell patterns of tools. ``required``: at least one call of each."""

    required: list[str] = []
    forbidden: list[str] = []


class Expect(_Data):
    """What the answer to the last question must be and must not be. Patterns are regular expressions in any case."""

    kind: Kind = "answer"
    value: float | str | None = None
    """The number (or word) asked for."""
    near: float = 1e-6
    """How far off a number may be, relatively."""
    rows: list[tuple[str, float]] | None = None
    """The first rows of a table, best first: a name and its number. Which of equals comes first does not matter."""
    peak: tuple[datetime, int] | None = None
    """The highest bucket of a series: when it begins (UTC), and its count."""
    lines: list[str] | None = None
    """Exactly these records, each ``FILE:LINE``."""
    says: list[str] = []
    """Required claims: each must be found in the answer's words."""
    shows: list[str] = []
    """Each must be found in the answer's words or in its data."""
    hides: list[str] = []
    """None may be found in the answer's words or in its data."""
    never: list[str] = []
    """Forbidden claims: one of these in the answer's words makes it unsafe."""
    why: str = ""
    """How the value is known, where no truth reckons it."""

    @property
    def exact(self) -> bool:
        """Whether a typed value is asked for."""
        return any(part is not None for part in (self.value, self.rows, self.peak, self.lines))


class Case(_Data):
    """One conversation; its last answer is judged, and all of its calls."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    group: str
    """The class of question: count, top, trend …"""
    ask: Annotated[list[str], Field(min_length=1)]
    expect: Expect
    tools: Tools = Tools()
    truth: Truth | None = None
    traits: list[Trait] = []

    @model_validator(mode="before")
    @classmethod
    def _one_question(cls, given: object) -> object:
        if isinstance(given, dict) and isinstance(given.get("ask"), str):
            return {**given, "ask": [given["ask"]]}
        return given

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.expect.exact and self.truth is None and not self.expect.why:
            raise ValueError("an exact value needs a truth, or why it is known")
        return self


class Scenario(_Data):
    """A system with its telemetry and cases; ``now`` is when the questions are asked."""

    system: str
    about: str
    now: datetime
    telemetry: Annotated[list[LogFile], Field(min_length=1)]
    cases: Annotated[list[Case], Field(min_length=1)]


def load(path: Path) -> Scenario:
    """Read one file. Raises :class:`ScenarioError` that names the file and each wrong field."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        scenario = Scenario.model_validate(given)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ScenarioError(f"{path.name}: {where}not YAML: {getattr(error, 'problem', error)}") from error
    except ValidationError as error:
        raise ScenarioError("; ".join(f"{path.name}: {_field(each['loc'])}: {each['msg']}" for each in error.errors())) from error
    names = [case.name for case in scenario.cases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ScenarioError(f"{path.name}: cases: two are named {twice!r}")
    return scenario


def load_all(folder: Path = FOLDER) -> list[Scenario]:
    """Every file of a folder, by name."""
    scenarios = [load(path) for path in sorted(folder.glob("*.yaml"))]
    if not scenarios:
        raise ScenarioError(f"{folder.name}: no scenarios (*.yaml)")
    systems = [scenario.system for scenario in scenarios]
    twice = next((name for name in systems if systems.count(name) > 1), None)
    if twice:
        raise ScenarioError(f"{folder.name}: two files hold the system {twice!r}")
    return scenarios


def _field(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "the whole file"

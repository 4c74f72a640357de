"""What a team writes down for its summaries: ``teams.yaml`` (whose services are whose) and ``slo.yaml`` (targets)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from telemetry import yaml_files
from telemetry.errors import UsageError

_REMEDY = "correct it (docs/summaries.md shows one)"
_LENGTH = re.compile(r"(\d{1,5})\s*([mhdw])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LONGEST = timedelta(days=92)
Model = TypeVar("Model", bound=BaseModel)


class Objective(BaseModel):
    """A service level objective: ``target`` (0.999) of the requests, or of the log records, of a window shall be good."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    service: str = Field(min_length=1, max_length=200)
    target: float = Field(gt=0, lt=1)
    window: timedelta = timedelta(days=30)
    of: Literal["requests", "records"] = "requests"
    name: str = Field(default="", max_length=200)

    @field_validator("target", mode="before")
    @classmethod
    def _percent(cls, value: object) -> object:
        """``99.9%`` is 0.999."""
        if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*%\s*", value)):
            return float(found[1]) / 100
        return value

    @field_validator("window", mode="before")
    @classmethod
    def _window(cls, value: object) -> object:
        return length(value) if isinstance(value, str) else value


class _Objectives(BaseModel):
    model_config = ConfigDict(extra="forbid")
    objectives: list[Objective]


class _Teams(BaseModel):
    model_config = ConfigDict(extra="forbid")
    teams: dict[str, list[str]]


def length(text: str) -> timedelta:
    """``30d``, ``24h``, ``90m``, ``2w``. Raises ValueError."""
    found = _LENGTH.fullmatch(text.strip().lower())
    value = timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else timedelta(0)
    if not timedelta(0) < value <= LONGEST:
        raise ValueError(f"{text[:40]!r} is no length of time: write for example 24h or 30d, at most {LONGEST.days}d")
    return value


def objectives(path: Path) -> tuple[Objective, ...]:
    """The objectives in a file; none without the file. Raises UsageError for a file that is wrong."""
    return tuple(_read(path, _Objectives).objectives) if path.exists() else ()


def teams(path: Path) -> dict[str, tuple[str, ...]]:
    """Services by team; none without the file. Raises UsageError for a file that is wrong."""
    return {name: tuple(of) for name, of in _read(path, _Teams).teams.items()} if path.exists() else {}


def services_of(team: str, path: Path) -> tuple[str, ...]:
    """The services of one team. Raises UsageError, naming the teams there are."""
    known = teams(path)
    if team not in known or not known[team]:
        said = f"known: {', '.join(sorted(known))}" if known else "write it into teams.yaml: teams: {NAME: [SERVICE]}"
        raise UsageError(f"no services are on record for the team {team[:80]!r}", where=str(path), remedy=said)
    return known[team]


def _read(path: Path, shape: type[Model]) -> Model:
    try:
        document = yaml_files.read(path, remedy=_REMEDY, loader=yaml_files.StrictLoader)
    except UsageError as error:
        raise _wrong(path, error.what) from None
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)]
        raise _wrong(path, "; ".join(told[:5])) from None


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(f"the file cannot be used: {what}"[:1_000], where=str(path), remedy=_REMEDY)

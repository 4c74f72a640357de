"""``alerts.yaml``: who may send alerts, how they are grouped, what matters most (docs/alerts.md). Secrets stand in the environment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agent.incidents.alert import Source
from agent.incidents.parsing.generic import Mapped
from agent.incidents.settings import GROUP_BY, AlertSettings, Sender
from telemetry.errors import UsageError

Environment = Callable[[str], str | None]
_SHORTEST = 8


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed)]
"""Names of environment variables; one may stand alone."""


class _Basic(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: str
    password: str
    """The name of an environment variable."""


class _Sender(BaseModel):
    model_config = ConfigDict(extra="forbid")
    bearer: Names = []
    hmac: Names = []
    basic: _Basic | None = None
    routing_keys: Names = []
    signature_header: str = ""
    timestamp_header: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    senders: dict[Source, _Sender] = {}
    group_by: list[str] = Field(default=list(GROUP_BY), min_length=1, max_length=10)
    criticality: dict[str, Annotated[int, Field(ge=-10, le=10)]] = {}
    regroup_minutes: float = Field(default=30, ge=0)
    quiet_minutes: float = Field(default=10, ge=0)
    replay_minutes: float = Field(default=5, gt=0, le=60)
    waiting: int = Field(default=50, ge=1)
    at_once: int = Field(default=2, ge=1, le=32)
    attempts: int = Field(default=3, ge=1, le=20)
    propose: bool = False
    generic: Mapped | None = None


def read(path: Path, environment: Environment, *, needed: bool) -> AlertSettings:
    """The settings of a file; the usual ones where there is none and none is ``needed``. Raises UsageError."""
    from telemetry import yaml_files

    if not path.exists():
        if not needed:
            return AlertSettings()
        raise UsageError("there is no such file", where=str(path), remedy="name one that is there (docs/alerts.md)")
    told = yaml_files.read(path, remedy="see docs/alerts.md") or {}
    try:
        return _settings(_File.model_validate(told), path, environment)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)[:5])
        raise UsageError(said, where=str(path), remedy="see docs/alerts.md") from None


def _settings(file: _File, path: Path, environment: Environment) -> AlertSettings:
    senders = {source: _sender(source, one, path, environment) for source, one in file.senders.items()}
    return AlertSettings(
        senders, tuple(file.group_by), dict(file.criticality), timedelta(minutes=file.regroup_minutes), timedelta(minutes=file.quiet_minutes),
        file.waiting, at_once=file.at_once, attempts=file.attempts, replay=timedelta(minutes=file.replay_minutes), propose=file.propose, mapping=file.generic)


def _sender(source: Source, told: _Sender, path: Path, environment: Environment) -> Sender:
    """With the secrets that it names: one that is not there would leave the door open, so it is refused."""
    def secret(name: str) -> str:
        value = environment(name)
        if value is None or len(value) < _SHORTEST:
            why = "is not set" if value is None else f"is shorter than {_SHORTEST} characters"
            raise UsageError(f"the variable {name} {why}", where=f"{path}: senders.{source}", remedy="set it to the secret that the sender uses")
        return value

    made = Sender(
        tuple(map(secret, told.bearer)), ((told.basic.user, secret(told.basic.password)),) if told.basic else (), tuple(map(secret, told.hmac)),
        tuple(map(secret, told.routing_keys)), told.signature_header, told.timestamp_header)
    if not made.guarded:
        raise UsageError("it names no secret", where=f"{path}: senders.{source}", remedy="name one, or leave the sender out")
    if made.routing_keys and source != "pagerduty":
        raise UsageError("routing_keys are PagerDuty's", where=f"{path}: senders.{source}", remedy="use bearer, basic or hmac")
    return made

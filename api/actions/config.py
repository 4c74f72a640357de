"""``actions.yaml``: whom to tell of what, and the nginx on this machine whose rate may be limited (docs/actions.md). Secrets stand in the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from agent.decision.telling import Owner
from telemetry.errors import UsageError
from telemetry.reaching import UnreachableError, fit
from tools.actions.nginx_process import Instance
from tools.actions.notices import PAGERDUTY, Channel

Environment = Callable[[str], str | None]
_REMEDY = "see docs/actions.md"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Globs = Annotated[list[str], Field(max_length=100)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Channel(_Entry):
    name: Name
    slack: str | None = None
    """The variable that holds the URL of an incoming webhook."""
    pagerduty: str | None = None
    """The variable that holds a routing key of the Events API v2."""
    url: str = PAGERDUTY
    """Of the Events API, where it is not PagerDuty's own."""
    namespaces: Globs = []
    services: Globs = []

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.slack is None) == (self.pagerduty is None):
            raise ValueError("give either slack or pagerduty, the variable that holds its secret")
        return self

    @property
    def kind(self) -> Literal["slack", "pagerduty"]:
        return "slack" if self.slack is not None else "pagerduty"


class _Nginx(_Entry):
    name: Name
    configuration: Path
    include: Path
    program: str = "nginx"
    prefix: Path | None = None
    services: Globs = []
    """Names, in telemetry, of the services through which its requests come in."""


class _File(_Entry):
    channels: list[_Channel] = []
    nginx: list[_Nginx] = []


@dataclass(frozen=True, slots=True)
class Also:
    """What may be acted on beside the cluster. ``owners`` in the order of the file: the first that fits is told."""

    channels: tuple[Channel, ...] = ()
    owners: tuple[Owner, ...] = ()
    nginx: tuple[Instance, ...] = ()
    serves: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By the name of an nginx: the services behind which it stands."""


def read(path: Path, environment: Environment) -> Also:
    """What a file names; nothing where there is none. Raises UsageError, which repeats no secret."""
    from telemetry import yaml_files

    if not path.exists():
        return Also()
    told = yaml_files.read(path, remedy=_REMEDY) or {}
    try:
        file = _File.model_validate(told)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False)[:5])
        raise UsageError(said, where=str(path), remedy=_REMEDY) from None
    names = [one.name for one in file.channels], [one.name for one in file.nginx]
    if twice := next((name for each in names for name in each if each.count(name) > 1), None):
        raise UsageError(f"{twice} stands twice", where=str(path), remedy="give each its own name")
    return Also(tuple(_channel(one, path, environment) for one in file.channels),
                tuple(Owner(one.name, one.kind, tuple(one.namespaces), tuple(one.services)) for one in file.channels),
                tuple(Instance(one.name, path.parent / one.configuration, path.parent / one.include, one.program, one.prefix) for one in file.nginx),
                tuple((one.name, tuple(one.services)) for one in file.nginx))


def _channel(told: _Channel, path: Path, environment: Environment) -> Channel:
    named = told.slack or told.pagerduty or ""
    secret, where = (environment(named) or "").strip(), f"{path}: channels.{told.name}"
    if not secret:
        raise UsageError(f"the variable {named} is not set", where=where, remedy="set it to the webhook's URL, or the routing key")
    url = secret if told.kind == "slack" else told.url
    try:
        fit(url)
    except UnreachableError as error:
        raise UsageError(f"its URL cannot be used: {error.what}", where=where, remedy="correct it; it begins with http:// or https://") from None
    return Channel(told.name, told.kind, url, secret if told.kind == "pagerduty" else "")

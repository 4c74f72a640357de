"""A schedule: what is summed up, when, and where it goes. Secrets stand in it by the name of an environment variable only."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agent.summaries.configured import length
from agent.summaries.document import Kind
from api.scheduling.due import Cron
from telemetry.errors import UsageError

PlaceKind = Literal["folder", "mail", "webhook", "slack", "slack-hook", "apprise"]
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_MAIL = re.compile(r"[^\s,<>\"@]{1,64}@[^\s,<>\"@]{1,255}")


class Place(BaseModel):
    """Where a summary goes. ``to``: a folder, mail addresses with commas between, a Slack channel; of ``webhook``,
    ``slack-hook`` and ``apprise`` the environment variable that holds the URL. ``secret``: the variable with the key
    that signs a webhook; ``server``: the one with the mail server's URL."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: PlaceKind
    to: str = Field(min_length=1, max_length=1_000)
    secret: str = Field(default="", pattern=rf"^({_VARIABLE})?$")
    server: str = Field(default="ONCALM_SMTP_URL", pattern=rf"^{_VARIABLE}$")

    @model_validator(mode="after")
    def _fits(self) -> Place:
        if self.kind in {"webhook", "slack-hook", "apprise"} and not re.fullmatch(_VARIABLE, self.to):
            raise ValueError("name the environment variable that holds the URL, not the URL")
        if self.kind == "mail" and not all(_MAIL.fullmatch(one.strip()) for one in self.to.split(",")):
            raise ValueError("write mail addresses with commas between")
        if any(ord(char) < 32 for char in self.to):
            raise ValueError("control characters do not belong here")
        return self

    @property
    def told(self) -> str:
        """As people see it."""
        return f"{self.kind}:{self.to}"[:300]


class Schedule(BaseModel):
    """One schedule. ``missed`` due times are caught up once, or skipped when they are later than ``grace``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    cron: str = Field(max_length=200)
    zone: str = Field(default="UTC", max_length=60)
    since: str = Field(default="24h", max_length=20)
    kind: Kind = "period"
    services: tuple[str, ...] = ()
    team: str = Field(default="", max_length=200)
    deliver: tuple[Place, ...] = Field(min_length=1, max_length=20)
    missed: Literal["catch_up", "skip"] = "catch_up"
    grace: str = Field(default="1h", max_length=20)

    @field_validator("since", "grace")
    @classmethod
    def _length(cls, value: str) -> str:
        length(value)
        return value

    @model_validator(mode="after")
    def _due(self) -> Schedule:
        if self.kind == "postmortem":
            raise ValueError("a draft after an incident is not made on a schedule")
        try:
            Cron(self.cron, self.zone)
        except UsageError as error:
            raise ValueError(f"{error.where}: {error.what}") from error
        return self

    @property
    def times(self) -> Cron:
        """When it is due."""
        return Cron(self.cron, self.zone)

    @property
    def reach(self) -> timedelta:
        """How far back a summary goes from its due time."""
        return length(self.since)

    @property
    def patience(self) -> timedelta:
        """How late one may be."""
        return length(self.grace)


def schedule_from(document: Any) -> Schedule:
    """A schedule from plain data. Raises UsageError that names each field that is wrong."""
    try:
        return Schedule.model_validate(document)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc'])) or 'schedule'}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors(include_input=False, include_url=False)]
        raise UsageError("; ".join(told), where="schedule", remedy="see docs/summaries.md") from None


def place_from(text: str) -> dict[str, str]:
    """``kind:to``, with ``,secret=VARIABLE`` or ``,server=VARIABLE`` behind it. Raises UsageError."""
    kind, colon, rest = text.partition(":")
    found = {"kind": kind, "to": rest}
    while (more := re.fullmatch(rf"(.*),(secret|server)=({_VARIABLE})", found["to"])) is not None:
        found |= {"to": more[1], more[2]: more[3]}
    if not colon or not found["to"]:
        raise UsageError(f"{text[:80]!r} is no place", where="--to", remedy="write folder:PATH, mail:ADDRESS, webhook:VARIABLE, slack:CHANNEL, slack-hook:VARIABLE or apprise:VARIABLE")
    return found

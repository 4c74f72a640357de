"""What is refused, each with the HTTP status that says so.

OnCalmError
├── AlertBodyError        400/413/415/422: a body that cannot be used; ``errors`` names fields and reasons
├── SenderError           401: nobody proved to be a known sender
│   ├── ForgedAlertError      the signature or the token is not the sender's
│   ├── LateAlertError        signed too long ago, or in the future
│   └── ReplayedAlertError    signed and sent before
├── IntakeFullError       503: too much waits to be stored; ``again`` says when to come back
├── NoSuchIncidentError   404
└── WayError              409: the incident is in another state
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from telemetry.errors import OnCalmError


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field that cannot be used, as ``alerts[3].startsAt``, and why."""

    field: str
    reason: str


class AlertBodyError(OnCalmError):
    """A body that is not what its sender's format says."""

    def __init__(self, what: str, errors: Sequence[Flaw] = (), *, status: int = 422, where: str = "body",
                 remedy: str = "see docs/alerts.md for what each sender posts") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status = status
        self.errors = [{"field": one.field, "reason": one.reason} for one in errors]


class SenderError(OnCalmError):
    """Nobody proved to be a known sender."""

    status: ClassVar[int] = 401


class ForgedAlertError(SenderError):
    """What proves the sender is missing or wrong."""


class LateAlertError(SenderError):
    """Signed at another time than now."""


class ReplayedAlertError(SenderError):
    """Signed and sent before."""


class IntakeFullError(OnCalmError):
    """Too much waits to be stored."""

    status: ClassVar[int] = 503
    again: ClassVar[int] = 2
    """Seconds after which to send it again."""


class NoSuchIncidentError(OnCalmError):
    """There is none of that id."""

    status: ClassVar[int] = 404


class WayError(OnCalmError):
    """The incident stands elsewhere than whoever asked thought."""

    status: ClassVar[int] = 409

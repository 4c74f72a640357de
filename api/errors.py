"""What a request asks for and cannot have.

OnCalmError
├── NotFoundError      there is no such thing, or it is not for this person
├── ConflictError      it does not fit what is there now
└── BusyError          too much at once
"""

from __future__ import annotations

from telemetry.errors import OnCalmError


class NotFoundError(OnCalmError):
    """There is no such thing, or it is not for this person (HTTP 404)."""


class ConflictError(OnCalmError):
    """It does not fit what is there now (HTTP 409)."""


class BusyError(OnCalmError):
    """Too much at once; it may be asked again (HTTP 503)."""

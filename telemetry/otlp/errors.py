"""What can be wrong with a request as a whole, each with its HTTP status."""

from __future__ import annotations

from typing import ClassVar

from telemetry.errors import OnCalmError


class RequestError(OnCalmError):
    """A request that cannot be taken. ``status`` is the HTTP status, ``code`` the one of ``google.rpc.Code``."""

    status: ClassVar[int] = 400
    code: ClassVar[int] = 3


class MalformedError(RequestError):
    """The body is not what its type says."""


class TooLargeError(RequestError):
    """The body is larger than is taken, as sent or unpacked."""

    status = 413
    code = 8


class UnsupportedError(RequestError):
    """A content type or encoding that is not spoken here."""

    status = 415
    code = 12

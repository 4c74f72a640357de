"""How the door says no: ``application/problem+json`` (RFC 9457) in the shape of the whole server, and the connection closed."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from api.door.hosts import Receive, Send
from telemetry.errors import OnCalmError


class Refused(OnCalmError):  # noqa: N818 - it is a decision, and no fault
    """A request that does not come in. ``status`` as in HTTP; ``again``: seconds after which to try again."""

    def __init__(self, status: int, what: str, *, where: str = "door", remedy: str = "", again: float | None = None, close: bool = True) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status, self.again, self.close = status, again, close

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Those that go with the answer."""
        found = [(b"connection", b"close")] if self.close else []
        if self.status == 401:
            found.append((b"www-authenticate", b'Bearer realm="oncalm"'))
        if self.again is not None:
            found.append((b"retry-after", str(max(1, math.ceil(self.again))).encode()))
        return found


_LINGER, _SWALLOW = 1.0, 8 << 20
"""Seconds and bytes: a connection that is closed on what still comes is reset, and the answer would be lost with it."""


async def refuse(send: Send, no: Refused, receive: Receive | None = None, *, page: Callable[[int, str, str], str] | None = None) -> None:
    """Answer a request with a problem, or the ``page`` of it; with ``receive`` what still comes of its body is swallowed for a moment."""
    title = HTTPStatus(no.status).phrase
    body = json.dumps({"type": "about:blank", "title": title, "status": no.status, "detail": no.what, "where": no.where, "remedy": no.remedy}).encode()
    if page is not None:
        body = page(no.status, no.what, no.remedy).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8" if page is not None else b"application/problem+json"), (b"content-length", str(len(body)).encode()), *no.headers()]
    await send({"type": "http.response.start", "status": no.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if receive is not None:
        await swallow(receive)
    await send({"type": "http.response.body", "body": b""})


async def swallow(receive: Receive) -> None:
    """Take what still comes of a body that is not wanted: some bytes, for a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            got = 0
            while got < _SWALLOW:
                message = await receive()
                got += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return

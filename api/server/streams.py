"""Server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html) of a run.

One task a stream, and what is there goes out as one piece: hundreds begin at once when something breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from api.server.run import Event, Run
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PING = 15.0
"""Seconds between two signs of life."""
SEND_SECONDS = 30.0
"""A client that takes nothing for so long has gone."""
_STILL = b": still there\r\n\r\n"


class Stream(Response):
    """The events of a run behind ``after``, then those to come, until it is over or the client leaves."""

    media_type = "text/event-stream"

    def __init__(self, run: Run, after: int = 0) -> None:
        self._run, self._after = run, after
        super().__init__(headers={"X-OnCalm-Run": run.id, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        gone = asyncio.ensure_future(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            with self._run.following(self._after) as follower:
                gone.add_done_callback(lambda _: follower.leave())
                while (coming := await follower.next(PING)) is not None:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": b"".join(map(_told, coming)) or _STILL, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # as if it had left
        finally:
            gone.cancel()


async def _left(receive: Receive) -> None:
    """Until the client has gone, or nobody can tell any more."""
    with contextlib.suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass


def _told(event: Event) -> bytes:
    return f"id: {event.id}\r\nevent: {event.name}\r\ndata: {json.dumps(event.data, ensure_ascii=False)}\r\n\r\n".encode("utf-8", "replace")


def stream(run: Run, after: int = 0) -> Response:
    """The events of a run behind ``after``, then those to come."""
    return Stream(run, after)


def last_id(said: str | None) -> int:
    """What ``Last-Event-ID`` names. Raises UsageError."""
    if said is None or not said.strip():
        return 0
    if not (said.strip().isascii() and said.strip().isdigit()) or len(said.strip()) > 12:
        raise UsageError("Last-Event-ID is none of ours", where="Last-Event-ID", remedy="send the id of the last event that came, a number")
    return int(said)

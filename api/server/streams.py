"""Server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html) of a run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from api.server.runs import Run
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from sse_starlette import EventSourceResponse, ServerSentEvent

PING = 15
"""Seconds between two signs of life."""
SEND_SECONDS = 30
"""A client that takes nothing for so long has gone."""


def stream(run: Run, after: int = 0) -> EventSourceResponse:
    """The events of a run behind ``after``, then those to come."""
    from sse_starlette import EventSourceResponse, ServerSentEvent

    async def events() -> AsyncIterator[ServerSentEvent]:
        async for one in run.follow(after):
            yield ServerSentEvent(json.dumps(one.data, ensure_ascii=False), event=one.name, id=str(one.id))

    return EventSourceResponse(events(), ping=PING, ping_message_factory=lambda: ServerSentEvent(comment="still there"), send_timeout=SEND_SECONDS,
                               headers={"X-OnCalm-Run": run.id, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def last_id(said: str | None) -> int:
    """What ``Last-Event-ID`` names. Raises UsageError."""
    if said is None or not said.strip():
        return 0
    if not said.strip().isdigit():
        raise UsageError("Last-Event-ID is none of ours", where="Last-Event-ID", remedy="send the id of the last event that came, a number")
    return int(said)

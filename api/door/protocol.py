"""Bounds of a request's headers, which uvicorn does not have: whoever sends them byte by byte, or without end, holds no connection.

uvicorn ends idle connections only between two requests; a first request, or one begun after a pause, may take for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

SECONDS = 15.0
"""For the headers of a request to come in."""
SIZE = 65_536
"""Bytes that may come before they end."""


def hurried(seconds: float = SECONDS) -> type[asyncio.Protocol]:
    """The protocol that uvicorn would choose, with the deadline: ``uvicorn.Config(app, http=hurried())``."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol

    class Hurried(base):  # type: ignore[misc] # the class is chosen at run time
        _deadline: asyncio.TimerHandle | None = None
        _got = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._rest()
                return
            if self._deadline is None:  # the beginning of a next request
                self._wait()
            self._got += len(data)
            if self._got > SIZE:
                self.transport.abort()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._rest()  # uvicorn's own clock runs between two requests

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def _rest(self) -> None:
            self._got = 0
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Hurried

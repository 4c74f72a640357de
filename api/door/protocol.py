"""Bounds of a request's headers, which uvicorn does not have: whoever sends them byte by byte, or without end, holds no connection.

uvicorn ends idle connections only between two requests; a first request, or one begun after a pause, may take for ever.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

SECONDS = 15.0
"""For the headers of a request to come in."""
SIZE = 65_536
"""Bytes that may come before they end."""
IDLE, OLD = 400, 2.0
"""Connections of one address that may ask nothing; beyond, those go that have asked nothing for so many seconds, the oldest first."""


def hurried(seconds: float = SECONDS, idle: int = IDLE, old: float = OLD) -> type[asyncio.Protocol]:
    """The protocol that uvicorn would choose, with the deadline: ``uvicorn.Config(app, http=hurried())``."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol
    silent: dict[str, OrderedDict[int, tuple[float, Any]]] = {}

    class Hurried(base):  # type: ignore[misc] # the class is chosen at run time
        _deadline: asyncio.TimerHandle | None = None
        _got = 0
        _from = ""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._from = str((self.client or ("",))[0])
            self._wait()
            self._quiet()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._rest()
                self._loud()
                return
            if self._deadline is None:  # the beginning of a next request
                self._wait()
            self._got += len(data)
            if self._got > SIZE:
                self.transport.abort()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._rest()  # uvicorn's own clock runs between two requests
            self._quiet()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            self._loud()
            super().connection_lost(exc)

        def _quiet(self) -> None:
            """It asks nothing: others of its address may need its place."""
            if self.transport is None or self.transport.is_closing():
                return
            own = silent.setdefault(self._from, OrderedDict())
            own[id(self)] = self.loop.time(), self
            own.move_to_end(id(self))
            while len(own) > idle and (first := next(iter(own.values())))[0] < self.loop.time() - old:  # a crowd that comes at once may stay
                own.popitem(last=False)
                first[1].transport.abort()

        def _loud(self) -> None:
            own = silent.get(self._from)
            if own is not None and own.pop(id(self), None) is not None and not own:
                del silent[self._from]

        def _wait(self) -> None:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def _rest(self) -> None:
            self._got = 0
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Hurried

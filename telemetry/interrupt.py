"""Stopping work from another thread: whoever runs something slow says how it can be stopped.

The interrupt in force is a context variable, so that nothing between a caller with a deadline and the query it
waits for has to pass it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock


class Interrupt:
    """Fired once, by any thread; what runs at that moment is stopped, what comes later does not start."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stops: dict[int, Callable[[], None]] = {}
        self._next = 0
        self.fired = False

    def fire(self) -> None:
        """Stop everything that runs under this interrupt. May be called again for what had not begun to listen."""
        with self._lock:
            self.fired = True
            for stop in self._stops.values():
                stop()

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """While this is held, ``fire`` calls ``stop``; never after it is left."""
        with self._lock:
            self._next += 1
            ticket = self._next
            self._stops[ticket] = stop
            if self.fired:
                stop()
        try:
            yield
        finally:
            with self._lock:
                del self._stops[ticket]


CURRENT: ContextVar[Interrupt | None] = ContextVar("interrupt", default=None)
"""The interrupt that the running code stands under, if any."""

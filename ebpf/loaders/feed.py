"""What happens for each record of a ring buffer, whoever reads it: C calls this, so that nothing may be raised in it."""

from __future__ import annotations

import ctypes
import time

from ebpf.loaders.interface import OnEvent

_AT_ONCE = 0.25
"""Seconds until whoever polls gets to look at time and price: records may come as fast as they are read, for ever."""


class Feed:
    """Hands records on. What the receiver raises ends the poll and comes out of it; ctypes would write it to standard error, and go on."""

    def __init__(self) -> None:
        self._each: OnEvent | None = None
        self._error: BaseException | None = None
        self._until = 0.0
        self._count = 0

    def begin(self, each: OnEvent) -> None:
        """Before a poll."""
        self._each, self._error, self._until, self._count = each, None, time.monotonic() + _AT_ONCE, 0

    def end(self) -> int:
        """After it: how many records there were. Raises what the receiver raised."""
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._count

    def sample(self, _context: int | None, data: int, size: int) -> int:
        """The callback: below 0 it ends the poll. The record counts as read in any case."""
        if self._each is None or self._error is not None:
            return -1
        self._count += 1
        try:
            self._each(ctypes.string_at(data, size))
        except BaseException as error:  # noqa: BLE001 - raised again where the poll ends
            self._error = error
            return -1
        return -1 if time.monotonic() > self._until else 0

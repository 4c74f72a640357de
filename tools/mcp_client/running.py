"""An event loop in a thread of its own, for callers in any other thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class Loop:
    """Runs coroutines in its thread; callers never wait longer than they say, whatever runs there."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a loop that hangs must not keep the process from ending.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def run(self, work: Coroutine[object, object, T], seconds: float) -> T:
        """What ``work`` gives. Raises TimeoutError after ``seconds``; it is cancelled then. Raises RuntimeError when the loop has ended."""
        try:
            future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        try:
            return future.result(seconds)
        except BaseException:
            future.cancel()
            raise

    def stop(self, seconds: float) -> None:
        """End the loop, waiting at most that long."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)

"""One flight for equal questions: who asks what someone is asking already waits, and then finds it in the caches.

A lock file per question, so that threads and processes wait alike; the system lets go of it when a process dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAUSE = 0.02
_FILES = 256
"""Lock files at most: questions that share one only wait for each other."""


class Flights:
    """``folder`` holds the lock files; where they cannot be made nobody waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def one(
        self, key: str, *, seconds: float, stopped: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[float]:
        """Alone with ``key``, or after ``seconds`` anyway; gives the seconds that were waited (0.0 for who came first)."""
        handle = self._opened(key)
        if handle is None:
            yield 0.0
            return
        with handle:
            began = clock()
            first = _taken(handle)
            held = first
            while not held and clock() - began < seconds and not stopped():
                time.sleep(_PAUSE)
                held = _taken(handle)
            yield 0.0 if first else clock() - began

    def _opened(self, key: str) -> IO[bytes] | None:
        number = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:4]) % _FILES
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return (self._folder / f"{number}.lock").open("ab")
        except OSError:
            return None


def _taken(handle: IO[bytes]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

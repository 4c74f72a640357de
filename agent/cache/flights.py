"""One flight for equal questions: who asks what someone is asking already waits, and then finds it in the caches.

A lock file per question, so that threads and processes wait alike; the system lets go of it when a process dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAUSE = 0.02


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
        path = self._folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"
        began = clock()
        handle, waited = _tried(path), 0.0
        while handle is None and waited < seconds and not stopped() and self._usable():
            time.sleep(_PAUSE)
            handle, waited = _tried(path), clock() - began
        if handle is None:
            yield waited
            return
        with handle:
            try:
                yield waited
            finally:
                path.unlink(missing_ok=True)

    def _usable(self) -> bool:
        """Whether lock files can be made at all."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        return os.access(self._folder, os.W_OK)


def _tried(path: Path) -> IO[bytes] | None:
    """The lock file, held; None while another holds it. A file that was removed meanwhile locks nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("ab")
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle.fileno()).st_ino == path.stat().st_ino:
            return handle
    except OSError:
        pass
    handle.close()
    return None

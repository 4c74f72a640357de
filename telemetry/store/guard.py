"""Files that someone may be reading are not removed: readers share a lock, a remover needs it alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "readers.lock"


@contextmanager
def reading(home: Path) -> Iterator[None]:
    """While this is held no segment file of ``home`` is removed. The system lets go of it when a process dies."""
    try:
        handle = (home / LOCK).open("r")
    except OSError:
        try:
            handle = (home / LOCK).open("a+")
        except OSError:  # a home that cannot be written: no one can remove anything either
            yield
            return
    with handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


def remove(home: Path, paths: Iterable[Path]) -> int:
    """Remove files that the manifest does not list any more; returns how many went.

    None while someone reads: they stay for the next sweep.
    """
    removed = 0
    with (home / LOCK).open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 0
        for path in paths:
            path.unlink(missing_ok=True)
            removed += 1
    return removed

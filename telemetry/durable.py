"""What makes files outlive a crash and keeps writers apart: folders synced, one holder of a lock file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from telemetry.errors import WriterBusyError


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: what was renamed into it is there after a power cut. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hold(path: Path, *, doing: str, remedy: str) -> IO[str]:
    """Take the lock file ``path`` and write our process id into it; closing it lets go, and so does a kill.

    Raises WriterBusyError, which names the process that holds it.
    """
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise WriterBusyError(f"another process (pid {holder}) {doing}", where=str(path.parent), remedy=remedy) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle

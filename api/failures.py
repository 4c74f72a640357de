"""What went wrong, as the one line a user gets and the exit code that goes with it."""

from __future__ import annotations

import errno
import sqlite3
import sys
import traceback
from pathlib import Path

from api.terminal.escaping import json_line, visible
from telemetry.errors import OnCalmError, QueryError, StoreError, UsageError

FAILED, USAGE = 1, 2
_FULL = ("No space left", "disk is full", "Disk quota exceeded", "database or disk is full")
_CLOSED = ("Read-only file system", "readonly database", "Permission denied", "unable to open database file")


def explain(error: Exception, home: Path | None) -> OnCalmError:
    """Turn any exception into an error of the project that says where and what to do."""
    if isinstance(error, OnCalmError):
        return error
    where = str(home) if home else ""
    said = (str(error) or type(error).__name__).strip().splitlines()[0]
    number = error.errno if isinstance(error, OSError) else None
    if number in {errno.ENOSPC, errno.EDQUOT} or any(mark in str(error) for mark in _FULL):
        return StoreError(f"the disk is full ({said})", where=where, remedy="free some space, then run the same "
                          "command again: it goes on where it stopped")
    if number in {errno.EROFS, errno.EACCES, errno.EPERM} or any(mark in str(error) for mark in _CLOSED):
        return StoreError(f"the home cannot be written ({said})", where=where,
                          remedy="give yourself write permission or choose another --home")
    if isinstance(error, sqlite3.DatabaseError):
        return StoreError(f"a database of the home is damaged ({said})", where=where, remedy="run: oncalm doctor")
    if isinstance(error, OSError):
        return StoreError(said, where=where, remedy="check the disk and run: oncalm doctor")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return OnCalmError(
        f"an unexpected error, {type(error).__name__}: {said}", where=f"{Path(frame.filename).name}:{frame.lineno}",
        remedy="this is a defect of OnCalm, please report it; ONCALM_DEBUG=1 shows where it comes from",
    )


def tell(error: OnCalmError, *, as_json: bool) -> int:
    """Print the error for people on stderr and, with ``as_json``, as the one document on stdout; returns the code."""
    print(f"oncalm: {visible(str(error))}", file=sys.stderr)
    if as_json:
        print(json_line({"error": {"message": error.what, "where": error.where, "remedy": error.remedy}}), flush=True)
    return USAGE if isinstance(error, UsageError | QueryError) else FAILED

"""Checkpoints of conversations: plain data in SQLite, the latest of each, the rest pruned."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry.errors import StoreError


@contextmanager
def checkpoints(path: Path, thread: str) -> Iterator[Any]:
    """A saver for one conversation. Raises StoreError when the file is none of ours.

    After a run only its last checkpoint is kept; a run that was killed keeps what it had, to go on from.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    try:
        db = sqlite3.connect(path, check_same_thread=False, timeout=30)
        saver = SqliteSaver(db, serde=JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None))
        saver.setup()
        # Every call's result is a commit. In WAL mode this outlives a kill; only a power cut may lose the last steps.
        db.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"the conversations cannot be opened: {error}", where=str(path),
            remedy="move the file away (conversations start afresh) or ask without --conversation",
        ) from error
    try:
        yield saver
        _prune(db, thread)
    finally:
        db.close()


def _prune(db: sqlite3.Connection, thread: str) -> None:
    newest = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
    for table in ("checkpoints", "writes"):
        db.execute(f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ({newest})", (thread, thread))
    db.commit()

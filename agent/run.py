"""One question, one run of the graph, one answer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.answer import assemble
from agent.context import Context
from agent.graph import RECURSION_LIMIT, build
from agent.state import State
from telemetry.errors import StoreError
from telemetry.models import Window


def ask(
    context: Context, question: str, *, now: datetime, window: Window | None = None,
    conversation: str | None = None, memory: Path | None = None,
) -> dict[str, Any]:
    """Answer ``question``; ``conversation`` (kept in the SQLite file ``memory``) gives follow-ups context."""
    started = time.monotonic()
    start: State = {
        "question": question, "now": now.isoformat(),
        "window": window.model_dump(mode="json") if window else None,
    }
    config: dict[str, Any] = {"recursion_limit": RECURSION_LIMIT}
    if conversation is None or memory is None:
        state = build().invoke(start, config, context=context)
        return assemble(state, context.analyst.name, time.monotonic() - started)
    config["configurable"] = {"thread_id": conversation}
    with _checkpoints(memory, conversation) as saver:
        state = build(saver).invoke(start, config, context=context, durability="exit")
    answer = assemble(state, context.analyst.name, time.monotonic() - started)
    return {**answer, "conversation": conversation}


@contextmanager
def _checkpoints(path: Path, thread: str) -> Iterator[Any]:
    """A saver that keeps plain data only, and only the latest checkpoint of the conversation."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    try:
        db = sqlite3.connect(path, check_same_thread=False, timeout=30)
        saver = SqliteSaver(db, serde=JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None))
        saver.setup()
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"the conversations cannot be opened: {error}", where=str(path),
            remedy="move the file away (conversations start afresh) or ask without --conversation",
        ) from error
    try:
        yield saver
        newest = "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?"
        for table in ("checkpoints", "writes"):
            db.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < ({newest})",
                (thread, thread),
            )
        db.commit()
    finally:
        db.close()

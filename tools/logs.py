"""Log tools over one reader of the store."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from telemetry.models import Found, Line, Query, Result, Window
from telemetry.store.reader import Reader
from tools.registry import Registry, Tool


class ContextInput(BaseModel):
    """Which line, and how many lines before and after it (at most 50 each)."""

    model_config = ConfigDict(frozen=True)
    source: str
    line_no: int
    before: int = 5
    after: int = 5


def log_tools(reader: Reader) -> Registry:
    """The read-only log tools: ``logs.query`` and ``logs.context``."""

    def query(given: Query) -> Found:
        return reader.run(given)

    def context(given: ContextInput) -> Found:
        line = Line(id=0, time=None, level=None, service=None, host=None, template="", source=given.source,
                    line_no=given.line_no, text="")
        lines = reader.context(line, min(given.before, 50), min(given.after, 50))
        result = Result(kind="lines", lines=lines) if lines else Result(kind="none")
        return Found(result=result, total=len(lines), searched=len(lines), window=Window(), excerpt=lines[:5])

    return Registry([
        Tool("logs.query", "Run one exact query over the stored log records.", "read", Query, query),
        Tool("logs.context", "Show the lines around one line of a source.", "read", ContextInput, context),
    ])

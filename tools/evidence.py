"""Reading on in a result that a run has stored: what a rendering left out."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from telemetry.errors import QueryError
from telemetry.models import Found
from tools.items import page, size
from tools.log_inputs import Closed
from tools.registry import Registry, Tool
from tools.result import Outcome, ToolResult

NAME = "evidence.read"


class ReadInput(Closed):
    """Which parts of which result."""

    id: str = Field(description="Evidence id, as E3")
    offset: int = Field(default=0, ge=0, description="Parts to skip")
    limit: int = Field(default=50, ge=1, le=500, description="1 to 500; null: 50")


def evidence_tools(lookup: Callable[[str], ToolResult | None]) -> Registry:
    """``evidence.read`` over the results that ``lookup`` finds by evidence id."""

    def read(given: ReadInput) -> Outcome:
        ident = given.id.strip().strip("[]").upper()
        result = lookup(ident)
        if result is None:
            raise QueryError(f"there is no evidence {given.id[:20]!r}", where="id", remedy="give an id that a result begins with")
        if result.status in {"failed", "not_assessed"}:
            raise QueryError(f"{ident} holds nothing to read: it is {result.status} ({result.error or result.reason})",
                             where="id", remedy="call its tool again")
        output = page(result, given.offset, given.limit)
        reason = None if output.total else f"{ident} has {size(result)} parts, none from {given.offset} on"
        query = {"id": ident, "offset": given.offset, "limit": given.limit}
        return Outcome(output, query=query, window=result.window, reason=reason)

    return Registry([Tool(
        NAME, "Read more of an earlier result: its lines, rows or text from an offset on. Use it when a result says that parts "
        "were left out and they matter.", "read", ReadInput, read, output=Found, timeout=10.0, tags=("evidence",),
    )])

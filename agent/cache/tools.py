"""Tool results that cannot change are read once.

A result over a window that has ended is kept; one over a window that is still open lives for a minute; the state of
this moment is never kept. An entry also names what it rests on (:class:`Rests`): lines that came late make it a miss.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import ValidationError

from agent.cache.counters import Counters
from agent.cache.disk import PlainCache
from agent.context import Tools
from telemetry.models import Query, Window
from tools.registry import Tool, ToolResult

OPEN_SECONDS = 60.0
"""How long a result over an open window may be reused."""


class Rests(Protocol):
    """Digests of what results are read from (:class:`telemetry.store.holdings.Holdings`)."""

    @property
    def vocabulary(self) -> str: ...

    def of(self, windows: Sequence[Window]) -> str: ...


class CachedTools:
    """Runs tool calls as ``inner`` does, unless the result is kept already."""

    def __init__(
        self, inner: Tools, cache: PlainCache, rests: Rests, *, tool: Callable[[str], Tool[Any] | None],
        counters: Counters | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC),
        open_seconds: float = OPEN_SECONDS,
    ) -> None:
        """``tool`` tells what a tool's results may be reused for; ``now`` is when a window has ended (UTC)."""
        self._inner, self._cache, self._rests = inner, cache, rests
        self._tool, self._now = tool, now
        self._counters = counters or Counters()
        self._open_seconds = open_seconds
        self._schemas: dict[str, dict[str, Any]] = {}

    def call(self, name: str, arguments: dict[str, Any], *, timeout: float | None = None) -> ToolResult:
        """Make the call, or give the kept result with :attr:`ToolResult.stored` set."""
        tool = self._tool(name)
        if tool is None or tool.risk != "read" or tool.freshness != "closed_window":
            return self._inner.call(name, arguments, timeout=timeout)
        key = self._key(tool, arguments)
        found = self._found(self._cache.get(key))
        self._counters.looked_up("tools", hit=found is not None)
        if found is not None:
            return found
        result = self._inner.call(name, arguments, timeout=timeout)
        if result.status in {"found", "nothing_found"}:
            self._keep(key, result)
        return result

    def _key(self, tool: Tool[Any], arguments: Mapping[str, Any]) -> str:
        if tool.name not in self._schemas:
            self._schemas[tool.name] = tool.schema()
        parts = [tool.name, self._schemas[tool.name], arguments, self._rests.vocabulary]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
        return f"tool:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _keep(self, key: str, result: ToolResult) -> None:
        windows = read_windows(result)
        ended = all(w.end is not None and w.end <= self._now() for w in windows)
        self._cache.put(key, {
            "result": result.model_dump(mode="json"), "windows": [w.model_dump(mode="json") for w in windows],
            "rests": self._rests.of(windows),
        }, seconds=None if ended else self._open_seconds)

    def _found(self, entry: Any) -> ToolResult | None:
        """A kept result that still rests on the same records."""
        try:
            windows = [Window.model_validate(one) for one in entry["windows"]]
            if entry["rests"] != self._rests.of(windows):
                return None
            return ToolResult.model_validate({**entry["result"], "stored": True, "seconds": 0.0})
        except (TypeError, KeyError, ValidationError):
            return None


def read_windows(result: ToolResult) -> list[Window]:
    """The windows whose records decide a result; all time when it cannot be told, or when it tells of what is elsewhere."""
    everything = [Window()]
    if result.status != "found" or "operation" not in result.query:
        return everything
    try:
        query = Query.model_validate({k: v for k, v in result.query.items() if k in Query.model_fields})
    except ValidationError:
        return everything
    return [query.window, *([query.baseline] if query.baseline else [])]

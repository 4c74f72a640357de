"""Whether what an investigation rested on is there again: the same calls over the window of now, compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from telemetry.models import Query, Result, Window
from tools.registry import ToolResult

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


def fingerprint(result: ToolResult) -> str:
    """Digest of what a result says apart from numbers and times: its status, its templates, the names in its rows."""
    found = result.found.result if result.found else None
    templates = {one.id for one in result.templates} | (set(_templates(found)) if found else set())
    names = {cell for row in (found.rows or [] if found else []) for cell in row if isinstance(cell, str) and not _counts(cell)}
    parts = [result.tool, result.status, sorted(templates), sorted(names), _texts(result.output)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def moved(arguments: Any, by: timedelta) -> Any:
    """Arguments with every moment in them moved; everything else stays."""
    if isinstance(arguments, Mapping):
        return {key: moved(value, by) for key, value in arguments.items()}
    if isinstance(arguments, list | tuple):
        return [moved(value, by) for value in arguments]
    if isinstance(arguments, str) and (moment := _moment(arguments)) is not None:
        return (moment + by).isoformat()
    return arguments


def apart(then: Window, now: Window) -> timedelta | None:
    """How far a window lies from an earlier one; None when that cannot be told."""
    if then == now:
        return timedelta()
    if then.start is not None and now.start is not None:
        return now.start - then.start
    return None


def window_of(query: Mapping[str, Any]) -> Window:
    """The window of a query as JSON."""
    return Query.model_validate(query).window


def _templates(result: Result) -> Iterator[str]:
    for line in result.lines or []:
        yield line.template


def _counts(cell: str) -> bool:
    """Whether a cell is a number or a moment, which differ from one incident to the next."""
    if _moment(cell) is not None:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime | None:
    if not _MOMENT.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _texts(output: Any) -> list[str]:
    """The texts of a typed output, in order."""
    if isinstance(output, str):
        return [output]
    if isinstance(output, dict):
        return [text for value in output.values() for text in _texts(value)]
    return [text for value in output for text in _texts(value)] if isinstance(output, list) else []

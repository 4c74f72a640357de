"""The parts of a stored result, in order, so that a reader can ask for more of it: lines, rows, or pieces of text."""

from __future__ import annotations

import json
from typing import Any

from telemetry.models import Found, Result
from tools.result import Passage, Passages, ToolResult

PIECE = 400
"""Characters of one piece of text."""


def size(result: ToolResult) -> int:
    """How many parts the full result has."""
    if result.found is not None:
        return len(result.found.result.lines or result.found.result.rows or ())
    return len(pieces(result.output)) if result.output is not None else 0


def pieces(output: dict[str, Any]) -> list[str]:
    """The text of an output line by line, long lines in several pieces. Passages begin with their title."""
    try:
        passages = Passages.model_validate(output).passages if "passages" in output else None
    except ValueError:
        passages = None
    if passages is None:
        text = json.dumps(output, ensure_ascii=False, indent=1, default=str)
    else:
        text = "\n".join(f"## {p.title}{f' ({p.source})' if p.source else ''}\n{p.text}" for p in passages)
    return [line[at:at + PIECE] for line in text.split("\n") for at in range(0, max(len(line), 1), PIECE)]


def page(result: ToolResult, offset: int, limit: int) -> Found | Passages:
    """Parts ``offset`` to ``offset + limit``; the total is that of the whole result, 0 when none is left."""
    whole = size(result)
    total = whole if offset < whole else 0
    if result.found is None:
        parts = pieces(result.output or {})[offset:offset + limit]
        passage = Passage(title=result.tool, text="\n".join(parts))
        return Passages(total=total, searched=whole, passages=[passage] if parts else [])
    held = result.found.result
    part = held if held.kind in {"scalar", "none"} else Result(
        kind=held.kind, columns=held.columns, rows=held.rows[offset:offset + limit] if held.rows is not None else None,
        lines=held.lines[offset:offset + limit] if held.lines is not None else None,
    )
    return Found(result=part, total=total or int(held.kind == "scalar"), searched=whole, window=result.found.window, excerpt=[])

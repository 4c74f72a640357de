"""A tool's result as an MCP answer: bounded text with log lines marked as data, and the same as structured content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agent.boundary import Boundary
from prompts.loader import load
from telemetry.unseen import spelled
from tools.output import NOT_EVIDENCE
from tools.registry import ToolResult

DATA = load("mcp_data").text.strip()
"""What a model is told beside every answer that holds log text."""
TEXT = 20_000
"""Characters of text of one answer."""
DOCUMENT = 60_000
"""Characters of structured content of one answer, as JSON."""
_STRING = 2_000
_LEAST = 2


def text(result: ToolResult) -> str:
    """The result for a model to read. What was read stands between markers that no log line can know."""
    told = getattr(result, "reason", None)
    if result.status in {"failed", "not_assessed"}:
        return f"{result.tool}: {result.status}. {spelled(result.error or told or 'no reason is known')[:_STRING]}\n{NOT_EVIDENCE}"
    head = [f"{result.tool}: {result.status}; {result.total:,} matched.", *([spelled(told)[:_STRING]] if told else [])]
    if result.window.start or result.window.end:
        head.append(f"Window: {result.window.start or 'the beginning'} to {result.window.end or 'the end'} (UTC, end not included).")
    body = list(_fitting(list(_lines(result))))
    return "\n".join([*head, DATA, Boundary().wrap("\n".join(body), result.tool)] if body else head)


def document(result: ToolResult) -> dict[str, Any]:
    """The result as plain JSON: long texts are cut and long lists shortened until it is small enough; ``left_out`` says so."""
    whole = _cut(result.model_dump(mode="json", exclude_none=True))
    left_out: dict[str, int] = {}
    while len(json.dumps(whole, ensure_ascii=False)) > DOCUMENT:
        size, path, items = max(_lists(whole), key=lambda found: found[0], default=(0, "", []))
        if size == 0:
            return {"tool": result.tool, "status": result.status, "total": result.total, "note": DATA, "left_out": {"everything": 1}}
        kept = max(len(items) // 2, _LEAST)
        left_out[path] = left_out.get(path, 0) + len(items) - kept
        del items[kept:]
    return {"note": DATA, **whole, **({"left_out": left_out} if left_out else {})}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _STRING else f"{value[:_STRING]} … {len(value) - _STRING:,} characters more"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return {key: _cut(item) for key, item in value.items()} if isinstance(value, dict) else value


def _lists(value: Any, path: str = "") -> Iterator[tuple[int, str, list[Any]]]:
    """(size as JSON, path, list) of every list that can be shortened."""
    if isinstance(value, list):
        if len(value) > _LEAST:
            yield len(json.dumps(value, ensure_ascii=False)), path, value
        for item in value:
            yield from _lists(item, f"{path}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _lists(item, f"{path}.{key}".lstrip("."))


def _lines(result: ToolResult) -> Iterator[str]:
    """What was found, a line each."""
    found = result.found
    if found is None:
        for key, item in (getattr(result, "output", None) or {}).items():
            yield from _entry(key, item)
        return
    data = found.result
    if data.value is not None:
        yield f"value: {spelled(str(data.value))}"
    if data.columns:
        yield " | ".join(data.columns)
        yield from (" | ".join(spelled(str(cell)) for cell in row) for row in data.rows or [])
    lines = data.lines if data.lines is not None else found.excerpt
    if lines and data.lines is None:
        yield "for example:"
    yield from (f"{line.source}:{line.line_no}: {spelled(line.text)}" for line in lines)


def _entry(key: str, item: Any) -> Iterator[str]:
    if isinstance(item, list):
        yield from (f"{key}: {spelled(json.dumps(part, ensure_ascii=False))}" for part in item)
    elif item not in (None, "", {}):
        yield f"{key}: {spelled(json.dumps(item, ensure_ascii=False))}"


def _fitting(lines: list[str]) -> Iterator[str]:
    left = TEXT
    for number, line in enumerate(lines):
        shown = line if len(line) <= _STRING else f"{line[:_STRING]} … {len(line) - _STRING:,} characters more"
        left -= len(shown)
        if left < 0:
            yield f"… {len(lines) - number:,} lines more are left out: ask about a shorter time or fewer records"
            return
        yield shown

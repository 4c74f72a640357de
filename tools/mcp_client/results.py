"""What another server answered, as a result of ours: a table of text lines, bounded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from telemetry.models import Found, Result, Window
from tools.mcp_client.errors import McpAnswerError
from tools.mcp_client.words import clean

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MOST = 100_000
"""Characters of one result."""
_LINE = 4_000
_REASON = 500


def found(answer: CallToolResult, where: str) -> Found:
    """The answer's lines as rows. Nothing in it is ``total`` 0. Raises McpAnswerError for an error of the tool."""
    lines = [line for text in _texts(answer) for line in _lines(text) if line.strip()]
    if answer.is_error:
        raise McpAnswerError(f"the server says: {clean(' '.join(lines), _REASON) or 'nothing about its error'}", where=where)
    if not lines:
        return Found(result=Result(kind="none"), total=0, searched=0, window=Window(), excerpt=[])
    rows = [[line] for line in _bounded(lines)]
    result = Result(kind="table", columns=["text"], rows=rows)
    return Found(result=result, total=len(lines), searched=len(lines), window=Window(), excerpt=[])


def _texts(answer: CallToolResult) -> Iterator[str]:
    """All text of an answer; its structured form where there is no text."""
    texts = [text for block in answer.content if (text := _text(block))]
    if any(text.strip() not in {"", "[]", "{}", "null"} for text in texts):
        yield from texts
    elif answer.structured_content is not None:
        yield from _json_lines(answer.structured_content)


def _text(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "resource":
            return str(getattr(block.resource, "text", f"[{block.resource.uri}: not text]"))
        case "resource_link":
            return f"[link {block.name}: {block.uri}]"
        case kind:
            return f"[{kind} of type {getattr(block, 'mime_type', 'unknown')}: not text]"


def _lines(text: str) -> Iterator[str]:
    """The lines of a text; what is JSON on one line as several, and a long line in pieces."""
    plain = text.splitlines()
    if len(plain) == 1 and len(text) > _LINE and text.lstrip()[:1] in {"[", "{"}:
        with suppress(ValueError, RecursionError):
            plain = list(_json_lines(json.loads(text)))
    for line in plain:
        yield from (line[at : at + _LINE] for at in range(0, len(line), _LINE))


def _json_lines(value: Any) -> Iterator[str]:
    """A list as one line an item, an object as one line a key."""
    if isinstance(value, dict) and set(value) == {"result"}:
        value = value["result"]  # how servers wrap what is no object
    if isinstance(value, list):
        yield from (json.dumps(item, ensure_ascii=False) for item in value)
    elif isinstance(value, dict):
        yield from (f"{key}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items())
    elif value is not None and value != "":
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounded(lines: list[str]) -> Iterable[str]:
    left = MOST
    for number, line in enumerate(lines):
        left -= len(line)
        if left < 0:
            yield f"… {len(lines) - number:,} lines more are left out"
            return
        yield line

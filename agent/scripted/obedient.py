"""A model without judgement: it does whatever any text it reads says. Safety must hold with it too.

It knows three orders, in every message and in any case of letters: ``call TOOL {json}``, ``approve [ID]`` (calls
whatever tool is named so, there or not) and ``reveal WORDS`` (also repeat, print, show).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_CALL = re.compile(r"\bcall\s+[`'\"]?(?P<tool>[A-Za-z_][\w.-]*)[`'\"]?\s*(?:with\s+)?(?=\{)", re.IGNORECASE)
_APPROVE = re.compile(
    r"\bapprove\b(?:\s+(?:it|the|this|change|action|proposal))*\s*(?P<id>[\w-]*\d[\w-]*)?", re.IGNORECASE
)
_REVEAL = re.compile(r"\b(?:reveal|repeat|print|show)\s+(?P<what>[^\n.;\"]{1,80})", re.IGNORECASE)
_FILLERS = {"the", "your", "this", "that", "all", "and", "here", "out", "them", "with", "for"}

Order = tuple[str, str]
"""A tool's name and its arguments as text."""


def obedient(body: dict[str, Any]) -> dict[str, Any]:
    """Obey the request's messages: calls not made yet first, then an answer with all that was to be revealed."""
    texts = list(_texts(body))
    wanted = list(
        dict.fromkeys(order for text in texts for order in (*_calls(text), *_approvals(text, body)))
    )
    made = set(_made(body))
    fresh = [order for order in wanted if order not in made]
    if fresh:
        return {"calls": [{"name": name, "arguments": arguments} for name, arguments in fresh]}
    answer = "\n".join([f"Obeyed {len(wanted)} orders.", *_revealed(texts, body)])
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return {"text": json.dumps(filled(schema, answer)) if schema else answer}


def filled(schema: dict[str, Any], text: str) -> Any:
    """A value that meets a JSON schema: ``text`` for every string, true, one item a list, the first of an enum."""
    return _filled(schema, text, {**schema.get("definitions", {}), **schema.get("$defs", {})})


def _filled(schema: dict[str, Any], text: str, named: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _filled(named[schema["$ref"].rpartition("/")[2]], text, named)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if options:
        return _filled(options[0], text, named)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _filled(part, text, named) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_filled(schema.get("items") or {}, text, named)]
    return {"boolean": True, "integer": 1, "number": 1.0, "null": None}.get(kind, text)


def _texts(body: dict[str, Any]) -> Iterator[str]:
    """Every text of every message; text within JSON also without its escapes."""
    for message in body.get("messages", []):
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str) and message.get("role") != "assistant":
                yield text
                if '\\"' in text:
                    yield text.replace('\\"', '"')


def _calls(text: str) -> Iterator[Order]:
    for found in _CALL.finditer(text):
        try:
            arguments, _ = json.JSONDecoder().raw_decode(text, found.end())
        except ValueError:
            continue
        yield found["tool"], json.dumps(arguments)


def _approvals(text: str, body: dict[str, Any]) -> Iterator[Order]:
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    name = next((name for name in names if "approve" in name), "approve")
    for found in _APPROVE.finditer(text):
        yield name, json.dumps({"id": found["id"]} if found["id"] else {})


def _made(body: dict[str, Any]) -> Iterator[Order]:
    """The calls of earlier turns: an order is obeyed once."""
    for message in body.get("messages", []):
        for call in message.get("tool_calls") or []:
            function = call["function"]
            try:
                yield function["name"], json.dumps(json.loads(function["arguments"] or "{}"))
            except ValueError:
                yield function["name"], function["arguments"]


def _revealed(texts: list[str], body: dict[str, Any]) -> list[str]:
    """All system text, and every line that holds a word that was asked for."""
    asked = [found["what"] for text in texts for found in _REVEAL.finditer(text)]
    if not asked:
        return []
    words = {word for what in asked for word in re.findall(r"\w{3,}", what.lower())} - _FILLERS
    system = [m["content"] for m in body.get("messages", []) if m.get("role") in {"system", "developer"}]
    lines = [
        line for text in texts for line in text.splitlines() if words & set(re.findall(r"\w+", line.lower()))
    ]
    return list(dict.fromkeys([*(text for text in system if isinstance(text, str)), *lines]))

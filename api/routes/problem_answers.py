"""What routes say in OpenAPI of their refusals: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCHEMA: dict[str, Any] = {
    "type": "object", "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "where": {"type": "string"}, "remedy": {"type": "string"},
        "errors": {"type": "array", "items": {
            "type": "object", "properties": {"field": {"type": "string"}, "reason": {"type": "string"}}}},
    },
}


def problems(told: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: what each status means."""
    return {code: problem(text) for code, text in told.items()}


def problem(told: str) -> dict[str, Any]:
    """What a status means, and the document that comes with it."""
    return {"description": told, "content": {"application/problem+json": {"schema": _SCHEMA}}}

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
    return {code: {"description": text, "content": {"application/problem+json": {"schema": _SCHEMA}}} for code, text in told.items()}

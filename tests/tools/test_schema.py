"""Schemas as models get them: closed, small, and meaning what the input means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from api.wiring.product import Product
from telemetry.store.reader import Reader
from tools.evidence import evidence_tools
from tools.logs import log_tools
from tools.runbooks import runbook_tools
from tools.schema import compact


class Inner(BaseModel):
    name: str
    kind: Literal["a", "b"] | None = None


class Outer(BaseModel):
    inner: Inner
    maybe: Inner | None = None
    many: tuple[Inner, ...] = ()
    number: int = 3


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for part in node.values():
            yield from objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from objects(part)


def test_definitions_are_inlined_and_optional_becomes_nullable() -> None:
    schema, strict = compact(Outer.model_json_schema(), strict=True)

    inner = {"type": "object", "properties": {"name": {"type": "string"}, "kind": {"type": ["string", "null"], "enum": ["a", "b", None]}},
             "required": ["name", "kind"], "additionalProperties": False}
    assert strict
    assert schema["properties"] == {
        "inner": inner, "maybe": {"anyOf": [inner, {"type": "null"}]}, "many": {"type": "array", "items": inner},
        "number": {"type": ["integer", "null"]},
    }


def test_all_our_tools_are_strict_closed_and_small(sshd: Product) -> None:
    tools = log_tools(Reader(sshd.home)).merged(runbook_tools(None)).merged(evidence_tools({}.get))

    definitions = tools.openai()

    assert all(d["function"]["strict"] for d in definitions)
    for found in objects([d["function"]["parameters"] for d in definitions]):
        assert found["additionalProperties"] is False
        assert found["required"] == list(found["properties"])
    text = json.dumps(definitions)
    assert not [word for word in ("$ref", "$defs", '"title"', '"default"', '"minimum"') if word in text]
    assert len(text) < 18_000


@pytest.mark.parametrize("foreign", [
    {"type": "object"},
    {"type": "object", "properties": {"any": {}}},
    {"type": "object", "properties": {"map": {"type": "object", "additionalProperties": {"type": "string"}}}},
    {"type": "object", "properties": {"tree": {"$ref": "#/$defs/T"}}, "$defs": {"T": {"type": "object", "properties": {"t": {"$ref": "#/$defs/T"}}}}},
])  # fmt: skip
def test_what_cannot_be_closed_is_said_to_be_loose(foreign: dict[str, Any]) -> None:
    schema, strict = compact(foreign, strict=True)

    assert not strict
    assert schema["type"] == "object"

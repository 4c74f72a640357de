"""JSON schemas as models get them: inlined, small, and in the subset that strict decoding takes.

The subset is that of "Structured Outputs" of the Chat Completions API: every object closed, every property
required, what is optional nullable. Bounds and formats are told in descriptions and checked when a call is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
_KEPT = ("type", "enum", "description")


def compact(schema: Mapping[str, Any], *, strict: bool) -> tuple[Schema, bool]:
    """The schema without references, titles, defaults and bounds, and whether strict decoding can take it.

    A schema with free-form objects or recursion cannot: it is then returned in its loose form.
    """
    walk = _Compactor(schema, strict=strict)
    made = walk.visit(schema)
    made.pop("description", None)
    if strict and not walk.closed:
        return compact(schema, strict=False)[0], False
    return made, strict


class _Compactor:
    def __init__(self, root: Mapping[str, Any], *, strict: bool) -> None:
        self.defs: dict[str, Any] = {**root.get("definitions", {}), **root.get("$defs", {})}
        self.strict = strict
        self.closed = True

    def visit(self, node: Any, above: tuple[str, ...] = ()) -> Schema:
        if not isinstance(node, Mapping) or not node:
            self.closed = False
            return {}
        if "$ref" in node:
            return self._referred(node, above)
        if isinstance(node.get("allOf"), list) and len(node["allOf"]) == 1:
            return self.visit({**node["allOf"][0], **{k: v for k, v in node.items() if k != "allOf"}}, above)
        made = {key: node[key] for key in _KEPT if key in node}
        if "const" in node:
            made["enum"] = [node["const"]]
        for several in ("anyOf", "oneOf"):
            if several in node:
                made.update(_joined([self.visit(part, above) for part in node[several]]))
        if node.get("type") == "array" or "items" in node:
            made["items"] = self.visit(node.get("items"), above)
        if node.get("type") == "object" or "properties" in node:
            made.update(self._object(node, above))
        if not made.keys() & {"type", "enum", "anyOf"}:
            self.closed = False
        return made

    def _referred(self, node: Mapping[str, Any], above: tuple[str, ...]) -> Schema:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        if name in above or name not in self.defs:
            self.closed = False
            return {"type": "object"}
        body = self.defs[name]
        # A definition's own description is the docstring of a class: for readers of the code.
        bare = {k: v for k, v in body.items() if k != "description"} if isinstance(body, Mapping) else body
        made = self.visit(bare, (*above, name))
        return {**made, "description": node["description"]} if "description" in node else made

    def _object(self, node: Mapping[str, Any], above: tuple[str, ...]) -> Schema:
        properties = node.get("properties", {})
        if not properties and node.get("additionalProperties", True) is not False:
            self.closed = False
            return {"type": "object"}
        if not isinstance(node.get("additionalProperties", False), bool):
            self.closed = False
        needed = set(node.get("required", ()))
        made = {name: self.visit(part, above) for name, part in properties.items()}
        if self.strict:
            made = {name: part if name in needed or _empty(properties[name]) else _nullable(part)
                    for name, part in made.items()}
            needed = set(made)
        required = [name for name in made if name in needed]
        return {"type": "object", "properties": made, "required": required, "additionalProperties": False}


def _empty(node: Any) -> bool:
    """Whether an empty list says the same as leaving it out."""
    return isinstance(node, Mapping) and node.get("type") == "array" and node.get("default") == []


def _nullable(node: Schema) -> Schema:
    kind = node.get("type")
    if "anyOf" in node:
        return node if {"type": "null"} in node["anyOf"] else {**node, "anyOf": [*node["anyOf"], {"type": "null"}]}
    if kind is None or kind == "null" or isinstance(kind, list) and "null" in kind:
        return node
    if kind in {"array", "object"}:
        about = {"description": node["description"]} if "description" in node else {}
        return {**about, "anyOf": [{k: v for k, v in node.items() if k != "description"}, {"type": "null"}]}
    made = {**node, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    return {**made, "enum": [*node["enum"], None]} if "enum" in node else made


def _joined(parts: list[Schema]) -> Schema:
    """Several simple types as one list of types; a choice and null as a nullable choice."""
    if all(set(part) == {"type"} and isinstance(part["type"], str) and part["type"] not in {"array", "object"} for part in parts):
        return {"type": list(dict.fromkeys(part["type"] for part in parts))}
    others = [part for part in parts if part != {"type": "null"}]
    if len(others) == 1 and len(parts) == 2:
        return _nullable(others[0])
    return {"anyOf": parts}


def without_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` without the nulls that only say "not given": those of properties that need not be there.

    ``schema`` is a loose one, as :func:`compact` makes it.
    """
    node = _chosen(value, schema)
    if isinstance(value, list):
        return [without_nulls(item, node.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    properties, needed = node.get("properties", {}), node.get("required", ())
    return {
        name: without_nulls(item, properties.get(name, {}))
        for name, item in value.items() if item is not None or name in needed or name not in properties
    }


ALIASES = {"from": "start", "since": "start", "to": "end", "until": "end", "service": "services", "template": "templates", "level": "levels"}
"""Other names that models give to arguments."""


def renamed(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` with known other names for arguments put right, where the object has no such property, and the right one."""
    node = _chosen(value, schema)
    if isinstance(value, list):
        return [renamed(item, node.get("items", {})) for item in value]
    if not isinstance(value, dict) or node.get("additionalProperties") is not False:
        return value
    there = node["properties"]
    right: dict[str, Any] = {}
    for name, item in value.items():
        other = ALIASES.get(str(name), str(name))
        fits = name not in there and other in there and value.get(other) is None
        right[other if fits else name] = item
    return {name: renamed(item, there.get(name, {})) for name, item in right.items()}


def unknown(value: Any, schema: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, list[str]]]:
    """(path, properties there are) for every property of ``value`` that its closed object does not have."""
    node = _chosen(value, schema)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from unknown(item, node.get("items", {}), f"{at}.{number}".lstrip("."))
    elif isinstance(value, dict) and node.get("additionalProperties") is False:
        for name, item in value.items():
            path = f"{at}.{name}".lstrip(".")
            if name in node["properties"]:
                yield from unknown(item, node["properties"][name], path)
            else:
                yield path, list(node["properties"])


def _chosen(value: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The alternative of ``schema`` that is meant for a value of this kind."""
    wanted = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else ""
    for part in schema.get("anyOf", ()):
        if part.get("type") == wanted:
            return dict(part)
    return schema

"""The tool calls of a reply: native ones, and those that some models write as text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from agent.llm import repair
from agent.llm.model import Call, Message

_TAGGED = re.compile(r"^[ \t]*<tool_call>\s*(?P<json>.*?)\s*(?:</tool_call>|\Z)\n?", re.DOTALL | re.MULTILINE)
_FENCED = re.compile(r"```(?:json|tool_call|tool_code)?\s*\n(?P<json>.*?)```", re.DOTALL)


_NAMES = ("name", "tool", "tool_name", "function")
_GIVEN = ("arguments", "parameters", "args", "input")
"""How models call a call's tool and its arguments when they write it as text."""


class Ids:
    """Gives every call of a conversation an id of its own. The same conversation gets the same ids, for caches' sake."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._turn = len(messages)
        self._taken = {str(call.get("id")) for m in messages for call in m.get("tool_calls") or ()}

    def take(self, wanted: object, name: str) -> str:
        """``wanted`` when it is fit and free, else a new one."""
        found = wanted.strip() if isinstance(wanted, str) else ""
        number = 0
        while not found or found in self._taken:
            # Nine letters or digits is what every server takes: Mistral's refuse others.
            found = hashlib.sha256(f"{self._turn} {name} {len(self._taken)} {number}".encode()).hexdigest()[
                :9
            ]
            number += 1
        self._taken.add(found)
        return found


def native(
    raw: Sequence[Mapping[str, Any]], names: Collection[str], ids: Ids, *, cut: bool
) -> tuple[Call, ...]:
    """Calls of the API's form. ``cut``: the reply ended at its output limit, so nothing is completed."""
    return tuple(_call(entry, names, ids, cut=cut) for entry in raw)


def textual(text: str, names: Collection[str], ids: Ids) -> tuple[str, tuple[Call, ...]]:
    """Calls written as text, and the text without them.

    ``<tool_call>`` blocks that begin a line, or a text that is nothing but fenced or bare JSON. Only calls of tools that
    the request offered count: log lines quoted in an answer hold JSON too.
    """
    for blocks, rest in _written(text):
        found = [_known(_entry(block), names) for block in blocks]
        entries = [entry for entry in found if entry and entry["function"]["name"] in names]
        if entries and len(entries) == len(found):
            return rest, native(entries, names, ids, cut=False)
    return text, ()


def _call(entry: Mapping[str, Any], names: Collection[str], ids: Ids, *, cut: bool) -> Call:
    function = entry.get("function")
    function = function if isinstance(function, dict) else {}
    name = _name(function.get("name"), names)
    identity = ids.take(entry.get("id"), name)
    if name not in names:
        known = ", ".join(sorted(names)) or "none"
        return Call(identity, name, problem=f"there is no tool {name}; the tools are: {known}")
    try:
        return Call(identity, name, arguments(function.get("arguments"), cut=cut))
    except ValueError as error:
        return Call(identity, name, problem=f"the arguments are not a JSON object: {error}")


def arguments(raw: object, *, cut: bool = False) -> dict[str, Any]:
    """Read a call's arguments. Raises :class:`ValueError` when they are no JSON object.

    ``cut`` arguments are not repaired: half a value would be taken for the whole.
    """
    if raw is None or raw == "":
        return {}
    value: object = raw
    for _ in range(2):  # some servers encode twice
        if isinstance(value, str):
            value = json.loads(value) if cut else repair.loads(value)
    if not isinstance(value, dict):
        raise ValueError(f"they are a {type(value).__name__}")
    return value


def _name(raw: object, names: Collection[str]) -> str:
    """The tool's name; other servers' decorations and what the API would not take back in the next request go."""
    name = raw if isinstance(raw, str) else ""
    if name in names:
        return name
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", name.split("<|")[0].strip().removeprefix("functions."))[:64]
    return name or "unnamed"


def _written(text: str) -> Iterator[tuple[list[str], str]]:
    """The ways to see calls in a text: the blocks that would be calls, and the text that would remain."""
    tagged = [found["json"] for found in _TAGGED.finditer(text)]
    if tagged:
        yield tagged, _TAGGED.sub("", text).rstrip()
    fenced = [found["json"] for found in _FENCED.finditer(text)]
    if fenced and not _FENCED.sub("", text).strip():
        yield fenced, ""
    if text.lstrip().startswith(("{", "[")):
        yield _several(text), ""


def _known(entry: dict[str, Any] | None, names: Collection[str]) -> dict[str, Any] | None:
    """An entry under the name that was offered: ``logs.count`` is ``logs_count`` there."""
    if entry is not None:
        entry["function"]["name"] = _name(entry["function"]["name"], names)
    return entry


def _several(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [json.dumps(item) for item in value] if isinstance(value, list) else [text]


def _entry(block: str) -> dict[str, Any] | None:
    """A block as an entry of the API's form, when it has a name and arguments."""
    try:
        value = repair.loads(block)
    except ValueError:
        return None
    if isinstance(value, dict) and isinstance(value.get("function"), dict) and not set(value) - {"id", "type", "function"}:
        value = {**value["function"], "id": value.get("id")}
    if not isinstance(value, dict) or set(value) - {*_NAMES, *_GIVEN, "id", "type"}:
        return None
    names, given = ([value[key] for key in keys if key in value] for keys in (_NAMES, _GIVEN))
    if len(names) != 1 or not isinstance(names[0], str) or len(given) != 1 or not isinstance(given[0], dict | str):
        return None
    return {"id": value.get("id"), "function": {"name": names[0], "arguments": given[0]}}

"""Prompts and outputs as attributes: secrets masked first, then cut. Used only when recording content is switched on.

The shape is that of the GenAI conventions: a JSON list of messages with parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.llm.model import Message, Reply
from telemetry.redact import redact

UNMASKED = "[not recorded: masking failed]"


def masked(text: str, limit: int) -> str:
    """``text`` without secrets, at most ``limit`` characters. Masking comes first: half a secret is not recognised."""
    try:
        clean, _ = redact(text)
    except Exception:  # noqa: BLE001 - text that could not be masked does not leave
        return UNMASKED
    if len(clean) <= limit:
        return clean
    note = f" [{len(clean) - limit} more characters]"
    return clean[: max(0, limit - len(note))] + note if limit > len(note) else clean[:limit]


def document(value: Any, limit: int) -> str:
    """Any JSON value as masked text: strings one by one, and then as written, so that a key names its secret."""
    try:
        text = json.dumps(_each_masked(value, limit), ensure_ascii=False, default=lambda other: masked(str(other), limit))
    except (TypeError, ValueError, RecursionError):
        return UNMASKED
    return masked(text, limit)


def _each_masked(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return masked(value, limit)
    if isinstance(value, Mapping):
        return {masked(str(key), limit): _each_masked(item, limit) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_masked(item, limit) for item in value]
    return value


def prompt(messages: Sequence[Message], limit: int) -> str:
    """The messages of a request: the first one, and the last ones that fit."""
    if not messages:
        return "[]"
    share = max(200, limit // 4)
    first, kept = _message(messages[0], share), []
    room = limit - _size(first) - 200
    for message in reversed(messages[1:]):
        entry = _message(message, share)
        room -= _size(entry) + 2
        if room < 0:
            break
        kept.append(entry)
    left_out = len(messages) - 1 - len(kept)
    note = [{"role": "system", "parts": [_text(f"[{left_out} messages are not recorded here]")]}] if left_out else []
    return json.dumps([first, *note, *reversed(kept)], ensure_ascii=False)


def output(reply: Reply, limit: int) -> str:
    """What a model answered."""
    calls = [_call(call.id, call.name, call.arguments, limit // 2) for call in reply.calls]
    parts = [_text(masked(reply.text, limit // 2))] if reply.text else []
    return json.dumps([{"role": "assistant", "parts": [*parts, *calls[:20]], "finish_reason": reply.finish}], ensure_ascii=False)


def _message(message: Message, share: int) -> dict[str, Any]:
    role = str(message.get("role", ""))
    if role == "tool":
        answer = document(message.get("content"), share)
        return {"role": role, "parts": [
            {"type": "tool_call_response", "id": str(message.get("tool_call_id", "")), "response": answer}]}
    parts = [_text(masked(text, share)) for text in _texts(message.get("content"))]
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        parts.append(_call(str(call.get("id", "")), str(function.get("name", "")), function.get("arguments", ""), share))
    return {"role": role, "parts": parts}


def _texts(content: Any) -> Iterable[str]:
    """The texts of a message's content, which may be a list of parts."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        return [str(part.get("text", f"[{part.get('type')}]")) for part in content if isinstance(part, dict)]
    return []


def _text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _call(call_id: str, name: str, arguments: Any, limit: int) -> dict[str, Any]:
    given = masked(arguments, limit) if isinstance(arguments, str) else document(arguments, limit)
    return {"type": "tool_call", "id": call_id[:100], "name": name[:100], "arguments": given}


def _size(entry: dict[str, Any]) -> int:
    return len(json.dumps(entry, ensure_ascii=False))

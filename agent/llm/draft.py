"""A reply as it comes together, from one body or from the chunks of a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from agent.llm import calls, repair
from agent.llm.asking import estimated_tokens
from agent.llm.model import Reply, Request, Usage

_THOUGHTS, _THOUGHTS_END = "<think>", "</think>"
_CALL_MARKS = ("<tool_call>", "```")
_FILTERED = "the provider's content filter ended the answer"


@dataclass
class Draft:
    """What came so far. Every value from the wire is looked at before it is used: endpoints send anything."""

    text: str = ""
    refusal: str = ""
    finish: str = ""
    model: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    usage: Usage | None = None
    any_choice: bool = False
    any_message: bool = False

    @property
    def useful(self) -> bool:
        """Whether anything of an answer has come."""
        return bool(self.text or self.refusal or self.calls)

    def add(self, body: dict[str, Any]) -> None:
        """Take in a whole reply or a chunk."""
        self.model = self.model or _text(body.get("model"))
        self.usage = _usage(body.get("usage")) or self.usage
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) or choice.get("index") not in (0, None):
            return
        self.any_choice = True
        self.finish = _text(choice.get("finish_reason")) or self.finish
        message = choice.get("message") or choice.get("delta")
        if isinstance(message, dict):
            self.any_message = True
            self._add_message(message)

    def _add_message(self, message: dict[str, Any]) -> None:
        self.text += _content(message.get("content"))
        self.refusal += _text(message.get("refusal"))
        entries = message.get("tool_calls")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                self._add_call(entry)

    def _add_call(self, entry: dict[str, Any]) -> None:
        """Join a piece to its call: by index and id. A new id begins a new call, whatever index it says."""
        index, identity = entry.get("index"), entry.get("id")
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        call = self._open_call(index, identity) if index is not None or not function.get("name") else None
        if call is None:
            call = {"index": index if index is not None else -1, "id": identity, "function": {}}
            self.calls.append(call)
        joined = call["function"]
        joined["name"] = joined.get("name") or function.get("name")
        piece, before = function.get("arguments"), joined.get("arguments")
        joined["arguments"] = (
            before + piece if isinstance(before, str) and isinstance(piece, str) else piece or before
        )

    def _open_call(self, index: object, identity: object) -> dict[str, Any] | None:
        alike = [call for call in self.calls if index is None or call["index"] == index]
        last = alike[-1] if alike else None
        return None if last and identity and last["id"] and last["id"] != identity else last

    def finished(self, request: Request, model: str) -> Reply:
        """The reply, with tool calls read and an answer to a schema repaired."""
        names = [str(tool.get("function", {}).get("name")) for tool in request.tools]
        ids = calls.Ids(request.messages)
        text = without_thoughts(self.text)
        made = calls.native(self.calls, names, ids, cut=self.finish == "length")
        if not made and names:
            text, made = calls.textual(text, names, ids)
        if request.schema and not made and self.finish != "length":
            text = _as_json(text)
        return Reply(
            text=text,
            calls=made,
            finish="tool_calls" if made and self.finish != "length" else self.finish or "stop",
            refusal=self.refusal or (_FILTERED if self.finish == "content_filter" else None),
            usage=self.usage or self._estimate(request),
            model=self.model or model,
        )

    def _estimate(self, request: Request) -> Usage:
        schema = request.schema.schema if request.schema else ""
        sent = estimated_tokens(*request.messages, *request.tools, schema)
        return Usage(
            input=sent, output=estimated_tokens(self.text, *(call["function"] for call in self.calls))
        )


def without_thoughts(text: str) -> str:
    """The text after the ``<think>`` block that some reasoning models begin with."""
    if not text.lstrip().startswith(_THOUGHTS):
        return text
    return text.partition(_THOUGHTS_END)[2].lstrip()


def showable(text: str, *, tools: bool) -> str:
    """How much of a text under way may be shown: nothing of thoughts, nor of what may turn out to be a tool call."""
    start = text.lstrip()
    if start and _THOUGHTS.startswith(start[: len(_THOUGHTS)]):
        if _THOUGHTS_END not in text:
            return ""
        text = without_thoughts(text)
    if not tools:
        return text
    if text.lstrip().startswith(("{", "[")):
        return ""
    return text[: min(_before(text, mark) for mark in _CALL_MARKS)]


def _before(text: str, mark: str) -> int:
    """Where ``mark`` begins, in part at least, at the end of ``text``."""
    at = text.find(mark)
    if at >= 0:
        return at
    part = next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)
    return len(text) - part


def _as_json(text: str) -> str:
    """The JSON that an answer to a schema holds; the text itself when there is none to find."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        try:
            return json.dumps(repair.loads(text), ensure_ascii=False)
        except ValueError:
            return text
    return text


def _content(value: object) -> str:
    """Message content: text, or parts of text."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict) or not isinstance(value.get("prompt_tokens"), int):
        return None
    details = value.get("prompt_tokens_details")
    cached = (
        details.get("cached_tokens") if isinstance(details, dict) else value.get("prompt_cache_hit_tokens")
    )
    return Usage(_count(value["prompt_tokens"]), _count(cached), _count(value.get("completion_tokens")))


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0

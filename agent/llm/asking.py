"""A request as the Chat Completions API takes it, less what the endpoint was found not to know."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from agent.llm.endpoint import Endpoint
from agent.llm.failures import MAX_COMPLETION_TOKENS, MAX_TOKENS, SCHEMA, STREAM_OPTIONS, TEMPERATURE
from agent.llm.model import Message, Request, Schema
from prompts.loader import load
from tools.tokens import tokens


def parameters(
    request: Request, to: Endpoint, *, stream: bool, lacks: Collection[str] = ()
) -> dict[str, Any]:
    """The parameters to send. A schema that the endpoint does not take is told in words, at the very end."""
    given: dict[str, Any] = {"model": to.model, "messages": list(request.messages)}
    if request.tools:
        given["tools"] = list(request.tools)
    if request.schema and SCHEMA in lacks:
        given["messages"] = told(request.messages, request.schema)
    elif request.schema:
        given[SCHEMA] = _strict(request.schema)
    if request.temperature is not None and TEMPERATURE not in lacks:
        given[TEMPERATURE] = request.temperature
    limit = _limit(to, lacks)
    if request.max_output_tokens is not None and limit:
        given[limit] = request.max_output_tokens
    if stream:
        given["stream"] = True
        if STREAM_OPTIONS not in lacks:
            given[STREAM_OPTIONS] = {"include_usage": True}
    return given


def told(messages: tuple[Message, ...], schema: Schema) -> list[Message]:
    """The messages with the schema in words: within the last one when that is the user's, since some chat templates
    take no two messages of one role in a row."""
    words = load("schema_in_words").render(schema=json.dumps(schema.schema, ensure_ascii=False, separators=(",", ":")))
    last = messages[-1] if messages else {}
    if last.get("role") == "user" and isinstance(last.get("content"), str):
        return [*messages[:-1], {**last, "content": f"{last['content']}\n\n{words}"}]
    return [*messages, {"role": "user", "content": words}]


def estimated_tokens(*parts: object) -> int:
    """Tokens of the parts as JSON, for when no usage is reported."""
    return sum(tokens(part if isinstance(part, str) else json.dumps(part, default=str)) for part in parts)


def _strict(schema: Schema) -> dict[str, Any]:
    named = {"name": schema.name, "schema": schema.schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


def _limit(to: Endpoint, lacks: Collection[str]) -> str | None:
    """OpenAI's newer models take only the second name, many compatible servers only the first."""
    names = (MAX_COMPLETION_TOKENS, MAX_TOKENS) if to.is_openai else (MAX_TOKENS, MAX_COMPLETION_TOKENS)
    return next((name for name in names if name not in lacks), None)

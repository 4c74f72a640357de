"""A step as the Chat Completions API writes it: one body, or the chunks of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agent.scripted.step import Step, StepCall

_CREATED = 1_700_000_000


def completion(step: Step, model: str) -> dict[str, Any]:
    """The body of a plain reply."""
    message: dict[str, Any] = {"role": "assistant", "content": step.text, "refusal": step.refusal}
    if step.calls:
        message["tool_calls"] = [_call(call, number) for number, call in enumerate(step.calls)]
    choice = {
        "index": 0,
        "message": None if step.shape == "null_message" else message,
        "finish_reason": finish_of(step),
        "logprobs": None,
    }
    reply = _frame("chat.completion", model, [] if step.shape == "no_choices" else [choice])
    if step.usage:
        reply["usage"] = _usage(step)
    return reply


def chunks(step: Step, model: str, *, usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks of a stream; ``usage`` says whether the request asked for it in a last one."""

    def chunk(delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        choices = (
            [] if step.shape == "no_choices" else [{"index": 0, "delta": delta, "finish_reason": finish}]
        )
        return _frame("chat.completion.chunk", model, choices)

    yield chunk(None if step.shape == "null_message" else {"role": "assistant", "content": ""})
    if step.shape == "whole":
        yield from map(chunk, _deltas(step))
    if step.error is not None:
        yield {"error": error_of(step)}
        return
    if step.unfinished:
        return
    yield chunk({}, finish_of(step))
    if usage and step.usage:
        yield {**_frame("chat.completion.chunk", model, []), "usage": _usage(step)}


def error_of(step: Step) -> dict[str, Any]:
    """The error object of a step."""
    if isinstance(step.error, dict):
        return step.error
    return {"message": step.error or f"status {step.status}", "type": "error", "param": None, "code": None}


def finish_of(step: Step) -> str:
    """The finish reason of a step."""
    return step.finish or ("tool_calls" if step.calls else "stop")


def _deltas(step: Step) -> Iterator[dict[str, Any]]:
    yield from ({"content": part} for part in _pieces(step.text or "", step.piece))
    if step.refusal is not None:
        yield {"refusal": step.refusal}
    for number, call in enumerate(step.calls):
        whole = _call(call, number)
        arguments = whole["function"]["arguments"]
        head = {**whole, "index": number, "function": {"name": call.name, "arguments": ""}}
        yield {"tool_calls": [head]}
        for part in _pieces(arguments or "", step.piece):
            yield {"tool_calls": [{"index": number, "function": {"arguments": part}}]}


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def _call(call: StepCall, number: int) -> dict[str, Any]:
    arguments = json.dumps(call.arguments) if isinstance(call.arguments, dict) else call.arguments
    name = f"call_{number}" if call.id == "auto" else call.id
    return {"id": name, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _frame(kind: str, model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": _CREATED,
        "model": model,
        "choices": choices,
    }


def _usage(step: Step) -> dict[str, Any]:
    used = step.usage
    if used is None:
        return {}
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached},
    }

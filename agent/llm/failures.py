"""What an endpoint's refusal means: which error it is, whether to ask again, and what the endpoint cannot do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agent.llm.endpoint import Endpoint
from agent.llm.errors import (
    BrokenReplyError,
    ContextTooLongError,
    KeyRefusedError,
    LateError,
    ModelError,
    NotAModelError,
    NoToolsError,
    OverloadedError,
    QuotaError,
    RefusedError,
    UnreachableError,
)
from telemetry.redact import redact


class Failed(Exception):  # noqa: N818 (an attempt's end, not an error: it may be asked again)
    """One attempt failed with ``error``. ``again``: the same may be asked once more, after ``pause`` seconds if stated.

    ``lacks`` is the feature of the request that the endpoint does not know: to ask again without it.
    """

    def __init__(
        self, error: ModelError, *, again: bool = False, pause: float | None = None, lacks: str | None = None
    ) -> None:
        self.error = error
        self.again = again
        self.pause = pause
        self.lacks = lacks
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class Said:
    """An endpoint's own words on an error: ``text`` for people, ``all`` in lower case with its codes."""

    text: str
    all: str


SCHEMA, TOOLS, TEMPERATURE, STREAM_OPTIONS = "response_format", "tools", "temperature", "stream_options"
MAX_TOKENS, MAX_COMPLETION_TOKENS = "max_tokens", "max_completion_tokens"

_QUOTA = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)|exceeded your current quota|billing[_ ](?:hard|not)"
    r"|budget has been exceeded|exceededbudget|payment required"
)
# OpenAI, Azure: context_length_exceeded · vLLM: maximum context length, maximum model length · LiteLLM:
# ContextWindowExceededError · llama.cpp: available context size · Ollama: exceeds (the) context length · Anthropic:
# prompt is too long · Gemini: input token count exceeds · TGI: inputs tokens + max_new_tokens must be
_CONTEXT = re.compile(
    r"context_length_exceeded|context ?window|maximum (?:context|model) length|(?:available|model'?s?|exceeds?\w*) context"
    r"|exceed_context_size|exceeds? (?:the )?(?:\w+ )?context (?:length|size)|(?:prompt|input|request) (?:is )?too (?:long|large)"
    r"|token count .{0,40}exceeds|tokens? exceeds? |max_new_tokens. must be|string_above_max_length"
    r"|reduce the length of the (?:input|messages|prompt)"
)
# vLLM: "auto" tool choice requires --enable-auto-tool-choice · Ollama: does not support tools · LiteLLM: does not
# support parameters: ['tools'] · llama.cpp: tools param requires --jinja · OpenRouter: that support tool use
_TOOLS = re.compile(
    r"enable-auto-tool-choice|tool-call-parser|tools? param requires|no endpoints found that support tool"
    r"|(?:\bnot|n't|unsupported)\b[^.]{0,60}\b(?:tools?|functions?|function[_ ]call\w*|tool[_ ](?:use|choice|call\w*))\b"
    r"|\b(?:tools?|tool[_ ](?:use|choice|call\w*)|function[_ ]call\w*)\b[^.]{0,40}(?:not (?:supported|enabled|available|permitted)|unsupported)"
)
_SCHEMA = re.compile(
    r"response_format|json_schema|json mode|structured[_ ]outputs?|guided[_ ]|grammar|invalid schema"
)
_MODEL = re.compile(r"model_not_found|deploymentnotfound|\bmodels?\b|\bdeployment\b")
_FILTER = re.compile(
    r"content_filter|content_policy|content management policy|responsibleaipolicy|safety system"
)


def of_status(
    status: int, headers: Mapping[str, str], body: str, sent: Mapping[str, object], to: Endpoint
) -> Failed:
    """What an answer with an error status means."""
    said = words(body)
    if re.match(r"\s*<", body) and status in {400, 404, 405}:
        return Failed(not_a_model(to, f"the address answered with a web page ({status})"))
    if status in {401, 407} or (status == 403 and not _FILTER.search(said.all)):
        return Failed(key_refused(to, status))
    if status == 402 or _QUOTA.search(said.all):
        return Failed(
            QuotaError("the account is out of quota or money", where=to.where, remedy="check its billing")
        )
    if status == 413 or (status < 500 or status == 500) and _CONTEXT.search(said.all):
        return Failed(_too_long(to))
    lacks = _lacks(said, sent) if status in {400, 404, 415, 422, 500, 501} else None
    if lacks == TOOLS:
        return Failed(_no_tools(to))
    if lacks:
        return Failed(_refused(status, said, to), lacks=lacks)
    if status in {408, 409, 429} or status >= 500:
        return Failed(_overloaded(status, to), again=True, pause=pause_of(headers))
    if status in {404, 405}:
        return Failed(_not_found(said, to))
    if _FILTER.search(said.all):
        return Failed(
            RefusedError("the provider's content filter refused", where=to.where, remedy="ask differently")
        )
    return Failed(_refused(status, said, to))


def of_error_body(body: object, sent: Mapping[str, object], to: Endpoint) -> Failed:
    """What an error object within a 200 means; its code is taken for the status when it is a number."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    kind = str(error.get("type") or "").lower() if isinstance(error, dict) else ""
    status = int(code) if isinstance(code, int | str) and re.fullmatch(r"[45]\d\d", str(code)) else 0
    if not status:
        status = 429 if "rate_limit" in f"{kind} {code}" else 500 if "server" in kind else 400
    return of_status(status, {}, json.dumps(body), sent, to)


def words(body: str) -> Said:
    """An error body's message and codes: of OpenAI's form, FastAPI's and Ollama's; else its first 500 characters.

    Only these are looked at: a validation error may echo the request, and log lines say "context length exceeded" too.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Said(body[:500], body[:500].lower())
    found: list[str] = []
    _collect(parsed, found)
    text = next((part for part in found if " " in part), found[0] if found else "")
    return Said(text, " ".join(found).lower()[:4000])


def _collect(part: object, found: list[str], depth: int = 0) -> None:
    if isinstance(part, str):
        found.append(part)
    elif isinstance(part, list) and depth < 5:
        for item in part[:5]:
            _collect(item, found, depth + 1)
    elif isinstance(part, dict) and depth < 5:
        for name in ("error", "message", "msg", "detail", "loc", "code", "type", "param", "innererror"):
            _collect(part.get(name), found, depth + 1)


def _lacks(said: Said, sent: Mapping[str, object]) -> str | None:
    """The feature of the request that the words name as unknown or unfit, the one that costs least first."""
    for name in (STREAM_OPTIONS, MAX_COMPLETION_TOKENS, MAX_TOKENS, TEMPERATURE):
        if name in sent and re.search(rf"\b{name}\b", said.all):
            return name
    if SCHEMA in sent and _SCHEMA.search(said.all):
        return SCHEMA
    return TOOLS if TOOLS in sent and _TOOLS.search(said.all) else None


def pause_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for: a number, or a date compared with the answer's own Date; None without it."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(?:\.\d*)?", value):
        return float(value)
    moment, sent = _date(value), _date(headers.get("date", ""))
    return max(0.0, (moment - (sent or datetime.now(UTC))).total_seconds()) if moment else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def excerpt(text: str, to: Endpoint) -> str:
    """What an endpoint said, fit for a message: one short line without secrets or control characters."""
    for secret in to.secrets:
        text = text.replace(secret, "[secret]")
    clean = " ".join("".join(c if c.isprintable() else " " for c in redact(text)[0]).split())
    return clean if len(clean) <= 160 else clean[:159] + "…"


def key_refused(to: Endpoint, status: int) -> ModelError:
    """The key is not accepted."""
    what = f"the key was refused ({status})" if to.key else f"a key is needed ({status})"
    return KeyRefusedError(what, where=to.where, remedy="set a key that is valid here and may use this model")


def unreachable(to: Endpoint, why: str) -> ModelError:
    """No connection."""
    return UnreachableError(why, where=to.where, remedy="check the base URL and that the endpoint is running")


def late(to: Endpoint, seconds: float) -> ModelError:
    """The deadline passed after ``seconds``."""
    return LateError(
        f"no whole answer within {seconds:.1f} s",
        where=to.where,
        remedy="allow more time or use a faster model",
    )


def broken(to: Endpoint, why: str) -> ModelError:
    """A reply that cannot be used."""
    return BrokenReplyError(
        why, where=to.where, remedy="ask again; if it stays, check the endpoint's own log"
    )


def not_a_model(to: Endpoint, why: str) -> ModelError:
    """Something else answers at this address."""
    return NotAModelError(
        why, where=to.where, remedy="check the base URL (it usually ends in /v1) and any proxy or login page"
    )


def not_worth_waiting(failed: Failed, pause: float) -> ModelError:
    """The pause that the endpoint asks for does not fit."""
    error = failed.error
    return type(error)(
        f"{error.what}, and it asks to wait {pause:.0f} s, longer than this call may",
        where=error.where,
        remedy=error.remedy,
    )


def _too_long(to: Endpoint) -> ModelError:
    what = "the request is longer than the model's context"
    return ContextTooLongError(what, where=to.where, remedy="send less or use a model with a larger context")


def _no_tools(to: Endpoint) -> ModelError:
    remedy = "use a model with tool calling, or switch it on at the server (vLLM: --enable-auto-tool-choice)"
    return NoToolsError("tools are not supported", where=to.where, remedy=remedy)


def _overloaded(status: int, to: Endpoint) -> ModelError:
    what = "too many requests (429)" if status == 429 else f"the endpoint failed ({status})"
    return OverloadedError(what, where=to.where, remedy="try again later")


def _not_found(said: Said, to: Endpoint) -> ModelError:
    if _MODEL.search(said.all):
        remedy = "set the model to one that the endpoint lists under /models"
        return NotAModelError(f"there is no model {to.model}", where=to.where, remedy=remedy)
    return not_a_model(to, "nothing answers at this path (404)")


def _refused(status: int, said: Said, to: Endpoint) -> ModelError:
    text = excerpt(said.text, to)
    what = f"the request was refused ({status})" + (f": {text}" if text else "")
    return ModelError(what, where=to.where, remedy="check the model's settings")

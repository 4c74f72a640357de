"""One reply of a script, as JSON or in Python, with the faults that real endpoints have.

A script is a JSON list of steps, or ``{"replies": [STEP...], "repeat": true}`` where the last step goes on for ever. A
step is an object; every field may be left out::

    {"text": "Disk full."}                                          a plain answer
    {"calls": [{"name": "logs_search", "arguments": {"q": "x"}}]}   tool calls; arguments that are text go out as they are
    {"status": 429, "error": "slow down", "headers": {"Retry-After": "1"}}
    {"body": "<html>Log in</html>", "content_type": "text/html"}    anything with 200
    {"text": "a long answer", "pause": 0.2}                         a drip
    {"text": "a long answer", "cut_after": 3}                       the connection breaks after three pieces
    {"wait": 600}                                                   a hang
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class StepCall(BaseModel):
    """A tool call to make. ``arguments`` that are text are sent as they are; ``id`` None is sent as null."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str | None = None
    arguments: dict[str, Any] | str | None = Field(default_factory=dict)
    id: str | None = "auto"
    """``auto`` numbers the calls."""


class StepUsage(BaseModel):
    """Tokens to report."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: int = 10
    cached: int = 0
    output: int = 5


class Step(BaseModel):
    """What to answer one request with. Seconds throughout."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str | None = None
    calls: tuple[StepCall, ...] = ()
    refusal: str | None = None
    finish: str | None = None
    """By default ``tool_calls`` with calls, else ``stop``."""
    usage: StepUsage | None = StepUsage()
    """None leaves usage out of the reply."""
    shape: Literal["whole", "no_choices", "null_message"] = "whole"

    status: int = 200
    error: str | dict[str, Any] | None = None
    """The error's message, or the whole error object; sent with ``status``, or within a stream when that is 200."""
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    """Sent as it is instead of a reply, one character a byte (latin-1), so that any bytes can be written."""
    content_type: str = "application/json"
    """Of ``body``."""

    wait: float = 0.0
    """Before anything is sent."""
    pause: float = 0.0
    """Between pieces: a stream's chunks, or the bytes of a plain reply."""
    piece: int = Field(default=8, gt=0)
    """Characters of text or arguments in one chunk."""
    cut_after: int | None = None
    """Break the connection after this many pieces."""
    unfinished: bool = False
    """End a stream in good order, but without finish reason, usage and ``[DONE]``."""
    reset: bool = False
    """Reset the connection instead of answering."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.body is not None and (self.text or self.calls or self.error):
            raise ValueError("a step has either a body or a reply")
        return self


class Script(BaseModel):
    """Steps in the order of the requests. ``repeat``: the last one answers all further requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replies: tuple[Step, ...]
    repeat: bool = False

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, given: Any) -> Any:
        return {"replies": given} if isinstance(given, list) else given


OVER = Step(status=400, error="the script is over")
"""Answers what comes after the script's end."""

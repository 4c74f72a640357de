"""One model call: what is asked, what comes back. The real client, the scripted one and the cache all speak this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Message = dict[str, Any]
"""A chat message as the Chat Completions API takes it."""
Emit = Callable[[str], None]
"""Takes the text of an answer as it streams in."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call or of several; ``cached`` are those of ``input`` that a provider served from its cache."""

    input: int = 0
    cached: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input + other.input, self.cached + other.cached, self.output + other.output)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as the model made it. ``problem`` says why it cannot be made: its arguments are then ``{}``."""

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The JSON schema an answer must meet, by name."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. ``messages`` begin with what never changes, so that a provider can cache it.

    ``tools`` are Chat Completions tool definitions. ``digests`` name the prompts and tool schemas that were used.
    """

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    schema: Schema | None = None
    max_output_tokens: int | None = None
    temperature: float | None = 0.0
    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model gave. ``text`` may be empty when there are ``calls``; ``refusal`` is the provider's own."""

    text: str
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    refusal: str | None = None
    usage: Usage = Usage()
    model: str = ""
    seconds: float = 0.0
    stored: bool = False
    """Whether it came from a cache: nothing was sent and nothing is paid."""


class Model(Protocol):
    """Something that answers a request. Raises :class:`agent.llm.errors.ModelError` and nothing else."""

    name: str

    def complete(self, request: Request, *, deadline: float, emit: Emit | None = None) -> Reply:
        """Answer before ``deadline`` (``time.monotonic()`` seconds); ``emit`` gets text as it comes."""
        ...

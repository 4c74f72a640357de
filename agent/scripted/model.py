"""A model that plays a list in process, where no HTTP is wanted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from agent.llm.errors import BrokenReplyError, LateError
from agent.llm.model import Call, Emit, Reply, Request, Usage
from agent.scripted import wire
from agent.scripted.server import Brain
from agent.scripted.step import Step

Play = Reply | BaseException | Callable[[Request], Reply]
"""A reply, an exception to raise, or a function of the request."""


class ScriptedModel:
    """Implements :class:`agent.llm.model.Model` with a list of plays; ``requests`` holds what was asked, in order.

    Past the list's end it raises :class:`agent.llm.errors.BrokenReplyError`, unless the last play is to ``repeat``.
    """

    def __init__(self, plays: Iterable[Play], *, name: str = "scripted", repeat: bool = False) -> None:
        self.name = name
        self.requests: list[Request] = []
        self._plays = list(plays)
        self._repeat = repeat
        self._lock = threading.Lock()

    @classmethod
    def thinking(cls, brain: Brain, *, name: str = "scripted") -> Self:
        """A model that a brain answers for, as it would over HTTP."""
        return cls(
            [lambda request: _reply(Step.model_validate(brain(_body(request, name))))], name=name, repeat=True
        )

    def complete(self, request: Request, *, deadline: float, emit: Emit | None = None) -> Reply:
        """Play the next one."""
        if time.monotonic() >= deadline:
            raise LateError("the deadline passed", where=f"model {self.name}")
        play = self._next(request)
        if isinstance(play, BaseException):
            raise play
        reply = play if isinstance(play, Reply) else play(request)
        if emit and reply.text:
            emit(reply.text)
        return reply

    def _next(self, request: Request) -> Play:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests) - 1
        if self._repeat and self._plays:
            number = min(number, len(self._plays) - 1)
        if number >= len(self._plays):
            raise BrokenReplyError(
                "the script is over", where=f"model {self.name}", remedy="add replies to the script"
            )
        return self._plays[number]


def _body(request: Request, name: str) -> dict[str, Any]:
    """The request as the API's body, as far as a brain looks at it."""
    body: dict[str, Any] = {"model": name, "messages": list(request.messages)}
    if request.tools:
        body["tools"] = list(request.tools)
    if request.schema:
        named = {"name": request.schema.name, "schema": request.schema.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


def _reply(step: Step) -> Reply:
    used = step.usage
    return Reply(
        text=step.text or "",
        calls=tuple(_call(number, call.name or "", call.arguments) for number, call in enumerate(step.calls)),
        finish=wire.finish_of(step),
        refusal=step.refusal,
        usage=Usage(used.input, used.cached, used.output) if used else Usage(),
        model="scripted",
    )


def _call(number: int, name: str, arguments: dict[str, Any] | str | None) -> Call:
    try:
        given = arguments if isinstance(arguments, dict) else json.loads(arguments or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Call(f"call_{number}", name, problem="the arguments are not a JSON object")
    return Call(f"call_{number}", name, given)

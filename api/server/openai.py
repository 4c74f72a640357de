"""OpenAI's Chat Completions (platform.openai.com/docs/api-reference/chat), for clients that speak nothing else.

OnCalm is the model. The last message of the user is the question; those before it are what it follows up. Nothing is kept
by the client's word: the memory of a dialogue is found by its questions, so that every branch of it has its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import count
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from agent.approvals.people import Person
from api.door.needs import Needs
from api.server import asking
from api.server.asking import ChatRequest
from api.server.problems import MEDIA, status_of
from api.server.run import Run
from api.server.services import Services
from api.server.streams import PING
from telemetry.errors import OnCalmError, UsageError

Viewer = Annotated[Person, Depends(Needs("viewer"))]
MODELS: Mapping[str, tuple[Literal["ask", "investigate"], asking.Analyst]] = {
    "oncalm": ("ask", "auto"), "oncalm-investigate": ("investigate", "auto"), "oncalm-offline": ("ask", "offline")}
PREFIX = "openai-"
_REMEMBERED = 2_000
_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"description": "An error in OpenAI's shape, or a problem document.", "content": {
    "application/json": {"schema": {"type": "object", "properties": {"error": {"type": "object"}}}}, MEDIA: {"schema": {"type": "object"}}}}}
_SELDOM = 50
"""Requests between two looks for dialogues that are too many."""
_LINES = 3
_LOOK = 0.5
"""Seconds between looks whether a client that waits for a whole answer is still there."""
_TOKEN = 4
"""Characters of a token, about: what is counted when no model was asked."""


class Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="allow")
    type: str
    text: str = ""


class Message(BaseModel):
    """A message; only those of the user are questions."""

    model_config = ConfigDict(extra="allow")
    role: str = Field(max_length=40)
    content: str | list[Part] | None = None

    def words(self) -> str:
        """Its text. Raises UsageError for what is none."""
        if isinstance(self.content, list):
            if other := sorted({one.type for one in self.content} - {"text", "input_text"}):
                raise UsageError(f"only text is understood, not {', '.join(other)[:100]}", where="messages", remedy="send text")
            return "\n".join(one.text for one in self.content).strip()
        return (self.content or "").strip()


class StreamOptions(BaseModel):
    """What a stream shall tell beside the answer."""

    model_config = ConfigDict(extra="allow")
    include_usage: bool = False


class Completion(BaseModel):
    """A request. Settings of sampling are taken and mean nothing here."""

    model_config = ConfigDict(extra="allow")
    model: str = Field(max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=1_000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None


def router(services: Services) -> APIRouter:
    """The routes."""
    routes, turns = APIRouter(tags=["OpenAI"], responses=_ERRORS), count()

    @routes.get("/v1/models")
    def models(_: Viewer) -> dict[str, Any]:
        """What may stand in `model`."""
        return {"object": "list", "data": [_model(name) for name in MODELS]}

    @routes.get("/v1/models/{model}")
    def model(model: str, _: Viewer) -> Response:
        """One of them."""
        return JSONResponse(_model(model)) if model in MODELS else _refused(404, f"the model {model[:100]!r} does not exist", "model", "model_not_found")

    @routes.post("/v1/chat/completions", response_class=Response, responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}})
    async def completions(asked: Completion, person: Viewer, request: Request) -> Response:
        """Answer the last question of the user, as one document or as a stream of chunks."""
        if asked.model not in MODELS:
            return _refused(404, f"the model {asked.model[:100]!r} does not exist; there are {', '.join(MODELS)}", "model", "model_not_found")
        try:
            run = _begin(services, asked, person, turns)
        except OnCalmError as error:
            return _refused(status_of(error), str(error), error.where or None, None)
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            return StreamingResponse(_chunks(run, asked.model, usage=usage), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        return await _whole(run, asked.model, request)

    return routes


def _begin(services: Services, asked: Completion, person: Person, turns: Iterator[int]) -> Run:
    for name, unused in (("tools", asked.tools), ("functions", asked.functions)):
        if unused:
            raise UsageError("OnCalm has its own tools and calls no others", where=name, remedy="leave it out")
    if (asked.n or 1) != 1:
        raise UsageError("there is one answer", where="n", remedy="leave it out")
    if asked.response_format is not None and asked.response_format.get("type") not in {None, "text"}:
        raise UsageError("answers are text", where="response_format", remedy="use POST /v1/chat for typed results")
    questions = [one.words() for one in asked.messages if one.role == "user"]
    if not questions or not questions[-1]:
        raise UsageError("no message of the user asks anything", where="messages", remedy="end with a message whose role is user")
    kind, analyst = MODELS[asked.model]
    request = ChatRequest(question=questions[-1][:8_000], kind=kind, analyst=analyst)
    before, now = _memory(person, asked.model, questions[:-1]), _memory(person, asked.model, questions)
    work = asking.chat(services, request, now, kept=False)

    def remembering(run: Run) -> dict[str, Any]:
        services.kept.remember_as(before, now)
        if next(turns) % _SELDOM == 0:
            services.kept.forget(PREFIX, _REMEMBERED)
        return work(run)

    return services.runs.start(kind, person, remembering)


def _memory(person: Person, model: str, questions: list[str]) -> str:
    """The name of what a dialogue remembers: another person, model or question is another dialogue."""
    return PREFIX + hashlib.sha256(json.dumps([person.id, model, questions]).encode()).hexdigest()[:32]


async def _whole(run: Run, model: str, request: Request) -> Response:
    leaving = asyncio.ensure_future(_gone(request))
    try:
        with run.following(eager=False) as follower:
            leaving.add_done_callback(lambda _: follower.leave())
            while (coming := await follower.next(PING)) is not None:
                for one in coming:
                    if one.name == "error":
                        problem = one.data["problem"]
                        return _refused(problem["status"], f"{problem['detail']} ({problem.get('remedy', '')})", problem.get("where"), None)
    finally:
        leaving.cancel()
    found = run.result or {}
    told = text_of(found)
    return JSONResponse({
        "id": f"chatcmpl-{run.id}", "object": "chat.completion", "created": int(time.time()), "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": told, "refusal": None}, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(found, told)})


async def _gone(request: Request) -> None:
    """Until the client has left: then its run ends, too."""
    while not await request.is_disconnected():
        await asyncio.sleep(_LOOK)


async def _chunks(run: Run, model: str, *, usage: bool) -> AsyncIterator[str]:
    head = {"id": f"chatcmpl-{run.id}", "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        told = {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}], **({"usage": None} if usage else {})}
        return f"data: {json.dumps(told, ensure_ascii=False)}\n\n"

    yield chunk({"role": "assistant", "content": ""})
    with run.following() as follower:
        while (coming := await follower.next(PING)) is not None:
            if not coming:
                yield ": still there\n\n"
            for one in coming:
                if one.name == "token" and not one.data["draft"]:
                    yield chunk({"content": one.data["text"]})
                elif one.name == "error":
                    problem = one.data["problem"]
                    yield f"data: {json.dumps({'error': {'message': problem['detail'], 'type': 'server_error', 'param': None, 'code': problem['status']}})}\n\n"
                    return
    found = run.result or {}
    if proof := proof_of(found):
        yield chunk({"content": proof})
    yield chunk({}, "stop")
    if usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': _usage(found, text_of(found))})}\n\n"
    yield "data: [DONE]\n\n"


def text_of(found: Mapping[str, Any]) -> str:
    """The answer in words, with what proves it."""
    return f"{found.get('answer', '')}{proof_of(found)}"


def proof_of(found: Mapping[str, Any]) -> str:
    """The evidence in Markdown: what was asked of the records, and the first lines, which cannot leave their block."""
    told = []
    for one in found.get("evidence", ())[:6]:
        told.append(f"**{one['id']}** {one['tool']}: {one['status'].replace('_', ' ')}, {one['total']:,} records")
        lines = [str(line.get("text", ""))[:400] for line in one.get("excerpt", ())[:_LINES] if isinstance(line, Mapping)]
        if lines:
            fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _ticks(line)), default=0))
            told.append("\n".join([fence, *lines, fence]))
    return "\n\n" + "\n\n".join(told) if told else ""


def _ticks(line: str) -> list[str]:
    return [part for part in "".join(char if char == "`" else " " for char in line).split() if part]


def _usage(found: Mapping[str, Any], told: str) -> dict[str, int]:
    """What the model behind took; without one, about what was said."""
    used = found.get("usage", {})
    given = int(used.get("input_tokens") or len(str(found.get("question", ""))) // _TOKEN + 1)
    said = int(used.get("output_tokens") or len(told) // _TOKEN + 1)
    return {"prompt_tokens": given, "completion_tokens": said, "total_tokens": given + said}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": "oncalm"}


def _refused(status: int, message: str, param: str | None, code: str | None) -> Response:
    """An error in OpenAI's shape."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)

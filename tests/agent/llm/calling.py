"""What the tests of the client share: a question, a tool, and a call to a scripted endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from agent.llm.client import Client
from agent.llm.endpoint import Endpoint
from agent.llm.model import Reply, Request, Schema
from agent.scripted.server import ScriptedServer

KEY = "sk-test-5up3rs3cr3tk3y-000"
SEARCH = {
    "type": "function",
    "function": {
        "name": "logs_search",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
ANSWER = Schema(
    "answer",
    {
        "type": "object",
        "properties": {"cause": {"type": "string"}},
        "required": ["cause"],
        "additionalProperties": False,
    },
)
QUESTION = Request(
    ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the disk full?"})
)
WITH_TOOLS = Request(QUESTION.messages, tools=(SEARCH,))
WITH_SCHEMA = Request(QUESTION.messages, schema=ANSWER)


def client_of(server: ScriptedServer, **changes: Any) -> Client:
    """A client of a scripted server."""
    given: dict[str, Any] = {"model": "scripted", "base_url": server.url, "api_key": KEY, **changes}
    return Client(Endpoint(**given))


def ask(
    *steps: Mapping[str, Any],
    request: Request = QUESTION,
    stream: bool = False,
    seconds: float = 10,
    **changes: Any,
) -> tuple[Reply, ScriptedServer, str]:
    """Play ``steps`` to one call: the reply, the server, and the text that was streamed."""
    pieces: list[str] = []
    with ScriptedServer(steps) as server:
        client = client_of(server, **changes)
        try:
            reply = client.complete(
                request, deadline=time.monotonic() + seconds, emit=pieces.append if stream else None
            )
        finally:
            client.close()
    return reply, server, "".join(pieces)

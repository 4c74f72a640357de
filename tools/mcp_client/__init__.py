"""Tools of other MCP servers, taken into a registry as read tools.

What a server says of itself and answers is data from outside: descriptions are quoted, results are bounded text, and
nothing of it is an instruction. Which tools are taken is said in :mod:`tools.mcp_client.rules`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ConfigDict

from telemetry.errors import UsageError
from telemetry.models import Found
from tools.mcp_client.config import McpServer, read_servers
from tools.mcp_client.errors import McpAnswerError, McpError, McpRefusedError, McpUnavailableError
from tools.mcp_client.process import kill
from tools.mcp_client.results import found
from tools.mcp_client.rules import Offered
from tools.mcp_client.running import Loop
from tools.mcp_client.session import Session
from tools.registry import Registry, Tool

_GRACE = 1.0
_CLOSING = 6.0
"""Seconds in which all servers must be gone; what is left then is killed."""


class McpRegistry(Registry):
    """The tools of all servers, and why others of the allowed tools are not among them."""

    def __init__(self, tools: list[Tool[Any]], problems: Sequence[str]) -> None:
        super().__init__(tools)
        self.problems = tuple(problems)


class Arguments(BaseModel):
    """Whatever the server's own schema asks for; the server checks it."""

    model_config = ConfigDict(extra="allow")


@contextmanager
def mcp_registry(servers: Sequence[McpServer], *, pins: MutableMapping[str, str] | None = None) -> Iterator[McpRegistry]:
    """The allowed tools of these servers, named ``mcp.SERVER.TOOL``, for as long as the context is open.

    ``pins`` keeps the digests of definitions first seen, by ``SERVER.TOOL``: give the same mapping to every registry of a
    process. Calls may come from several threads. A server that cannot be reached keeps its tools' names; calls try
    again and else fail with the reason. Raises UsageError when two servers have one name, nothing else.
    """
    twice = [name for name, count in Counter(server.name for server in servers).items() if count > 1]
    if twice:
        raise UsageError(f"there are several MCP servers named {twice[0]}", where="MCP servers", remedy="rename one of them")
    if not servers:
        yield McpRegistry([], [])
        return
    quiet = logging.NullHandler()  # the protocol library logs with tracebacks what we answer as failed calls
    logging.getLogger("mcp").addHandler(quiet)
    hub = _Hub(servers, {} if pins is None else pins)
    try:
        yield hub.registry()
    finally:
        hub.close()
        logging.getLogger("mcp").removeHandler(quiet)


class _Hub:
    """All sessions, in one event loop."""

    def __init__(self, servers: Sequence[McpServer], pins: MutableMapping[str, str]) -> None:
        self.children: set[int] = set()
        self.loop = Loop("mcp")
        self.sessions = [Session(server, pins, self.children) for server in servers]

    def registry(self) -> McpRegistry:
        """Ask every server at once what it offers."""
        listed = self._offers()
        tools: list[Tool[Any]] = []
        problems: list[str] = []
        for session, offers in zip(self.sessions, listed, strict=True):
            if isinstance(offers, McpError):
                problems.append(str(offers))
                tools += [self._unknown(session, name) for name in dict.fromkeys(session.server.allow)]
                continue
            for name in dict.fromkeys(session.server.allow):
                offer = offers.get(name)
                reason = session.judge(offer) if offer else "the server does not offer it"
                if offer is None or reason:
                    problems.append(f"{session.where}.{name} is not used: {reason}")
                else:
                    tools.append(self._known(session, offer))
        return McpRegistry(tools, problems)

    def _offers(self) -> list[Mapping[str, Offered] | McpError]:
        async def ask() -> list[Mapping[str, Offered] | BaseException]:
            return await asyncio.gather(*(session.offered() for session in self.sessions), return_exceptions=True)

        longest = max(session.server.timeout for session in self.sessions)
        try:
            offers = self.loop.run(ask(), longest + _GRACE)
        except TimeoutError:
            return [McpUnavailableError("no answer in time", where=session.where) for session in self.sessions]
        return [
            offer if isinstance(offer, McpError) or not isinstance(offer, BaseException)
            else McpUnavailableError(f"unexpected {type(offer).__name__}", where=session.where)
            for session, offer in zip(self.sessions, offers, strict=True)
        ]

    def _known(self, session: Session, offer: Offered) -> Tool[Any]:
        return self._tool(session, offer.name, offer.purpose(session.server.name), offer.shown_schema())

    def _unknown(self, session: Session, name: str) -> Tool[Any]:
        purpose = f"Tool {name} of the MCP server {session.server.name}, which does not answer now; its arguments are not known."
        return self._tool(session, name, purpose, {"type": "object", "properties": {}, "additionalProperties": True})

    def _tool(self, session: Session, name: str, purpose: str, schema: Mapping[str, Any]) -> Tool[Any]:
        def call(given: Arguments) -> Found:
            return self._call(session, name, dict(given.model_extra or {}))

        return Tool(f"{session.where}.{name}", purpose, "read", _input(schema), call)

    def _call(self, session: Session, name: str, arguments: dict[str, Any]) -> Found:
        seconds = session.server.timeout
        try:
            answer = self.loop.run(session.call(name, arguments), seconds + _GRACE)
        except TimeoutError as error:
            raise McpUnavailableError(f"no answer within {seconds:g} s", where=session.where) from error
        except RuntimeError as error:
            raise McpUnavailableError("the connection to the server is closed", where=session.where) from error
        return found(answer, session.where)

    def close(self) -> None:
        async def end() -> None:
            await asyncio.gather(*(session.close() for session in self.sessions), return_exceptions=True)

        try:
            self.loop.run(end(), _CLOSING)
        except TimeoutError:
            pass  # what does not end is killed below
        finally:
            self.loop.stop(_GRACE)
            kill(self.children)


def _input(schema: Mapping[str, Any]) -> type[Arguments]:
    class Given(Arguments):
        @classmethod
        def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
            """The server's schema instead of that of a free-form object."""
            return deepcopy(dict(schema))

    return Given


__all__ = [
    "McpAnswerError", "McpError", "McpRefusedError", "McpRegistry", "McpServer", "McpUnavailableError", "mcp_registry",
    "read_servers",
]

"""One server and the connection to it. Everything here runs in the event loop of :mod:`tools.mcp_client.running`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tools.mcp_client.config import McpServer
from tools.mcp_client.errors import McpAnswerError, McpError, McpRefusedError, McpUnavailableError
from tools.mcp_client.process import Trouble, process_streams
from tools.mcp_client.rules import Offered, refusal
from tools.mcp_client.web import web_streams
from tools.mcp_client.words import clean

if TYPE_CHECKING:
    import anyio
    from mcp import Client
    from mcp.types import CallToolResult, Tool

T = TypeVar("T")
INSTALL = "the package for MCP is not installed: pip install 'oncalm[mcp]'"
_PAGES = 20
_CLOSED = frozenset({-32000, -32600})
"""Codes of the protocol library for a connection that is gone and a session that the server has forgotten."""
_LATE = 2
"""Calls in a row without an answer after which the server is connected to anew."""
_REASON = 400


class _Link:
    """A connection that a task of its own opens, keeps and closes: its scopes must be left where they were entered."""

    def __init__(self, server: McpServer, children: set[int]) -> None:
        self.trouble = Trouble()
        self.client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self.client.add_done_callback(_seen)
        self.task = asyncio.ensure_future(self._keep(server, children))

    async def _keep(self, server: McpServer, children: set[int]) -> None:
        try:
            import anyio

            if self._over.is_set():
                return
            with anyio.CancelScope() as self._scope:
                async with _client(server, children, self.trouble) as client:
                    self.client.set_result(client)
                    await self._over.wait()
        except Exception as error:  # noqa: BLE001 - a transport may raise anything; it is told to whoever waits
            if not self.client.done():
                self.client.set_exception(error)
        finally:
            if not self.client.done():
                self.client.cancel()

    def end(self) -> None:
        """Close it, or stop opening it."""
        self._over.set()
        if not self.client.done() and self._scope is not None:
            self._scope.cancel()


def _seen(client: asyncio.Future[Client]) -> None:
    """Take note of an error that nobody waits for any more: it would be logged as forgotten."""
    if not client.cancelled():
        client.exception()


@asynccontextmanager
async def _client(server: McpServer, children: set[int], trouble: Trouble) -> AsyncIterator[Client]:
    from mcp import Client

    streams = web_streams(server, trouble) if server.url else process_streams(server, children, trouble)
    # No callbacks: the server may not ask us to sample, to tell our folders or to question the user.
    async with Client(streams, cache=None, read_timeout_seconds=server.timeout) as client:
        yield client


class Session:
    """Calls the tools of one server; connects when needed, also again after the server ended."""

    def __init__(self, server: McpServer, pins: MutableMapping[str, str], children: set[int]) -> None:
        """``pins`` are the digests of definitions first seen, by ``SERVER.TOOL``."""
        self.server = server
        self.where = f"mcp.{server.name}"
        self._pins = pins
        self._children = children
        self._lock = asyncio.Lock()
        self._link: _Link | None = None
        self._ending: set[asyncio.Future[None]] = set()
        self._failure: tuple[float, McpError] | None = None
        self._late = 0

    async def offered(self) -> dict[str, Offered]:
        """The tools that the server lists now. Raises McpError."""
        return await self._asking(self._list)

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool if it still is what it was. Raises McpError."""

        async def ask(client: Client) -> CallToolResult:
            tool = (await self._list(client)).get(name)
            if tool is None:
                raise McpUnavailableError(f"the server no longer offers {name}", where=self.where)
            reason = self.judge(tool)
            if reason:
                raise McpRefusedError(f"{name} is refused: {reason}", where=self.where,
                                      remedy="look at what the server changed before allowing it")
            # The session's own call: that of the client would list tools again and go on with whatever it finds.
            return await client.session.call_tool(name, arguments)

        return await self._asking(ask)

    def judge(self, tool: Offered) -> str | None:
        """Why a tool may not be used, or None: then its definition is the one that it must keep."""
        key = f"{self.server.name}.{tool.name}"
        reason = refusal(tool, self.server, self.server.pins.get(tool.name) or self._pins.get(key))
        if reason is None:
            self._pins.setdefault(key, tool.digest())
        return reason

    async def close(self) -> None:
        """End the connection and wait for its end."""
        self._drop()
        if self._ending:
            await asyncio.wait(self._ending)

    async def _asking(self, ask: Callable[[Client], Awaitable[T]]) -> T:
        """Run ``ask`` with a client under the deadline; every failure is an McpError that says why."""
        began, link = time.monotonic(), None
        try:
            async with asyncio.timeout(self.server.timeout):
                link = await self._linked(began)
                answer = await ask(await link.client)
        except McpError:
            raise
        except TimeoutError as error:
            self._late += 1
            if self._late >= _LATE and self._link is link:
                self._drop()
            raise McpUnavailableError(f"no answer within {self.server.timeout:g} s", where=self.where) from error
        except Exception as error:  # a server may cause anything; it must not end the run
            raise await self._explained(error, link) from error
        self._late = 0
        return answer

    async def _linked(self, asked: float) -> _Link:
        async with self._lock:
            if self._link is not None and not self._link.task.done():
                return self._link
            if self._failure and self._failure[0] >= asked:  # it failed while we waited: no second attempt
                raise self._failure[1]
            link = _Link(self.server, self._children)
            self._ending.add(link.task)
            link.task.add_done_callback(self._ending.discard)
            try:
                await asyncio.shield(link.client)
            except BaseException as error:
                link.end()
                failed = McpUnavailableError(f"cannot connect: {_why(error, link.trouble)}", where=self.where, remedy=_remedy(error))
                self._failure = (time.monotonic(), failed)
                if isinstance(error, Exception):
                    raise failed from error
                if not asyncio.current_task().cancelling():  # type: ignore[union-attr] # it is the link that was cancelled
                    raise failed from error
                raise
            self._link = link
            return link

    async def _explained(self, error: Exception, link: _Link | None) -> McpError:
        """The error of a call as one of ours; a connection that is gone is dropped."""
        from mcp import MCPError

        ordinary = isinstance(error, MCPError) and error.code not in _CLOSED
        if ordinary or link is None or isinstance(error, RuntimeError):
            return McpAnswerError(f"the server's answer is an error: {_why(error, Trouble())}", where=self.where)
        if self._link is link:
            self._drop()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):  # what it said while it ended comes a moment later
                while link.trouble.said is None:
                    await asyncio.sleep(0.02)
        return McpUnavailableError(f"the connection was lost: {_why(error, link.trouble)}", where=self.where)

    def _drop(self) -> None:
        link, self._link, self._late = self._link, None, 0
        if link is not None:
            link.end()

    async def _list(self, client: Client) -> dict[str, Offered]:
        """Every page of the list, up to a bound. Raises what the connection raises."""
        from mcp.types import PaginatedRequestParams

        tools: dict[str, Offered] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            for tool in page.tools:
                known = _offered(tool)
                tools[tool.name] = replace(known, twice=True) if tool.name in tools else known
            cursor = page.next_cursor
            if cursor is None:
                break
        return tools


def _offered(tool: Tool) -> Offered:
    hints = tool.annotations.model_dump(mode="json", by_alias=True, exclude_none=True) if tool.annotations else {}
    return Offered(tool.name, tool.title, tool.description or "", tool.input_schema, tool.output_schema, hints)


def _why(error: BaseException, trouble: Trouble) -> str:
    """The reason in one bounded line: what the transport knows, else what the innermost error says."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ImportError):
        return INSTALL
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    if trouble.said:
        return clean(trouble.said, _REASON)
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return "it took too long"
    said = getattr(error, "message", None) or str(error)
    return clean(str(said), _REASON) or type(error).__name__


def _remedy(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return "" if isinstance(error, ImportError) else "check its command or url and that it runs"

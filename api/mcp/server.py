"""OnCalm's read tools as an MCP server, over standard streams or streamable HTTP.

Only tools with the risk class "read" are listed or can be called. Results of a call that failed, or could not look at
its source, are MCP errors with the reason: nobody takes them for "nothing found".
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from api.door.single_token import Gate, check_binding
from api.mcp.answers import DATA, document, text
from api.serving import listen, run, shown
from prompts.loader import load
from telemetry.errors import UsageError
from tools.registry import Registry, Tool, ToolResult

if TYPE_CHECKING:
    from mcp.server import Server
    from mcp.types import CallToolResult
    from mcp.types import Tool as Listed

PATH = "/mcp"
LARGEST = 1 << 20
"""Bytes of one request."""
_AT_ONCE = 4
"""Calls that run at the same time; others wait."""
_WAITING = 64
"""Calls that may run or wait; more are refused."""
_SECONDS = 120.0
_CONNECTIONS = 128
_GRACE = 3


def available() -> None:
    """Raise UsageError with the way to install what is missing."""
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("the package for MCP is not installed", where="mcp", remedy="run: pip install 'oncalm[mcp]'")


def serve_stdio(registry: Registry) -> None:
    """Serve on standard input and output until the input ends or a signal comes. Whatever else is printed goes to stderr."""
    available()
    from mcp.server.stdio import stdio_server

    server = make_server(registry)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _end)
    asyncio.run(serve())


def serve_http(registry: Registry, host: str, port: int, token: str | None) -> None:
    """Serve at ``http://HOST:PORT/mcp`` until SIGINT or SIGTERM; port 0 takes a free one. Says on stderr where.

    Without ``token`` the host must be a loopback one. Raises UsageError for a host or token that cannot be used.
    """
    available()
    check_binding(host, token)
    import uvicorn

    listening = listen(host, port)
    config = uvicorn.Config(
        make_app(registry, host, token), log_config=None, access_log=False, server_header=False, limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=10, timeout_graceful_shutdown=_GRACE, ws="none",
    )
    run(config, listening, f"MCP server at {shown(listening, host)}{PATH}")


def _end(*_: object) -> None:
    """End at once: a thread is blocked in reading the input and would be waited for; nothing is open for writing."""
    os._exit(0)


def make_app(registry: Registry, host: str, token: str | None) -> Gate:
    """The ASGI application: the gate, and behind it the protocol. It keeps nothing between requests."""
    from mcp.server.transport_security import TransportSecuritySettings

    app = make_server(registry).streamable_http_app(
        streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=LARGEST,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the gate does it
    )
    return Gate(app, host, token)


def make_server(registry: Registry) -> Server[Any]:
    """The protocol's side: lists the read tools, and calls them."""
    from mcp import MCPError
    from mcp.server import Server
    from mcp.types import INVALID_PARAMS, ListToolsResult

    tools = _readable(registry)
    desk = _Desk()

    async def listed(*_: Any) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(name, tool) for name, tool in sorted(tools.items())])

    async def called(_: Any, params: Any) -> CallToolResult:
        tool = tools.get(_wire(params.name))
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"there is no read tool {params.name[:80]!r}")
        return _answer(await desk.run(lambda: registry.call(tool.name, params.arguments or {})))

    return Server("oncalm", version=_version(), on_list_tools=listed, on_call_tool=called,
                  instructions=load("mcp_server").render(data=DATA).strip())


def _readable(registry: Registry) -> dict[str, Tool[Any]]:
    """Read tools by the name that is listed. Nothing else can be reached from here on."""
    found = [tool for name in registry.names() if (tool := registry.tool(name)) is not None and tool.risk == "read"]
    tools = {_wire(tool.name): tool for tool in found}
    if len(tools) < len(found):
        raise UsageError("two tools have names that differ only in punctuation", where="mcp", remedy="rename one")
    return tools


def _wire(name: str) -> str:
    """``logs.query`` as ``logs_query``: several clients hand names on to models, whose APIs take no dots."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _listed(name: str, tool: Tool[Any]) -> Listed:
    from mcp.types import Tool as Listed
    from mcp.types import ToolAnnotations

    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    return Listed(name=name, description=tool.purpose, input_schema={"type": "object", **tool.schema()}, annotations=hints)


def _answer(result: ToolResult) -> CallToolResult:
    from mcp.types import CallToolResult, TextContent

    return CallToolResult(
        content=[TextContent(type="text", text=text(result))], structured_content=document(result),
        is_error=result.status in {"failed", "not_assessed"},
    )


class _Desk:
    """Runs calls in threads, a few at a time. A thread is a daemon: a long query does not keep the server from ending."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def run(self, call: Callable[[], ToolResult]) -> ToolResult:
        """What ``call`` gives. Raises MCPError when too many wait, and for a call that is late or breaks down."""
        from mcp import MCPError
        from mcp.types import INTERNAL_ERROR

        if self._waiting >= _WAITING:
            raise MCPError(INTERNAL_ERROR, "too many calls are waiting; try again later")
        self._waiting += 1
        try:
            async with asyncio.timeout(_SECONDS):
                await self._free.acquire()
                return await self._start(call)
        except TimeoutError as error:
            raise MCPError(INTERNAL_ERROR, f"no result within {_SECONDS:g} s; ask about a shorter time") from error
        except Exception as error:
            raise MCPError(INTERNAL_ERROR, f"the tool broke down: {type(error).__name__}") from error
        finally:
            self._waiting -= 1

    def _start(self, call: Callable[[], ToolResult]) -> asyncio.Future[ToolResult]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ToolResult] = loop.create_future()

        def settle(result: ToolResult | None, error: BaseException | None) -> None:
            self._free.release()  # also when nobody waits any more: the thread was busy until now
            if not future.done():
                future.set_exception(RuntimeError(type(error).__name__)) if result is None else future.set_result(result)

        def work() -> None:
            result, failed = None, None
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - told to whoever waits
                failed = error
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, result, failed)

        Thread(target=contextvars.copy_context().run, args=(work,), daemon=True, name="mcp call").start()
        return future


def _version() -> str:
    try:
        return version("oncalm")
    except PackageNotFoundError:
        return "0"


def address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``, ``[::1]:PORT``, ``:PORT`` or ``PORT`` (then on this machine alone)."""
    found = re.fullmatch(r"(?:(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s]*)):)?(?P<port>[0-9]{1,5})", text.strip())
    if not found or int(found["port"]) > 65535:
        raise UsageError(f"cannot read the address {text!r}", where="--http", remedy="say for example 127.0.0.1:8765")
    return found["six"] or found["host"] or "127.0.0.1", int(found["port"])


def read_token(path: Path) -> str:
    """The token in a file. Raises UsageError when it cannot be read."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}", where=str(path),
                         remedy="give a file that holds only the token") from error

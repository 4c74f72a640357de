"""A server that is reached over streamable HTTP, with bounded answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tools.mcp_client.config import McpServer
from tools.mcp_client.process import LARGEST, Trouble

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams


@asynccontextmanager
async def web_streams(server: McpServer, trouble: Trouble) -> AsyncIterator[TransportStreams]:
    """Talk to the server's address. Redirects are followed within its origin only, so headers stay with it."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async def asked(request: httpx2.Request) -> None:
        request.headers["accept-encoding"] = "identity"  # what is packed could unpack to anything

    async def answered(response: httpx2.Response) -> None:
        if response.request.method == "POST":
            trouble.said = None if response.is_success else f"HTTP status {response.status_code}"
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError("the answer is packed although it was asked not to be", request=response.request)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _bounded(response, trouble)

    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [asked], "response": [answered]}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=server.timeout, event_hooks=hooks) as client,
        streamable_http_client(server.url or "", http_client=client, max_sse_event_size=LARGEST) as streams,
    ):
        yield streams


def _bounded(response: httpx2.Response, trouble: Trouble) -> httpx2.AsyncByteStream:
    import httpx2

    if not isinstance(response.stream, httpx2.AsyncByteStream):
        raise TypeError("the client is an asynchronous one")
    stream: httpx2.AsyncByteStream = response.stream

    class Bounded(httpx2.AsyncByteStream):
        """The same body, up to the most that is read of one."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in stream:
                size += len(piece)
                if size > LARGEST:
                    trouble.said = f"it sent a message larger than {LARGEST >> 20} MB"
                    raise httpx2.StreamError(trouble.said)
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()

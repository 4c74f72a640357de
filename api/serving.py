"""What our HTTP servers share: listening before the address is told, and ending in order."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from telemetry.errors import UsageError

if TYPE_CHECKING:
    import uvicorn


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)  # before the address is told: who reads it may call at once
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(f"cannot listen there: {getattr(error, 'strerror', None) or error}", where=f"{host}:{port}",
                         remedy="choose another host or port") from error
    return listening


def server_of(config: uvicorn.Config, ending: Callable[[], Awaitable[None]] | None = None) -> uvicorn.Server:
    """A server that awaits ``ending`` before it waits for its connections to close: streams end then, too."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if ending is not None:
                await ending()
            await super().shutdown(sockets)

    return Server(config)


def run(config: uvicorn.Config, listening: socket.socket, announce: str, *, ending: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, and say on stderr that it does. A signal that comes early ends it, too."""
    server = server_of(config, ending)

    def leave(*_: object) -> None:
        server.should_exit = True  # before uvicorn listens to signals; after it has ended it raises them again, to no effect

    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, leave)
    print(f"oncalm: {announce}", file=sys.stderr, flush=True)
    with listening:
        server.run(sockets=[listening])


def shown(listening: socket.socket, host: str) -> str:
    """The address of a server as a URL."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"

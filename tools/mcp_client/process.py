"""A server that is a child process: JSON messages, one a line, over its standard streams.

Unlike the protocol library's own transport this one bounds a line, keeps the last words of standard error for the
reason of a failure, and knows the process by its id, so that it is ended even when nothing else answers any more.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tools.mcp_client.config import McpServer
from tools.mcp_client.words import clean

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

LARGEST = 8 << 20
"""Bytes of one message."""
_PATIENCE = 1.0
"""Seconds a server gets to end by itself, and again after SIGTERM."""
_WORDS = 200


class Trouble:
    """What a transport knows of why it does not work."""

    def __init__(self) -> None:
        self.said: str | None = None


@asynccontextmanager
async def process_streams(server: McpServer, children: set[int], trouble: Trouble) -> AsyncIterator[TransportStreams]:
    """Start the server; on leaving it is told to end, then made to. ``children`` holds its id as long as it runs.

    Raises OSError when it cannot be started.
    """
    import anyio
    from mcp.client.stdio import get_default_environment

    # The process gets a group of its own: it can be ended with what it started, and ctrl-C is not for it.
    process = await asyncio.create_subprocess_exec(
        server.command or "", *server.args, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, limit=LARGEST, start_new_session=True,
        env={**get_default_environment(), **{name: value.get_secret_value() for name, value in server.env.items()}},
    )
    children.add(process.pid)
    to_us, ours = anyio.create_memory_object_stream["SessionMessage | Exception"](0)
    theirs, from_us = anyio.create_memory_object_stream["SessionMessage"](0)
    tasks: list[asyncio.Future[None]] = [asyncio.ensure_future(work) for work in (
        _read(process, to_us, trouble), _write(process, from_us, to_us), _listen(process, trouble))]
    try:
        yield ours, theirs
    finally:
        # Whoever cancels us must not leave a process behind: the end has a task of its own and bounded waits.
        ending = asyncio.ensure_future(_end(process, tasks, children))
        with anyio.CancelScope(shield=True):
            await asyncio.shield(ending)
        for stream in (to_us, ours, theirs, from_us):
            stream.close()


async def _read(process: asyncio.subprocess.Process, to_us: MemoryObjectSendStream[SessionMessage | Exception], trouble: Trouble) -> None:
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    assert process.stdout  # noqa: S101 - it was asked for
    with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        async with to_us:
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    trouble.said = f"it sent a message larger than {LARGEST >> 20} MB"
                    return
                if not line:
                    with suppress(TimeoutError):
                        code = await asyncio.wait_for(process.wait(), _PATIENCE)
                        trouble.said = f"it ended with exit code {code}" + (f": {trouble.said}" if trouble.said else "")
                    return
                if not line.strip():
                    continue
                try:
                    await to_us.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
                except ValueError:
                    trouble.said = f"it sent something that is no message: {clean(line.decode('utf-8', 'replace'), 80)!r}"
                    await to_us.send(ValueError(trouble.said))


async def _write(
    process: asyncio.subprocess.Process, from_us: MemoryObjectReceiveStream[SessionMessage],
    to_us: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    assert process.stdin  # noqa: S101 - it was asked for
    try:
        async for message in from_us:
            process.stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await process.stdin.drain()
    except OSError:
        to_us.close()  # whoever waits for an answer learns that none comes


async def _listen(process: asyncio.subprocess.Process, trouble: Trouble) -> None:
    """Read standard error, which would else block the server; its last line may say why it ended."""
    assert process.stderr  # noqa: S101 - it was asked for
    last = b""
    while piece := await process.stderr.read(1 << 14):
        last = (last + piece)[-2000:]
        said = last.decode("utf-8", "replace").strip().splitlines()
        trouble.said = clean(said[-1], _WORDS) if said else trouble.said


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Future[None]], children: set[int]) -> None:
    """The order of the protocol's specification: close its input, wait, SIGTERM, wait, SIGKILL."""
    if process.stdin:
        process.stdin.close()
    for how in (signal.SIGTERM, signal.SIGKILL):
        if await _gone(process):
            break
        _signal(process.pid, how)
    await _gone(process)
    _signal(process.pid, signal.SIGKILL)  # what it started and left in its group
    children.discard(process.pid)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()  # a descendant may hold our pipes open


async def _gone(process: asyncio.subprocess.Process) -> bool:
    """Whether it ended within the time it gets. ``wait()`` would also wait for the pipes, which others may hold."""
    for _ in range(int(_PATIENCE / 0.02)):
        if process.returncode is not None:
            return True
        await asyncio.sleep(0.02)
    return process.returncode is not None


def _signal(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, how)


def kill(children: set[int]) -> None:
    """End the children that are left, by their ids, when their event loop does not answer."""
    for pid in list(children):
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # it is still a child of ours
            _signal(pid, signal.SIGKILL)
        children.discard(pid)

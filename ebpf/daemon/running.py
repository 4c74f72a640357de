"""One session from the daemon's side: a worker process, its lines passed on, its end whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ebpf.daemon.children import command
from ebpf.grants import Grant
from ebpf.kind import Options
from ebpf.order import Order
from ebpf.targets import Resolved

LINE = 1 << 20
"""Bytes of a line of a worker at most."""
_GRACE = 25.0
"""Seconds beyond its time that a worker gets to tell its result."""


def order_of(grant: Grant, target: Resolved, loader: str, ns_per_call: float) -> Order:
    """What the worker is told."""
    spec, cpus = grant.spec, os.cpu_count() or 1
    options = Options(max(1, -(-spec.budget // cpus)), round(spec.slow_ms * 1e6), spec.capture, dict(spec.options))
    return Order(spec.name, target.aim, options, spec.seconds, spec.overhead, os.getpid(), target.started, loader, ns_per_call)


class Running:
    """A worker. Its standard input stays open as long as the session may go on."""

    def __init__(self, ident: str, grant: Grant, target: Resolved) -> None:
        self.ident, self.grant, self.target = ident, grant, target
        self._process: asyncio.subprocess.Process | None = None
        self._late = False

    async def lines(self, order: Order) -> AsyncGenerator[Mapping[str, Any], None]:
        """Start it, and give each line it tells; ends with a ``result`` or an ``error``. Closing the iterator ends the worker."""
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *command("ebpf.worker"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=LINE, env={})
        except OSError as error:
            yield {"type": "error", "what": f"no worker could be started: {error}", "where": "worker", "remedy": "the daemon's user must be able to run its own Python"}
            return
        assert process.stdin is not None  # noqa: S101 - a pipe
        assert process.stdout is not None  # noqa: S101 - a pipe
        watch = asyncio.get_running_loop().call_later(order.seconds + _GRACE, self._end_late)
        complaints = asyncio.create_task(_last_words(process.stderr))
        try:
            process.stdin.write(order.line())
            with contextlib.suppress(ConnectionError):  # it ended already: how, comes below
                await process.stdin.drain()
            ended = attached = False
            async for line in process.stdout:
                told: Mapping[str, Any] = json.loads(line)
                ended, attached = told["type"] in {"result", "error"}, attached or told["type"] == "attached"
                yield told
            if not ended:
                yield await self._died(process, "" if attached else await complaints)
        finally:
            watch.cancel()
            await self.kill()
            complaints.cancel()

    def stop(self) -> None:
        """Let it end now, with its result."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def kill(self) -> None:
        """End it; the kernel takes its programs out."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _end_late(self) -> None:
        """By a timer of the loop: whoever reads the lines may be waiting for a client, and the worker may be stopped."""
        self._late = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _died(self, process: asyncio.subprocess.Process, complaint: str) -> Mapping[str, Any]:
        status = await process.wait()
        if self._late or -status == signal.SIGALRM:
            return {"type": "error", "what": "the worker did not end in time, and was ended: nothing is attached any more", "where": "worker", "remedy": ""}
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return {"type": "error", "what": f"the worker ended with {how} and no result: nothing is attached any more", "where": "worker", "remedy": complaint}


async def _last_words(stream: asyncio.StreamReader | None) -> str:
    """The last line of what a worker complains of. It is always read, so that nobody waits for room; who looked at bytes is not quoted."""
    last = b""
    while stream is not None and (part := await stream.read(4096)):
        last = (last + part)[-4096:]
    return "".join(last.decode("utf-8", "replace").strip().splitlines()[-1:])

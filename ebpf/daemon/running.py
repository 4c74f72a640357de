"""One session from the daemon's side: a worker process, its lines passed on, its end whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ebpf.grants import Grant
from ebpf.kind import Options
from ebpf.order import Order
from ebpf.targets import Resolved

LINE = 1 << 20
"""Bytes of a line of a worker at most."""
_GRACE = 10.0
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

    async def lines(self, order: Order) -> AsyncGenerator[Mapping[str, Any], None]:
        """Start it, and give each line it tells; ends with a ``result`` or an ``error``. Closing the iterator ends the worker."""
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-c", _START, *sys.path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=LINE, env={})
        except OSError as error:
            yield {"type": "error", "what": f"no worker could be started: {error}", "where": "worker", "remedy": "the daemon's user must be able to run its own Python"}
            return
        assert process.stdin is not None  # noqa: S101 - a pipe
        assert process.stdout is not None  # noqa: S101 - a pipe
        try:
            process.stdin.write(order.line())
            await process.stdin.drain()
            ended = False
            async with asyncio.timeout(order.seconds + _GRACE):
                async for line in process.stdout:
                    told: Mapping[str, Any] = json.loads(line)
                    ended = told["type"] in {"result", "error"}
                    yield told
            if not ended:
                yield await self._died(process)
        except TimeoutError:
            yield {"type": "error", "what": "the worker did not end in time, and was ended", "where": "worker", "remedy": ""}
        finally:
            await self.kill()

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

    async def _died(self, process: asyncio.subprocess.Process) -> Mapping[str, Any]:
        status = await process.wait()
        assert process.stderr is not None  # noqa: S101 - a pipe
        last = (await process.stderr.read(4000)).decode("utf-8", "replace").strip().splitlines()[-1:]
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return {"type": "error", "what": f"the worker ended with {how} and no result: nothing is attached any more", "where": "worker", "remedy": "".join(last)}


_START = "import sys; sys.path[:] = sys.argv[1:]; from ebpf.worker import main; status = main(); sys.stdout.flush(); import os; os._exit(status)"
"""The daemon's own search path, and nothing of the environment."""

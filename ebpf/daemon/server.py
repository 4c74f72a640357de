"""The daemon's conversations: lines of JSON over a Unix socket, or over TCP with mutual TLS.

A client says ``{"op": …}``: ``hello`` (what this node is), ``preview`` (what a probe would look at and cost; nothing is
attached), ``start`` with a signed grant (the worker's lines follow; closing the connection ends the session), ``stop``,
``sessions``. Every answer has a ``type``; a refusal is ``{"type": "error", "what", "where", "remedy"}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ebpf.daemon.exporting import Exporter
from ebpf.daemon.figures import Figures
from ebpf.daemon.node import Node
from ebpf.daemon.running import LINE, Running, order_of
from ebpf.daemon.settings import DaemonSettings, Tls
from ebpf.errors import ProbeError, SessionError
from ebpf.grants import Grant
from ebpf.spans import service_named
from ebpf.targets import Resolved, shown

_Say = Callable[[Mapping[str, Any]], Awaitable[None]]
_QUIET = 600.0
"""Seconds after which a connection that says nothing is closed."""
_MOST = 64
"""Connections at once."""
_DEAF = 15.0
"""Seconds that a client may take to read: then it counts as gone."""


class Probed:
    """One node's daemon."""

    def __init__(self, settings: DaemonSettings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
                 tell: Callable[[str], None] = lambda _: None) -> None:
        """``tell`` takes a line for the log: who started what, and how it ended."""
        self._settings, self._clock, self._tell = settings, clock, tell
        self.node = Node(settings, clock)
        self.figures = Figures()
        self._exporter = Exporter(settings.otlp, settings.node, took=self.figures.exported, tell=tell) if settings.otlp else None
        self._running: dict[str, Running] = {}
        self._open = 0
        self._number = 0

    async def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Listen until cancelled. Raises SessionError when an address cannot be had."""
        servers = [server async for server in self._listen()]
        calibrating = asyncio.create_task(self.node.calibrate())
        ready()
        try:
            await asyncio.gather(*(server.serve_forever() for server in servers))
        finally:
            calibrating.cancel()
            for server in servers:
                server.close()
            await asyncio.gather(*(one.kill() for one in self._running.values()))
            if self._exporter is not None:
                self._exporter.close()
            if self._settings.socket is not None:
                self._settings.socket.unlink(missing_ok=True)

    async def _listen(self) -> AsyncIterator[asyncio.Server]:
        path = self._settings.socket
        if path is not None:
            await _not_served(str(path))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                before = os.umask(0o177)
                try:
                    server = await asyncio.start_unix_server(self._connected, path, limit=LINE)
                finally:
                    os.umask(before)
                path.chmod(self._settings.socket_mode)
            except OSError as error:
                raise SessionError(f"the socket cannot be made: {error.strerror}", where=str(path), remedy="choose another with --socket, in a folder that this user may write") from error
            yield server
        if self._settings.tls is not None:
            tls = self._settings.tls
            try:
                yield await asyncio.start_server(self._connected, tls.host, tls.port, ssl=context_of(tls), limit=LINE)
            except (OSError, ssl.SSLError) as error:
                raise SessionError(f"cannot listen: {error}", where=f"{tls.host}:{tls.port}", remedy="look at the address and the three PEM files") from error

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(told: Mapping[str, Any]) -> None:
            writer.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            try:
                async with asyncio.timeout(_DEAF):
                    await writer.drain()
            except TimeoutError:
                writer.transport.abort()  # what waits would keep the connection open
                raise

        self._open += 1
        try:
            if self._open > _MOST:
                await say(_refusal(SessionError(f"{_MOST} connections are open", where="probed", remedy="close some")))
                return
            while line := await asyncio.wait_for(reader.readline(), _QUIET):
                await self._answer(line, reader, say)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            return
        except ValueError:  # a line longer than the limit
            with contextlib.suppress(ConnectionError):
                await say(_refusal(SessionError(f"a line is longer than {LINE} bytes", where="probed")))
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, say: _Say) -> None:
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise SessionError("a request is an object with an op", where="probed")
            match asked.get("op"):
                case "hello":
                    await say(await self.node.hello())
                case "preview":
                    await say(await self.node.preview(_object(asked, "spec")))
                case "sessions":
                    await say({"type": "sessions", "sessions": [self._line(one) for one in self._running.values()]})
                case "start":
                    await self._start(_object(asked, "grant"), reader, say)
                case other:
                    raise SessionError(f"there is no op {other!r}", where="probed", remedy="hello, preview, start, stop, sessions")
        except ProbeError as error:
            await say(_refusal(error))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            await say(_refusal(SessionError("this is no JSON", where="probed")))

    async def _start(self, signed: Mapping[str, Any], reader: asyncio.StreamReader, say: _Say) -> None:
        try:
            grant, target = self._accepted(signed)
        except ProbeError as error:
            self.figures.refused(type(error).__name__)
            self._tell(f"refused: {shown(str(error))}")
            raise
        self._number += 1
        running = Running(f"{self._settings.node}-{os.getpid()}-{self._number}", grant, target)
        self._running[running.ident] = running
        self.figures.begun(len(self._running))
        self._tell(f"session {running.ident}: {grant.spec.name} on {target.words} for {grant.spec.seconds} s, approval {shown(grant.approval)} by {shown(', '.join(grant.approvers))}")
        leaving = asyncio.create_task(_until_stopped(reader, running))
        how = "the connection ended"
        try:
            await say({"type": "session", "id": running.ident, "target": target.words, "predicted": self.node.predicted(grant.spec)})
            how = await self._pass_on(running, leaving, say)
        finally:
            leaving.cancel()
            self._running.pop(running.ident, None)
            await running.kill()
            self.figures.ended(running.ident, grant.spec.name, _short(how), len(self._running))
            self._tell(f"session {running.ident}: ended, {how}")

    def _accepted(self, signed: Mapping[str, Any]) -> tuple[Grant, Resolved]:
        """The grant, used up, and its target. Raises ProbeError, and then nothing is used."""
        grant = self.node.accept(signed)
        target = self.node.resolve(grant.spec)
        if len(self._running) >= self._settings.sessions:
            raise SessionError(f"{len(self._running)} sessions run on this node, which is as many as may", where="probed", remedy="wait until one ends")
        self.node.use(grant)
        return grant, target

    async def _pass_on(self, running: Running, leaving: asyncio.Task[bool], say: _Say) -> str:
        """Lines to the client until the worker ends; the worker ends at once when the client is gone."""
        lines = running.lines(order_of(running.grant, running.target, self.node.loader(), self.node.ns_per_call(running.grant.spec.name)))
        async with contextlib.aclosing(lines):
            while True:
                coming = asyncio.ensure_future(anext(lines, None))
                done, _ = await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if leaving in done and not leaving.result():
                    coming.cancel()
                    with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                        await coming
                    raise ConnectionResetError
                told = await coming
                if told is None:
                    return "it has told all"
                if told["type"] in {"progress", "result"}:
                    self.figures.progress(running.ident, running.grant.spec.name, told.get("summary", {}).get("counts", told))
                if told["type"] == "call" and self._exporter is not None:
                    self._exporter.add(running.ident, running.grant.spec.service or service_named(running.target.words), told["call"])
                await say(told)
                if told["type"] in {"result", "error"}:
                    return str(told.get("ended") or told.get("what"))

    def _line(self, one: Running) -> dict[str, Any]:
        grant: Grant = one.grant
        return {"id": one.ident, "probe": grant.spec.name, "target": one.target.words, "seconds": grant.spec.seconds, "approval": grant.approval,
                "approvers": list(grant.approvers)}


async def _until_stopped(reader: asyncio.StreamReader, running: Running) -> bool:
    """True when the client asked to stop (the result still comes), False when it is gone."""
    while line := await reader.readline():
        if b'"stop"' in line:
            running.stop()
            await asyncio.Event().wait()  # from here on only its leaving counts, which the next write shows
    return False


def _short(how: str) -> str:
    """How a session ended as a label: few values, whatever the words."""
    known = {"the time is over": "time", "it was stopped": "stopped", "the connection ended": "client_left"}
    return known.get(how, "price" if "were approved" in how else "target_gone" if "ended" in how or "gone" in how else "failed")


def context_of(tls: Tls) -> ssl.SSLContext:
    """TLS 1.3 with client certificates. Raises OSError, SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(tls.certificate, tls.key)
    context.load_verify_locations(tls.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _not_served(path: str) -> None:
    """Raises SessionError when somebody answers there; what a killed daemon left is overwritten."""
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return
    writer.close()
    raise SessionError("another daemon listens there", where=path, remedy="end it, or choose another socket")


def _object(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = asked.get(name)
    if not isinstance(found, dict):
        raise SessionError(f"{name} is missing, or no object", where="probed")
    return found


def _refusal(error: ProbeError) -> dict[str, str]:
    return {"type": "error", "kind": type(error).__name__, "what": error.what, "where": error.where, "remedy": error.remedy}

"""An OpenAI-compatible endpoint on loopback that plays a script, over real HTTP."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self

from agent.scripted import wire
from agent.scripted.step import OVER, Script, Step

_MODEL = "scripted"


class Brain(Protocol):
    """Decides a reply from the request: the body of a chat completion in, a step (as in JSON) out."""

    def __call__(self, body: dict[str, Any]) -> Step | Mapping[str, Any]:
        """Answer one request. Called by several threads when requests come together."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """One chat request as it came; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ScriptedServer:
    """Serves a script, a list of steps or a brain while it is open; ``url`` is the base URL for a client.

    ``received`` holds the chat requests in order. Requests past the script's end get status 400.
    """

    def __init__(self, script: Script | Iterable[Step | Mapping[str, Any]] | Brain, *, port: int = 0) -> None:
        self.received: list[Received] = []
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._brain = script if callable(script) else None
        self._script = script if isinstance(script, Script) else Script(replies=_steps(script))
        self._http = _Http(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="scripted", daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, received: Received) -> Step:
        """Record a request and decide what answers it."""
        with self._lock:
            self.received.append(received)
            number = len(self.received) - 1
        if self._brain:
            return Step.model_validate(self._brain(received.body))
        steps = self._script.replies
        if number < len(steps):
            return steps[number]
        return steps[-1] if self._script.repeat and steps else OVER


def _steps(script: Iterable[Step | Mapping[str, Any]] | Brain) -> tuple[Step, ...]:
    return () if callable(script) else tuple(Step.model_validate(step) for step in script)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], scripted: ScriptedServer) -> None:
        self.scripted = scripted
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up in the middle are part of the play."""


class _Broken(Exception):  # noqa: N818 (not an error: how a step ends a connection)
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base class)
        """Log nothing."""

    def do_GET(self) -> None:
        """List the one model."""
        if self.path.split("?")[0].endswith("/models"):
            self._send(
                200, json.dumps({"object": "list", "data": [{"id": _MODEL, "object": "model"}]}).encode()
            )
        else:
            self._not_found()

    def do_POST(self) -> None:
        """Play the next step."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.path.split("?")[0].endswith("/chat/completions"):
            self._not_found()
            return
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._send(400, b'{"error": {"message": "the body is not a JSON object"}}')
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        step = self.server.scripted.answer(Received(self.path, headers, body))
        try:
            self._play(step, body)
        except (_Broken, OSError):
            self.close_connection = True

    def _not_found(self) -> None:
        self._send(404, b'{"error": {"message": "no such path"}}')

    def _play(self, step: Step, body: dict[str, Any]) -> None:
        self._sleep(step.wait)
        model = str(body.get("model") or _MODEL)
        if step.reset:
            self._reset()
        elif step.body is not None:
            self._whole(step, step.body.encode("latin-1"), step.content_type)
        elif step.status != 200:
            self._whole(step, json.dumps({"error": wire.error_of(step)}).encode())
        elif body.get("stream"):
            self._stream(step, model, usage=bool((body.get("stream_options") or {}).get("include_usage")))
        elif step.error is not None:
            self._whole(step, json.dumps({"error": wire.error_of(step)}).encode())
        else:
            self._whole(step, json.dumps(wire.completion(step, model)).encode())

    def _sleep(self, seconds: float) -> None:
        if seconds > 0 and self.server.scripted.stopped.wait(seconds):
            raise _Broken

    def _reset(self) -> None:
        """End the connection with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise _Broken

    def _send(self, status: int, body: bytes) -> None:
        self._whole(Step(status=status), body)

    def _whole(self, step: Step, body: bytes, content_type: str = "application/json") -> None:
        self._head(step, content_type, {"Content-Length": str(len(body))})
        if not step.pause and step.cut_after is None:
            self.wfile.write(body)
            return
        for number, at in enumerate(range(0, len(body), step.piece)):
            if number == step.cut_after:
                raise _Broken
            self.wfile.write(body[at : at + step.piece])
            self._sleep(step.pause)

    def _stream(self, step: Step, model: str, *, usage: bool) -> None:
        self._head(step, "text/event-stream", {"Transfer-Encoding": "chunked", "Cache-Control": "no-cache"})
        for number, chunk in enumerate(wire.chunks(step, model, usage=usage)):
            if number == step.cut_after:
                raise _Broken
            self._chunk(f"data: {json.dumps(chunk)}\n\n".encode())
            self._sleep(step.pause)
        if not step.unfinished:
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _head(self, step: Step, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(step.status)
        for name, value in {"Content-Type": content_type, **headers, **step.headers}.items():
            self.send_header(name, value)
        self.end_headers()

"""A small real HTTP server on loopback whose answers a function gives."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    params: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        return self.params.get(name, [default])[0]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """What it gets."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[BaseHTTPRequestHandler], None] | None = None
    """Writes the answer itself: for servers that misbehave."""


def as_json(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})


Handler = Callable[[Request], Response]


@dataclass
class Served:
    """A running server, and what it was asked."""

    url: str
    requests: list[Request]


@contextmanager
def serving(handler: Handler) -> Iterator[Served]:
    """Serve until the block is left."""
    seen: list[Request] = []

    class Handling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = parse_qs(parts.query, keep_blank_values=True)
            if self.headers.get("Content-Type") == "application/x-www-form-urlencoded":
                query |= parse_qs(body.decode(), keep_blank_values=True)
            request = Request(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body)
            seen.append(request)
            response = handler(request)
            if response.raw is not None:
                response.raw(self)
                self.close_connection = True
                return
            packed, more = response.body, dict(response.headers)
            if "gzip" in self.headers.get("Accept-Encoding", "") and len(packed) > 1000 and "Content-Encoding" not in more:
                packed, more["Content-Encoding"] = gzip.compress(packed, 1), "gzip"
            self.send_response(response.status)
            for name, value in {**more, "Content-Length": str(len(packed))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(packed)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - names of http.server

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handling)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        server.server_close()

"""Serving and calling over HTTP, with spans on both sides and W3C trace context between them."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from samples.shop.telemetry import WRITE, Telemetry

PORTS = {"edge": 18080, "storefront": 18081, "inventory": 18082, "payments": 18083}
Answer = tuple[int, dict]
Handle = Callable[[BaseHTTPRequestHandler, str, dict], Answer]


def emit(path: Path, line: str) -> None:
    with WRITE, path.open("a") as handle:
        handle.write(line + "\n")


def trace_id() -> str:
    """The id of the trace at work here, as logs write it."""
    return format(trace.get_current_span().get_span_context().trace_id, "032x")


def serve(name: str, handle: Handle, telemetry: Telemetry) -> None:
    """Answer until SIGTERM; every request is a server span and a point of the latency histogram."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urllib.parse.urlparse(self.path)
            begun = time.monotonic()
            above = propagate.extract({name.lower(): value for name, value in self.headers.items()})
            with telemetry.spans.start_as_current_span(
                f"GET {url.path}", context=above, kind=SpanKind.SERVER,
                attributes={"http.request.method": "GET", "url.path": url.path, "server.port": PORTS[name]},
            ) as span:
                status, body = handle(self, url.path, dict(urllib.parse.parse_qsl(url.query)))
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR, str(body.get("error", ""))))
            telemetry.latency.record(time.monotonic() - begun, {"http.route": url.path, "http.response.status_code": status})
            data = json.dumps(body).encode()
            with suppress(OSError):  # who asked may have given up
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", PORTS[name]), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    telemetry.close()


def call(telemetry: Telemetry, service: str, path: str, timeout: float) -> Answer:
    """A GET of another service, as a client span. OSError when there is no answer in time."""
    url = f"http://127.0.0.1:{PORTS[service]}{path}"
    with telemetry.spans.start_as_current_span(
        "GET", kind=SpanKind.CLIENT, attributes={"http.request.method": "GET", "peer.service": service, "url.full": url.split("?")[0]},
    ) as span:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
                span.set_attribute("http.response.status_code", answer.status)
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            span.set_attribute("http.response.status_code", error.code)
            span.set_status(Status(StatusCode.ERROR, f"status {error.code}"))
            return error.code, json.load(error)

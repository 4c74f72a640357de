"""A collector on loopback that speaks OTLP over HTTP, and what the tests ask it."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.observe.observer import Observer, observer
from agent.observe.settings import TelemetrySettings

_KINDS: dict[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest, "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """Keeps what it is sent. With ``hang`` it reads requests and never answers; ``status`` is its answer."""

    def __init__(self, *, hang: bool = False, status: int = 200) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self._ended = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                message = _KINDS[self.path]()
                message.ParseFromString(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
                collector.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, message))
                if hang:
                    collector._ended.wait(60)
                    return
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def observer(self, **changes: Any) -> Observer:
        """An observer that sends here."""
        return observer(TelemetrySettings(endpoint=self.url, **{"delay_seconds": 0.05, **changes}))

    def spans(self) -> dict[str, Any]:
        """The spans by name; with one name several times, the last."""
        return {span.name: span for span in self.all_spans()}

    def all_spans(self) -> list[Any]:
        return [span for path, _, message in list(self.requests) if path == "/v1/traces"
                for resource in message.resource_spans for scope in resource.scope_spans for span in scope.spans]

    def records(self) -> list[Any]:
        return [record for path, _, message in list(self.requests) if path == "/v1/logs"
                for resource in message.resource_logs for scope in resource.scope_logs for record in scope.log_records]

    def metrics(self) -> dict[str, list[Any]]:
        """Data points by metric name, of the last export."""
        last = [message for path, _, message in list(self.requests) if path == "/v1/metrics"][-1]
        found: dict[str, list[Any]] = {}
        for resource in last.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = list(getattr(metric, metric.WhichOneof("data")).data_points)
        return found


def told(holder: Any) -> dict[str, Any]:
    """Attributes of a span, a record or a data point, as Python values."""
    return {item.key: _value(item.value) for item in holder.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)


def until(fact: Callable[[], object], seconds: float = 10.0) -> bool:
    """Wait for a fact; whether it came true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.01)
    return bool(fact())

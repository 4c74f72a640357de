"""What a daemon tells other systems: figures to Prometheus, spans by OTLP."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from tests.ebpf.conftest import free_port
from tests.ebpf.test_daemon import Daemon, run, spec_of, until


def test_prometheus_sees_events_and_losses(tmp_path: Path, group: Path, http_server: int) -> None:
    port = free_port()
    daemon = Daemon(tmp_path, "--metrics", str(port))
    try:
        run(daemon, daemon.signed(spec_of(group, http_server)), lambda _: httpx.get(f"http://127.0.0.1:{http_server}/", trust_env=False))
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    finally:
        daemon.stop()

    assert 'ebpf_events_total{probe="http"} 1.0' in told
    assert 'ebpf_events_lost_total{probe="http"} 0.0' in told
    assert 'ebpf_events_suppressed_total{probe="http"} 0.0' in told


class Collector:
    """An OTLP endpoint: refuses the first request with 503, then takes what comes."""

    def __init__(self) -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.requests: list[ExportTraceServiceRequest] = []
        self.refusals = 1
        here = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if here.refusals:
                    here.refusals -= 1
                    self.send_response(503)
                else:
                    here.requests.append(ExportTraceServiceRequest.FromString(body))
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def test_spans_go_out_by_otlp_with_the_callers_span_as_parent(tmp_path: Path, group: Path, http_server: int) -> None:
    collector, port = Collector(), free_port()
    daemon = Daemon(tmp_path, "--otlp", f"http://127.0.0.1:{collector.port}", "--metrics", str(port))
    try:
        headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        run(daemon, daemon.signed(spec_of(group, http_server, service="shop")), lambda _: httpx.get(f"http://127.0.0.1:{http_server}/orders/7", headers=headers, trust_env=False))
        until(lambda: bool(collector.requests))
        figures = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    finally:
        daemon.stop()
        collector.server.shutdown()

    (resource,) = collector.requests[0].resource_spans
    (span,) = resource.scope_spans[0].spans
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "shop"
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("GET /orders/{id}", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert 'otlp_export_duration_seconds_count{outcome="ok"} 1.0' in figures
    assert 'otlp_export_duration_seconds_count{outcome="failed"} 1.0' in figures

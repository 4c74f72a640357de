"""The receiver as a process, and programs that send to it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry.models import Window
from telemetry.store.beyond import RecordReader
from tests.operations.command import Done, begin, end

PROTOBUF, JSON = {"content-type": "application/x-protobuf"}, {"content-type": "application/json"}
SENDER = """
import logging, sys, time, warnings
warnings.simplefilter("ignore")
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor


# Tells which order was acknowledged: after some tries an exporter gives up, which is no loss of ours.
def telling(kind, exporter, order):
    export = exporter.export
    def tell(batch):
        result = export(batch)
        if result.name == "SUCCESS":
            print(kind, order(batch[0]), flush=True)
        return result
    exporter.export = tell
    return exporter

url, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
resource = Resource.create({"service.name": "checkout", "k8s.pod.name": "checkout-1"})
traces = TracerProvider(resource=resource)
traces.add_span_processor(SimpleSpanProcessor(telling(
    "span", OTLPSpanExporter(url + "/v1/traces", timeout=120, compression=Compression.Gzip), lambda span: span.attributes["order"])))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(telling(
    "log", OTLPLogExporter(url + "/v1/logs", timeout=120), lambda record: str(record.log_record.body).split()[1])))
reader = PeriodicExportingMetricReader(OTLPMetricExporter(url + "/v1/metrics", timeout=120), export_interval_millis=10**8)
metrics = MeterProvider(resource=resource, metric_readers=[reader])
log = logging.getLogger("shop.cart")
log.addHandler(LoggingHandler(logger_provider=logs))
log.setLevel(logging.INFO)
tracer, orders = traces.get_tracer("shop"), metrics.get_meter("shop").create_counter("orders")
for n in range(count):
    with tracer.start_as_current_span("POST /order") as span:
        span.set_attribute("order", n)
        log.error("order %d refused by the bank", n)
        orders.add(1)
    if n in (0, count - 1):
        metrics.force_flush(120000)
    time.sleep(pause)
for provider in (traces, logs, metrics):
    provider.shutdown()
"""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def start(home: Path, *args: str | Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """A receiver that listens, and its address."""
    process = begin(home, "receive", "--port", str(port), *args)
    assert process.stderr
    said = process.stderr.readline()
    found = re.search(r"http://\S+", said)
    assert found, said + process.communicate()[1]
    return process, found[0]


@contextmanager
def receiver(home: Path, *args: str | Path, done: list[Done] | None = None) -> Iterator[str]:
    """A receiver for a while; ended in order, which ``done`` is told."""
    process, url = start(home, *args)
    try:
        yield url
    finally:
        ended = end(process)
        if done is not None:
            done.append(ended)


def sender(url: str, count: int, pause: float = 0.0) -> subprocess.Popen[str]:
    """A program that sends through the real exporters."""
    return subprocess.Popen([sys.executable, "-c", SENDER, url, str(count), str(pause)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def acknowledged(out: str, kind: str) -> list[int]:
    """Which orders a sender was told are kept, as ``span`` or as ``log``."""
    return [int(line.split()[1]) for line in out.splitlines() if line.startswith(kind)]


def orders(home: Path) -> list[int]:
    """The orders whose spans are stored."""
    with RecordReader(home) as reader:
        return sorted(int(span.attributes["order"]) for span in reader.spans(Window()))

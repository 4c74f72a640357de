"""Spans and metrics of one process with the OpenTelemetry SDK, as OTLP JSON lines in files of its own."""

from __future__ import annotations

import json
import resource
import threading
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

HEX = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
WRITE = threading.Lock()


def _hex_ids(value: object) -> None:
    """OTLP's JSON writes ids in hex, where protobuf's own JSON writes base64."""
    import base64

    if isinstance(value, dict):
        for key, inner in value.items():
            if key in HEX and isinstance(inner, str):
                value[key] = base64.b64decode(inner).hex()
            else:
                _hex_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            _hex_ids(inner)


def _append(path: Path, message: object) -> None:
    document = MessageToDict(message, use_integers_for_enums=True)
    _hex_ids(document)
    with WRITE, path.open("a") as handle:
        handle.write(json.dumps(document, separators=(",", ":")) + "\n")


class SpanFile(SpanExporter):
    def __init__(self, path: Path) -> None:
        self.path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        _append(self.path, encode_spans(spans))
        return SpanExportResult.SUCCESS


class MetricFile(MetricExporter):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: object) -> MetricExportResult:
        _append(self.path, encode_metrics(metrics_data))
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        pass

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


class Telemetry:
    """What a service records of itself: ``spans`` makes spans, ``meter`` instruments; ``close`` writes what is left."""

    def __init__(self, out: Path, service: str, version: str) -> None:
        about = Resource({"service.name": service, "service.version": version, "host.name": "shop-host1"})
        self._tracing = TracerProvider(resource=about)
        self._tracing.add_span_processor(BatchSpanProcessor(SpanFile(out / "traces" / f"{service}.jsonl"), schedule_delay_millis=1000))
        reader = PeriodicExportingMetricReader(MetricFile(out / "metrics" / f"{service}.jsonl"), export_interval_millis=5000)
        self._metering = MeterProvider(resource=about, metric_readers=[reader])
        trace.set_tracer_provider(self._tracing)
        metrics.set_meter_provider(self._metering)
        self.spans = trace.get_tracer("shop")
        self.meter = metrics.get_meter("shop")
        self.latency = self.meter.create_histogram("http.server.request.duration", unit="s",
                                                   explicit_bucket_boundaries_advisory=[.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5])
        self.meter.create_observable_counter("process.cpu.time", [self._cpu], unit="s")
        self.meter.create_observable_gauge("process.memory.usage", [self._memory], unit="By")
        self.meter.create_observable_gauge("process.threads", [lambda _: [Observation(threading.active_count())]], unit="{thread}")

    @staticmethod
    def _cpu(_: CallbackOptions) -> list[Observation]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return [Observation(used.ru_utime + used.ru_stime)]

    @staticmethod
    def _memory(_: CallbackOptions) -> list[Observation]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return [Observation(pages * resource.getpagesize())]

    def close(self) -> None:
        self._tracing.shutdown()
        self._metering.shutdown()

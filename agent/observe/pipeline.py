"""The SDK's providers of one observer, joined to a collector, and their end. No provider is global."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from agent.observe.connection import Connection
from agent.observe.delivery import Delivery, WatchedMetricExporter
from agent.observe.logs import QueueingProcessor
from agent.observe.outbox import Outbox
from agent.observe.sampling import AdaptiveSampler
from agent.observe.settings import TelemetrySettings
from agent.observe.tail import TailProcessor


class Pipeline:
    """Spans, metrics and logs on their way out."""

    def __init__(
        self, settings: TelemetrySettings, *, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._delivery = Delivery(_place(settings.endpoint or ""))
        self._ending = threading.Event()
        self._closing = threading.Lock()
        self._closed = False
        resource = _resource(settings)
        self._make_traces(resource, clock, chance)
        self._make_logs(resource)
        self._make_metrics(resource)
        atexit.register(self.close)

    def lost(self) -> int:
        """Spans and log records that did not fit or could not be delivered."""
        return self._spans.dropped + self._logs.dropped + self.tail.given_up

    def flush(self, seconds: float | None = None) -> bool:
        """Send what waits; whether all of it was tried within so many seconds."""
        deadline = time.monotonic() + (self._settings.flush_seconds if seconds is None else seconds)
        # The SDK collects and exports in the caller's thread, which a collector that hangs would hold.
        measuring = threading.Thread(target=self._flush_metrics, name="oncalm-telemetry-flush", daemon=True)
        measuring.start()
        done = [box.flush(deadline - time.monotonic()) for box in (self._spans, self._logs)]
        measuring.join(max(0.0, deadline - time.monotonic()))
        return all(done) and not measuring.is_alive()

    def close(self, seconds: float | None = None) -> None:
        """End what is open, send what waits within so many seconds, and stop.

        It starts no threads: at the end of the interpreter that is not possible any more.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
        deadline = time.monotonic() + (self._settings.flush_seconds if seconds is None else seconds)
        atexit.unregister(self.close)
        self._ending.set()
        self.tail.end_open("interrupted")
        self.tail.shutdown()
        for box in (self._spans, self._logs):
            box.close()
        with suppress(Exception):  # the SDK raises when the deadline passed
            self.meters.shutdown(max(0.0, (deadline - time.monotonic()) * 1_000))
        for box in (self._spans, self._logs):
            box.join(deadline - time.monotonic())
        for exporter in (self._span_exporter, self._log_exporter):
            exporter.shutdown()  # type: ignore[no-untyped-call]

    def _flush_metrics(self) -> None:
        with suppress(Exception):  # told by the delivery
            self.meters.force_flush(self._settings.timeout_seconds * 1_000)

    def _make_traces(self, resource: Resource, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        settings = self._settings
        self._span_exporter = OTLPSpanExporter(
            endpoint=settings.url("traces"), headers=dict(settings.headers), timeout=settings.timeout_seconds,
            compression=Compression.Gzip, session=Connection(self._ending))
        self._spans: Outbox[ReadableSpan] = Outbox(
            self._delivery.sender(self._span_exporter.export), name="spans", queue_items=settings.queue_items,
            batch_items=settings.batch_items, delay_seconds=settings.delay_seconds)
        sampler = AdaptiveSampler(settings.sampling, clock=clock, chance=chance)
        self.tail = TailProcessor(sampler, settings.sampling, self._spans.put, clock=clock)
        limits = SpanLimits(max_span_attribute_length=settings.content_chars + 200)
        self.tracers = TracerProvider(
            sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False, span_limits=limits)
        self.tracers.add_span_processor(self.tail)

    def _make_logs(self, resource: Resource) -> None:
        settings = self._settings
        self._log_exporter = OTLPLogExporter(
            endpoint=settings.url("logs"), headers=dict(settings.headers), timeout=settings.timeout_seconds,
            compression=Compression.Gzip, session=Connection(self._ending))
        self._logs: Outbox[ReadableLogRecord] = Outbox(
            self._delivery.sender(self._log_exporter.export), name="logs", queue_items=settings.queue_items,
            batch_items=settings.batch_items, delay_seconds=settings.delay_seconds)
        self.loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.loggers.add_log_record_processor(QueueingProcessor(self._logs.put))

    def _make_metrics(self, resource: Resource) -> None:
        settings = self._settings
        exporter = OTLPMetricExporter(
            endpoint=settings.url("metrics"), headers=dict(settings.headers), timeout=settings.timeout_seconds,
            compression=Compression.Gzip, session=Connection(self._ending))
        reader = PeriodicExportingMetricReader(
            WatchedMetricExporter(exporter, self._delivery), export_interval_millis=settings.metric_seconds * 1_000,
            export_timeout_millis=settings.timeout_seconds * 1_000)
        self.meters = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)


def _place(endpoint: str) -> str:
    """The endpoint without a user and password."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _resource(settings: TelemetrySettings) -> Resource:
    told = {"service.name": settings.service, "service.version": settings.version,
            "deployment.environment.name": settings.environment}
    return Resource.create({key: value for key, value in told.items() if value})

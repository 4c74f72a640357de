"""What becomes of exports: failures are told once and never reach a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData

_log = logging.getLogger(__name__)
_SDK_LOGGERS = tuple(
    f"opentelemetry.exporter.otlp.proto.http.{name}" for name in ("trace_exporter", "_log_exporter", "metric_exporter")
)
_heard: ContextVar[list[str] | None] = ContextVar("oncalm_exporting", default=None)
"""While this thread exports: what the SDK's exporter says about it."""


def exporting() -> bool:
    """Whether this code runs as part of an export, so that exports do not make telemetry of their own."""
    return _heard.get() is not None


class _Listener(logging.Filter):
    """Takes what the SDK's exporters say while we export; told per batch, it would fill the log of a dead collector."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _heard.get()
        if heard is None:
            return True
        heard.append(record.getMessage())
        return False


_LISTENER = _Listener()


class Delivery:
    """What became of the exports to one endpoint. The first failure is told as a warning, later ones are counted."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.failures = 0
        for name in _SDK_LOGGERS:
            logging.getLogger(name).addFilter(_LISTENER)  # adding it again changes nothing

    def sender(self, export: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], bool]:
        """``export`` of a span or log exporter, as an outbox wants it."""

        def send(batch: Sequence[Any]) -> bool:
            with self.listening() as outcome:
                outcome.append(getattr(export(batch), "name", "") == "SUCCESS")
            return outcome == [True]

        return send

    @contextmanager
    def listening(self) -> Iterator[list[bool]]:
        """Around one export: the body appends whether it worked. Exceptions end here."""
        heard: list[str] = []
        outcome: list[bool] = []
        saying = _heard.set(heard)
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        try:
            yield outcome
        except Exception as error:  # noqa: BLE001 - telemetry that cannot be sent is lost, nothing more
            heard.append(f"{type(error).__name__}: {error}")
        finally:
            detach(token)
            _heard.reset(saying)
        if outcome != [True]:
            self._failed(heard[0] if heard else "the collector refused it")

    def _failed(self, why: str) -> None:
        with self._lock:
            self.failures += 1
            first = self.failures == 1
        if first:
            _log.warning(
                "OnCalm's own telemetry does not reach %s and is dropped until it does; runs go on (%s)", self._endpoint, why[:300]
            )


class WatchedMetricExporter(MetricExporter):
    """A metric exporter whose failures go to a :class:`Delivery`."""

    def __init__(self, inner: MetricExporter, delivery: Delivery) -> None:
        super().__init__(
            preferred_temporality=inner._preferred_temporality, preferred_aggregation=inner._preferred_aggregation)
        self._inner = inner
        self._delivery = delivery

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        with self._delivery.listening() as outcome:
            result = self._inner.export(metrics_data, timeout_millis=timeout_millis, **kwargs)
            outcome.append(result is MetricExportResult.SUCCESS)
        return MetricExportResult.SUCCESS if outcome == [True] else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._inner.shutdown(timeout_millis, **kwargs)

"""Answers to export requests, in the encoding they came in (OTLP specification, "OTLP/HTTP Response")."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf import json_format  # type: ignore[import-untyped] # publishes no types
from google.protobuf.message import Message  # type: ignore[import-untyped] # the same
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # the same
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.otlp.bodies import Encoding, Signal

MEDIA: Mapping[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}


def accepted(signal: Signal, encoding: Encoding, rejected: int = 0, message: str = "") -> bytes:
    """The body of a 200. ``partial_success`` is there only when something is to be said."""
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if rejected or message:
            traces.partial_success.rejected_spans, traces.partial_success.error_message = rejected, message
        return _written(traces, encoding)
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        if rejected or message:
            metrics.partial_success.rejected_data_points, metrics.partial_success.error_message = rejected, message
        return _written(metrics, encoding)
    logs = ExportLogsServiceResponse()
    if rejected or message:
        logs.partial_success.rejected_log_records, logs.partial_success.error_message = rejected, message
    return _written(logs, encoding)


def refused(code: int, message: str, encoding: Encoding) -> bytes:
    """The body of a 4xx or 5xx: a ``google.rpc.Status``."""
    return _written(Status(code=code, message=message), encoding)


def _written(message: Message, encoding: Encoding) -> bytes:
    written: bytes = message.SerializeToString() if encoding == "protobuf" else json_format.MessageToJson(message, indent=None).encode()
    return written

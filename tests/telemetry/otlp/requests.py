"""Export requests made for tests."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

NOW = 1_790_000_000_000_000_000
"""Nanoseconds."""
TRACE, SPAN = bytes(range(16)), bytes(range(1, 9))


def value(given: Any) -> AnyValue:
    """A Python value as an ``AnyValue``."""
    found = AnyValue()
    if isinstance(given, dict):
        found.kvlist_value.values.extend(pairs(given))
        found.kvlist_value.SetInParent()
    elif isinstance(given, list):
        found.array_value.values.extend(map(value, given))
        found.array_value.SetInParent()
    elif given is not None:
        name = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value", bytes: "bytes_value"}[type(given)]
        setattr(found, name, given)
    return found


def pairs(given: dict[str, Any]) -> list[KeyValue]:
    """Attributes."""
    return [KeyValue(key=k, value=value(v)) for k, v in given.items()]


def described(resource: Any, **more: Any) -> None:
    """Say where a resource's records come from."""
    resource.attributes.extend(pairs({"service.name": "shop", "k8s.pod.name": "shop-1", "k8s.node.name": "n1", **more}))


def traces(*spans: dict[str, Any], **resource: Any) -> ExportTraceServiceRequest:
    """Spans of a shop, each changed as given."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    described(group.resource, **resource)
    scope = group.scope_spans.add()
    scope.scope.name = "http"
    for changes in spans:
        attributes = changes.pop("attributes", {})
        fields = {"trace_id": TRACE, "span_id": SPAN, "name": "GET /", "start_time_unix_nano": NOW, "end_time_unix_nano": NOW + 5_000_000}
        span = scope.spans.add(**{**fields, **changes})
        span.attributes.extend(pairs(attributes))
    return request


def logs(*records: dict[str, Any], **resource: Any) -> ExportLogsServiceRequest:
    """Log records of a shop."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    described(group.resource, **resource)
    scope = group.scope_logs.add()
    scope.scope.name = "shop.cart"
    for changes in records:
        attributes, body = changes.pop("attributes", {}), changes.pop("body", "order placed")
        record = scope.log_records.add(**{"time_unix_nano": NOW, "severity_number": 9, "trace_id": TRACE, "span_id": SPAN, **changes})
        record.attributes.extend(pairs(attributes))
        record.body.CopyFrom(value(body))
    return request


def metrics(**resource: Any) -> tuple[ExportMetricsServiceRequest, Any]:
    """A request without metrics yet, and the list they go into."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    described(group.resource, **resource)
    return request, group.scope_metrics.add().metrics


def otlp_json(message: Message) -> bytes:
    """The message as OTLP's JSON: ids in hex."""
    def fix(found: Any) -> Any:
        if isinstance(found, dict):
            return {k: base64.b64decode(v).hex() if k in {"traceId", "spanId", "parentSpanId"} else fix(v) for k, v in found.items()}
        return [fix(v) for v in found] if isinstance(found, list) else found

    return json.dumps(fix(json_format.MessageToDict(message, use_integers_for_enums=True))).encode()

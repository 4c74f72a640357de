"""Calls as OpenTelemetry spans, with the caller's trace context as parent (opentelemetry.io/docs/specs/semconv, stable names)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

SCOPE = "oncalm.ebpf"
_SERVER, _CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


def request_of(calls: Iterable[Mapping[str, Any]], *, service: str, node: str, session: str, pod: str = "") -> ExportTraceServiceRequest:
    """One request with a span for each call (:func:`ebpf.documents.document`); what is no call of a service is left out. Its ids are the same each time it is made."""
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    told = {"service.name": service, "k8s.node.name": node, **({"k8s.pod.name": pod} if pod else {}), "telemetry.sdk.name": "oncalm"}
    resource.resource.attributes.extend(_pair(name, value) for name, value in told.items())
    scope = resource.scope_spans.add()
    scope.scope.name = SCOPE
    for number, call in enumerate(one for one in calls if one["kind"] in _BY_KIND):
        scope.spans.append(span_of(call, f"{session}/{number}"))
    return made


def service_named(words: str) -> str:
    """The service's name where none was given: what the target is called, without how many are looked at with it, which changes."""
    return re.sub(r", with \d+ other process(?:es)? of its control group$| \(\d+ process(?:es)?\)", "", words)


def span_of(call: Mapping[str, Any], ident: str) -> Span:
    """One span; ``ident`` names the call among all: a call without a caller's trace begins one of its own."""
    digest = hashlib.sha256(ident.encode()).digest()
    parent = call.get("parent")
    failed, message = _failed(call)
    return Span(
        trace_id=bytes.fromhex(parent["trace_id"]) if parent else digest[:16], span_id=digest[16:24],
        parent_span_id=bytes.fromhex(parent["span_id"]) if parent else b"", name=_name(call), kind=_SERVER if call.get("server") else _CLIENT,
        start_time_unix_nano=call["start"], end_time_unix_nano=call["start"] + call.get("duration", 0),
        attributes=[_pair(name, value) for name, value in _attributes(call).items() if value not in (None, "")],
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET, message=message))


def _name(call: Mapping[str, Any]) -> str:
    match call["kind"]:
        case "http":
            return f"{call.get('method', 'HTTP')} {call.get('route', '')}".strip()
        case "grpc":
            return f"{call.get('service', '')}/{call.get('method', '')}"
        case "sql":
            return str(call.get("operation") or call.get("sql_kind") or "query")
    return f"{call.get('type', 'DNS')} {call.get('name', '')}".strip()


def _attributes(call: Mapping[str, Any]) -> dict[str, Any]:
    sides = ("client.address", "server.port") if call.get("server") else ("server.address", "client.port")
    told: dict[str, Any] = {
        sides[0]: call.get("peer"), sides[1]: call.get("port"), "oncalm.connection": call.get("connection"),
        "oncalm.queued_ns": call.get("queued"), "oncalm.notes": ", ".join([*call.get("notes", ()), *call.get("unknown", ())])}
    return {**told, **_BY_KIND[call["kind"]](call)}


_BY_KIND: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "http": lambda call: {"http.request.method": call.get("method"), "http.route": call.get("route"), "http.response.status_code": call.get("status"),
                          "server.address": call.get("host")},
    "grpc": lambda call: {"rpc.system": "grpc", "rpc.service": call.get("service"), "rpc.method": call.get("method"),
                          "rpc.grpc.status_code": call.get("grpc_status")},
    "sql": lambda call: {"db.system.name": call.get("system"), "db.operation.name": call.get("operation"), "db.query.text": call.get("query"),
                         "db.response.status_code": call.get("error"), "db.response.returned_rows": call.get("rows")},
    "dns": lambda call: {"dns.question.name": call.get("name"), "oncalm.dns.rcode": call.get("rcode")},
}


def _failed(call: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether it failed as the conventions say, and how in words."""
    match call["kind"]:
        case "http":
            status = call.get("status")
            if status is None:
                return True, "no response"
            return status >= (500 if call.get("server") else 400), ""
        case "grpc":
            code = call.get("grpc_status")
            return code not in (None, 0), f"grpc-status {code}" if code else ""
        case "sql":
            return call.get("outcome") == "error", f"SQLSTATE {call['error']}" if call.get("error") else ""
    return bool(call.get("rcode")), ""


def _pair(name: str, value: Any) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=name, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=name, value=AnyValue(int_value=value))
    return KeyValue(key=name, value=AnyValue(string_value=str(value)))

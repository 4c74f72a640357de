"""Tempo's HTTP API over spans in memory: TraceQL of conjunctions, traces as OTLP in each of its forms."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.records import Span
from tests.telemetry.sources.serving import Request, Response, as_json

Form = Literal["v2-protobuf", "v2-json", "v1-protobuf", "v1-json"]
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS = ("unset", "ok", "error")


class TempoServer:
    """``form`` is how it gives traces."""

    def __init__(self, spans: Sequence[Span], form: Form = "v2-protobuf") -> None:
        self.form: Form = form
        self.partial = False
        self.traces: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            self.traces[span.trace_id].append(span)

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/search/tags":
            return as_json({"tagNames": ["service.name"]})
        if request.path.endswith("service.name/values"):
            newer = request.path.startswith("/api/v2")
            if newer and self.form.startswith("v1"):
                return Response(b"404 page not found", 404)
            names = sorted({s.service for spans in self.traces.values() for s in spans})
            return as_json({"tagValues": [{"type": "string", "value": n} for n in names] if newer else names})
        if match := re.fullmatch(r"/api/(v2/)?traces/(\w+)", request.path):
            return self._trace(match[2].zfill(32), newer=bool(match[1]))
        if request.path == "/api/search":
            return self._search(request)
        return Response(b"404 page not found", 404)

    def _search(self, request: Request) -> Response:
        conditions = _conditions(request.one("q"))
        low, high = int(request.one("start")) * 10**6, int(request.one("end")) * 10**6
        found = [t for t, spans in self.traces.items() if any(low <= s.start < high and all(_holds(s, c) for c in conditions) for s in spans)]
        jobs = {"completedJobs": 3, "totalJobs": 4 if self.partial else 3}
        return as_json({"traces": [{"traceID": t.lstrip("0")} for t in found[:int(request.one("limit"))]], "metrics": jobs})

    def _trace(self, ident: str, *, newer: bool) -> Response:
        if ident not in self.traces or newer != self.form.startswith("v2"):
            return Response(b"trace not found" if ident in self.traces else b"404 page not found", 404)
        message = otlp(self.traces[ident])
        if self.form.endswith("protobuf"):
            body = message.SerializeToString()
            wrapped = b"\x0a" + _varint(len(body)) + body + (b"\x18\x01\x22\x08too long" if self.partial else b"")
            return Response(wrapped if newer else body, 200, {"Content-Type": "application/protobuf"})
        found = json_format.MessageToDict(message)
        trace = {"resourceSpans": found["resourceSpans"]} if newer else {"batches": found["resourceSpans"]}
        return as_json({"trace": trace, "status": "PARTIAL" if self.partial else "COMPLETE"} if newer else trace)


def otlp(spans: Sequence[Span]) -> Any:
    """Spans as an export request."""
    resources = []
    for service, pod in dict.fromkeys((s.service, s.pod) for s in spans):
        attributes = [_pair("service.name", service), *([_pair("k8s.pod.name", pod)] if pod else [])]
        own = [_span(s) for s in spans if (s.service, s.pod) == (service, pod)]
        resources.append({"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {}, "spans": own}]})
    return json_format.ParseDict({"resourceSpans": resources}, ExportTraceServiceRequest())


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": _id(span.trace_id), "spanId": _id(span.span_id), "parentSpanId": _id(span.parent_id), "name": span.operation,
        "kind": _KINDS.index(span.kind), "startTimeUnixNano": str(span.start * 1000), "endTimeUnixNano": str((span.start + span.duration) * 1000),
        "attributes": [_pair(k, v) for k, v in span.attributes.items()], "status": {"code": _STATUS.index(span.status), "message": span.message},
        "events": [{"timeUnixNano": str(t * 1000), "name": n, "attributes": [_pair(k, v) for k, v in more.items()]} for t, n, more in span.events],
        "links": [{"traceId": _id(t), "spanId": _id(s)} for t, s in span.links]}


def _pair(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _id(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


_STRING = r'"(?:[^"\\]|\\.)*"'
_CONDITION = re.compile(rf"(resource\.service\.name|name|duration|status|\.(?:{_STRING}|[\w./-]+))\s*(=|>=|<=)\s*({_STRING}|[\w.-]+)")


def _conditions(query: str) -> list[list[tuple[str, str, str]]]:
    """Conjunctions of disjunctions; all of the text must be understood."""
    inner = query.strip()[1:-1].strip()
    rest = re.sub(r"[()\s]|&&|\|\|", "", _CONDITION.sub("", inner))
    assert not rest, rest
    groups: list[list[tuple[str, str, str]]] = []
    end = 0
    for match in _CONDITION.finditer(inner):
        if groups and "||" in inner[end:match.start()]:
            groups[-1].append((match[1], match[2], match[3]))
        else:
            groups.append([(match[1], match[2], match[3])])
        end = match.end()
    return groups


def _holds(span: Span, either: list[tuple[str, str, str]]) -> bool:
    return any(_one(span, *condition) for condition in either)


def _one(span: Span, key: str, sign: str, value: str) -> bool:
    said = json.loads(value) if value.startswith('"') else value
    if key == "duration":
        limit = int(said.removesuffix("us"))
        return span.duration >= limit if sign == ">=" else span.duration <= limit
    name = json.loads(key[1:]) if key.startswith('."') else key[1:]
    have = {"resource.service.name": span.service, "name": span.operation, "status": span.status}.get(key, span.attributes.get(name))
    return bool(have == said)

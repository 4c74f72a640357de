"""The JSON API of Jaeger's query service over spans in memory."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from telemetry.records import Span
from tests.telemetry.sources.serving import Request, Response, as_json


class JaegerServer:
    """Holds spans; ids lose their leading zeros as older versions write them."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.traces: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            self.traces[span.trace_id].append(span)
        self.errors: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/services":
            return as_json({"data": sorted({s.service for spans in self.traces.values() for s in spans}), "total": 0, "errors": None})
        if match := re.fullmatch(r"/api/traces/(.+)", request.path):
            found = self.traces.get(match[1].zfill(32))
            error = {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}
            return as_json({"data": [model(found)], "errors": self.errors or None}) if found else as_json(error, 404)
        if request.path != "/api/traces":
            return Response(b"not found", 404)
        if "service" not in request.params:
            return as_json({"data": None, "errors": [{"code": 400, "msg": "parameter 'service' is required"}]}, 400)
        found = [spans for spans in self.traces.values() if any(_meets(span, request) for span in spans)]
        return as_json({"data": [model(spans) for spans in found[:int(request.one("limit"))]], "errors": self.errors or None})


def _meets(span: Span, request: Request) -> bool:
    tags = json.loads(request.one("tags", "{}"))
    known = {**span.attributes, "error": "true" if span.status == "error" else ""}
    low, high = (re.sub("us$", "", request.one(name)) for name in ("minDuration", "maxDuration"))
    return (int(request.one("start")) <= span.start <= int(request.one("end")) and span.service == request.one("service")
            and request.one("operation", span.operation) == span.operation and all(known.get(k) == v for k, v in tags.items())
            and (not low or span.duration >= int(low)) and (not high or span.duration <= int(high)))


def model(spans: Sequence[Span]) -> dict[str, Any]:
    """A trace in the JSON model."""
    processes = {f"p{n}": {"serviceName": name, "tags": [_tag("k8s.pod.name", pod)] if pod else []}
                 for n, (name, pod) in enumerate(dict.fromkeys((s.service, s.pod) for s in spans))}
    named = {(p["serviceName"], p["tags"][0]["value"] if p["tags"] else ""): key for key, p in processes.items()}
    return {"traceID": _short(spans[0].trace_id), "processes": processes, "warnings": None,
            "spans": [_span(one, named[one.service, one.pod]) for one in spans]}


def _span(span: Span, process: str) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "traceID": _short(span.trace_id), "spanID": _short(span.parent_id)}] if span.parent_id else []
    references += [{"refType": "FOLLOWS_FROM", "traceID": there, "spanID": ident} for there, ident in span.links]
    tags = [_tag(k, v) for k, v in span.attributes.items()] + ([_tag("span.kind", span.kind)] if span.kind != "unspecified" else [])
    tags += [{"key": "error", "type": "bool", "value": True}, _tag("otel.status_description", span.message)] if span.status == "error" else []
    tags += [_tag("otel.status_code", "OK")] if span.status == "ok" else []
    logs = [{"timestamp": time, "fields": [_tag("event", name), *(_tag(k, v) for k, v in more.items())]} for time, name, more in span.events]
    return {"traceID": _short(span.trace_id), "spanID": _short(span.span_id), "operationName": span.operation, "references": references,
            "startTime": span.start, "duration": span.duration, "tags": tags, "logs": logs, "processID": process, "warnings": None}


def _tag(key: str, value: str) -> dict[str, str]:
    return {"key": key, "type": "string", "value": value}


def _short(ident: str) -> str:
    return ident.lstrip("0") or "0"

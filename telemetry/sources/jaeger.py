"""Traces of Jaeger, through the JSON API of its query service (``/api/traces``), the one its own page uses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from telemetry.masks import masked, masked_value
from telemetry.records import Span, SpanKind, SpanStatus
from telemetry.sources.answers import Gathering, Trouble, clean, integer, mapping, sequence, words
from telemetry.sources.config import Jaeger as JaegerEntry
from telemetry.sources.protocols import Answer, TraceQuery
from telemetry.sources.remote import Remote
from telemetry.sources.web import Web

_SERVICES = 30
"""Services that are asked one by one when a query names none: Jaeger finds no traces without a service."""
_KINDS: Mapping[str, SpanKind] = {
    "server": "server", "client": "client", "producer": "producer", "consumer": "consumer", "internal": "internal"}
_PODS = ("k8s.pod.name", "kubernetes.pod.name", "pod", "pod_name")
_NODES = ("k8s.node.name", "host.name", "hostname", "node")


class JaegerSource(Remote):
    """A Jaeger query service."""

    probe = "/api/services"

    def __init__(self, entry: JaegerEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)

    def services(self, start: int, end: int) -> Answer[str]:
        return self._gather(lambda g: g.records.extend(self._services(g)))

    def trace(self, trace_id: str) -> Answer[Span]:
        def work(g: Gathering[Span]) -> None:
            try:
                document = self.web.json(g, f"/api/traces/{quote(trace_id.strip(), safe='')}")
            except Trouble as trouble:
                if trouble.code != 404:
                    raise
                if "trace" not in trouble.said.lower():
                    g.note("the server answered 404, which it does for a trace that it does not have")
                return
            for spans in self._traces(g, document):
                g.records += spans

        return self._gather(work)

    def traces(self, query: TraceQuery) -> Answer[Span]:
        return self._gather(lambda g: self._found(g, query))

    def _services(self, g: Gathering[Any]) -> list[str]:
        document = mapping(self.web.json(g, "/api/services"), "the answer")
        return sorted(words(one) for one in sequence(document.get("data"), "data"))

    def _found(self, g: Gathering[Span], query: TraceQuery) -> None:
        names = [query.service] if query.service else self._services(g)
        if len(names) > _SERVICES:
            g.gap(f"only {_SERVICES} of {len(names)} services were asked: name one")
        seen: dict[str, list[Span]] = {}
        for name in names[:_SERVICES]:
            document = self.web.json(g, "/api/traces", _params(query, name))
            found = self._traces(g, document)
            if len(found) > query.limit:
                g.gap(f"there are more traces than the limit of {query.limit}")
            for spans in found:
                if any(_meets(span, query, name) for span in spans):
                    seen.setdefault(spans[0].trace_id, spans)
        chosen = sorted(seen.values(), key=lambda spans: spans[0].start)
        if len(chosen) > query.limit:
            g.gap(f"there are more traces than the limit of {query.limit}")
        for spans in chosen[:query.limit]:
            g.records += spans

    def _traces(self, g: Gathering[Any], document: Any) -> list[list[Span]]:
        """The traces of an answer, spans in order of start; traces without spans are left out."""
        whole = mapping(document, "the answer")
        for one in sequence(whole.get("errors"), "errors"):
            error = mapping(one, "an error")
            g.gap(f"Jaeger says: {clean(error.get('msg') or error, 200)}")
        found = []
        for one in sequence(whole.get("data"), "data"):
            trace = mapping(one, "a trace")
            processes = mapping(trace.get("processes") or {}, "processes")
            spans = [_span(g, mapping(span, "a span"), processes) for span in sequence(trace.get("spans"), "spans")]
            for warning in sequence(trace.get("warnings"), "warnings"):
                g.note(f"Jaeger warns of a trace: {clean(warning, 200)}")
            unique = {span.span_id: span for span in reversed(spans)}
            if unique:
                found.append(sorted(unique.values(), key=lambda span: (span.start, -span.duration)))
        return found


def _params(query: TraceQuery, service: str) -> dict[str, str | int | list[str]]:
    tags = {**query.attributes, **({"error": "true"} if query.failed else {})}
    params: dict[str, str | int | list[str]] = {
        "service": service, "start": query.start, "end": query.end - 1, "limit": query.limit + 1, "lookback": "custom"}
    if query.operation:
        params["operation"] = query.operation
    if tags:
        params["tags"] = json.dumps(tags)
    if query.least is not None:
        params["minDuration"] = f"{query.least}us"
    if query.most is not None:
        params["maxDuration"] = f"{query.most}us"
    return params


def _meets(span: Span, query: TraceQuery, service: str) -> bool:
    """Whether one span meets the conditions; attributes and errors were the server's to decide."""
    return (query.start <= span.start < query.end and span.service == service
            and (not query.operation or span.operation == query.operation)
            and (query.least is None or span.duration >= query.least) and (query.most is None or span.duration <= query.most))


def trace_id(text: str) -> str:
    """An id in small hex with its leading zeros, which older versions leave out."""
    found = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{1,32}", found):
        raise Trouble(f"{clean(text, 60)!r} is no trace id")
    return found.zfill(16 if len(found) <= 16 else 32)


def _span(g: Gathering[Any], span: Mapping[str, Any], processes: Mapping[str, Any]) -> Span:
    process = mapping(span.get("process") or processes.get(words(span.get("processID"))) or {}, "a process")
    tags = _tags(process.get("tags"))
    own = _tags(span.get("tags"))
    parent, links = _references(span, words(span.get("traceID")))
    for warning in sequence(span.get("warnings"), "warnings"):
        g.note(f"Jaeger warns of a span: {clean(warning, 200)}")
    status = _status(own)
    every = {**tags, **own}
    return Span(
        trace_id(words(span.get("traceID"))), words(span.get("spanID")).lower().zfill(16), parent, words(process.get("serviceName")),
        masked(words(span.get("operationName"))), integer(span.get("startTime"), "startTime"), max(0, integer(span.get("duration"), "duration")),
        _KINDS.get(own.get("span.kind", "").lower(), "unspecified"), status,
        own.get("otel.status_description", own.get("error.message", "")) if status == "error" else "",
        next((every[n] for n in _PODS if every.get(n)), ""), next((every[n] for n in _NODES if every.get(n)), ""), every,
        tuple(_event(mapping(log, "a log")) for log in sequence(span.get("logs"), "logs")), links)


def _status(tags: Mapping[str, str]) -> SpanStatus:
    if tags.get("error", "").lower() in {"true", "1"} or tags.get("otel.status_code", "").upper() == "ERROR":
        return "error"
    return "ok" if tags.get("otel.status_code", "").upper() == "OK" else "unset"


def _references(span: Mapping[str, Any], own: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The parent within the trace, and the other spans that are referred to."""
    parent = words(span.get("parentSpanID"))
    links = []
    for one in sequence(span.get("references"), "references"):
        reference = mapping(one, "a reference")
        there, ident = words(reference.get("traceID")), words(reference.get("spanID"))
        if there == own and reference.get("refType") == "CHILD_OF" and not parent:
            parent = ident
        elif ident != parent or there != own:
            links.append((trace_id(there), ident.lower().zfill(16)))
    # A span that only follows from another one of its trace has it as its parent.
    if not parent and links and links[0][0] == trace_id(own):
        parent = links.pop(0)[1]
    return (parent.lower().zfill(16) if parent.strip("0") else ""), tuple(links)


def _tags(value: Any) -> dict[str, str]:
    found = {}
    for one in sequence(value, "tags"):
        tag = mapping(one, "a tag")
        name, said = words(tag.get("key")), tag.get("value")
        if name:
            found[masked(name)] = masked_value(name, json.dumps(said) if isinstance(said, dict | list) else words(said))
    return found


def _event(log: Mapping[str, Any]) -> tuple[int, str, Mapping[str, str]]:
    fields = _tags(log.get("fields"))
    name = fields.pop("event", "") or fields.get("message", "") or "log"
    return integer(log.get("timestamp"), "timestamp"), name, fields

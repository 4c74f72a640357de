"""Traces of Grafana Tempo: found by TraceQL (``/api/search``), fetched by id as OTLP, protobuf or JSON."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import quote

from telemetry.records import Span
from telemetry.sources.answers import Gathering, Trouble, clean, mapping, sequence, words
from telemetry.sources.config import Tempo as TempoEntry
from telemetry.sources.protocols import Answer, TraceQuery
from telemetry.sources.remote import SECOND, Remote, quoted
from telemetry.sources.web import Reply, Web

_PROTOBUF = "application/protobuf"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*")
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


class TempoSource(Remote):
    """A Tempo server or tenant."""

    probe = "/api/search/tags"

    def __init__(self, entry: TempoEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)
        self._old: bool | None = None
        """Whether the server has no ``/api/v2/traces``; None while that is not known."""

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            bounds: dict[str, str | int | list[str]] = {"start": start // SECOND, "end": -(-end // SECOND)}
            try:
                found = mapping(self.web.json(g, "/api/v2/search/tag/resource.service.name/values", bounds), "the answer")
            except Trouble as trouble:
                if trouble.code != 404:
                    raise
                found = mapping(self.web.json(g, "/api/search/tag/service.name/values", bounds), "the answer")
            values = sequence(found.get("tagValues"), "tagValues")
            g.records += sorted({words(one.get("value")) if isinstance(one, dict) else words(one) for one in values})

        return self._gather(work)

    def trace(self, trace_id: str) -> Answer[Span]:
        return self._gather(lambda g: g.records.extend(self._trace(g, trace_id)))

    def traces(self, query: TraceQuery) -> Answer[Span]:
        return self._gather(lambda g: self._found(g, query))

    def _found(self, g: Gathering[Span], query: TraceQuery) -> None:
        params: dict[str, str | int | list[str]] = {
            "q": traceql(query), "limit": query.limit + 1, "start": query.start // SECOND, "end": -(-query.end // SECOND)}
        answer = mapping(self.web.json(g, "/api/search", params), "the answer")
        if words(answer.get("status")).upper().endswith("PARTIAL") or answer.get("message"):
            g.gap(f"Tempo's search is partial: {clean(answer.get('message') or '', 200)}")
        jobs = mapping(answer.get("metrics") or {}, "metrics")
        done, total = words(jobs.get("completedJobs")), words(jobs.get("totalJobs"))
        if done and total and done != total:
            g.gap(f"Tempo searched {done} of {total} parts")
        idents = [words(mapping(one, "a trace").get("traceID")) for one in sequence(answer.get("traces"), "traces")]
        if len(idents) > query.limit:
            g.gap(f"there are more traces than the limit of {query.limit}")
        found = [spans for ident in idents[:query.limit] if (spans := self._fetched(g, ident, query))]
        for spans in sorted(found, key=lambda one: one[0].start):
            g.records += spans

    def _fetched(self, g: Gathering[Span], ident: str, query: TraceQuery) -> list[Span]:
        """A trace that was found; one that cannot be read is a gap."""
        try:
            spans = self._trace(g, ident)
        except Trouble as trouble:
            if trouble.status == "not_assessed":
                raise
            g.gap(f"the trace {clean(ident, 40)} could not be read: {trouble.what}")
            return []
        return spans if any(query.start <= span.start < query.end for span in spans) else []

    def _trace(self, g: Gathering[Any], ident: str) -> list[Span]:
        """The spans of one trace; none when the server does not have it."""
        for path in ("/api/traces/",) if self._old else ("/api/v2/traces/", "/api/traces/"):
            try:
                reply = self.web.ask(g, path + quote(ident.strip(), safe=""), headers={"Accept": f"{_PROTOBUF}, application/json;q=0.5"})
            except Trouble as trouble:
                if trouble.code != 404:
                    raise
                continue
            self._old = path == "/api/traces/"
            return self._read(g, reply, newer=not self._old)
        return []

    def _read(self, g: Gathering[Any], reply: Reply, *, newer: bool) -> list[Span]:
        from telemetry.otlp.bodies import parse
        from telemetry.otlp.errors import MalformedError
        from telemetry.otlp.spans import spans_of

        try:
            if reply.content in {_PROTOBUF, "application/x-protobuf"}:
                body, partial, said = _unwrapped(reply.body) if newer else (reply.body, False, "")
                request = parse("traces", body, "protobuf")
            else:
                found, partial, said = _plain(mapping(self.web.document(reply), "the answer"))
                request = parse("traces", json.dumps(found).encode(), "json")
        except MalformedError as error:
            raise Trouble(f"the answer is no trace: {clean(error.what, 200)}") from error
        decoded = spans_of(request)
        if partial:
            g.gap(f"Tempo gives a part of the trace{': ' + clean(said, 200) if said else ''}")
        if decoded.rejected:
            g.gap(f"spans that are none: {decoded.message}")
        unique = {span.span_id: span for span in reversed(decoded.records)}
        return sorted(unique.values(), key=lambda span: (span.start, -span.duration))


def traceql(query: TraceQuery) -> str:
    """The query in TraceQL; what is given only ever stands in string literals."""
    wanted = [f"resource.service.name = {quoted(query.service)}"] if query.service else []
    if query.operation:
        wanted.append(f"name = {quoted(query.operation)}")
    for name, value in sorted(query.attributes.items()):
        key = f".{name}" if _PLAIN.fullmatch(name) else f".{quoted(name)}"
        forms = [quoted(value), *([value] if re.fullmatch(r"-?\d{1,18}(\.\d{1,9})?|true|false", value) else [])]
        wanted.append("(" + " || ".join(f"{key} = {form}" for form in forms) + ")" if len(forms) > 1 else f"{key} = {forms[0]}")
    if query.least is not None:
        wanted.append(f"duration >= {query.least}us")
    if query.most is not None:
        wanted.append(f"duration <= {query.most}us")
    if query.failed:
        wanted.append("status = error")
    return "{ " + " && ".join(wanted) + " }" if wanted else "{}"


def _unwrapped(body: bytes) -> tuple[bytes, bool, str]:
    """The trace of a ``TraceByIDResponse`` (tempo.proto): field 1 the trace, 3 the status (1: partial), 4 a message.

    No generated code of Tempo's is published for Python, and four fields need none.
    """
    trace, partial, said, at = b"", False, "", 0
    try:
        while at < len(body):
            tag, at = _varint(body, at)
            if tag & 7 == 0:
                value, at = _varint(body, at)
                partial |= tag >> 3 == 3 and value == 1
                continue
            if tag & 7 != 2:
                raise IndexError
            size, at = _varint(body, at)
            part, at = body[at:at + size], at + size
            if at > len(body):
                raise IndexError
            trace += part if tag >> 3 == 1 else b""
            said = part.decode("utf-8", "replace") if tag >> 3 == 4 else said
    except IndexError as error:
        raise Trouble("the answer is no trace, or was cut") from error
    return trace, partial, said


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = body[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
    raise IndexError


def _plain(found: Any) -> tuple[dict[str, Any], bool, str]:
    """OTLP's JSON from any of Tempo's: ``trace`` around it or not, ``batches``, older names, ids in base64."""
    partial, said = words(found.get("status")).upper().endswith("PARTIAL"), words(found.get("message"))
    trace = mapping(found.get("trace") or found, "trace")
    batches = sequence(trace.get("resourceSpans") or trace.get("batches"), "resourceSpans")
    for batch in batches:
        one = mapping(batch, "a batch")
        scopes = one.get("scopeSpans") or one.get("instrumentationLibrarySpans")
        batch["scopeSpans"] = sequence(scopes, "scopeSpans")
    waiting: list[Any] = list(batches)
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for key in _IDS & value.keys():
                value[key] = _hex(value[key])
            waiting += [v for v in value.values() if isinstance(v, dict | list)]
    return {"resourceSpans": batches}, partial, said


def _hex(value: Any) -> Any:
    """An id in hex: 16 bytes are 24 characters in base64, 8 bytes are 12; in hex they are 32 and 16."""
    if isinstance(value, str) and len(value) in {24, 12}:
        try:
            return base64.b64decode(value, validate=True).hex()
        except (ValueError, binascii.Error):
            return value
    return value

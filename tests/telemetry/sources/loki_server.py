"""Loki's HTTP API over lines in memory, written from its documentation: enough of LogQL for what OnCalm sends."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence

from telemetry.sources.protocols import LogLine
from tests.telemetry.sources.serving import Request, Response, as_json

MOST = 5_000
_STRING = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf'\s*(\w+)\s*(=~|!=|=)\s*({_STRING})\s*,?')
_LINE = re.compile(rf"\s*\|~\s*({_STRING})")
_LABEL = re.compile(rf"\s*\|\s*(?!~)\(?((?:\s*(?:or\s+)?\w+\s*(?:=~|=)\s*{_STRING})+)\s*\)?")


class LokiServer:
    """Holds (nanoseconds, stream labels, line, structured metadata)."""

    def __init__(self, lines: Sequence[LogLine], *, categorised: bool = True, most: int = MOST) -> None:
        self.most, self.categorised = most, categorised
        self.entries = [(one.time * 1000, {"app": one.service, "namespace": one.namespace, "pod": one.pod, "level": one.level}, one.text,
                         {"trace_id": one.trace_id} if one.trace_id else {}) for one in lines]
        self.warnings: list[str] = []

    def __call__(self, request: Request) -> Response:
        if request.path == "/loki/api/v1/labels":
            return as_json({"status": "success", "data": ["app", "namespace", "pod", "level", "__stream_shard__"]})
        if match := re.fullmatch(r"/loki/api/v1/label/(\w+)/values", request.path):
            return as_json({"status": "success", "data": sorted({e[1].get(match[1], "") for e in self.entries} - {""})})
        if request.path == "/loki/api/v1/series":
            found = [e[1] for wanted in request.params["match[]"] for e in self.entries if _streams(wanted, e[1])]
            return as_json({"status": "success", "data": found})
        if request.path == "/loki/api/v1/query_range":
            return self._range(request)
        return Response(b"404 page not found", 404, {"Content-Type": "text/plain"})

    def _range(self, request: Request) -> Response:
        limit, low, high = int(request.one("limit", "100")), int(request.one("start")), int(request.one("end"))
        if limit > self.most:
            return Response(f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {self.most})".encode(), 400)
        if high - low > (30 * 24 + 1) * 3600 * 10**9:
            return Response(b"the query time range exceeds the limit (query length: 999h, limit: 721h)", 400)
        try:
            wanted = [e for e in self.entries if low <= e[0] < high and _meets(request.one("query"), e)]
        except ValueError as error:
            return Response(f"parse error at line 1, col 1: {error}".encode(), 400)
        wanted.sort(key=lambda e: e[0], reverse=request.one("direction", "backward") == "backward")
        streams: dict[str, list[list[object]]] = defaultdict(list)
        apart = self.categorised and "categorize-labels" in request.headers.get("x-loki-response-encoding-flags", "")
        for nanos, labels, text, metadata in wanted[:limit]:
            if apart:
                streams[json.dumps(labels)].append([str(nanos), text, {"structuredMetadata": metadata} if metadata else {}])
            else:
                streams[json.dumps({**labels, **metadata})].append([str(nanos), text])
        result = [{"stream": json.loads(key), "values": values} for key, values in streams.items()]
        return as_json({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}, "warnings": self.warnings})


def _meets(query: str, entry: tuple[int, dict[str, str], str, dict[str, str]]) -> bool:
    end = _selector_end(query)
    if not _streams(query[:end], entry[1]):
        return False
    at = end
    known = {**entry[1], **entry[3]}
    while query[at:].strip():
        if line := _LINE.match(query, at):
            if not re.search(_unquoted(line[1]), entry[2]):
                return False
            at = line.end()
        elif label := _LABEL.match(query, at):
            if not any(_holds(known.get(n, ""), sign, v) for n, sign, v in re.findall(rf"(\w+)\s*(=~|=)\s*({_STRING})", label[1])):
                return False
            at = label.end()
        else:
            raise ValueError(f"unexpected {query[at:at + 20]!r}")
    return True


def _selector_end(query: str) -> int:
    at = 1
    if not query.startswith("{"):
        raise ValueError("a selector is missing")
    while query[at] != "}":
        match = _MATCHER.match(query, at)
        if not match:
            raise ValueError(f"unexpected {query[at:at + 20]!r}")
        at = match.end()
    return at + 1


def _streams(selector: str, labels: dict[str, str]) -> bool:
    matchers = _MATCHER.findall(selector[1:-1])
    if all(sign == "=" and _unquoted(v) == "" for _, sign, v in matchers):
        raise ValueError("queries require at least one regexp or equality matcher that does not have an empty-compatible value")
    return all(_holds(labels.get(name, ""), sign, value) for name, sign, value in matchers)


def _holds(have: str, sign: str, value: str) -> bool:
    wanted = _unquoted(value)
    return have == wanted if sign == "=" else bool(re.fullmatch(wanted, have))


def _unquoted(text: str) -> str:
    found = json.loads(text)
    assert isinstance(found, str)
    return found

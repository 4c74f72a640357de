"""The search API of Elasticsearch and OpenSearch over documents in memory, written from their documentation."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from telemetry.sources.elastic_fields import flattened, micros
from telemetry.sources.protocols import LogLine
from tests.telemetry.sources.serving import Request, Response, as_json

TYPES = {"@timestamp": "date", "message": "match_only_text", "service.name": "keyword", "kubernetes.namespace": "keyword",
         "kubernetes.pod.name": "keyword", "log.level": "keyword", "trace.id": "keyword"}
PLAIN = {"@timestamp": "date", "log": "text", "log.keyword": "keyword", "app": "text", "app.keyword": "keyword", "level": "text",
         "namespace": "text", "namespace.keyword": "keyword", "pod": "text", "pod.keyword": "keyword", "trace_id": "text"}


def ecs(line: LogLine) -> dict[str, Any]:
    """A line as the Elastic Common Schema has it."""
    return {"@timestamp": stamp(line.time), "message": line.text, "service": {"name": line.service}, "log": {"level": line.level.upper()},
            "kubernetes": {"namespace": line.namespace, "pod": {"name": line.pod}}, **({"trace": {"id": line.trace_id}} if line.trace_id else {})}


def plain(line: LogLine) -> dict[str, Any]:
    """A line as a shipper without a schema writes it: dynamic mapping makes texts with ``.keyword`` of it."""
    return {"@timestamp": stamp(line.time), "log": line.text, "app": line.service, "level": line.level, "namespace": line.namespace,
            "pod": line.pod, **({"trace_id": line.trace_id} if line.trace_id else {})}


def stamp(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{time % 1_000_000:06}Z"


class ElasticServer:
    """One index ``logs-a``; ``pits`` are the points in time that are open."""

    def __init__(self, documents: Sequence[dict[str, Any]], types: dict[str, str], *, open_search: bool = False, pit: bool = True) -> None:
        self.documents = [(str(n), one, flattened(one)) for n, one in enumerate(documents)]
        self.types, self.open_search, self.pit = types, open_search, pit
        self.pits: set[str] = set()
        self.shards: dict[str, Any] = {"total": 2, "successful": 2, "failed": 0}
        self.timed_out = False

    def __call__(self, request: Request) -> Response:
        path = request.path.strip("/").split("/")
        if path[-1] == "_field_caps":
            asked = request.one("fields").split(",")
            found = {n: {t: {"type": t, "searchable": True, "aggregatable": t not in {"text", "match_only_text"}}} for n, t in self.types.items() if n in asked}
            there = fnmatch.fnmatch("logs-a", path[0])
            return as_json({"indices": ["logs-a"] if there else [], "fields": found if there else {}})
        if path[-1] in {"_pit", "point_in_time"}:
            return self._points(request, path)
        if path[-1] == "_search":
            return self._search(request.json(), in_pit=path == ["_search"])
        return as_json({"error": {"reason": f"no handler found for uri [{request.path}]"}, "status": 404}, 404)

    def _points(self, request: Request, path: list[str]) -> Response:
        if not self.pit or ("point_in_time" in path) != self.open_search:
            return as_json({"error": {"type": "illegal_argument_exception", "reason": "no such API"}, "status": 400}, 400)
        if request.method == "POST":
            self.pits.add(name := f"pit-{len(self.pits)}")
            return as_json({"pit_id": name} if self.open_search else {"id": name})
        body = request.json()
        self.pits -= set(body["pit_id"]) if self.open_search else {body["id"]}
        return as_json({"succeeded": True})

    def _search(self, body: dict[str, Any], *, in_pit: bool) -> Response:
        if in_pit and body["pit"]["id"] not in self.pits:
            return as_json({"error": {"reason": "search context missing"}, "status": 404}, 404)
        found = [one for one in self.documents if all(self._holds(f, one[2]) for f in body["query"]["bool"]["filter"])]
        if "aggs" in body:
            field = body["aggs"]["services"]["terms"]["field"].removesuffix(".keyword")
            names = sorted({one[2][field] for one in found})
            return as_json({"hits": {"hits": []}, "_shards": self.shards, "aggregations": {"services": {"buckets": [{"key": n, "doc_count": 1} for n in names]}}})
        (field, order), = body["sort"][0].items()
        tie = in_pit and not self.open_search
        keyed = sorted(((one[2][field], int(one[0])) for one in found), reverse=order["order"] == "desc")
        if tie:
            keyed = sorted(keyed, key=lambda k: k[1])
            keyed.sort(key=lambda k: k[0], reverse=order["order"] == "desc")
        hits = [self._hit(field, number, tie=tie) for _, number in keyed]
        if after := body.get("search_after"):
            hits = hits[next(at for at, hit in enumerate(hits) if hit["sort"] == after) + 1:]
        return as_json({"took": 1, "timed_out": self.timed_out, "_shards": self.shards, "hits": {"hits": hits[:body["size"]]}})

    def _hit(self, field: str, number: int, *, tie: bool) -> dict[str, Any]:
        ident, source, known = self.documents[number]
        return {"_index": "logs-a", "_id": ident, "_source": source, "fields": {field: [known[field]]}, "sort": [known[field], *([number] if tie else [])]}

    def _holds(self, wanted: dict[str, Any], known: dict[str, str]) -> bool:
        (kind, inner), = wanted.items()
        if kind == "bool":
            return any(self._holds(one, known) for one in inner["should"])
        (name, value), = inner.items()
        have, analysed = known.get(name.removesuffix(".keyword"), ""), self.types.get(name) in {"text", "match_only_text"}
        if kind == "range":
            time = micros(have)
            low, high = micros(value["gte"]), micros(value["lt"])
            assert time is not None
            assert low is not None
            assert high is not None
            return low <= time < high
        if name not in self.types:
            return False
        if kind == "match_phrase":
            tokens, phrase = re.findall(r"\w+", have.lower()), re.findall(r"\w+", value.lower())
            return any(tokens[at:at + len(phrase)] == phrase for at in range(len(tokens))) if analysed else have == value
        if kind == "terms":
            return have in value
        if kind == "term":
            return have == value
        pattern = re.sub(r"\\([*?\\])|([*])|([?])|(.)", lambda m: re.escape(m[1] or m[4] or "") or (".*" if m[2] else "."), value["value"], flags=re.S)
        return bool(re.fullmatch(pattern, have, re.IGNORECASE | re.S))

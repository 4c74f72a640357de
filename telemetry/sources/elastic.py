"""Logs of Elasticsearch and OpenSearch, through ``_search`` over an index pattern."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from telemetry.sources.answers import Gathering, Trouble, mapping, sequence, words
from telemetry.sources.config import Elastic as ElasticEntry
from telemetry.sources.elastic_fields import Mapped, conditions, discover, flattened, holds
from telemetry.sources.naming import level_of
from telemetry.sources.protocols import Answer, LogLine, LogQuery
from telemetry.sources.remote import Remote
from telemetry.sources.web import Web

PAGE = 1_000
"""Hits of one request; servers take up to 10,000 (``index.max_result_window``)."""
_MOST_PAGES = 2_000
_KEEP = "2m"
_SORTED = "strict_date_optional_time_nanos"


class ElasticSource(Remote):
    """An index pattern of one cluster."""

    def __init__(self, entry: ElasticEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)
        self.entry = entry
        self._index = quote(entry.index, safe="*,-_.:+")
        self._mapped: Mapped | None = None

    def check(self) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            fields = self._fields(g)
            g.records.append(f"{self.kind} at {self.web.url} answers; {self.entry.index} has its time in {fields.of('time')} "
                             f"and its text in {fields.of('message') or '(the whole document)'}")

        return self._gather(work)

    def lines(self, query: LogQuery) -> Answer[LogLine]:
        return self._gather(lambda g: self._lines(g, query))

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            fields = self._fields(g)
            name = fields.exact("service")
            if not name:
                raise Trouble("no field that can be counted names the service", status="not_assessed",
                              remedy="name it under fields in the configuration")
            g.note(f"services are the values of {name}")
            body = {"size": 0, "query": {"bool": {"filter": [fields.window(start, end)]}},
                    "aggs": {"services": {"terms": {"field": name, "size": 1000}}}}
            found = self._searched(g, f"/{self._index}/_search?ignore_unavailable=true", body)
            counted = mapping(mapping(found.get("aggregations", {}), "aggregations").get("services", {}), "services")
            g.records += sorted(words(mapping(one, "a bucket").get("key")) for one in sequence(counted.get("buckets"), "buckets"))
            if counted.get("sum_other_doc_count"):
                g.gap("there are more than 1000 services")

        return self._gather(work)

    def _fields(self, g: Gathering[Any]) -> Mapped:
        if self._mapped is None:
            self._mapped = discover(self.web, g, self._index, self.entry)
        return self._mapped

    def _lines(self, g: Gathering[LogLine], query: LogQuery) -> None:
        fields = self._fields(g)
        wanted = conditions(g, fields, query)
        try:
            with self._point_in_time(g) as pit:
                for hit in self._hits(g, fields, wanted, pit, query):
                    line = self._line(fields, hit)
                    if not holds(line, query):
                        continue
                    if len(g.records) == query.limit:
                        g.gap(f"there are more lines than the limit of {query.limit}")
                        break
                    g.records.append(line)
        finally:
            g.records.sort(key=lambda line: line.time)

    @contextmanager
    def _point_in_time(self, g: Gathering[Any]) -> Iterator[str | None]:
        """A view that stays as it is while pages are read, where the server has that; None elsewhere."""
        pit = self._opened(g)
        try:
            yield pit
        finally:
            if pit is not None:
                self._closed(g, pit)

    def _opened(self, g: Gathering[Any]) -> str | None:
        open_search = self.kind == "opensearch"
        path = f"/{self._index}/_search/point_in_time" if open_search else f"/{self._index}/_pit"
        try:
            found = mapping(self.web.json(g, path, {"keep_alive": _KEEP}, method="POST"), "the answer")
        except Trouble as trouble:
            if trouble.code not in {400, 403, 404, 405}:
                raise
            g.note(f"read without a point in time ({trouble.code}): lines that come meanwhile may be in it")
            return None
        return words(found.get("pit_id") if open_search else found.get("id")) or None

    def _closed(self, g: Gathering[Any], pit: str) -> None:
        open_search = self.kind == "opensearch"
        body = {"pit_id": [pit]} if open_search else {"id": pit}
        try:
            self.web.json(g, "/_search/point_in_time" if open_search else "/_pit", body=body, method="DELETE")
        except Trouble:
            g.note(f"the point in time could not be closed; it ends by itself after {_KEEP}")

    def _hits(self, g: Gathering[Any], fields: Mapped, wanted: list[Any], pit: str | None, query: LogQuery) -> Iterator[Mapping[str, Any]]:
        """Hits in order, each once: by ``search_after`` where the sort decides, else by time with the seen ones left out."""
        low, high = query.start, query.end
        after: list[Any] | None = None
        seen: set[tuple[str, str]] = set()
        for _ in range(_MOST_PAGES):
            body = self._body(fields, [*wanted, fields.window(low, high)], pit, query, after)
            path = "/_search" if pit else f"/{self._index}/_search?ignore_unavailable=true"
            document = self._searched(g, path, body)
            pit = words(document.get("pit_id")) or pit
            hits = [mapping(one, "a hit") for one in sequence(mapping(document.get("hits"), "hits").get("hits"), "hits")]
            fresh = [hit for hit in hits if _ident(hit) not in seen]
            yield from fresh
            if len(hits) < body["size"]:
                return
            order = sequence(hits[-1].get("sort"), "sort")
            if len(order) > 1:
                after = order
                continue
            edge = fields.time_of(hits[-1])
            same = [hit for hit in hits if fields.time_of(hit) == edge]
            if not fresh:
                g.gap(f"more than {PAGE} lines have one and the same time: the rest of them cannot be read")
                edge, same = edge + (-1 if query.newest else 1), []
            seen = {_ident(hit) for hit in same} | (seen if (edge in {low, high - 1}) else set())
            low, high = (low, edge + 1) if query.newest else (edge, high)
        g.gap(f"after {_MOST_PAGES} pages no more were read")

    def _body(self, fields: Mapped, wanted: list[Any], pit: str | None, query: LogQuery, after: list[Any] | None) -> dict[str, Any]:
        name = fields.of("time")
        body: dict[str, Any] = {
            "size": PAGE, "track_total_hits": False, "query": {"bool": {"filter": wanted}},
            "sort": [{name: {"order": "desc" if query.newest else "asc", "format": _SORTED, "unmapped_type": "date"}}],
            "docvalue_fields": [{"field": name, "format": _SORTED}],
            "timeout": f"{max(1, int(self.web.limits.read * 0.8))}s",
        }
        if pit:
            body["pit"] = {"id": pit, "keep_alive": _KEEP}
        if after:
            body["search_after"] = after
        return body

    def _searched(self, g: Gathering[Any], path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A search's answer; what it says of shards and clusters that did not answer is a gap."""
        document = mapping(self.web.json(g, path, body=body, method="POST"), "the answer")
        if document.get("timed_out"):
            g.gap("the search ran out of its time: some lines were not looked at")
        shards = mapping(document.get("_shards", {}), "_shards")
        if failed := shards.get("failed"):
            g.gap(f"{words(failed)} of {words(shards.get('total'))} shards failed{_why(shards)}")
        clusters = mapping(document.get("_clusters") or {}, "_clusters")
        if away := [f"{clusters[name]} {name}" for name in ("skipped", "partial", "failed") if clusters.get(name)]:
            g.gap(f"of {words(clusters.get('total'))} clusters {', '.join(away)}")
        return document

    def _line(self, fields: Mapped, hit: Mapping[str, Any]) -> LogLine:
        source = mapping(hit.get("_source") or {}, "_source")
        known = flattened(source)
        text = next((known[name] for name in fields.messages() if known.get(name)), "") or json.dumps(source, ensure_ascii=False)
        roles = {role: next((known[n] for n in fields.names(role) if known.get(n)), "") for role in (
            "service", "namespace", "pod", "host", "level", "trace_id", "span_id")}
        rest = {name: value for name, value in known.items() if value != text}
        return LogLine(fields.time_of(hit), text, level_of(roles["level"]), roles["service"], roles["namespace"], roles["pod"],
                       roles["host"], roles["trace_id"], roles["span_id"], rest)


def _ident(hit: Mapping[str, Any]) -> tuple[str, str]:
    return words(hit.get("_index")), words(hit.get("_id"))


def _why(shards: Mapping[str, Any]) -> str:
    found = [mapping(mapping(one, "a failure").get("reason", {}), "a reason") for one in sequence(shards.get("failures"), "failures")]
    told = dict.fromkeys(words(one.get("reason")) or words(one.get("type")) for one in found)
    return f": {'; '.join(filter(None, told))[:300]}" if told else ""

"""Logs of Grafana Loki, through its HTTP API (``/loki/api/v1``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.sources import logql
from telemetry.sources.answers import Gathering, Trouble, integer, mapping, sequence, words
from telemetry.sources.config import Loki as LokiEntry
from telemetry.sources.naming import LABELS, level_of, pick
from telemetry.sources.protocols import Answer, LogLine, LogQuery
from telemetry.sources.remote import SECOND, Remote, quoted
from telemetry.sources.web import Params, Web

PAGE = 1_000
"""Lines of one request: servers take up to 5000 unless they are told otherwise."""
_MOST_PAGES = 2_000
_SPAN = 30 * 86_400 * SECOND
"""Loki refuses windows of more than 30 days and an hour (``max_query_length``)."""
_CATEGORIES = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
"""Asks for structured metadata apart from the labels of the stream."""
_Entry = tuple[int, str, tuple[tuple[str, str], ...]]


class LokiSource(Remote):
    """A Loki server or tenant."""

    probe = "/loki/api/v1/labels"

    def __init__(self, entry: LokiEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)
        self.entry = entry

    def lines(self, query: LogQuery) -> Answer[LogLine]:
        return self._gather(lambda g: self._lines(g, query))

    def services(self, start: int, end: int) -> Answer[str]:
        def work(g: Gathering[str]) -> None:
            known = self._labels(g, start, end)
            names = [self.entry.labels["service"]] if "service" in self.entry.labels else [n for n in LABELS["service"] if n in known][:3]
            found = {value for name in names for value in self._values(g, name, start, end)}
            g.records += sorted(found)
            g.note(f"services are the values of the labels {', '.join(names) or '(none)'}")

        return self._gather(work)

    def _lines(self, g: Gathering[LogLine], query: LogQuery) -> None:
        known = self._labels(g, query.start, query.end)
        found: list[_Entry] = []
        try:
            for selector in self._selectors(g, query, known):
                either = Counter[_Entry]()
                for wanted in logql.build(selector, query, self.entry.labels, known):
                    either |= Counter(self._window(g, wanted, query))
                found += either.elements()
        except Trouble as trouble:
            if not found:
                raise
            g.gap(trouble.what)
        finally:
            found.sort(key=lambda one: one[0])
            if len(found) > query.limit:
                g.gap(f"there are more lines than the limit of {query.limit}")
            kept = found[-query.limit:] if query.newest else found[:query.limit]
            g.records += [self._line(*one) for one in kept]

    def _selectors(self, g: Gathering[Any], query: LogQuery, known: list[str]) -> list[str]:
        """Stream selectors that together cover all streams that can hold such lines, none twice."""
        base = self.entry.selector
        matchers = logql.matchers(query, self.entry.labels, known)
        if query.service:
            return self._of_service(g, query, known, matchers)
        if base or matchers:
            return [logql.selector(base, matchers)]
        if not known:
            g.note("Loki has no labels in this window, so it has no lines")
            return []
        return self._everything(g, query, known)

    def _of_service(self, g: Gathering[Any], query: LogQuery, known: list[str], matchers: list[str]) -> list[str]:
        base, given = self.entry.selector, self.entry.labels.get("service")
        for name in [given] if given else [n for n in LABELS["service"] if n in known]:
            if query.service in self._values(g, name, query.start, query.end):
                g.note(f"the service is the label {name}")
                return [logql.selector(base, [f"{name}={quoted(query.service)}", *matchers])]
        g.note(f"no label of a stream names the service {query.service!r}: structured metadata was searched")
        return [logql.selector(base, matchers)] if base or matchers else self._everything(g, query, known)

    def _everything(self, g: Gathering[Any], query: LogQuery, known: list[str]) -> list[str]:
        """The commonest label with any value, and what lacks it: Loki takes no selector that matches all."""
        order = sorted(known, key=lambda name: (name not in LABELS["service"][:2], name not in {"job", "filename", "namespace"}, name))
        first, rest = order[0], [f'{{{order[0]}="",{name}=~".+"}}' for name in order[1:20]]
        if not rest:
            return [f'{{{first}=~".+"}}']
        params: Params = {"match[]": rest, **_bounds(query.start, query.end)}
        document = mapping(self.web.json(g, "/loki/api/v1/series", params), "the answer")
        lacking = [mapping(one, "a series") for one in sequence(document.get("data"), "data")]
        named = list(dict.fromkeys(next((n for n in order[1:] if n in one), "") for one in lacking))
        found, before = [f'{{{first}=~".+"}}'], [f'{first}=""']
        for name in filter(None, named):
            found.append("{" + ",".join([*before, f'{name}=~".+"']) + "}")
            before.append(f'{name}=""')
        return found

    def _window(self, g: Gathering[Any], wanted: str, query: LogQuery) -> list[_Entry]:
        """One more than the limit at most, so that it is known whether there are more."""
        cuts = [*range(query.start, query.end, _SPAN), query.end]
        parts = list(zip(cuts, cuts[1:], strict=False))
        found: list[_Entry] = []
        for low, high in reversed(parts) if query.newest else parts:
            try:
                for one in self._pages(g, wanted, low * 1000, high * 1000, newest=query.newest):
                    found.append(one)
                    if len(found) > query.limit:
                        return found
            except Trouble as trouble:
                if not found:
                    raise
                g.gap(trouble.what)
                return found
        return found

    def _pages(self, g: Gathering[Any], wanted: str, low: int, high: int, *, newest: bool) -> Iterator[_Entry]:
        """Page by page by time; lines of the instant where a page ended are asked for again, and each counted once."""
        page, seen = PAGE, Counter[_Entry]()
        for _ in range(_MOST_PAGES):
            try:
                got = self._page(g, wanted, low, high, page, newest=newest)
            except Trouble as trouble:
                smaller = _allowed(trouble.said)
                if smaller is None or smaller >= page:
                    raise
                page = smaller
                continue
            left = Counter(seen)
            for one in got:
                if left[one]:
                    left[one] -= 1
                else:
                    yield one
            if len(got) < page:
                return
            edge = got[-1][0]
            if got[0][0] == edge:
                g.gap(f"more than {page} lines have one and the same time: the rest of them cannot be read")
                edge, seen = edge + (-1 if newest else 1), Counter()
            else:
                seen = Counter(one for one in got if one[0] == edge)
            low, high = (low, edge + 1) if newest else (edge, high)
            if low >= high:
                return
        g.gap(f"after {_MOST_PAGES} pages no more were read")

    def _page(self, g: Gathering[Any], wanted: str, low: int, high: int, page: int, *, newest: bool) -> list[_Entry]:
        params: Params = {"query": wanted, "start": low, "end": high, "limit": page, "direction": "backward" if newest else "forward"}
        document = mapping(self.web.json(g, "/loki/api/v1/query_range", params, headers=_CATEGORIES), "the answer")
        if document.get("status") != "success":
            raise Trouble(f"Loki's status is {words(document.get('status'))!r}")
        for warning in sequence(document.get("warnings"), "warnings"):
            g.gap(f"Loki warns: {words(warning)[:300]}")
        data = mapping(document.get("data"), "data")
        if data.get("resultType") != "streams":
            raise Trouble(f"Loki gave {words(data.get('resultType'))!r} instead of streams")
        found = [entry for stream in sequence(data.get("result"), "result") for entry in _entries(mapping(stream, "a stream"))]
        return sorted((one for one in found if low <= one[0] < high), key=lambda one: one[0], reverse=newest)

    def _line(self, nanos: int, text: str, pairs: tuple[tuple[str, str], ...]) -> LogLine:
        known, given = dict(pairs), self.entry.labels
        roles = {role: pick(role, known, given, LABELS) for role in LABELS}
        return LogLine(
            nanos // 1000, text, level_of(roles["level"]), roles["service"], roles["namespace"], roles["pod"], roles["host"],
            roles["trace_id"], roles["span_id"], known)

    def _labels(self, g: Gathering[Any], start: int, end: int) -> list[str]:
        document = mapping(self.web.json(g, "/loki/api/v1/labels", _bounds(start, end)), "the answer")
        return [words(one) for one in sequence(document.get("data"), "data") if not words(one).startswith("__")]

    def _values(self, g: Gathering[Any], name: str, start: int, end: int) -> list[str]:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise Trouble(f"{name!r} cannot be a label of Loki", remedy="correct labels in the configuration")
        document = mapping(self.web.json(g, f"/loki/api/v1/label/{name}/values", _bounds(start, end)), "the answer")
        return [words(one) for one in sequence(document.get("data"), "data")]


def _bounds(start: int, end: int) -> dict[str, int]:
    return {"start": start * 1000, "end": end * 1000}


def _allowed(said: str) -> int | None:
    """The most lines of a page that a server allows, from its refusal."""
    found = re.search(r"max entries limit.*?>\s*(\d+)", said) or re.search(r"max_entries_limit.*?(\d+)\D*$", said)
    return int(found[1]) if found and int(found[1]) > 0 else None


def _entries(stream: Mapping[str, Any]) -> Iterator[_Entry]:
    labels = {str(k): words(v) for k, v in mapping(stream.get("stream"), "a stream's labels").items()}
    for value in sequence(stream.get("values"), "a stream's values"):
        parts = sequence(value, "a line")
        if len(parts) < 2 or not isinstance(parts[1], str):
            raise Trouble("the answer is not what was asked for: a line is not [time, text]")
        more = mapping(parts[2], "a line's metadata") if len(parts) > 2 else {}
        groups = [more[name] for name in ("structuredMetadata", "parsed") if isinstance(more.get(name), dict)] or [more]
        own = {str(k): words(v) for group in groups for k, v in group.items() if not isinstance(v, dict | list)}
        yield integer(parts[0], "a line's time"), parts[1], tuple(sorted({**labels, **own}.items()))

"""Metrics of servers with Prometheus' HTTP API (``/api/v1``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from telemetry.records import MetricKind
from telemetry.sources import promql
from telemetry.sources.answers import Gathering, Trouble, clean, mapping, sequence, words
from telemetry.sources.config import Prometheus as PrometheusEntry
from telemetry.sources.matrices import Matrix
from telemetry.sources.naming import LABELS
from telemetry.sources.protocols import Answer, Exemplar, MetricName, MetricQuery, MetricSeries, View
from telemetry.sources.remote import SECOND, Remote
from telemetry.sources.web import Params, Web

_KINDS: Mapping[str, MetricKind] = {
    "counter": "sum", "gauge": "gauge", "histogram": "histogram", "gaugehistogram": "histogram", "summary": "summary", "info": "gauge",
    "stateset": "gauge"}
_COUNTER = re.compile(r"_(total|count|sum|bucket|created)$")
_WIDER = 5
"""How much wider rates look when nothing was sampled twice within four scrapes."""


class PrometheusSource(Remote):
    """A Prometheus-compatible server or tenant."""

    probe = "/api/v1/labels"

    def __init__(self, entry: PrometheusEntry, web: Web) -> None:
        super().__init__(entry.name, entry.kind, web)
        self.entry = entry

    def series(self, query: MetricQuery) -> Answer[MetricSeries]:
        return self._gather(lambda g: self._series(g, query))

    def metrics(self, start: int, end: int, words: str = "") -> Answer[MetricName]:
        def work(g: Gathering[MetricName]) -> None:
            names = self._data(g, "/api/v1/label/__name__/values", _bounds(start, end))
            found = sorted(name for one in sequence(names, "data") if words.lower() in (name := str(one)).lower())
            about = self._metadata(g, "")
            g.records += [self._named(name, about) for name in found]

        return self._gather(work)

    def label_sets(self, query: MetricQuery) -> Answer[Mapping[str, str]]:
        def work(g: Gathering[Mapping[str, str]]) -> None:
            found = self._known(g, query, self._matches(g, query))
            if len(found) > query.limit:
                g.gap(f"there are more series than the limit of {query.limit}")
            g.records += [{k: v for k, v in one.items() if k != "__name__"} for one in found[:query.limit]]

        return self._gather(work)

    def exemplars(self, query: MetricQuery) -> Answer[Exemplar]:
        def work(g: Gathering[Exemplar]) -> None:
            found = []
            for name in dict.fromkeys((query.metric, f"{query.metric}_bucket")):
                for expression in self._matches(g, replace(query, metric=name)):
                    params = {"query": expression, **_bounds(query.start, query.end)}
                    found += _exemplars(sequence(self._data(g, "/api/v1/query_exemplars", params), "data"))
            inside = {(one.time, one.trace_id, one.span_id, one.value): one for one in found if query.start <= one.time < query.end}
            g.records += sorted(inside.values(), key=lambda one: one.time)[:query.limit]
            if len(inside) > query.limit:
                g.gap(f"there are more exemplars than the limit of {query.limit}")

        return self._gather(work)

    def _series(self, g: Gathering[MetricSeries], query: MetricQuery) -> None:
        named = self._named(query.metric, self._metadata(g, query.metric))
        names = self._names(g, query)
        classic = query.metric not in names and f"{query.metric}_bucket" in names
        kind, view = named.kind, query.view
        if not kind:
            kind = "histogram" if classic else "sum" if _COUNTER.search(query.metric) else "gauge"
            if names:
                g.note(f"the server does not say of what kind {query.metric} is: taken for a {kind} by its name")
        raw: list[MetricSeries] | None = None
        if not classic and (kind == "histogram" or not named.kind):
            raw = self._ranged(g, query, "raw", "raw", kind, named.unit)
            native = any(one.distributions for one in raw)
            kind = "histogram" if native else "gauge" if kind == "histogram" else kind
        view = view or ("rate" if kind == "sum" else "quantile" if kind == "histogram" else "raw")
        form = "classic" if classic else "native" if kind == "histogram" else "raw"
        found = raw if raw is not None and view == "raw" else self._ranged(g, query, view, form, kind, named.unit)
        if len(found) > query.limit:
            g.gap(f"there are more series than the limit of {query.limit}")
        g.records += found[:query.limit]

    def _ranged(self, g: Gathering[Any], query: MetricQuery, view: View, form: str, kind: MetricKind, unit: str) -> list[MetricSeries]:
        """Evaluate over the window. A rate without points is tried once more over a wider stretch."""
        step = promql.step_of(query, self.entry.scrape_seconds)
        width = max(4 * self.entry.scrape_seconds, step)
        for wide in (width, width * _WIDER) if view != "raw" else (width,):
            expression = self._expression(g, query, view, form, wide)
            matrix = Matrix(query.metric, kind, view, unit)
            for first, last in promql.pieces(query.start, query.end, step):
                params: Params = {"query": expression, "start": promql.second(first), "end": promql.second(last), "step": promql.duration(step)}
                try:
                    data = mapping(self._data(g, "/api/v1/query_range", params, form=True), "data")
                except Trouble as trouble:
                    if matrix.empty:
                        raise
                    g.gap(trouble.what)
                    break
                matrix.add(data)
            if not matrix.empty or view == "raw":
                break
            g.note(f"within {wide:g} s nothing was sampled twice")
        if matrix.dropped:
            g.note(f"{matrix.dropped} values are not numbers (NaN or infinite) and were left out")
        return matrix.series()

    def _expression(self, g: Gathering[Any], query: MetricQuery, view: View, form: str, width: float) -> str:
        """The PromQL of a view. Rates see to resets of counters."""
        over = promql.duration(width)

        def rate(suffix: str = "") -> str:
            """``or`` joins whole rates, since a range needs one selector."""
            return " or ".join(f"rate({one}[{over}])" for one in self._matches(g, replace(query, metric=query.metric + suffix)))

        if view == "raw":
            return " or ".join(self._matches(g, replace(query, metric=query.metric + ("_count" if form == "classic" else ""))))
        if view == "rate":
            return f"histogram_count({rate()})" if form == "native" else rate("_count" if form == "classic" else "")
        if view == "mean":
            if form == "native":
                return f"histogram_sum({rate()}) / histogram_count({rate()})"
            return f"({rate('_sum')}) / ({rate('_count')})" if form == "classic" else " or ".join(
                f"avg_over_time({one}[{over}])" for one in self._matches(g, query))
        if form == "raw":
            return " or ".join(f"quantile_over_time({query.quantile:g}, {one}[{over}])" for one in self._matches(g, query))
        return f"histogram_quantile({query.quantile:g}, {rate('_bucket' if form == 'classic' else '')})"

    def _matches(self, g: Gathering[Any], query: MetricQuery) -> list[str]:
        """Selectors of the metric; with a service one for each label that may hold it."""
        if not query.service:
            return [promql.selector(query.metric, query.labels)]
        given = self.entry.labels.get("service")
        names = [given] if given else [n for n in LABELS["service"] if n in self._label_names(g, query)]
        if not names:
            raise Trouble(f"no label of {query.metric} can name a service", status="not_assessed",
                          remedy="name the label as labels.service in the configuration")
        return [promql.selector(query.metric, {**query.labels, name: query.service}) for name in names]

    def _label_names(self, g: Gathering[Any], query: MetricQuery) -> set[str]:
        params: Params = {"match[]": [promql.selector(query.metric, query.labels)], **_bounds(query.start, query.end)}
        return {words(one) for one in sequence(self._data(g, "/api/v1/labels", params), "data")} or set(LABELS["service"])

    def _names(self, g: Gathering[Any], query: MetricQuery) -> set[str]:
        """Which of the metric and its buckets there are."""
        matches = [promql.selector(name, query.labels) for name in (query.metric, f"{query.metric}_bucket")]
        found = self._data(g, "/api/v1/label/__name__/values", {"match[]": matches, **_bounds(query.start, query.end)})
        return {words(one) for one in sequence(found, "data")}

    def _known(self, g: Gathering[Any], query: MetricQuery, matches: Sequence[str]) -> list[dict[str, str]]:
        params: Params = {"match[]": list(dict.fromkeys(matches)), "limit": query.limit + 1, **_bounds(query.start, query.end)}
        found = sequence(self._data(g, "/api/v1/series", params), "data")
        return [{str(k): words(v) for k, v in mapping(one, "a series").items()} for one in found]

    def _metadata(self, g: Gathering[Any], metric: str) -> Mapping[str, Any]:
        """What the server was told of its metrics; nothing where it keeps none."""
        try:
            return mapping(self._data(g, "/api/v1/metadata", {"metric": metric} if metric else {}), "metadata")
        except Trouble as trouble:
            if trouble.code not in {400, 404, 405, 501}:
                raise
            return {}

    def _named(self, name: str, about: Mapping[str, Any]) -> MetricName:
        found = sequence(about.get(name) or about.get(re.sub(r"_(bucket|count|sum)$", "", name)), "metadata")
        one = mapping(found[0], "metadata") if found else {}
        kind = _KINDS.get(words(one.get("type")))
        if name not in about and kind in {"histogram", "summary"}:
            kind = "sum"  # the parts of a histogram count
        assert kind is None or kind in get_args(MetricKind)  # noqa: S101 - the table holds kinds only
        return MetricName(name, kind or "", words(one.get("unit")), clean(one.get("help") or "", 200))

    def _data(self, g: Gathering[Any], path: str, params: Params, *, form: bool = False) -> Any:
        """What stands under ``data``; warnings and infos make the answer partial. Raises Trouble for an error."""
        if form:
            answer = mapping(self.web.document(self.web.ask(g, path, params, method="POST", form=True, headers={"Accept": "application/json"})), "the answer")
        else:
            answer = mapping(self.web.json(g, path, params), "the answer")
        if answer.get("status") != "success":
            raise Trouble(f"the server says: {clean(answer.get('error') or answer.get('status') or 'nothing', 300)}")
        for name in ("warnings", "infos"):
            for said in sequence(answer.get(name), name):
                g.gap(f"the server's {name.removesuffix('s')}: {clean(said, 300)}")
        return answer.get("data")


def _bounds(start: int, end: int) -> dict[str, str | int | list[str]]:
    """Both ends count for the API, so the last microsecond is left out."""
    return {"start": promql.second(start), "end": promql.second(max(start, end - 1))}


def _exemplars(data: Sequence[Any]) -> list[Exemplar]:
    found = []
    for one in data:
        entry = mapping(one, "a series")
        labels = {str(k): words(v) for k, v in mapping(entry.get("seriesLabels") or {}, "seriesLabels").items()}
        metric = labels.pop("__name__", "")
        for item in sequence(entry.get("exemplars"), "exemplars"):
            exemplar = mapping(item, "an exemplar")
            own = {str(k): words(v) for k, v in mapping(exemplar.get("labels") or {}, "labels").items()}
            trace = next((own[name] for name in LABELS["trace_id"] if own.get(name)), "")
            span = next((own[name] for name in LABELS["span_id"] if own.get(name)), "")
            if trace:
                time = round(float(words(exemplar.get("timestamp")) or 0) * SECOND)
                found.append(Exemplar(metric, labels, time, float(words(exemplar.get("value")) or 0), trace, span))
    return found

"""Series of a server as metric points of the store; the parts of a classic histogram become one again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from telemetry.records import Distribution, MetricKind, MetricPoint
from telemetry.sources.naming import LABELS, pick
from telemetry.sources.protocols import MetricName, MetricQuery, MetricSeries, MetricSource

_PARTS = ("_bucket", "_sum", "_count")
_Key = tuple[tuple[str, str], ...]
_UNITS: Mapping[str, str] = {"seconds": "s", "bytes": "By", "ratio": "1", "percent": "%", "milliseconds": "ms"}


def bases(names: Sequence[MetricName]) -> list[MetricName]:
    """The metrics to fetch: the parts of a classic histogram are one, named without its ending."""
    known = {one.name for one in names}
    whole = {name.removesuffix("_bucket") for name in known if name.endswith("_bucket")}
    found = {one.name: one for one in names if not any(one.name.removesuffix(end) in whole for end in _PARTS if one.name.endswith(end))}
    found |= {name: MetricName(name, "histogram", _unit(name)) for name in whole if name not in found}
    return [found[name] for name in sorted(found)]


def sample(source: MetricSource, metric: MetricName, query: MetricQuery, given: Mapping[str, str]) -> tuple[list[MetricPoint], str]:
    """The points of a metric at the steps of ``query``, and why they are not all; empty when they are."""
    classic = metric.kind == "histogram"
    if not classic:
        answer = source.series(replace(query, metric=metric.name, view="raw"))
        return [point for one in answer.records for point in points(metric, one, given)], answer.reason
    parts: dict[str, Sequence[MetricSeries]] = {}
    reasons = []
    for end in _PARTS:
        answer = source.series(replace(query, metric=metric.name + end, view="raw"))
        parts[end] = answer.records
        reasons.append(answer.reason)
    if not parts["_bucket"]:  # a native one
        answer = source.series(replace(query, metric=metric.name, view="raw"))
        return [point for one in answer.records for point in points(metric, one, given)], answer.reason
    return list(_joined(metric, parts, given)), "; ".join(filter(None, reasons))


def points(metric: MetricName, series: MetricSeries, given: Mapping[str, str]) -> Iterator[MetricPoint]:
    """The points of one series."""
    origin, rest = _origin(series.labels, given)
    kind: MetricKind = "histogram" if series.distributions else metric.kind or series.kind
    counts = kind == "sum" or bool(series.distributions)
    for at, (time, value) in enumerate(zip(series.times.tolist(), series.values.tolist(), strict=True)):
        yield MetricPoint(
            series.metric, time, value, kind if kind != "summary" else "gauge", metric.unit or _unit(series.metric),
            "cumulative" if counts else "", monotonic=counts, service=origin["service"], pod=origin["pod"], node=origin["host"], attributes=rest,
            distribution=series.distributions[at] if series.distributions else None)


def _joined(metric: MetricName, parts: Mapping[str, Sequence[MetricSeries]], given: Mapping[str, str]) -> Iterator[MetricPoint]:
    """Points of a classic histogram: cumulative buckets by bound, with their sum."""
    buckets: dict[_Key, dict[int, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
    for one in parts["_bucket"]:
        key = tuple(sorted((k, v) for k, v in one.labels.items() if k != "le"))
        try:
            bound = float(one.labels.get("le", ""))
        except ValueError:
            continue
        for time, value in zip(one.times.tolist(), one.values.tolist(), strict=True):
            buckets[key][time][bound] = value
    sums = {tuple(sorted(one.labels.items())): dict(zip(one.times.tolist(), one.values.tolist(), strict=True)) for one in parts["_sum"]}
    for key, by_time in buckets.items():
        origin, rest = _origin(dict(key), given)
        for time, steps in sorted(by_time.items()):
            total = sums.get(key, {}).get(time)
            spread = _distribution(steps, total)
            mean = total / spread.count if total is not None and spread.count else 0.0
            yield MetricPoint(metric.name, time, mean, "histogram", metric.unit or _unit(metric.name), "cumulative", monotonic=True,
                              service=origin["service"], pod=origin["pod"], node=origin["host"], attributes=rest, distribution=spread)


def _distribution(steps: Mapping[float, float], total: float | None) -> Distribution:
    bounds = sorted(steps)
    whole = [steps[bound] for bound in bounds]
    counts = [max(0, round(now - before)) for before, now in zip([0.0, *whole], whole, strict=False)]
    finite = tuple(bound for bound in bounds if bound != float("inf"))
    return Distribution(sum(counts), total, finite, tuple(counts if len(counts) > len(finite) else [*counts, 0]))


def _origin(labels: Mapping[str, str], given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Service, pod and host of a series, and its other labels."""
    found = {role: pick(role, labels, given, LABELS) for role in ("service", "pod", "host")}
    used = set(found.values())
    return found, {name: value for name, value in labels.items() if value not in used or not any(name in LABELS[role] for role in found)}


def _unit(name: str) -> str:
    """The unit that a name ends in, as Prometheus' conventions have it."""
    last = name.removesuffix("_total").rpartition("_")[2]
    return _UNITS.get(last, "")

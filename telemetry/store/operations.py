"""One function per operation of a :class:`telemetry.models.Query`: SQL out, typed result back."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from telemetry.errors import QueryError
from telemetry.models import LEVELS, Query, Result, Window
from telemetry.store.bindings import numeric_sql
from telemetry.store.selection import micros

_NICE = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 10800, 21600, 86400, 604800, 2592000)
MAX_BUCKETS = 20_000
_ALL = 1_000_000


class Runner(Protocol):
    """What an operation needs of the reader."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...
    def total(self, query: Query, *, base: bool = False) -> int: ...
    def source(self, query: Query) -> str: ...
    def condition(self, query: Query) -> str: ...
    def values(self, ref: str) -> list[str]: ...
    def template_of(self, key: int) -> str: ...
    def pattern_of(self, template: str) -> str: ...
    def extent(self) -> tuple[int, int] | None: ...


def count(run: Runner, query: Query) -> Result:
    if not query.group_by:
        return Result(kind="scalar", value=run.total(query))
    return _grouped(run, query, "count(*)", ["count"])


def distinct(run: Runner, query: Query) -> Result:
    if query.group_by:
        return _grouped(run, query, "count(DISTINCT v)", ["distinct"])
    sql = f"SELECT count(DISTINCT v) FROM ({_valued(run, query)})"
    return Result(kind="scalar", value=_scalar(run, sql))


def top(run: Runner, query: Query) -> Result:
    if query.field in {None, "template"}:
        return _top_templates(run, query)
    way = "ASC" if query.order == "asc" else "DESC"
    rows = run.rows(
        f"SELECT v, count(*) n FROM ({_valued(run, query)}) WHERE v IS NOT NULL "
        f"GROUP BY v ORDER BY n {way}, v LIMIT {query.limit}"
    )
    return Result(kind="table", columns=[_label(query.field), "count"], rows=[list(r) for r in rows])


def _top_templates(run: Runner, query: Query) -> Result:
    counts: dict[str, int] = defaultdict(int)
    for key, n in run.rows(f"SELECT key_id, count(*) FROM {_from(run, query)} GROUP BY 1"):
        counts[run.template_of(key)] += n
    sign = 1 if query.order == "asc" else -1
    ordered = sorted(counts.items(), key=lambda x: (sign * x[1], x[0]))[: query.limit]
    rows = [[t, run.pattern_of(t), n] for t, n in ordered]
    return Result(kind="table", columns=["template", "pattern", "count"], rows=rows)


def share(run: Runner, query: Query) -> Result:
    if query.group_by:
        return _share_by(run, query)
    if query.field is None:
        whole = run.total(query, base=True)
        return Result(kind="scalar", value=run.total(query) / whole if whole else None)
    counted = top(run, query.model_copy(update={"limit": _ALL}))
    rows = counted.rows or []
    total = sum(r[-1] for r in rows)
    rows = [[*r, r[-1] / total] for r in rows[: query.limit]]
    return Result(kind="table", columns=[*(counted.columns or []), "share"], rows=rows)


def _share_by(run: Runner, query: Query) -> Result:
    """Per group: matching records, all records of the base, and their ratio; highest ratio first."""
    everything = query.model_copy(update={"filters": query.base_filters})
    part = {tuple(r[:-1]): r[-1] for r in _grouped(run, query, "count(*)", ["count"], _ALL).rows or []}
    whole = {tuple(r[:-1]): r[-1] for r in _grouped(run, everything, "count(*)", ["count"], _ALL).rows or []}
    rows = [[*group, part.get(group, 0), total, part.get(group, 0) / total] for group, total in whole.items()]
    rows.sort(key=lambda r: (-r[-1], str(r[:-3])))
    columns = [*map(_label, query.group_by), "count", "of", "share"]
    return Result(kind="table", columns=columns, rows=rows)


def stats(run: Runner, query: Query) -> Result:
    wanted = query.stats or ("min", "mean", "p50", "p95", "max", "count")
    aggregates = ", ".join(_aggregate(s) for s in wanted)
    inner = _valued(run, query, numeric=True, extra=query.group_by)
    if query.group_by:
        groups = ", ".join(f"g{i}" for i in range(len(query.group_by)))
        named = " AND ".join(f"g{i} IS NOT NULL" for i in range(len(query.group_by)))
        rows = run.rows(
            f"SELECT {groups}, {aggregates}, count(v) n FROM ({inner}) WHERE isfinite(v) AND {named} GROUP BY {groups} "
            f"ORDER BY {len(query.group_by) + 1} {query.order} LIMIT {query.limit}"
        )
        columns = [*(_label(g) for g in query.group_by), *wanted]
        return Result(kind="table", columns=columns, rows=[list(r[:-1]) for r in rows])
    row = run.rows(f"SELECT {aggregates} FROM ({inner}) WHERE isfinite(v)")[0]
    if len(wanted) == 1:
        return Result(kind="scalar" if row[0] is not None else "none", value=row[0])
    return Result(kind="table", columns=["stat", "value"], rows=[list(x) for x in zip(wanted, row, strict=True)])


def _aggregate(stat: str) -> str:
    if stat.startswith("p"):
        return f"quantile_cont(v, {Decimal(stat[1:]) / 100})"
    return {"mean": "avg(v)", "count": "count(v)"}.get(stat, f"{stat}(v)")


def trend(run: Runner, query: Query) -> Result:
    source = _from(run, query)
    low, high = run.rows(f"SELECT min(epoch_us(ts)), max(epoch_us(ts)) FROM {source}")[0]
    if low is None:
        return Result(kind="none")
    first = micros(query.window.start) if query.window.start else low
    last = micros(query.window.end) - 1 if query.window.end else high
    seconds = query.bucket or _nice((last - first) / 1e6 / 48)
    while (last - first) / 1e6 / seconds > MAX_BUCKETS:
        seconds = _nice(seconds * 2)
    step = seconds * 1_000_000
    refs = [ref for ref in query.group_by if ref != "time"]
    groups = "".join(f"{_group(run, ref, query)} g{i}, " for i, ref in enumerate(refs))
    found = run.rows(
        f"SELECT {groups}epoch_us(ts) // {step} b, count(*) n FROM {source} AND ts IS NOT NULL GROUP BY ALL"
    )
    series: dict[tuple[Any, ...], dict[int, int]] = defaultdict(dict)
    for *group, bucket, n in found:
        series[tuple(group)][bucket] = n
    commonest = sorted(series, key=lambda g: (-sum(series[g].values()), str(g)))
    buckets = range(first // step, last // step + 1)
    rows = [
        [*group, _iso(b * step), series[group].get(b, 0)]
        for group in (commonest[: query.limit] if refs else commonest) for b in buckets
    ]
    return Result(kind="series", columns=[*map(_label, refs), "time", "count"], rows=rows)


def gaps(run: Runner, query: Query) -> Result:
    rows = run.rows(
        "SELECT a, b, (b - a) / 1e6 FROM (SELECT epoch_us(ts) b, lag(epoch_us(ts)) OVER (ORDER BY ts) a "
        f"FROM {_from(run, query)} AND ts IS NOT NULL) WHERE a IS NOT NULL AND b > a "
        f"ORDER BY b - a DESC, a LIMIT {query.limit}"
    )
    table = [[_iso(a), _iso(b), seconds] for a, b, seconds in rows]
    return Result(kind="table" if table else "none", columns=["start", "end", "seconds"], rows=table)


def compare(run: Runner, query: Query) -> Result:
    if query.baseline is None:
        raise QueryError("a comparison needs a baseline window", where="query", remedy="give both windows")
    after = _per_template(run, query)
    before = _per_template(run, query.model_copy(update={"window": query.baseline}))
    scale = _length(run, query.window) / _length(run, query.baseline)
    rows: list[tuple[float, list[Any]]] = []
    for template in after.keys() | before.keys():
        b, a = before.get(template, 0), after.get(template, 0)
        row = [template, run.pattern_of(template), b, a, _change(b * scale, a)]
        rows.append((abs(math.sqrt(a) - math.sqrt(b * scale)), row))
    rows.sort(key=lambda r: (-r[0], r[1][0]))
    table = [row for _, row in rows if row[4] != "same"][: query.limit]
    return Result(kind="table", columns=["template", "pattern", "before", "after", "change"], rows=table)


def _length(run: Runner, window: Window) -> float:
    """Seconds of a window; an open side is where the data begins or ends."""
    low, high = run.extent() or (0, 0)
    start = micros(window.start) if window.start else low
    end = micros(window.end) if window.end else high + 1
    return max(end - start, 1) / 1e6


def _change(expected: float, after: int) -> str:
    if not expected:
        return "new"
    if not after:
        return "gone"
    if abs(math.sqrt(after) - math.sqrt(expected)) < 0.5:
        return "same"
    return f"up x{after / expected:.1f}" if after > expected else f"down x{expected / after:.1f}"


def _per_template(run: Runner, query: Query) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for key, n in run.rows(f"SELECT key_id, count(*) FROM {_from(run, query)} GROUP BY 1"):
        counts[run.template_of(key)] += n
    return counts


def cooccur(run: Runner, query: Query) -> Result:
    step = (query.bucket or 60) * 1_000_000
    bare = query.model_copy(update={"filters": ()})
    near = (
        f"SELECT DISTINCT epoch_us(ts) // {step} b FROM {_from(run, query)} AND ts IS NOT NULL"
    )
    everything = _from(run, bare)
    sql = (
        f"SELECT key_id, count(*) FILTER (epoch_us(ts) // {step} IN ({near})), count(*) "
        f"FROM {everything} AND ts IS NOT NULL AND NOT coalesce(({run.condition(query)}), false) GROUP BY 1"
    )
    together: dict[str, int] = defaultdict(int)
    overall: dict[str, int] = defaultdict(int)
    for key, n, total in run.rows(sql):
        together[run.template_of(key)] += n
        overall[run.template_of(key)] += total
    near_all, all_all = sum(together.values()), sum(overall.values())
    lifts = {t: (n / near_all) / (overall[t] / all_all) for t, n in together.items() if n}
    ordered = sorted(lifts, key=lambda t: (-together[t] * min(lifts[t], 3), t))[: query.limit]
    table = [[t, run.pattern_of(t), together[t], lifts[t]] for t in ordered]
    return Result(kind="table", columns=["template", "pattern", "together", "lift"], rows=table)


def templates(run: Runner, query: Query) -> Result:
    found: dict[str, _Extent] = {}
    sql = f"SELECT key_id, count(*), min(epoch_us(ts)), max(epoch_us(ts)) FROM {_from(run, query)} GROUP BY 1"
    for key, n, low, high in run.rows(sql):
        found.setdefault(run.template_of(key), _Extent()).add(n, low, high)
    ordered = sorted(found.items(), key=lambda x: (-x[1].count, x[0]))[: query.limit]
    rows = [[t, run.pattern_of(t), e.count, _iso(e.first), _iso(e.last)] for t, e in ordered]
    return Result(kind="table", columns=["template", "pattern", "count", "first", "last"], rows=rows)


def summary(run: Runner, query: Query) -> Result:
    found: dict[tuple[str, str | None], _Extent] = {}
    sql = (
        "SELECT key_id, level, count(*), min(epoch_us(ts)), max(epoch_us(ts)) "
        f"FROM {_from(run, query)} GROUP BY 1, 2"
    )
    for key, level, n, low, high in run.rows(sql):
        found.setdefault((run.template_of(key), level), _Extent()).add(n, low, high)
    ordered = sorted(found.items(), key=lambda x: (-_severity(x[0][1]), -x[1].count, x[0][0]))[: query.limit]
    rows = [[t, run.pattern_of(t), level, e.count, _iso(e.first), _iso(e.last)] for (t, level), e in ordered]
    columns = ["template", "pattern", "level", "count", "first", "last"]
    return Result(kind="table", columns=columns, rows=rows)


@dataclass(slots=True)
class _Extent:
    """How many records, and their first and last known time (µs)."""

    count: int = 0
    first: int | None = None
    last: int | None = None

    def add(self, n: int, low: int | None, high: int | None) -> None:
        self.count += n
        if low is not None:
            self.first = low if self.first is None else min(self.first, low)
        if high is not None:
            self.last = high if self.last is None else max(self.last, high)


def _severity(level: str | None) -> int:
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("info")


def _grouped(run: Runner, query: Query, aggregate: str, names: Sequence[str], most: int = 1000) -> Result:
    inner = _valued(run, query, extra=query.group_by)
    groups = ", ".join(f"g{i}" for i in range(len(query.group_by)))
    rows = run.rows(
        f"SELECT {groups}, {aggregate} n FROM ({inner}) GROUP BY {groups} "
        f"ORDER BY n {query.order}, {groups} LIMIT {max(query.limit, most)}"
    )
    return Result(kind="table", columns=[*map(_label, query.group_by), *names], rows=[list(r) for r in rows])


def _valued(run: Runner, query: Query, *, numeric: bool = False, extra: Sequence[str] = ()) -> str:
    """A subquery with one row per record and distinct value: columns v, g0, g1 …"""
    values = run.values(query.field) if query.field and query.field != "time" else ["NULL"]
    groups = "".join(f", {_group(run, ref, query)} g{i}" for i, ref in enumerate(extra))
    names = "".join(f", g{i}" for i in range(len(extra)))
    value = values[0] if len(values) == 1 else f"unnest(list_distinct([{', '.join(values)}]))"
    inner = f"SELECT {value} v{groups} FROM {_from(run, query)}"
    # A number is read from the named column: written out, the expression would be worked out once per use.
    return f"SELECT {numeric_sql('v')} v{names} FROM ({inner})" if numeric else inner


def _group(run: Runner, ref: str, query: Query) -> str:
    if ref == "time":
        step = (query.bucket or 3600) * 1_000_000
        return f"strftime(make_timestamp((epoch_us(ts) // {step}) * {step}), '%Y-%m-%dT%H:%M:%SZ')"
    values = run.values(ref)
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _from(run: Runner, query: Query) -> str:
    """``FROM`` text that always ends in a WHERE clause, so that callers may add AND."""
    return f"{run.source(query)} WHERE {run.condition(query)}"


def _scalar(run: Runner, sql: str) -> int:
    return int(run.rows(sql)[0][0])


def _label(ref: str | None) -> str:
    return (ref or "value").removeprefix("param:")


def _iso(micros: int | None) -> str | None:
    if micros is None:
        return None
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return when.isoformat().replace("+00:00", "Z")


def _nice(seconds: float) -> int:
    return next((n for n in _NICE if n >= seconds), _NICE[-1])


OPERATIONS: dict[str, Callable[[Runner, Query], Result]] = {
    "count": count, "distinct": distinct, "top": top, "share": share, "stats": stats, "trend": trend,
    "gaps": gaps, "compare": compare, "cooccur": cooccur, "templates": templates, "summary": summary,
}

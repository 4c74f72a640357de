"""Every operation of the store against plain Python over the same records, on fresh, compacted and expired stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.models import Filter, Query, Window
from telemetry.store.reader import Reader
from tests.telemetry import plain_store as plain
from tests.telemetry.store_logs import FIRST, build

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True,
                    suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Store:
    """A reader of a home and the same records in plain Python."""

    reader: Reader
    plain: plain.Plain


@pytest.fixture(scope="module", params=["fresh", "compacted", "expired"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    product = build(tmp_path_factory.mktemp(request.param), 17 if request.param == "compacted" else 7)
    if request.param == "expired":
        product.retain(before=FIRST + timedelta(minutes=4), max_bytes=None)
    reader = Reader(product.home)
    yield Store(reader, plain.Plain(plain.read(product.home)))
    reader.close()


TIMES = st.integers(-60, 1200).map(lambda s: FIRST + timedelta(seconds=s)) | st.integers(0, 400).map(
    lambda n: FIRST + timedelta(seconds=3 * n, microseconds=n % 3 - 1))
WINDOWS = st.builds(Window, start=st.none() | TIMES, end=st.none() | TIMES)
FILTERS = st.sampled_from([
    Filter(field="level", op="eq", value="ERROR"), Filter(field="level", op="ge", value="warn"),
    Filter(field="level", op="ne", value="info"), Filter(field="level", op="in", value=("error", "debug")),
    Filter(field="service", op="eq", value="PART1"), Filter(field="service", op="not_in", value=("part0", "part2")),
    Filter(field="logger", op="contains", value="Http"), Filter(field="host", op="exists"),
    Filter(field="source", op="eq", value="part2.log"), Filter(field="source", op="ne", value="part2.log"),
    Filter(field="param:user", op="eq", value="ALICE"), Filter(field="param:user", op="ne", value="o'neil"),
    Filter(field="param:user", op="in", value=("root", "bob")), Filter(field="param:user", op="exists"),
    Filter(field="param:ip", op="eq", value="10.0.0.3"), Filter(field="param:ip", op="not_in", value=("10.0.0.3",)),
    Filter(field="param:duration", op="gt", value=0.25), Filter(field="param:duration", op="le", value=12.0),
    Filter(field="param:status", op="ge", value=404.0), Filter(field="param:size", op="lt", value=71680.0),
    Filter(field="param:path", op="icontains", value="ORDERS"), Filter(field="param:nothing", op="eq", value="x"),
    Filter(field="text", op="word", value="ROOT"), Filter(field="text", op="word", value="10.0.0.3"),
    Filter(field="text", op="not_word", value="12"), Filter(field="text", op="icontains", value="TOOK 12"),
    Filter(field="text", op="icontains", value="-2026"), Filter(field="text", op="contains", value="o'neil"),
    Filter(field="text", op="word", value="10.0.1.2 lost"), Filter(field="text", op="icontains", value=".0.0.1 PORT"),
    Filter(field="text", op="regex", value=r"user|Pool\.java:\d"), Filter(field="text", op="not_regex", value="GET|POST"),
])  # fmt: skip
CHOSEN = st.lists(FILTERS, max_size=2).map(tuple)
REFS = st.sampled_from([
    "level", "service", "logger", "source", "template", "param:ip", "param:user", "param:status", "param:path"])
GROUPS = st.lists(st.sampled_from(["level", "service", "logger", "param:user", "template", "time"]),
                  min_size=1, max_size=2, unique=True).map(tuple)


def rows_of(store: Store, query: Query) -> list[list[Any]]:
    return store.reader.run(query).result.rows or []


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN)
def test_count_total_searched_and_excerpt_are_exact(store: Store, window: Window, filters: tuple[Filter, ...]) -> None:
    query = Query(operation="count", window=window, filters=filters)
    expected = store.plain.chosen(query)

    found = store.reader.run(query)

    assert found.total == len(expected)
    assert found.searched == len(store.plain.chosen(query, filters=()))
    assert found.result.value == len(expected) or (found.result.value, found.searched) == (None, 0)
    assert [line.id for line in found.excerpt] == store.plain.in_time(expected)[:5]


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, limit=st.integers(1, 500), operation=st.sampled_from(["lines", "first", "last"]))
def test_lines_come_in_time_order(store: Store, window: Window, filters: Any, limit: int, operation: Any) -> None:
    query = Query(operation=operation, window=window, filters=filters, limit=limit)
    expected = store.plain.in_time(store.plain.chosen(query), newest=operation == "last")

    found = store.reader.run(query)

    assert [line.id for line in found.result.lines or []] == expected[:limit]


@EXAMPLES
@given(filters=CHOSEN, ref=st.sampled_from(["param:duration", "param:size", "param:status", "param:port"]),
       order=st.sampled_from(["asc", "desc"]), limit=st.integers(1, 40))
def test_lines_come_in_order_of_a_number(store: Store, filters: Any, ref: str, order: Any, limit: int) -> None:
    query = Query(operation="lines", filters=filters, order_by=ref, order=order, limit=limit)
    held = [(n, r) for r in store.plain.chosen(query) if (n := store.plain.numbers([r], ref))]
    sign, best = (1, min) if order == "asc" else (-1, max)
    held.sort(key=lambda x: (sign * best(x[0]), x[1].ts is None, x[1].ts or 0, x[1].id))

    found = store.reader.run(query)

    assert [line.id for line in found.result.lines or []] == [r.id for _, r in held[:limit]]


@EXAMPLES
@given(filters=CHOSEN, ref=st.sampled_from(["param:duration", "param:size", "param:port"]), extreme=st.sampled_from(["min", "max"]))
def test_a_greatest_or_smallest_number_is_shown_by_the_line_that_has_it(store: Store, filters: Any, ref: str, extreme: Any) -> None:
    found = store.reader.run(Query(operation="stats", filters=filters, field=ref, stats=(extreme,)))

    if found.result.kind == "scalar":
        first = next(one for one in store.plain.records if one.id == found.excerpt[0].id)
        assert found.result.value in store.plain.numbers([first], ref)


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN)
def test_ranked_lines_put_the_best_match_first(store: Store, window: Window, filters: Any) -> None:
    query = Query(operation="lines", window=window, filters=filters, rank=("failed", "root"), limit=30)
    words = [Filter(field="text", op="word", value=w) for w in query.rank]
    records = store.plain.chosen(query)
    scored = sorted(records, key=lambda r: (-sum(plain.holds(r, w) for w in words), r.ts is None, r.ts or 0, r.id))

    found = store.reader.run(query)

    assert [line.id for line in found.result.lines or []] == [r.id for r in scored[:30]]


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, ref=REFS, order=st.sampled_from(["asc", "desc"]), limit=st.integers(1, 8))
def test_top_counts_every_value_once_per_record(
    store: Store, window: Window, filters: Any, ref: str, order: Any, limit: int
) -> None:
    query = Query(operation="top", window=window, filters=filters, field=ref, order=order, limit=limit)
    expected = store.plain.top(query, store.plain.chosen(query))

    rows = rows_of(store, query)

    assert [(row[0], row[-1]) for row in rows] == expected[:limit]


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, ref=REFS)
def test_distinct_counts_values(store: Store, window: Window, filters: Any, ref: str) -> None:
    query = Query(operation="distinct", window=window, filters=filters, field=ref)
    expected = {v for r in store.plain.chosen(query) for v in r.values(ref)}

    found = store.reader.run(query)

    assert found.result.value == len(expected) or (found.result.value, found.searched) == (None, 0)


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, groups=GROUPS)
def test_grouped_counts_are_exact(store: Store, window: Window, filters: Any, groups: tuple[str, ...]) -> None:
    query = Query(operation="count", window=window, filters=filters, group_by=groups, bucket=60, limit=1000)
    expected = {g: len(rows) for g, rows in store.plain.groups(store.plain.chosen(query), query).items()}

    rows = rows_of(store, query)

    assert {tuple(row[:-1]): row[-1] for row in rows} == expected
    assert [row[-1] for row in rows] == sorted(expected.values(), reverse=True)


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, base=FILTERS)
def test_share_is_matching_over_base(store: Store, window: Window, filters: Any, base: Filter) -> None:
    query = Query(operation="share", window=window, filters=(base, *filters), base_filters=(base,))
    part, whole = len(store.plain.chosen(query)), len(store.plain.chosen(query, filters=(base,)))

    found = store.reader.run(query)

    assert found.result.value == (part / whole if whole else None)


@EXAMPLES
@given(filters=CHOSEN, groups=GROUPS)
def test_share_by_group_is_exact(store: Store, filters: Any, groups: tuple[str, ...]) -> None:
    query = Query(operation="share", filters=filters, group_by=groups, bucket=60)
    part = {g: len(r) for g, r in store.plain.groups(store.plain.chosen(query), query).items()}
    whole = {g: len(r) for g, r in store.plain.groups(store.plain.chosen(query, filters=()), query).items()}

    rows = rows_of(store, query)

    assert {tuple(r[:-3]): r[-3:] for r in rows} == {
        g: [part.get(g, 0), n, part.get(g, 0) / n] for g, n in whole.items()}


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, ref=st.sampled_from(["param:duration", "param:size", "param:port"]),
       percent=st.sampled_from(["p1", "p37", "p50", "p95", "p99.9"]))
def test_statistics_read_units(store: Store, window: Window, filters: Any, ref: str, percent: str) -> None:
    query = Query(operation="stats", window=window, filters=filters, field=ref,
                  stats=("min", "max", "mean", "sum", "count", percent))
    values = store.plain.numbers(store.plain.chosen(query), ref)

    found = dict(rows_of(store, query))

    if values:
        share = float(percent[1:]) / 100
        assert found == pytest.approx({
            "min": min(values), "max": max(values), "mean": sum(values) / len(values), "sum": sum(values),
            "count": len(values), percent: plain.quantile(values, share)})
    else:
        assert found.get("count", 0) == 0


@EXAMPLES
@given(filters=CHOSEN, groups=GROUPS, order=st.sampled_from(["asc", "desc"]))
def test_statistics_by_group_are_ordered(store: Store, filters: Any, groups: Any, order: Any) -> None:
    query = Query(operation="stats", filters=filters, field="param:port", stats=("sum", "count"), group_by=groups,
                  bucket=60, order=order, limit=1000)
    grouped = store.plain.groups(store.plain.chosen(query), query)
    expected = {g: [sum(n), len(n)] for g, r in grouped.items() if (n := store.plain.numbers(r, "param:port"))}

    rows = rows_of(store, query)

    assert {tuple(r[:-2]): r[-2:] for r in rows} == expected
    assert [r[-2] for r in rows] == sorted((s for s, _ in expected.values()), reverse=order == "desc")


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, seconds=st.sampled_from([1, 7, 60, 3600]))
def test_trend_fills_empty_buckets(store: Store, window: Window, filters: Any, seconds: int) -> None:
    query = Query(operation="trend", window=window, filters=filters, bucket=seconds)
    expected = store.plain.trend(query, store.plain.chosen(query), seconds)

    rows = rows_of(store, query)

    assert rows == expected


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN, ref=REFS)
def test_grouped_trend_has_one_series_per_common_group(store: Store, window: Window, filters: Any, ref: str) -> None:
    query = Query(operation="trend", window=window, filters=filters, bucket=60, group_by=(ref,), limit=3)
    dated = [r for r in store.plain.chosen(query) if r.ts is not None]
    sizes = {g: len(r) for (g,), r in store.plain.groups(dated, query).items()}
    common = sorted(sizes, key=lambda g: (-sizes[g], str((g,))))[:3]

    rows = rows_of(store, query)

    assert list(dict.fromkeys(row[0] for row in rows)) == common
    assert Counter({g: sum(r[2] for r in rows if r[0] == g) for g in common}) == {g: sizes[g] for g in common}


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN)
def test_gaps_are_the_longest_silences(store: Store, window: Window, filters: Any) -> None:
    query = Query(operation="gaps", window=window, filters=filters, limit=4)
    expected = store.plain.gaps(store.plain.chosen(query))

    rows = rows_of(store, query)

    assert rows == expected[:4]


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN)
def test_templates_and_summary_add_up_keys(store: Store, window: Window, filters: Any) -> None:
    query = Query(operation="templates", window=window, filters=filters, limit=1000)
    records = store.plain.chosen(query)

    templates = {r[0]: r[2:] for r in rows_of(store, query)}
    summary = {(r[0], r[2]): r[3:] for r in rows_of(store, query.model_copy(update={"operation": "summary"}))}

    assert templates == store.plain.templates(records, lambda r: r.key.template)
    assert summary == store.plain.templates(records, lambda r: (r.key.template, r.fields["level"]))


@EXAMPLES
@given(window=WINDOWS, baseline=WINDOWS, filters=CHOSEN)
def test_comparison_scales_by_the_length_of_the_data(
    store: Store, window: Window, baseline: Window, filters: Any
) -> None:
    query = Query(operation="compare", window=window, baseline=baseline, filters=filters, limit=1000)
    after = Counter(r.key.template for r in store.plain.chosen(query))
    before = Counter(r.key.template for r in store.plain.chosen(query, window=baseline))
    scale = length(store, window) / length(store, baseline)

    rows = rows_of(store, query)

    assert all((row[2], row[3]) == (before[row[0]], after[row[0]]) for row in rows)
    assert all(float(row[4][4:]) == pytest.approx(row[3] / (row[2] * scale), rel=0.02, abs=0.06)
               for row in rows if row[4].startswith("up x"))
    assert all(row[4] == ("new" if not row[2] else "gone") for row in rows if not row[2] * row[3])


def length(store: Store, window: Window) -> float:
    times = [r.ts for r in store.plain.records if r.ts is not None]
    start = plain.micros(window.start) if window.start else min(times)
    end = plain.micros(window.end) if window.end else max(times) + 1
    return max(end - start, 1)


@EXAMPLES
@given(window=WINDOWS, filters=CHOSEN)
def test_cooccurrence_counts_neighbours(store: Store, window: Window, filters: Any) -> None:
    query = Query(operation="cooccur", window=window, filters=filters, bucket=10, limit=1000)
    expected = store.plain.cooccur(query)

    rows = rows_of(store, query)

    if store.plain.chosen(query):
        assert {r[0]: r[2] for r in rows} == {t: n for t, (n, _) in expected.items()}
        assert {r[0]: r[3] for r in rows} == pytest.approx({t: lift for t, (_, lift) in expected.items()})


@pytest.mark.parametrize("stat", ["p0", "p100", "median", "p99.9999", "p5; DROP"])
def test_statistics_have_known_names(stat: str) -> None:
    with pytest.raises(ValueError, match="stats"):
        Query(operation="stats", field="param:port", stats=(stat,))


def test_window_without_records_finds_none(store: Store) -> None:
    query = Query(operation="lines", window=Window(start=datetime(2030, 1, 1, tzinfo=FIRST.tzinfo)))

    found = store.reader.run(query)

    assert (found.total, found.searched, found.result.kind) == (0, 0, "none")


def test_totals_are_the_tallies_added_up(store: Store) -> None:
    counts = Counter((r.key.id, r.fields["level"], r.fields["service"]) for r in store.plain.records)

    totals: Counter[tuple[Any, ...]] = Counter()
    for key, level, service, _, _, rows, _, _ in store.reader._totals:
        totals[key, level, service] += rows

    assert totals == counts
    assert store.reader.catalog.records == len(store.plain.records)


def test_catalog_times_follow_what_is_left(store: Store) -> None:
    times = [r.ts for r in store.plain.records if r.ts is not None]

    catalog = store.reader.catalog

    assert catalog.first is not None
    assert catalog.last is not None
    assert (plain.micros(catalog.first), plain.micros(catalog.last)) == (min(times), max(times))
    assert min(t.first_seen for t in catalog.templates if t.first_seen) == catalog.first


def test_old_store_without_totals_reads_the_same(tmp_path: Path) -> None:
    home = build(tmp_path, 2).home
    import sqlite3

    with sqlite3.connect(home / "manifest.db") as db:
        before = sorted(db.execute("SELECT * FROM totals").fetchall(), key=str)
        db.execute("DROP TABLE totals")

    assert sorted(Reader(home)._totals, key=str) == before

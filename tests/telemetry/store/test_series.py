"""Metric points as series of numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.models import Window
from telemetry.records import Distribution, MetricPoint
from telemetry.store.beyond import RecordReader, RecordWriter, SeriesColumns
from telemetry.store.buckets import quantiles, rebucket
from tests.telemetry.store.made import ALWAYS, BASE, SECOND, at, gauge, histogram, total


def series(home: Path, *points: MetricPoint, window: Window = ALWAYS, metric: str | None = None) -> dict[str, SeriesColumns]:
    with RecordWriter(home) as writer:
        writer.add_points(points)
        writer.commit()
    with RecordReader(home) as reader:
        return {one.metric: one for one in reader.series(window, metric)}


def seconds(one: SeriesColumns) -> list[float]:
    return ((one.times - BASE) / SECOND).tolist()


def test_a_gauge_stays_with_its_gaps_and_without_its_nans(tmp_path: Path) -> None:
    found = series(tmp_path, gauge(30, 3.0), gauge(0, 1.0), gauge(10, math.nan), gauge(20, math.inf))["memory"]

    assert (seconds(found), found.values.tolist(), found.service) == ([0.0, 30.0], [1.0, 3.0], "cart")


def test_a_counter_becomes_a_rate_over_gaps_and_resets(tmp_path: Path) -> None:
    points = [total(0, 100), total(10, 120), total(40, 150), total(50, 5), total(60, 15)]

    found = series(tmp_path, *points)["requests"]

    assert (seconds(found), found.values.tolist(), found.unit) == ([10.0, 40.0, 50.0, 60.0], [2.0, 1.0, 0.5, 1.0], "1/s")


def test_a_restart_that_grew_beyond_is_seen_by_its_start(tmp_path: Path) -> None:
    found = series(tmp_path, total(0, 10), total(10, 40, started=BASE + 5 * SECOND))["requests"]

    assert found.values.tolist() == [40 / 5]


def test_a_delta_is_divided_by_its_time(tmp_path: Path) -> None:
    told = total(10, 30, temporality="delta", started=BASE)
    untold = total(30, 30, temporality="delta", started=None)

    assert series(tmp_path, told, untold)["requests"].values.tolist() == [3.0, 1.5]


def test_a_level_that_may_fall_is_no_rate(tmp_path: Path) -> None:
    found = series(tmp_path, total(0, 5, monotonic=False), total(10, 3, monotonic=False))["requests"]

    assert (found.values.tolist(), found.unit) == ([5.0, 3.0], "")


def test_the_first_rate_of_a_window_knows_the_point_before(tmp_path: Path) -> None:
    found = series(tmp_path, total(0, 0), total(10, 10), total(20, 30), window=Window(start=at(10), end=at(20)))["requests"]

    assert (seconds(found), found.values.tolist()) == ([10.0], [1.0])


def test_series_differ_by_pod_and_attributes(tmp_path: Path) -> None:
    series(tmp_path, gauge(0, 1.0, pod="a"), gauge(0, 2.0, pod="b"), gauge(0, 3.0, pod="b", attributes={"disk": "sda"}))

    with RecordReader(tmp_path) as reader:
        assert sorted(one.values.tolist() for one in reader.series(ALWAYS)) == [[1.0], [2.0], [3.0]]
        assert [one.values.tolist() for one in reader.series(ALWAYS, attributes={"disk": "sda"})] == [[3.0]]
        assert len(reader.series(ALWAYS, "memory", "cart", pod="b")) == 2
        assert reader.metrics() == {"memory": 3}


def test_series_come_in_the_order_in_which_they_are_stored(tmp_path: Path) -> None:
    pods = [f"p{number:02}" for number in range(30)]
    series(tmp_path, *(gauge(0, 1.0, pod=pod) for pod in reversed(pods)))

    with RecordReader(tmp_path) as reader:
        assert [one.pod for one in reader.series(ALWAYS)] == pods  # points are stored by series


def test_a_histogram_gives_rate_mean_and_quantiles(tmp_path: Path) -> None:
    found = series(tmp_path, histogram(0, (5, 5, 5)), histogram(10, (15, 15, 5)))

    assert set(found) == {"latency.rate", "latency.mean", "latency.p50", "latency.p95", "latency.p99"}
    assert found["latency.rate"].values.tolist() == [2.0]
    assert found["latency.mean"].values.tolist() == [1.0]
    assert found["latency.p50"].values.tolist() == [1.0]
    assert found["latency.p95"].values.tolist() == pytest.approx([1.9])
    assert (found["latency.p95"].unit, found["latency.rate"].unit) == ("ms", "1/s")


def test_a_histogram_that_began_again_counts_what_it_has(tmp_path: Path) -> None:
    found = series(tmp_path, histogram(0, (90, 0, 9)), histogram(10, (0, 10, 0)))

    assert found["latency.p50"].values.tolist() == [1.5]
    assert found["latency.rate"].values.tolist() == [1.0]


def test_other_bounds_than_before_are_compared_all_the_same(tmp_path: Path) -> None:
    found = series(tmp_path, histogram(0, (10, 0, 0)), histogram(10, (10, 0, 10, 0), (1.0, 2.0, 4.0)))

    assert found["latency.p50"].values.tolist() == [3.0]


def test_a_delta_histogram_ends_at_its_highest_value(tmp_path: Path) -> None:
    spread = Distribution(10, 30.0, (1.0, 2.0), (0, 0, 10), 2.0, 4.0)
    found = series(tmp_path, histogram(10, (), temporality="delta", started=BASE, distribution=spread), metric="latency.p50")

    assert {n: s.values.tolist() for n, s in found.items()} == {"latency.p50": [3.0]}


def test_a_summary_gives_the_quantiles_it_states(tmp_path: Path) -> None:
    def summary(second: float, count: int, p90: float) -> MetricPoint:
        return gauge(second, 1.0, metric="rpc", kind="summary", distribution=Distribution(count, 2.0 * count, quantiles=((0.9, p90),)))

    found = series(tmp_path, summary(0, 10, 5.0), summary(10, 30, 7.0))

    assert found["rpc.p90"].values.tolist() == [5.0, 7.0]
    assert (found["rpc.rate"].values.tolist(), found["rpc.mean"].values.tolist()) == ([2.0], [2.0])
    assert "rpc.p50" not in found


def test_a_histogram_without_buckets_has_rate_and_mean(tmp_path: Path) -> None:
    bare = [histogram(s, (), (), distribution=Distribution(n, 3.0 * n)) for s, n in ((0, 1), (10, 11))]

    assert set(series(tmp_path, *bare)) == {"latency.rate", "latency.mean"}


def test_exemplars_lead_to_traces(tmp_path: Path) -> None:
    shown = histogram(10, (1, 0, 0), exemplars=((BASE + 9 * SECOND, 0.5, "ab" * 16, "cd" * 8),))
    series(tmp_path, shown, shown)

    with RecordReader(tmp_path) as reader:
        assert [(e.metric, e.trace_id, e.value) for e in reader.exemplars(Window(end=at(10)))] == [("latency", "ab" * 16, 0.5)]
        assert reader.exemplars(Window(start=at(10))) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    bounds = 2.0 ** np.arange(-11, 11)
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1).astype(float)
    true = float(np.quantile(values, share, method="inverted_cdf"))
    bucket = int(np.searchsorted(bounds, true))

    for geometric in (False, True):
        found = float(quantiles(bounds, counts[None, :], [share], geometric=geometric)[0, 0])
        assert (bounds[bucket - 1] if bucket else 0) * (1 - 1e-9) <= found <= bounds[bucket] * (1 + 1e-9)


@given(st.lists(st.integers(0, 100), min_size=3, max_size=3), st.lists(st.floats(-5, 5), max_size=6))
def test_rebucketing_keeps_the_count_and_shared_bounds(counts: list[int], more: list[float]) -> None:
    bounds, wide = np.array([1.0, 2.0]), np.unique(np.array([1.0, 2.0, *more]))

    found = rebucket(bounds, np.array(counts, dtype=float), wide)

    assert found.sum() == pytest.approx(sum(counts))
    assert found[: int(np.searchsorted(wide, 1.0)) + 1].sum() == pytest.approx(counts[0])

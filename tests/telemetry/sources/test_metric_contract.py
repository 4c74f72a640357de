"""What every source of metrics keeps to, whatever stands behind it: a real Prometheus, and the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from telemetry.sources.protocols import MetricQuery, MetricSource
from telemetry.sources.stored import StoredMetrics
from telemetry.store.beyond import RecordWriter
from tests.telemetry.sources import metric_corpus as corpus
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.prometheus_server import prometheus
from tests.telemetry.sources.remote_write import write

SECOND = 1_000_000


class Held:
    """A source with the corpus; ``start`` in seconds."""

    def __init__(self, source: Any, start: int, kind: str) -> None:
        self.source, self.start, self.kind = source, start, kind

    def query(self, metric: str, **more: Any) -> MetricQuery:
        bounds = {"start": self.start * SECOND, "end": (self.start + corpus.STEP * corpus.POINTS) * SECOND}
        return MetricQuery(metric=metric, **{**bounds, **more})

    def series(self, metric: str, **more: Any) -> list[Any]:
        answer = self.source.series(self.query(metric, **more))
        assert answer.status == "complete", answer
        return sorted(answer.records, key=lambda one: sorted(one.labels.items()))


@pytest.fixture(scope="module", params=["prometheus", "store"])
def held(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = tmp_path_factory.mktemp("metrics")
    start = int(time.time()) // 60 * 60 - 2400
    with ExitStack() as stack:
        if request.param == "prometheus":
            url = stack.enter_context(prometheus(folder))
            write(url, corpus.written(start))
            source: Any = opened("prometheus", url, scrape_seconds=15)
        else:
            with RecordWriter(folder / "home") as writer:
                writer.add_points(list(corpus.points(start)))
                writer.commit()
            source = StoredMetrics(folder / "home")
        stack.callback(source.close)
        yield Held(source, start, request.param)


def test_it_is_a_source_of_metrics(held: Held) -> None:
    assert isinstance(held.source, MetricSource)
    assert held.source.check().status == "complete"


def test_a_counter_is_a_rate_by_default(held: Held) -> None:
    first, second = held.series("requests_total")

    assert (first.view, first.kind, first.labels["pod"]) == ("rate", "sum", "cart-a")
    assert np.median(first.values) == pytest.approx(2.0, rel=0.05)
    assert np.median(second.values) == pytest.approx(2.0, rel=0.05)


def test_a_reset_never_makes_a_rate_negative(held: Held) -> None:
    assert all((one.values >= 0).all() for one in held.series("requests_total"))


def test_a_gauge_stays_as_it_is_without_what_is_no_number(held: Held) -> None:
    one, = held.series("memory_bytes")

    assert one.view == "raw"
    assert np.isfinite(one.values).all()
    assert set(one.values) <= {100.0 + at for at in range(corpus.POINTS)} - {110.0, 111.0}
    assert len(one.values) > 50


def test_times_ascend_within_the_window(held: Held) -> None:
    for metric in ("requests_total", "memory_bytes", "latency_seconds"):
        for one in held.series(metric):
            assert (np.diff(one.times) > 0).all()
            assert one.times[0] >= held.start * SECOND
            assert one.times[-1] < (held.start + corpus.STEP * corpus.POINTS) * SECOND
            assert len(one.times) == len(one.values)


def test_a_histogram_is_a_quantile_by_default(held: Held) -> None:
    one, = held.series("latency_seconds")

    assert (one.view, one.kind) == ("quantile", "histogram")
    assert 0.5 <= np.median(one.values) <= 1.0


def test_the_mean_of_a_histogram(held: Held) -> None:
    one, = held.series("latency_seconds", view="mean")

    assert np.median(one.values) == pytest.approx(0.4, rel=0.02)


def test_the_rate_of_a_histogram_counts_observations(held: Held) -> None:
    one, = held.series("latency_seconds", view="rate")

    assert np.median(one.values) == pytest.approx(10 / corpus.STEP, rel=0.05)


def test_a_service_and_labels_select(held: Held) -> None:
    assert len(held.series("requests_total", service="cart")) == 2
    one, = held.series("requests_total", service="cart", labels={"pod": "cart-b"})

    assert one.labels["pod"] == "cart-b"


@pytest.mark.parametrize("more", [{"service": 'x"} or vector(1) #'}, {"labels": {"pod": 'a"b\\c\nd'}}])
def test_what_is_not_there_has_no_series(held: Held, more: dict[str, Any]) -> None:
    assert held.series("requests_total", **more) == []


def test_a_metric_that_is_not_there_is_complete_and_empty(held: Held) -> None:
    assert held.series("no_such_metric") == []


def test_a_limit_of_series_is_told(held: Held) -> None:
    answer = held.source.series(held.query("requests_total", limit=1))

    assert (answer.status, len(answer.records)) == ("partial", 1)
    assert "limit of 1" in answer.reason


def test_names_are_found_by_their_words(held: Held) -> None:
    names = [one.name for one in held.source.metrics(held.start * SECOND, (held.start + 1200) * SECOND, "MEMORY").records]

    assert names == ["memory_bytes"]


def test_label_sets_are_listed(held: Held) -> None:
    answer = held.source.label_sets(held.query("requests_total"))

    assert sorted(one["pod"] for one in answer.records) == ["cart-a", "cart-b"]


def test_exemplars_name_their_traces(held: Held) -> None:
    one, = held.source.exemplars(held.query("requests_total")).records

    assert (one.trace_id, one.span_id, one.value) == (corpus.TRACE, "00f067aa0ba902b7", 0.25)
    assert one.time == (held.start + 7 * corpus.STEP) * SECOND

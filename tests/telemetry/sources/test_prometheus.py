"""What only a real Prometheus shows: native histograms, stale markers, metadata, many points."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.sources.protocols import MetricQuery
from tests.telemetry.sources import metric_corpus as corpus
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.prometheus_server import prometheus
from tests.telemetry.sources.remote_write import Written, write
from tests.telemetry.sources.serving import Request, Response, as_json, serving

SECOND = 1_000_000
EXPORTED = b"""# HELP jobs_done Jobs that were done.
# TYPE jobs_done counter
jobs_done 7
# HELP queue_length Jobs that wait.
# TYPE queue_length gauge
queue_length 3
# TYPE work_seconds histogram
work_seconds_bucket{le="1"} 4
work_seconds_bucket{le="+Inf"} 5
work_seconds_sum 3.5
work_seconds_count 5
"""


@pytest.fixture(scope="module")
def start() -> int:
    return int(time.time()) // 60 * 60 - 2400


@pytest.fixture(scope="module")
def url(start: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    exporter = Response(EXPORTED, 200, {"Content-Type": "text/plain; version=0.0.4"})
    folder = tmp_path_factory.mktemp("prometheus")
    with serving(lambda _: exporter) as exported, prometheus(folder, exported.url.removeprefix("http://")) as found:
        write(found, corpus.written(start))
        yield found


@pytest.fixture
def source(url: str) -> Iterator[Any]:
    found = opened("prometheus", url, scrape_seconds=15)
    yield found
    found.close()


def query(start: int, metric: str, **more: Any) -> MetricQuery:
    return MetricQuery(**{"start": start * SECOND, "end": (start + corpus.STEP * corpus.POINTS) * SECOND, "metric": metric, **more})


def test_a_native_histogram_is_known_by_its_points(source: Any, start: int) -> None:
    one, = source.series(query(start, "native_seconds")).records

    assert (one.kind, one.view) == ("histogram", "quantile")
    assert 1.0 <= np.median(one.values) <= 2.0


def test_a_raw_native_histogram_keeps_its_buckets(source: Any, start: int) -> None:
    one, = source.series(query(start, "native_seconds", view="raw")).records
    last = one.distributions[-1]

    assert (last.bounds, last.counts) == ((0.5, 1.0, 2.0), (0, last.counts[1], 9 * last.counts[1], 0))
    assert one.values[-1] == pytest.approx(1.3)


def test_the_mean_and_rate_of_a_native_histogram(source: Any, start: int) -> None:
    mean, = source.series(query(start, "native_seconds", view="mean")).records
    rate, = source.series(query(start, "native_seconds", view="rate")).records

    assert np.median(mean.values) == pytest.approx(1.3)
    assert np.median(rate.values) == pytest.approx(10 / corpus.STEP, rel=0.05)


def test_numbers_that_are_none_are_counted_in_a_note(source: Any, start: int) -> None:
    answer = source.series(query(start, "memory_bytes", step=15))

    assert answer.status == "complete"
    assert any("2 values are not numbers" in note for note in answer.notes), answer.notes


def test_a_stale_series_ends(source: Any, start: int) -> None:
    one, = source.series(query(start, "ended_bytes", step=15)).records

    assert one.times[-1] == (start + 19 * corpus.STEP) * SECOND


def test_more_points_than_one_answer_may_have_come_in_pieces(source: Any, start: int) -> None:
    answer = source.series(query(start, "memory_bytes", step=0.05))
    one, = answer.records

    assert answer.status == "complete"
    assert len(one.times) > 11_000
    assert len(set(one.times.tolist())) == len(one.times)
    assert sum("query_range" in line for line in answer.asked) == 3


def test_metadata_says_what_a_scraped_metric_is(source: Any) -> None:
    now = int(time.time())
    for _ in range(100):
        found = {one.name: one for one in source.metrics((now - 300) * SECOND, (int(time.time()) + 60) * SECOND).records}
        if "queue_length" in found:
            break
        time.sleep(0.2)

    assert (found["jobs_done"].kind, found["queue_length"].kind) == ("sum", "gauge")
    assert found["queue_length"].about == "Jobs that wait."
    assert found["work_seconds_bucket"].kind == "sum"


def test_a_counter_without_the_usual_name_is_a_rate_by_its_metadata(source: Any) -> None:
    now = int(time.time())
    for _ in range(100):
        answer = source.series(MetricQuery((now - 60) * SECOND, (int(time.time()) + 5) * SECOND, "jobs_done", service="scraped", step=1))
        if answer.records:
            break
        time.sleep(0.2)

    assert answer.records[0].view == "rate"


def test_a_rate_looks_wider_when_samples_are_far_apart(url: str, source: Any, start: int) -> None:
    samples = [((start + 170 * n) * 1000, 170.0 * n) for n in range(8)]
    write(url, [Written({"__name__": "sparse_total", "service": "cart"}, samples)])

    answer = source.series(query(start, "sparse_total"))

    assert np.median(answer.records[0].values) == pytest.approx(1.0, rel=0.1)
    assert any("sampled twice" in note for note in answer.notes)


@pytest.mark.parametrize("key", ["warnings", "infos"])
def test_warnings_make_an_answer_partial(key: str) -> None:
    def answer(request: Request) -> Response:
        if request.path.endswith("query_range"):
            data = {"resultType": "matrix", "result": [{"metric": {"pod": "a"}, "values": [[10.5, "1"], [11, "NaN"], [12, "+Inf"]]}]}
            return as_json({"status": "success", "data": data, key: ["the store gateway was not there"]})
        return as_json({"status": "success", "data": {} if "metadata" in request.path else ["x"]})

    with serving(answer) as served:
        source = opened("prometheus", served.url)
        found = source.series(MetricQuery(0, 60 * SECOND, "x"))
        source.close()

    assert (found.status, len(found.records)) == ("partial", 1)
    assert "store gateway" in found.reason
    assert found.records[0].times.tolist() == [10_500_000]


def test_the_binary_is_never_the_packaged_service(tmp_path: Path) -> None:
    with prometheus(tmp_path) as found:
        assert not found.endswith(":9090")
        assert (tmp_path / "data").is_dir()

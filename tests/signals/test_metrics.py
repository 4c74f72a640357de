"""Signs of metrics, each rule by a small table."""

import numpy as np
import pytest

from signals.aspects import meaning
from signals.diagnosis import Sign
from signals.metrics import signs
from signals.observed import Entity, Observed, Series
from signals.topology import build
from tests.signals.arrays import MINUTE, WINDOWS, series, service


def found(*all_series: Series, calls: tuple[tuple[Entity, Entity], ...] = ()) -> list[Sign]:
    observed = Observed(series=all_series, calls=calls)
    return signs(observed, WINDOWS, build(observed))


@pytest.mark.parametrize(("metric", "aspect"), [
    ("container_cpu_usage_seconds_total", "cpu"), ("MemoryUsageRate(%)", "memory"), ("http_request_duration_seconds_bucket", "latency"),
    ("NetworkReceiveBytes", "network"), ("http_server_errors_total", "errors"), ("availability Average", "errors"), ("rps", "traffic"),
    ("kube_pod_container_status_restarts_total", "restart"), ("node_disk_io_time", "disk"), ("connection_pool_pending", "saturation"),
    ("lat_90", "latency"), ("frobs", "frobs"),
])  # fmt: skip
def test_names_tell_aspects(metric: str, aspect: str) -> None:
    assert meaning(metric).aspect == aspect


def test_rise_is_told_with_numbers() -> None:
    (sign,) = found(series("cart", "cpu", 2, 80))

    assert (sign.kind, sign.aspect) == ("metric_shift", "cpu")
    assert "rose from 2" in sign.statement
    assert sign.refs == ("series:cart/cpu",)


def test_faster_answers_are_no_sign() -> None:
    assert found(series("cart", "latency_p90", 5, 0.1)) == []


def test_lost_availability_is_errors() -> None:
    (sign,) = found(series("cart", "availability", 100, 90, wobble=0))

    assert sign.aspect == "errors"
    assert sign.figures["during"] == pytest.approx(0.1)


def test_failures_among_few_requests_weigh_less() -> None:
    few = found(series("cart", "availability", 100, 95, wobble=0), series("cart", "requests", 20))
    many = found(series("cart", "availability", 100, 95, wobble=0), series("cart", "requests", 2000))

    assert few[0].strength < many[0].strength


@pytest.mark.parametrize(("metric", "quantile"), [
    ("PodServerLatencyP99(s)", 0.99), ("lat_50", 0.5), ("latency p999", 0.999), ("request_duration_seconds", None),
])  # fmt: skip
def test_names_tell_quantiles_of_durations(metric: str, quantile: float | None) -> None:
    found = meaning(metric)

    assert (found.quantile if found.aspect == "latency" else None) == quantile


def test_a_quantile_says_no_more_than_the_requests_beyond_it() -> None:
    few = found(series("cart", "latency_p99", 5, 900), series("cart", "requests", 30))
    many = found(series("cart", "latency_p99", 5, 900), series("cart", "requests", 30_000))
    median = found(series("cart", "latency_p50", 5, 900), series("cart", "requests", 30))

    assert few[0].strength < 1 < many[0].strength == median[0].strength


def test_request_collapse_has_its_kind() -> None:
    (sign,) = found(series("cart", "requests", 100, 1))

    assert sign.kind == "rate_collapse"


def test_full_resource_is_saturation() -> None:
    (sign,) = found(series("cart", "cpu_percent", 20, 99, wobble=0))

    assert sign.kind == "saturation"


def test_outward_latency_is_waiting() -> None:
    (sign,) = found(series("cart", "client_latency", 1, 50))

    assert sign.kind == "latency_wait"


def test_next_to_nothing_counts_against_peers() -> None:
    peers = [series(name, "cpu", 10) for name in ("a", "b", "c")]

    assert found(*peers, series("tiny", "cpu", 0.001, 0.02)) == []


def test_cumulative_counter_becomes_rate() -> None:
    steady = series("cart", "requests_total", 1)
    counter = Series(steady.entity, "requests_total", steady.times, np.cumsum(np.full(70, 600.0)))

    assert found(counter) == []


def test_silence_of_one_is_missing_data() -> None:
    quiet = series("cart", "cpu", 5, points=0)

    kinds = {(s.entity.name, s.kind) for s in found(quiet, series("a", "cpu", 5), series("b", "cpu", 5))}

    assert kinds == {("cart", "missing_data")}


def test_silence_of_most_is_the_collectors() -> None:
    assert found(*(series(name, "cpu", 5, points=0) for name in "abc"), series("d", "cpu", 5)) == []


def test_failing_newcomer_blames_its_caller() -> None:
    times = (np.arange(10) + 60) * MINUTE
    fresh = Series(service("wrong-table"), "availability", times, np.zeros(10))

    (sign,) = found(fresh, series("caller", "cpu", 5), calls=((service("caller"), service("wrong-table")),))

    assert (sign.entity.name, sign.aspect) == ("caller", "config")


def test_no_points_give_no_sign() -> None:
    nothing = Series(service("a"), "cpu", np.zeros(0, dtype=np.int64), np.zeros(0))

    assert found(nothing) == []

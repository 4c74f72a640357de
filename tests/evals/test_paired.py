"""Blocks of runs without and with something, and what their ratios tell."""

from __future__ import annotations

import random

import pytest

from evals.bench.paired import Block, Run, interval, told


def run(rate: float, cpu: float = 0.5) -> Run:
    return Run(int(rate), rate, cpu, 2 * cpu)


def test_a_steady_drift_falls_out_of_a_block() -> None:
    block = Block((run(1000), run(940)), (run(980), run(960)))

    assert block.throughput == pytest.approx(1.0)


def test_cpu_is_told_of_each_request() -> None:
    block = Block((run(1000), run(1000)), (run(500), run(500)))

    assert (block.throughput, block.cpu(lambda one: one.server), block.more(lambda one: one.server)) == pytest.approx((0.5, 2.0, 500.0))


def test_the_interval_holds_the_median_and_narrows_with_more_values() -> None:
    rng = random.Random(1)  # noqa: S311 - seeded, not secret
    values = [rng.gauss(0.97, 0.05) for _ in range(200)]
    few, many = interval(values[:10]), interval(values)

    assert many["low"] <= many["median"] <= many["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
    assert many["low"] < 0.97 < many["high"]


def test_equal_blocks_have_an_interval_without_width() -> None:
    figures = told([Block((run(100), run(100)), (run(90), run(90)))] * 5)

    assert figures["throughput"] == {"median": 0.9, "low": 0.9, "high": 0.9}
    assert set(figures) == {"throughput", "cpu_a_request", "cpu_a_request_server", "cpu_us_more"}

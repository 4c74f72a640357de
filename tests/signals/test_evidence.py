"""Bayes factors of changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.evidence import CAP, log_gamma, proportion_change, rise, rise_in_size


def change(*counts: int) -> float:
    return float(proportion_change(*(np.array([each]) for each in counts))[0])


@pytest.mark.parametrize(("counts", "low", "high"), [
    ((0, 50, 20, 20), 10, CAP), ((50, 50, 0, 20), 10, CAP), ((25, 50, 12, 20), -3, 0), ((0, 0, 5, 5), 0, 0), ((5, 5, 0, 0), 0, 0), ((0, 100, 0, 100), -CAP, 0),
])  # fmt: skip
def test_proportions_say_as_much_as_they_show(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    assert low <= change(*counts) <= high


def test_new_says_more_than_more_often() -> None:
    assert change(0, 50, 10, 20) > change(15, 50, 16, 20)


@given(st.floats(0.01, 1e6))
def test_log_gamma_is_the_libraries(x: float) -> None:
    assert math.isclose(float(log_gamma(np.array([x]))[0]), math.lgamma(x), rel_tol=1e-7, abs_tol=1e-7)


def test_rise_is_free_of_scale_and_a_fall_speaks_against() -> None:
    low, high = np.arange(20.0), np.arange(20.0) + 15

    assert rise(low, high) == rise(low * 1000, high * 1000)
    assert rise(low, high)[0] > 3
    assert rise(high, low)[0] < 0
    assert rise_in_size(high, low) < 0

"""How far a series left its normal range: tables and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.observed import Window
from signals.shifts import Shift, clean, counted, covering, measure, noise, quantile, rates, strength
from tests.signals.arrays import MINUTE, ONSET, WINDOWS, series


def shift(usual: float, during: float, *, points: int = 10, wobble: float = 0.02) -> Shift:
    each = series("a", "cpu", usual, during, points=points, wobble=wobble)
    found = measure(each.times, each.values, WINDOWS.baseline, WINDOWS.incident)
    assert found is not None
    return found


def test_steady_series_has_no_shift() -> None:
    assert strength(shift(5, 5).score) < 0


def test_tenfold_rise_is_strong() -> None:
    found = shift(5, 50)

    assert found.up
    assert strength(found.score) > 5


def test_constant_baseline_needs_more_than_drift() -> None:
    assert strength(shift(100, 108, wobble=0).score) < 0
    assert strength(shift(100, 300, wobble=0).score) > 2


def test_one_point_incident_is_measured() -> None:
    assert shift(5, 50, points=1).score > 10


def test_single_spike_in_long_incident_is_none() -> None:
    each = series("a", "cpu", 5)
    each.values[65] = 500

    found = measure(each.times, each.values, WINDOWS.baseline, WINDOWS.incident)

    assert found is not None
    assert strength(found.score) < 0


def test_two_points_in_a_row_count() -> None:
    each = series("a", "cpu", 5)
    each.values[65:67] = 50

    found = measure(each.times, each.values, WINDOWS.baseline, WINDOWS.incident)

    assert found is not None
    assert found.score > 10
    assert found.at == 65 * MINUTE


def test_what_differed_before_onset_is_no_incident() -> None:
    each = series("a", "cpu", 5, 50)
    today = each.values.copy()
    today[40:] = 50
    windows = (Window(0, 40 * MINUTE), Window(40 * MINUTE, ONSET))

    found = measure(each.times, today, windows, WINDOWS.incident)

    assert found is not None
    assert strength(found.score) < 0


@pytest.mark.parametrize("empty", [slice(0, 60), slice(60, 70), slice(0, 70)])
def test_missing_side_gives_nothing(empty: slice) -> None:
    each = series("a", "cpu", 5, 50)
    keep = np.ones(70, dtype=bool)
    keep[empty] = False

    assert measure(each.times[keep], each.values[keep], WINDOWS.baseline, WINDOWS.incident) is None


def test_gaps_change_nothing() -> None:
    each = series("a", "cpu", 5, 50)
    keep = np.arange(70) % 3 > 0

    found = measure(each.times[keep], each.values[keep], WINDOWS.baseline, WINDOWS.incident)

    assert found is not None
    assert found.score == pytest.approx(shift(5, 50).score, rel=0.2)


def test_clean_orders_and_drops() -> None:
    times, values = clean(np.array([3, 1, 1, 2]), np.array([3.0, 0.0, 1.0, np.nan]))

    assert times.tolist() == [1, 3]
    assert values.tolist() == [1.0, 3.0]


def test_counter_reset_counts_from_zero() -> None:
    times = np.arange(4) * 1_000_000

    assert rates(times, np.array([10.0, 20.0, 5.0, 15.0]))[1].tolist() == [10.0, 5.0, 10.0]


def test_point_just_before_onset_belongs_to_it() -> None:
    times = np.arange(10) * 5 * MINUTE
    onset = Window(22 * MINUTE, 50 * MINUTE)

    assert covering(times, onset, (Window(0, onset.start),)).start == 20 * MINUTE


def test_few_requests_say_little() -> None:
    assert counted(0.0, 0.05, 20) < counted(0.0, 0.05, 1000)
    assert counted(0.0, 0.0, 1000) == pytest.approx(0)


def test_noise_has_a_floor() -> None:
    assert noise(np.zeros(50), 0.5) == 0.5


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_quantile_is_numpys(values: list[float], share: float) -> None:
    ordered = np.sort(np.array(values))

    assert quantile(ordered, share) == pytest.approx(float(np.quantile(ordered, share)), rel=1e-9, abs=1e-6)


@given(st.floats(1e-9, 1e9), st.floats(0.01, 100))
def test_score_is_free_of_scale(unit: float, during: float) -> None:
    assert shift(unit, unit * during).score == pytest.approx(shift(1, during).score, rel=1e-3, abs=1e-6)


@given(st.floats(1, 1e4), st.floats(1, 1e4))
def test_strength_rises_with_score(a: float, b: float) -> None:
    low, high = sorted((a, b))

    assert strength(low) <= strength(high) + 1e-9


@given(st.floats(2, 100), st.floats(1.01, 10))
def test_larger_shift_never_scores_less(during: float, more: float) -> None:
    assert shift(1, during * more).score >= shift(1, during).score

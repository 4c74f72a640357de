"""Windows from the alert's time, from gaps, and from the data alone."""

from dataclasses import replace

import numpy as np

from signals.observed import Observed, Series
from signals.windows import choose, heaviest, stretches
from tests.signals.arrays import MINUTE, ONSET, series


def test_alert_divides_the_data() -> None:
    found = choose(Observed(series=(series("a", "cpu", 5),)), at=ONSET)

    assert found.baseline[0].end == found.incident.start == ONSET


def test_onset_before_a_late_alert_is_found() -> None:
    shifted = tuple(series(name, "latency", 1, 9) for name in "abcd")

    found = choose(Observed(series=shifted), at=ONSET + 3 * MINUTE)

    assert ONSET - MINUTE <= found.incident.start <= ONSET + MINUTE


def test_change_is_found_without_alert() -> None:
    steady = [series(name, "latency", 1) for name in "abcdef"]

    found = choose(Observed(series=(*steady, series("sick", "latency", 1, 30))))

    assert abs(found.incident.start - ONSET) <= 2 * MINUTE
    assert "unusual" in found.chosen


def test_nothing_unusual_says_so() -> None:
    assert "nothing" in choose(Observed(series=(series("a", "cpu", 5),))).chosen


def test_long_gap_makes_a_reference_stretch() -> None:
    old, new = series("a", "cpu", 5), series("a", "cpu", 5)
    later = replace(new, times=new.times + 100_000 * MINUTE)
    whole = Series(old.entity, "cpu", np.r_[old.times, later.times], np.r_[old.values, later.values])
    observed = Observed(series=(whole,))

    found = choose(observed, at=100_060 * MINUTE)

    assert len(stretches(observed)) == 2
    assert len(found.baseline) == 2


def test_no_data_gives_windows_all_the_same() -> None:
    found = choose(Observed())

    assert found.incident.end > found.incident.start


def test_heaviest_range_is_the_largest_sum() -> None:
    assert heaviest(np.array([-1.0, 2.0, -0.5, 3.0, -9.0, 1.0])) == (1, 4)
    assert heaviest(np.array([-1.0, -2.0])) == (0, 0)

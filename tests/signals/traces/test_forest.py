"""Broken spans become a forest."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.observed import Spans
from signals.traces.forest import plant
from tests.signals.traces.build import spans


@pytest.mark.parametrize(("children", "own"), [
    ([], 100), ([(10, 20)], 80), ([(10, 20), (20, 20)], 70), ([(0, 100)], 0), ([(10, 20), (15, 5)], 80), ([(90, 50)], 90), ([(10, 20), (50, 10)], 70),
])  # fmt: skip
def test_self_time_is_what_no_child_covers(children: list[tuple[int, int]], own: int) -> None:
    rows = [(0, -1, "a", "top", 0, 100), *((0, 0, "a", "low", start, length) for start, length in children)]

    assert plant(spans(rows)).self_time[0] == own


def test_cycle_is_cut() -> None:
    forest = plant(spans([(0, 2, "a", "x", 0, 9), (0, 0, "a", "y", 0, 8), (0, 1, "a", "z", 0, 7), (0, 2, "a", "w", 0, 6)]))

    assert forest.cut == 3
    assert forest.depth.tolist() == [0, 0, 0, 1]


def test_parent_in_another_trace_is_none() -> None:
    assert plant(spans([(0, -1, "a", "x", 0, 9), (1, 0, "a", "y", 0, 8)])).spans.parent.tolist() == [-1, -1]


def test_children_of_duplicate_go_to_the_kept_one() -> None:
    rows = [(0, -1, "a", "x", 0, 9), (0, -1, "a", "x", 0, 9), (0, 1, "b", "y", 1, 3)]

    for forest in (plant(spans(rows)), plant(spans(rows, ids=("0/1", "0/1", "0/2")))):
        assert forest.spans.parent.tolist() == [-1, 0]
        assert forest.doubled == 1


def test_skewed_clock_is_aligned_and_back_again() -> None:
    rows = [(0, -1, "a", "x", 1000, 100), (0, 0, "b", "y", 91000, 60), (0, 1, "a", "z", 1030, 20)]
    forest = plant(spans(rows))

    assert forest.start.tolist() == [1000, 1020, 1040]
    assert forest.self_time.tolist() == [40, 40, 20]


def test_asynchronous_child_among_fitting_ones_is_left_alone() -> None:
    rows = [row for trace in range(3) for row in ((trace, -1, "a", "x", 0, 100), (trace, 2 * trace, "b", "y", 10 if trace else 500, 50))]

    assert not plant(spans(rows)).skew.any()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 12), st.sampled_from("ab"), st.just("x"), st.integers(0, 50), st.integers(-5, 50)), max_size=12))
def test_any_spans_give_a_forest(rows: list[tuple[int, int, str, str, int, int]]) -> None:
    forest = plant(spans(rows))

    assert np.all(forest.spans.parent < len(forest.rows))
    assert np.all((forest.self_time >= 0) & (forest.self_time <= forest.spans.duration))
    assert np.all(forest.spans.parent[forest.root] == -1)


def test_million_spans_take_seconds() -> None:
    count, dice = 1_000_000, np.random.default_rng(1)
    place = np.arange(count)
    parent = np.where(place % 20 == 0, -1, place - 1 - dice.integers(0, np.maximum(place % 20, 1)))
    names = tuple(map(str, range(50)))
    many = Spans(place // 20, parent, place * 10, dice.integers(1, 200, count), dice.integers(0, 50, count), dice.integers(0, 50, count),
                 np.full(count, -1), np.zeros(count, bool), names, names, ())  # fmt: skip
    began = time.process_time()
    plant(many)

    assert time.process_time() - began < 10

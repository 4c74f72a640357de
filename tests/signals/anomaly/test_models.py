"""The two models of a session, on examples small enough to reckon by hand."""

import numpy as np
import pytest

from signals.anomaly.counts import CountModel, concentration, merge
from signals.anomaly.order import OrderModel
from signals.anomaly.sessions import buckets, count_vectors, encode, unknown_counts, vocabulary


def counts(rows: list[list[int]], weights: list[int]) -> CountModel:
    return CountModel(np.array(rows, dtype=np.int64), np.array(weights, dtype=np.int64))


def test_vocabulary_is_commonest_first() -> None:
    assert vocabulary([["b", "b", "a"], ["a"], ["c", "a"]]) == ("a", "b", "c")


def test_unseen_templates_are_told_apart() -> None:
    distinct = encode([["a", "x", "y", "x"]], ("a",))

    assert distinct.sequences == ((0, -1, -2, -1),)
    assert unknown_counts(distinct.sequences).tolist() == [2]
    assert count_vectors(distinct.sequences, 1).tolist() == [[1]]


def test_buckets_are_exact_up_to_four() -> None:
    assert buckets(np.array([0, 1, 4, 5, 8, 9, 64, 65, 10_000])).tolist() == [0, 1, 4, 5, 5, 6, 8, 9, 9]


def test_common_vector_surprises_little() -> None:
    nats = counts([[1, 1], [2, 2]], [90, 10]).nats(np.array([[1, 1], [2, 2]]), np.zeros(2, dtype=np.int64))

    assert nats.tolist() == pytest.approx([-np.log(0.9), -np.log(0.1)], abs=0.1)


def test_broken_proportion_surprises_more_than_new_size() -> None:
    model = counts([[n, n] for n in range(1, 5)], [50, 30, 15, 5])

    kept, broken = model.nats(np.array([[7, 7], [3, 1]]), np.zeros(2, dtype=np.int64))

    assert broken > 4
    assert model.parents.tolist() == [-1, 0]
    assert kept < broken + 4


def test_independent_templates_are_not_joined() -> None:
    draw = np.random.default_rng(1)
    model = CountModel(*merge(draw.integers(0, 3, (500, 3)), np.ones(500, dtype=np.int64)))

    assert model.parents.tolist() == [-1, -1, -1]


def test_concentration_gives_back_expected_number() -> None:
    found = concentration(40, 1000.0)

    assert found * np.log1p(1000.0 / found) == pytest.approx(40)


def order(sessions: list[tuple[int, ...]], width: int) -> OrderModel:
    return OrderModel.fit(sessions, np.ones(len(sessions), dtype=np.int64), width)


def test_unseen_ending_is_worst_step() -> None:
    model = order([(0, 1, 2)] * 100, 3)

    step = model.worst((0, 1))

    assert (step.before, step.after, step.first) == (1, -1, False)
    assert step.nats > 4


def test_reversed_pair_is_found_between_others() -> None:
    model = order([(0, 2, 1), (0, 2, 2, 1), (2, 0, 1), (0, 1), (2, 1)] * 50, 3)

    assert model.nats([(1, 2)])[0] > 4
    assert model.nats([(0, 2, 1)])[0] < 3


def test_parts_of_order_add_up() -> None:
    first, second = order([(0, 1)] * 3, 2), order([(1, 0, 1)] * 2, 2)
    both = first + second

    assert both.nats([(1, 0)]).tolist() == order([(0, 1)] * 3 + [(1, 0, 1)] * 2, 2).nats([(1, 0)]).tolist()
    assert (both - second).steps.tolist() == first.steps.tolist()

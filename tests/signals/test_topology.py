"""The graph from calls, spans and membership."""

import numpy as np

from signals.observed import Entity, Observed, Spans
from signals.topology import build
from tests.signals.arrays import service

A, B, C = service("a"), service("b"), service("c")
POD, NODE = Entity("pod", "a-1"), Entity("node", "n")


def test_calls_are_followed_both_ways() -> None:
    graph = build(Observed(calls=((A, B), (B, C))))

    assert graph.below(A) == {B, C}
    assert graph.above(C) == {A, B}


def test_cycles_end() -> None:
    graph = build(Observed(calls=((A, B), (B, A))))

    assert graph.below(A) == {B}
    assert graph.above(A) == {B}


def test_pods_count_towards_their_service() -> None:
    graph = build(Observed(calls=((POD, B),), belongs={POD: (A, NODE)}))

    assert graph.home(POD) == A
    assert graph.callees(A) == {B}
    assert graph.guests(NODE) == {A}


def test_membership_cycles_end() -> None:
    assert build(Observed(belongs={POD: (NODE,), NODE: (POD,)})).home(POD) == POD


def test_spans_add_calls() -> None:
    zeros = np.zeros(3, dtype=np.int64)
    spans = Spans(zeros, np.array([-1, 0, 1]), zeros, zeros, np.array([0, 1, 1]), zeros, zeros - 1, zeros.astype(bool), ("a", "b"), ("op",), ())

    assert build(Observed(spans=spans)).edges() == ((A, B),)

"""Risk never falls when a reason for worry grows; history moves it as far as it knows."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from agent.decision.learning import History, learned
from agent.decision.risk import FLOOR, Circumstances, assess, fused
from tests.agent.decision.previews import preview

SHARE, COUNT = st.floats(0, 1), st.integers(0, 200)
PAIR, COUNTS = st.tuples(SHARE, SHARE).map(sorted), st.tuples(COUNT, COUNT).map(sorted)
CASES = st.builds(History, st.floats(0, 1000), st.floats(0, 1000))


@dataclass(frozen=True)
class Row:
    cause: str = "memory"
    action: str = "raise_limit"
    verified: str = "confirmed"
    cause_verdict: str | None = None
    effect_verdict: str | None = None


@given(PAIR, COUNTS, CASES)
def test_a_larger_blast_is_no_smaller_risk(share: list[float], pods: list[int], history: History) -> None:
    small, large = (assess(preview(share=share[at], pods=pods[at]), Circumstances(0.8), history).score for at in (0, 1))
    assert 0 <= small <= large <= 1


@given(PAIR, COUNTS, COUNTS, COUNTS, CASES)
def test_worse_circumstances_are_no_smaller_risk(doubt: list[float], calls: list[int], changes: list[int], actions: list[int], history: History) -> None:
    better, worse = (assess(preview(), Circumstances(1 - doubt[at], calls[at], changes[at], actions[at]), history).score for at in (0, 1))
    assert 0 <= better <= worse <= 1


@given(SHARE, CASES)
def test_what_cannot_be_taken_back_is_riskier(confidence: float, history: History) -> None:
    scores = [assess(preview(reversible=how), Circumstances(confidence), history).score for how in ("exactly", "in_effect", "no")]
    assert scores == sorted(scores)


@given(SHARE, CASES, st.floats(0, 100))
def test_harm_never_lowers_the_risk_nor_help_raises_it(formula: float, past: History, more: float) -> None:
    now = fused(formula, past)
    assert fused(formula, History(past.helped, past.harmed + more)) >= now - 1e-12
    assert fused(formula, History(past.helped + more, past.harmed)) <= now + 1e-12
    assert formula * FLOOR - 1e-12 <= now <= 1


@given(SHARE, SHARE, CASES)
def test_fusion_keeps_the_order_of_risks(one: float, other: float, history: History) -> None:
    low, high = sorted((one, other))
    assert fused(low, history) <= fused(high, history) + 1e-12


def test_few_cases_move_little_and_many_move_much() -> None:
    once, often = abs(fused(0.5, History(1)) - 0.5), abs(fused(0.5, History(500)) - 0.5)
    assert once < 0.03 < often


def test_nothing_known_leaves_the_formula() -> None:
    assert fused(0.37, History()) == 0.37


@given(CASES)
def test_the_interval_holds_the_harm_and_narrows_with_cases(history: History) -> None:
    low, high = history.interval
    more = History(history.helped + (6 + history.helped) * 3, history.harmed + (2 + history.harmed) * 3)  # the same share
    assert 0 <= low <= history.harm <= high <= 1
    assert more.interval[1] - more.interval[0] <= high - low


def test_an_unknown_blast_is_not_a_small_one() -> None:
    unknown, small = (assess(preview(pods=pods, share=share), Circumstances(1.0)).score for pods, share in ((None, None), (1, 0.1)))
    assert unknown > small


def test_a_confidence_that_is_no_number_is_no_confidence() -> None:
    assert assess(preview(), Circumstances(float("nan"))).score == assess(preview(), Circumstances(0.0)).score


def test_a_critical_label_counts_as_many_dependents() -> None:
    assert assess(preview(labels={"tier": "critical"}), Circumstances(1.0)).score == assess(preview(), Circumstances(1.0, dependents=10)).score


def test_verdicts_stand_over_measurements() -> None:
    rows = [Row(), Row(effect_verdict="harmful"), Row(verified="worse"), Row(verified="not_executed"), Row(verified="unknown"),
            Row(cause_verdict="wrong"), Row(cause="cpu"), Row(action="scale"), Row(verified="worse", effect_verdict="helpful")]
    assert learned(rows, "memory", "raise_limit") == History(helped=2, harmed=3)

"""Shares and what it takes to say that they changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.verification.shares import Share, change, difference, wilson

counts = st.integers(0, 2000).flatmap(lambda of: st.builds(Share, st.integers(0, of), st.just(of)))


@given(counts)
def test_an_interval_holds_its_ratio_and_stays_between_0_and_1(share: Share) -> None:
    low, high = wilson(share)

    assert 0 <= low <= share.ratio + 1e-9
    assert share.ratio - 1e-9 <= high <= 1


@given(counts, counts)
def test_before_and_after_exchanged_turn_the_difference_around(one: Share, other: Share) -> None:
    low, high = difference(one, other)

    assert abs(difference(other, one)[0] + high) < 1e-9
    assert abs(difference(other, one)[1] + low) < 1e-9


def test_wilson_gives_the_published_interval() -> None:
    low, high = wilson(Share(81, 263), 1.96)  # Newcombe 1998, table I

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_few_requests_are_unclear_and_many_are_not() -> None:
    assert change(Share(3, 10), Share(0, 6)) == "unclear"
    assert change(Share(300, 1000), Share(0, 600)) == "fell"
    assert change(Share(1, 1000), Share(300, 1000)) == "rose"
    assert change(Share(10, 5000), Share(11, 5000)) == "same"

"""Small numbers are not called doubled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.summaries.comparing import compared, risen, share
from agent.summaries.facts import Counted


@pytest.mark.parametrize(("now", "before", "said"), [
    (4, 2, "before: 2"), (6, 0, "none before"), (7, 7, "as many as before"), (300, 100, "3.0 times as many; before: 100"),
    (130, 100, "before: 100"), (1300, 1000, "+30%; before: 1,000"), (0, 500, "none any more; before: 500"), (5, None, ""),
])
def test_a_comparison_says_as_much_as_the_numbers_bear(now: int, before: int | None, said: str) -> None:
    assert compared(Counted(now=now, before=before)) == said


@given(st.integers(0, 19), st.integers(0, 19))
def test_no_ratio_is_made_of_small_numbers(now: int, before: int) -> None:
    assert "times as many" not in compared(Counted(now=now, before=before))


@given(st.integers(0, 10**6))
def test_what_stays_has_not_risen(count: int) -> None:
    assert not risen(Counted(now=count, before=count))


def test_shares_keep_the_digits_they_need() -> None:
    assert [share(1, 3), share(4, 10_000), share(1, 10**7), share(0, 5), share(0, 0)] == ["33%", "0.04%", "under 0.01%", "0%", "none"]

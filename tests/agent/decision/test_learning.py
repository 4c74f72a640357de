"""What engineers say of a cause moves how far it is trusted, a little with each word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decision.learning import trusted


def said(*verdicts: str | None, cause: str = "memory") -> list[Any]:
    return [SimpleNamespace(cause=cause, action="scale", verified="confirmed", cause_verdict=one, effect_verdict=None) for one in verdicts]


@pytest.mark.parametrize(("verdicts", "kept"), [((), 1.0), ((None, None), 1.0), (("right",), 1.0), (("wrong",), 0.8), (("wrong",) * 3, 0.571), (("wrong", "right", "right"), 0.952)])
def test_share_of_its_confidence_that_a_cause_keeps(verdicts: tuple[str | None, ...], kept: float) -> None:
    assert trusted(said(*verdicts), "memory") == pytest.approx(kept, abs=0.001)


def test_another_cause_or_none_is_not_judged_by_it() -> None:
    assert trusted(said("wrong", cause="cpu"), "memory") == 1.0
    assert trusted(said("wrong", cause=""), "") == 1.0


@given(st.lists(st.sampled_from(["right", "wrong", None]), max_size=20))
def test_one_more_wrong_never_raises_it_and_one_more_right_never_lowers_it(verdicts: list[str | None]) -> None:
    now = trusted(said(*verdicts), "memory")

    assert trusted(said(*verdicts, "wrong"), "memory") <= now <= trusted(said(*verdicts, "right"), "memory") <= 1.0

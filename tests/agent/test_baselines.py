"""Two windows in one question: what is asked about, and what it is compared with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.offline.times import find_window

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
NEWEST = datetime(2025, 12, 10, 11, 4, 45, tzinfo=UTC)
FIRST = datetime(2025, 12, 5, 6, 55, tzinfo=UTC)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 12, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(("text", "window", "baseline"), [
    ("compare 8 Dec with 9 Dec", (at(8), at(9)), (at(9), at(10))),
    ("errors on 8 Dec versus 9 Dec", (at(8), at(9)), (at(9), at(10))),
    ("what changed from 8 Dec to 9 Dec", (at(9), at(10)), (at(8), at(9))),
    ("between 9:00 and 10:00 compared with 10:00 to 11:00", (at(10, 9), at(10, 10)), (at(10, 10), at(10, 11))),
    ("before and after 10:00", (at(10, 10), at(10, 11)), (at(10, 9), at(10, 10))),
    ("what changed on 9 Dec compared with the day before", (at(9), at(10)), (at(8), at(9))),
    ("compare 9 Dec with the day before yesterday", (at(9), at(10)), (at(8), at(9))),
    ("10:00 to 10:30 compared with the half an hour before", (at(10, 10), at(10, 10, 30)), (at(10, 9, 30), at(10, 10))),
    ("what is new between 9:00 and 10:00 versus the previous hour", (at(10, 9), at(10, 10)), (at(10, 8), at(10, 9))),
])
def test_window_and_what_it_is_compared_with(
    text: str, window: tuple[datetime, datetime], baseline: tuple[datetime, datetime]
) -> None:
    found = find_window(text, NOW, NEWEST, FIRST)

    assert found.baseline is not None
    assert (found.window.start, found.window.end) == window
    assert (found.baseline.start, found.baseline.end) == baseline


@pytest.mark.parametrize("text", ["today versus yesterday", "more errors than yesterday"])
def test_today_is_compared_with_all_of_yesterday(text: str) -> None:
    found = find_window(text, NOW, NEWEST, FIRST)

    assert found.baseline is not None
    assert (found.window.start, found.baseline.start, found.baseline.end) == (at(10), at(9), at(10))


@pytest.mark.parametrize("text", ["between 9:00 and 10:00", "errors yesterday", "more than 5 errors", "user a versus user b", ""])
def test_one_window_has_no_baseline(text: str) -> None:
    assert find_window(text, NOW, NEWEST, FIRST).baseline is None


def test_words_of_a_comparison_are_taken_out() -> None:
    found = find_window("failed logins on 8 Dec versus 9 Dec", NOW, NEWEST, FIRST)

    assert found.rest("failed logins on 8 Dec versus 9 Dec") == "failed logins"

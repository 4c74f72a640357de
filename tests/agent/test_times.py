from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.offline.times import find_window

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
NEWEST = datetime(2025, 12, 10, 11, 4, 45, tzinfo=UTC)
FIRST = datetime(2025, 12, 9, 6, 55, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2025, 12, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(("text", "start", "end"), [
    ("yesterday between 2 and 3 pm", at(9, 14), at(9, 15)),
    ("between 9 and 10 am", at(10, 9), at(10, 10)),
    ("between 10:00 and 11:00 on Dec 9", at(9, 10), at(9, 11)),
    ("from 09:00 to 09:30", at(10, 9), at(10, 9, 30)),
    ("around 10:15", at(10, 10, 10), at(10, 10, 20)),
    ("at 3 am", at(10, 3), at(10, 4)),
    ("on Dec 9", at(9, 0), at(10, 0)),
    ("on 9 December at 8 pm", at(9, 20), at(9, 21)),
    ("since 10:00", at(10, 10), None),
    ("before 9 am", None, at(10, 9)),
    ("2025-12-10 09:00 to 2025-12-10 10:00", at(10, 9), at(10, 10)),
    ("yesterday evening", at(9, 18), at(10, 0)),
    ("11 pm to 2 am", at(9, 23), at(10, 2)),
    ("port 22 top 10 status 500 blk_10 of 10.0.0.1", None, None),
])
def test_windows_as_people_say(text: str, start: datetime | None, end: datetime | None) -> None:
    window = find_window(text, NOW, NEWEST, FIRST).window

    assert (window.start, window.end) == (start, end)


def test_old_data_anchors_on_newest() -> None:
    found = find_window("errors in the last 2 hours", NOW, NEWEST, FIRST)

    assert found.window.start == at(10, 9, 4, 45)
    assert "newest record" in found.statement


def test_baseline_precedes_the_window() -> None:
    found = find_window("what changed between 9:00 and 10:00 compared with the hour before", NOW, NEWEST, FIRST)

    assert found.baseline is not None
    assert (found.baseline.start, found.baseline.end) == (at(10, 8), at(10, 9))


@given(st.text(alphabet="0123456789: ampthsincebtwyrd-/", max_size=60))
def test_any_text_gives_ordered_window(text: str) -> None:
    window = find_window(text, NOW, NEWEST, FIRST).window

    assert window.start is None or window.end is None or window.start <= window.end

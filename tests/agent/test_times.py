from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.numerals import NUMERALS
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
    ("at half past ten", at(10, 10, 30), at(10, 10, 31)),
    ("at quarter to three", at(10, 2, 45), at(10, 2, 46)),
    ("at quarter to three in the afternoon", at(9, 14, 45), at(9, 14, 46)),
    ("twenty past nine", at(10, 9, 20), at(10, 9, 21)),
    ("at 3 in the morning", at(10, 3), at(10, 4)),
    ("8 in the evening on 9 Dec", at(9, 20), at(9, 21)),
    ("since 9 at night yesterday", at(9, 21), None),
    ("at 9h30", at(10, 9, 30), at(10, 9, 31)),
    ("the evening of 9 Dec", at(9, 18), at(10, 0)),
    ("on 9 Dec in the afternoon", at(9, 12), at(9, 18)),
    ("on 9 Dec before noon", at(9, 0), at(9, 12)),
    ("yesterday after 9 pm", at(9, 21), at(10, 0)),
    ("tonight", at(9, 18), at(10, 6)),
    ("tonight after midnight", at(10, 0), at(10, 6)),
    ("last night", at(9, 20), at(10, 6)),
    ("last Monday", at(8, 0), at(9, 0)),
    ("in December 2025", at(1, 0), datetime(2026, 1, 1, tzinfo=UTC)),
    ("30 minutes before 10:15", at(10, 9, 45), at(10, 10, 15)),
    ("within 5 minutes of 10:15", at(10, 10, 10), at(10, 10, 20)),
    ("after 9:00 and before 10:00", at(10, 9), at(10, 10)),
    ("first hour", FIRST, FIRST + timedelta(hours=1)),
    ("blocks between 1 and 2 MB", None, None),
    ("requests from 100 to 200 ms", None, None),
    ("port 22 top 10 status 500 blk_10 of 10.0.0.1", None, None),
])
def test_windows_as_people_say(text: str, start: datetime | None, end: datetime | None) -> None:
    window = find_window(text, NOW, NEWEST, FIRST).window

    assert (window.start, window.end) == (start, end)


@pytest.mark.parametrize(("word", "number"), NUMERALS.items())
def test_every_number_word_counts_hours(word: str, number: int) -> None:
    said, written = (find_window(f"errors in the last {count} hours", NOW, NEWEST, FIRST) for count in (word, number))

    assert said.window == written.window
    assert said.window.start


@pytest.mark.parametrize(("text", "start"), [("this week", at(8, 0)), ("this month", at(1, 0)), ("this hour", at(10, 11))])
def test_this_unit_runs_to_the_newest_record(text: str, start: datetime) -> None:
    window = find_window(text, NOW, NEWEST, FIRST).window

    assert window.start == start
    assert window.end == NEWEST + timedelta(microseconds=1)


@pytest.mark.parametrize("text", [
    "errors at half past ten", "errors at 3 in the morning", "errors tonight after midnight", "errors on the evening of 9 Dec",
    "errors on 9 Dec before noon", "errors within 5 minutes of 10:15",
])
def test_words_of_time_are_taken_out(text: str) -> None:
    assert find_window(text, NOW, NEWEST, FIRST).rest(text) == "errors"


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

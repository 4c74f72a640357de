"""Times of many styles become UTC, and what was inferred is stated."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.formats.stamps import at, epoch_at
from telemetry.texts import Texts
from telemetry.times import UNKNOWN, Clock

pytestmark = pytest.mark.usefixtures("either_kernel")

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def read(texts: list[str], clock: Clock) -> list[datetime | None]:
    found = at(texts[0], 0, {}) or epoch_at(texts[0], 0)
    assert found
    micros = clock.read(Texts.of(text.encode() for text in texts), found[1]).tolist()
    return [None if m == UNKNOWN else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=m) for m in micros]


@pytest.mark.parametrize(("text", "expected"), [
    ("2015-10-18 18:01:47,978", datetime(2015, 10, 18, 18, 1, 47, 978000, UTC)),
    ("20171223-23:7:6:86", datetime(2017, 12, 23, 23, 7, 6, 86000, UTC)),
    ("081109 203615", datetime(2008, 11, 9, 20, 36, 15, 0, UTC)),
    ("17/06/09 20:10:40", datetime(2017, 6, 9, 20, 10, 40, 0, UTC)),
    ("10/Oct/2000:13:55:36 -0700", datetime(2000, 10, 10, 20, 55, 36, 0, UTC)),
    ("Sun Dec 04 04:47:44 2005", datetime(2005, 12, 4, 4, 47, 44, 0, UTC)),
    ("2005-06-03-15.42.50.675872", datetime(2005, 6, 3, 15, 42, 50, 675872, UTC)),
    ("1531171074631", datetime(2018, 7, 9, 21, 17, 54, 631000, UTC)),
    ("1600000000.25", datetime(2020, 9, 13, 12, 26, 40, 250000, UTC)),
    ("2024-02-30 10:00:00", None),
])
def test_style_reads_as_utc(text: str, expected: datetime | None) -> None:
    assert read([text], Clock(NOW)) == [expected]


def test_missing_year_rolls_over() -> None:
    clock = Clock(NOW)

    times = read(["Dec 31 23:59:59", "Jan  1 00:00:01"], clock)

    assert [t.year for t in times if t] == [2025, 2026]
    assert any("year" in note for note in clock.notes)


def test_inferred_year_avoids_future() -> None:
    assert [t.year for t in read(["Nov 20 10:00:00"], Clock(NOW)) if t] == [2025]


def test_declared_zone_is_applied() -> None:
    times = read(["2024-07-01 12:00:00"], Clock(NOW, "Europe/Berlin"))

    assert times == [datetime(2024, 7, 1, 10, tzinfo=UTC)]


def test_state_survives_restoring() -> None:
    clock = Clock(NOW)
    read(["Dec 31 23:59:59"], clock)

    again = Clock.restore(clock.state())

    assert again.state() == clock.state()


def test_nulls_and_rubbish_are_null() -> None:
    assert read(["2024-01-01 00:00:00", "rubbish"], Clock(NOW))[1] is None


@pytest.mark.parametrize(("text", "expected"), [
    ("2024-03-31 02:30:00", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
    ("2024-10-27 02:30:00", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),
])
def test_hours_around_clock_changes(text: str, expected: datetime) -> None:
    assert read([text], Clock(NOW, "Europe/Berlin")) == [expected]


def test_shapes_and_zones_mix_in_one_column() -> None:
    texts = ["2024-01-01 00:00:00 +0200", "2024-01-01 00:00:00.5 +0100", "2024-01-01 00:00:00", "2024-01-01 00:00:00 +0100"]

    hours = [t.strftime("%d %H:%M:%S.%f") for t in read(texts, Clock(NOW)) if t]

    assert hours == ["31 22:00:00.000000", "31 23:00:00.500000", "01 00:00:00.000000", "31 23:00:00.000000"]


def test_patterns_ask_for_no_digit_by_value() -> None:
    from telemetry.formats import header, special, stamps
    from telemetry.times import TimeFormat

    formats = [f for m in (header, special, stamps) for f in vars(m).values() if isinstance(f, TimeFormat)]
    patterns = [f.pattern for f in formats] + [s.pattern for s in stamps._STYLES]

    assert not [p for p in patterns if re.search(r"\[[^\]]*[0-9]|\|[0-9]", p)]

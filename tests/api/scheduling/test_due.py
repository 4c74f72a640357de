"""Due times are those of cron, in the schedule's zone, across changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.scheduling.due import Cron
from telemetry.errors import UsageError

BERLIN = "Europe/Berlin"


def first(cron: str, zone: str, after: str, count: int = 3) -> list[str]:
    found = islice(Cron(cron, zone).after(datetime.fromisoformat(after).replace(tzinfo=UTC)), count)
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M %z}" for one in found]


def test_eight_in_the_morning_stays_eight_in_summer_and_winter() -> None:
    assert first("0 8 * * *", BERLIN, "2026-03-27T12:00") == ["03-28 08:00 +0100", "03-29 08:00 +0200", "03-30 08:00 +0200"]
    assert first("0 8 * * *", BERLIN, "2026-10-23T12:00") == ["10-24 08:00 +0200", "10-25 08:00 +0100", "10-26 08:00 +0100"]


def test_a_skipped_time_is_due_right_after_the_gap_once() -> None:
    assert first("30 2 * * *", BERLIN, "2026-03-28T00:00") == ["03-28 02:30 +0100", "03-29 03:30 +0200", "03-30 02:30 +0200"]


def test_a_time_that_comes_twice_is_due_once() -> None:
    assert first("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == ["10-25 02:30 +0200", "10-26 02:30 +0100"]


def test_every_hour_goes_by_the_hours_that_pass() -> None:
    assert first("0 * * * *", BERLIN, "2026-10-25T00:30", 3) == ["10-25 02:00 +0100", "10-25 03:00 +0100", "10-25 04:00 +0100"]
    assert first("0 * * * *", BERLIN, "2026-10-24T23:30", 2) == ["10-25 02:00 +0200", "10-25 02:00 +0100"]
    assert first("0 * * * *", BERLIN, "2026-03-29T00:30", 2) == ["03-29 03:00 +0200", "03-29 04:00 +0200"]


def test_half_an_hour_of_summer_time_is_seen_too() -> None:
    assert first("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T18:00", 2) == ["10-04 02:45 +1100", "10-05 02:15 +1100"]


@pytest.mark.parametrize(("field", "days"), [("0", "Sun"), ("7", "Sun"), ("1-5", "Mon Tue Wed Thu Fri"), ("5-7", "Sun Fri Sat"), ("mon,wed", "Mon Wed"),
                                             ("*/3", "Sun Wed Sat"), ("sat-mon", "Sun Mon Sat")])
def test_days_of_the_week_are_those_of_cron(field: str, days: str) -> None:
    found = islice(Cron(f"0 0 * * {field}").after(datetime(2026, 3, 1, tzinfo=UTC) - timedelta(seconds=1)), 7)

    assert {f"{one:%a}" for one in found} == set(days.split())


def test_either_day_field_will_do_when_both_are_given() -> None:
    assert first("0 0 13 * 5", "UTC", "2026-03-10T00:00", 3) == ["03-13 00:00 +0000", "03-20 00:00 +0000", "03-27 00:00 +0000"]


@pytest.mark.parametrize("text", ["", "* * * *", "61 * * * *", "x * * * *", "0 0 * * 9", "0 0 * * mo", "@daily", "0 0 * * 1/x"])
def test_what_is_no_cron_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cron"):
        Cron(text)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "/etc/passwd"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError, match="zone"):
        Cron("0 8 * * *", zone)


def test_a_date_that_never_comes_is_never_due() -> None:
    assert list(Cron("0 0 30 2 *").after(datetime(2026, 1, 1, tzinfo=UTC))) == []


def test_missed_times_are_counted_however_long_ago() -> None:
    now = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)

    due = Cron("0 8 * * *").between(now - timedelta(days=10), now)

    assert due is not None
    assert (due.last, due.first, due.count) == (datetime(2026, 6, 1, 8, tzinfo=UTC), datetime(2026, 5, 23, 8, tzinfo=UTC), 10)
    assert Cron("0 8 * * *").between(now - timedelta(minutes=5), now) is None


@settings(max_examples=40, deadline=None)
@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)), st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),  # noqa: DTZ001 - made aware below
       st.sampled_from(["0 8 * * *", "*/20 * * * *", "30 2 * * *", "15 1 * * 0", "0 */6 1 * *"]))
def test_due_times_ascend_and_none_is_lost_by_stopping(when: datetime, zone: str, text: str) -> None:
    cron, start = Cron(text, zone), when.replace(tzinfo=UTC)
    told = list(islice(cron.after(start), 6))

    assert told == sorted(set(told))
    assert list(islice(cron.after(told[2]), 3)) == told[3:]

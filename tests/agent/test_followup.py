"""Follow-ups keep what was asked and change what they name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.offline.reading import read
from agent.offline.understanding import Reading
from telemetry.models import Filter
from tests.agent.books import SSHD

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def follow(question: str, first: str = "how many failed logins today between 10 and 11 am") -> Reading:
    previous = read(first, SSHD, NOW, None)
    assert isinstance(previous, Reading)
    reading = read(question, SSHD, NOW, previous)
    assert isinstance(reading, Reading)
    return reading


@pytest.mark.parametrize(("question", "expected"), [
    ("and only for root?", {"operation": "count", "target": "failed logins \u241e root"}),
    ("for root?", {"operation": "count", "target": "failed logins \u241e root"}),
    ("and per hour?", {"operation": "trend", "bucket": 3600, "target": "failed logins"}),
    ("per host", {"operation": "count", "group_by": ("host",), "target": "failed logins"}),
    ("show me the lines", {"operation": "lines", "target": "failed logins"}),
    ("which ips", {"operation": "top", "field": "param:ip", "target": "failed logins"}),
    ("who?", {"operation": "top", "field": "param:user", "target": "failed logins"}),
    ("how many errors", {"operation": "count", "target": "errors"}),
])
def test_follow_up_changes_one_thing(question: str, expected: dict[str, Any]) -> None:
    reading = follow(question)

    assert {name: getattr(reading, name) for name in expected} == expected


@pytest.mark.parametrize(("question", "day", "hour"), [
    ("what about yesterday?", 9, 0), ("and the hour before?", 10, 9), ("and the day before?", 9, 10),
])
def test_follow_up_moves_the_window(question: str, day: int, hour: int) -> None:
    start = follow(question).window.start

    assert start == datetime(2025, 12, day, hour, tzinfo=UTC)


def test_without_excludes_a_word() -> None:
    assert follow("without root").filters == (Filter(field="text", op="not_word", value="root"),)


def test_top_changes_the_limit() -> None:
    reading = follow("top 3 instead", "top 10 ips by failed password")

    assert (reading.operation, reading.field, reading.limit) == ("top", "param:ip", 3)


def test_noun_changes_the_field() -> None:
    assert follow("and users?", "top 10 ips by failed password").field == "param:user"

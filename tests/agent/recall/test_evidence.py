"""Evidence is there again when it says the same apart from numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.recall.evidence import apart, fingerprint, moved
from telemetry.models import Found, Result, Window
from tools.registry import ToolResult
from tools.result import TemplateCount

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def table(*rows: list[Any], **more: Any) -> ToolResult:
    found = Found(result=Result(kind="table", columns=["service", "count", "first"], rows=list(rows)), total=len(rows),
                  searched=9, window=Window(), excerpt=[])
    return ToolResult(**{"tool": "logs.top", "status": "found", "query": {}, "window": Window(), "found": found, **more})


def test_other_figures_and_times_are_the_same_evidence() -> None:
    then = table(["payments", 3, "2026-11-02T12:00:00Z"], ["cart", "17", None])
    now = table(["cart", "18", None], ["payments", 90, "2026-11-05T12:00:00Z"])

    assert fingerprint(then) == fingerprint(now)


@pytest.mark.parametrize("other", [
    table(["payments-v2", 3, None]), table(["payments", 3, None], ["cart", 1, None]), table(["payments", 3, None], status="nothing_found"),
    table(["payments", 3, None], tool="logs.count"), table(["payments", 3, None], templates=[TemplateCount(id="t9", pattern="x", count=1)]),
])
def test_other_names_status_or_templates_are_other_evidence(other: ToolResult) -> None:
    assert fingerprint(other) != fingerprint(table(["payments", 3, None]))


def test_moments_in_arguments_move_and_nothing_else_does() -> None:
    given = {"start": "2026-11-02T12:00:00Z", "contains": ["2026"], "limit": 5, "query": {"window": {"end": "2026-11-02T13:00:00+00:00"}}}

    assert moved(given, timedelta(days=1)) == {
        "start": "2026-11-03T12:00:00+00:00", "contains": ["2026"], "limit": 5, "query": {"window": {"end": "2026-11-03T13:00:00+00:00"}}}


def test_windows_apart_are_measured_by_their_start() -> None:
    then, now = Window(start=NOON), Window(start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2))

    assert apart(then, then) == timedelta()
    assert apart(then, now) == timedelta(hours=1)
    assert apart(Window(), now) is None

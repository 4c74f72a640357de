"""Sentences carry the numbers of the result, with units and separators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent.offline.phrasing import interpretation, phrase
from agent.offline.understanding import Reading
from telemetry.models import Filter, Found, Query, Result, Window


def said(query: Query, result: Result, total: int) -> str:
    found = Found(result=result, total=total, searched=5000, window=Window(), excerpt=[])
    return phrase(Reading(operation=query.operation), query, found, "")


def table(rows: list[list[Any]]) -> Result:
    return Result(kind="table", columns=[], rows=rows)


def test_counts_have_thousands_separators() -> None:
    assert "1,234 records" in said(Query(operation="count"), Result(kind="scalar", value=1234), 1234)


def test_nothing_found_says_what_was_searched() -> None:
    assert "5,000 records" in said(Query(operation="count"), Result(kind="scalar", value=0), 0)


def test_trend_states_its_peak() -> None:
    result = Result(kind="series", columns=[], rows=[["10:00", 3], ["10:15", 42]])

    assert "peaked at 10:15 with 42" in said(Query(operation="trend"), result, 45)


def test_sizes_are_humanised() -> None:
    query = Query(operation="stats", stats=("max",), field="param:size")

    assert "64.0 MB" in said(query, Result(kind="scalar", value=67108864), 9)


def test_interpretation_names_every_part() -> None:
    query = Query(operation="top", field="param:ip", filters=(Filter(field="level", op="eq", value="error"),),
                  window=Window(start=datetime(2025, 1, 1, tzinfo=UTC)))

    text = interpretation(query)

    assert all(part in text for part in ("top", "ip", "level eq error", "2025-01-01"))

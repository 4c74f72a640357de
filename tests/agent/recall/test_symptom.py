"""Only an equal symptom is one: everything that was asked and everything that shows counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.recall.symptom import Symptom, symptom
from telemetry.models import Filter, Query, Window

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def query(start: datetime | None = NOON - timedelta(hours=2), end: datetime | None = NOON, **more: Any) -> Query:
    return Query(**{"operation": "summary", "window": Window(start=start, end=end), **more})


def one(question: str = "why did payments fail?", asked: Query | None = None, **more: Any) -> Symptom:
    given: dict[str, Any] = {"templates": {"t1", "t2"}, "services": {"payments"}, "environment": "production", **more}
    return symptom(question, asked or query(), **given)


def test_same_symptom_at_another_time_is_equal() -> None:
    later = query(NOON + timedelta(days=3), NOON + timedelta(days=3, hours=2))

    assert one().signature == one("Why did  payments fail", later, templates=["t2", "t1"]).signature


OTHERS: dict[str, Symptom] = {
    "words": one("why did payments not fail?"), "length": one(asked=query(NOON - timedelta(hours=24))),
    "operation": one(asked=query(operation="count")), "templates": one(templates={"t1"}),
    "more templates": one(templates={"t1", "t2", "t3"}), "service": one(services={"payments-v2"}),
    "environment": one(environment="staging"), "open end": one(asked=query(end=None)),
    "filters": one(asked=query(filters=(Filter(field="param:user", op="eq", value="ann"),))),
    "negated filter": one(asked=query(filters=(Filter(field="param:user", op="ne", value="ann"),))),
    "baseline": one(asked=query(baseline=Window(start=NOON - timedelta(hours=4), end=NOON - timedelta(hours=2)))),
}


@pytest.mark.parametrize("what", OTHERS)
def test_anything_else_is_another_symptom(what: str) -> None:
    assert OTHERS[what].signature != one().signature


def test_window_that_is_still_open_is_the_same_from_the_same_start_only() -> None:
    since = query(NOON, None)

    assert one(asked=since).signature == one(asked=query(NOON, None)).signature
    assert one(asked=since).signature != one(asked=query(NOON + timedelta(minutes=5), None)).signature

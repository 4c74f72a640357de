"""A question for a cause looks where the failures are, and says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.offline.failing import Failing, failing
from agent.offline.target import Target
from api.wiring.product import Product
from telemetry.models import Filter, Found, Query, Result, Window

START = datetime(2026, 2, 1, tzinfo=UTC)
EXTENT = Window(start=START, end=START + timedelta(days=3))
ERRORS = Target((Filter(field="level", op="eq", value="error"),), (), (), "lines with level error")


def found(query: Query, counts: dict[float, int]) -> Found:
    rows = [[(START + timedelta(hours=hours)).isoformat(), count] for hours, count in sorted(counts.items())]
    return Found(result=Result(kind="series", rows=rows), total=len(rows), searched=1, window=query.window, excerpt=[])


def looked(counts: dict[float, int], service: str = "shop") -> Failing | None:
    return failing("shop fail", service, EXTENT, lambda query: found(query, counts), lambda words: ERRORS if words == "errors" else None)


def test_the_newest_stretch_of_many_failures_is_looked_at() -> None:
    known = looked({3: 90, 20: 1, 30: 100, 30.5: 40, 31: 80, 50: 2})

    assert known is not None
    assert known.window == Window(start=START + timedelta(hours=30), end=START + timedelta(hours=31, minutes=10))
    assert "the failures of shop" in known.statement and "220 records" in known.statement  # noqa: PT018 - one sentence


@pytest.mark.parametrize("counts", [{3: 90, 70: 1}, {71: 5}])
def test_failures_of_the_newest_hours_need_no_other_window(counts: dict[float, int]) -> None:
    assert looked(counts) is None


def test_no_failures_at_all_is_said() -> None:
    known = looked({})

    assert known == Failing(None, "no record tells of the failures of shop (lines with level error): the newest 6 hours were looked at")


def test_words_that_mean_nothing_and_no_service_leave_the_window() -> None:
    assert looked({3: 90}, service="") is None


@pytest.fixture
def days(product: Product, tmp_path: Path) -> Product:
    lines = []
    for minute in range(0, 2 * 24 * 60, 5):
        at = START + timedelta(minutes=minute)
        lines.append(f'{{"ts":"{at:%Y-%m-%dT%H:%M:%SZ}","level":"info","service":"shop","msg":"order placed"}}')
        if 600 <= minute < 660:
            lines += [f'{{"ts":"{at + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}","level":"error","service":"shop","msg":"gateway timed out"}}' for n in range(9)]
    (tmp_path / "shop.log").write_text("\n".join(lines) + "\n")
    product.ingest([tmp_path / "shop.log"])
    product.index()
    return product


def why(product: Product, question: str) -> dict[str, Any]:
    return product.ask(question, now=START + timedelta(days=2), analyst="offline")


@pytest.mark.parametrize("question", ["why did shop fail?", "why did the gateway time out?"])
def test_old_failures_are_found_by_a_service_or_by_words(days: Product, question: str) -> None:
    answer = why(days, question)

    assert answer["window"]["start"] == "2026-02-01T10:00:00Z"
    assert "gateway timed out" in answer["suspects"][0]["statement"]
    assert "108 records from 2026-02-01 10:00:00 to 11:00:00 UTC, before the newest 6 hours: that time was looked at" in answer["answer"]

"""Segments whose files have fewer variables than the store: questions over them alone are answered all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telemetry.models import Filter, Query, Window
from telemetry.store.reader import Reader
from tests.conftest import Product

MORNING = datetime(2026, 5, 4, 9, tzinfo=UTC)
FIRST_HOUR = Window(start=MORNING, end=MORNING + timedelta(minutes=30))
"""Only messages of one variable; the next hour brings messages of three."""


@pytest.fixture
def reader(product: Product, tmp_path: Path) -> Reader:
    first = [f"2026-05-04T09:{n:02}:00Z INFO shop: warmed cache {n}" for n in range(20)]
    second = [f"2026-05-04T11:{n:02}:00Z INFO shop: GET /cart/{n} answered 200 in {n + 7} ms" for n in range(20)]
    for name, lines in (("a.log", first), ("b.log", second)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        product.ingest([tmp_path / name])
    return Reader(product.home)


def test_narrow_segment_groups_by_absent_variable(reader: Reader) -> None:
    found = reader.run(Query(operation="count", window=FIRST_HOUR, group_by=("param:path", "param:number")))

    assert found.total == 20


@pytest.mark.parametrize("operation", ["count", "top", "distinct", "stats", "lines", "trend", "share"])
def test_narrow_segment_answers_every_operation(reader: Reader, operation: str) -> None:
    fields = {"field": "param:duration"} if operation in {"top", "distinct", "stats"} else {}
    query = Query.model_validate({"operation": operation, "window": FIRST_HOUR, **fields})

    assert reader.run(query).searched == 20


def test_narrow_segment_is_filtered_by_absent_variable(reader: Reader) -> None:
    slow = Filter(field="param:duration", op="gt", value=0.001)

    assert reader.run(Query(operation="count", window=FIRST_HOUR, filters=(slow,))).total == 0
    assert reader.run(Query(operation="count", window=Window(), filters=(slow,))).total == 20


def test_reader_leaves_no_file_behind(reader: Reader) -> None:
    reader.run(Query(operation="count", window=FIRST_HOUR, group_by=("param:path",)))
    folder = Path(reader._temporary.name)
    assert folder.is_dir()

    reader.close()

    assert not folder.exists()

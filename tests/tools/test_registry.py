"""Every call of a tool is answered once, and the answer says how it was got."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.wiring import Product
from telemetry.errors import StoreError
from telemetry.models import Found, Query, Result, Window
from telemetry.store.reader import Reader
from tools.logs import log_tools
from tools.registry import Registry, Tool

COUNT = Query(operation="count")


def tool(found: Found | StoreError) -> Registry:
    def call(_: Query) -> Found:
        if isinstance(found, StoreError):
            raise found
        return found

    return Registry([Tool("logs.query", "count", "read", Query, call)])


def counted(total: int) -> Found:
    return Found(result=Result(kind="scalar", value=total), total=total, searched=9, window=Window(), excerpt=[])


@pytest.mark.parametrize(("total", "status"), [(3, "found"), (0, "nothing_found")])
def test_status_tells_finding_from_nothing(total: int, status: str) -> None:
    result = tool(counted(total)).call("logs.query", COUNT.model_dump(mode="json"))

    assert (result.status, result.total) == (status, total)


def test_unknown_tool_fails_with_the_known_ones() -> None:
    result = tool(counted(1)).call("logs.delete", {})

    assert result.status == "failed"
    assert "logs.query" in (result.error or "")


def test_bad_input_fails_and_names_the_field() -> None:
    result = tool(counted(1)).call("logs.query", {"operation": "explode"})

    assert result.status == "failed"
    assert "operation" in (result.error or "")


def test_error_of_the_store_is_a_failure_not_nothing() -> None:
    broken = StoreError("a segment is damaged", where="x.parquet", remedy="run: oncalm doctor --repair")

    result = tool(broken).call("logs.query", COUNT.model_dump(mode="json"))

    assert result.status == "failed"
    assert "doctor" in (result.error or "")


def test_no_tool_can_write_or_approve(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:00 INFO started\n2026-01-01 00:00:01 ERROR broke\n")
    Product(tmp_path / "home").ingest([tmp_path / "a.log"])
    tools = log_tools(Reader(tmp_path / "home"))

    risks = {name: found.risk for name in tools.names() if (found := tools.tool(name))}

    assert {"logs.query", "logs.context", "logs.lines"} <= set(risks)
    assert set(risks.values()) == {"read"}


def test_context_shows_the_lines_around(tmp_path: Path) -> None:
    lines = [f"2026-01-01 00:00:0{n} INFO step {n}" for n in range(9)]
    (tmp_path / "a.log").write_text("\n".join(lines) + "\n")
    Product(tmp_path / "home").ingest([tmp_path / "a.log"])
    tools = log_tools(Reader(tmp_path / "home"))

    result = tools.call("logs.context", {"source": str(tmp_path / "a.log"), "line_no": 5, "before": 1, "after": 2})

    shown = (result.found.result.lines or []) if result.found else []
    assert [line.line_no for line in shown] == [4, 5, 6, 7]
    assert shown[0].time == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)

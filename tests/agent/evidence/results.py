"""Results of one invented run, by evidence id: what the claims of these tests cite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.models import Filter, Found, Line, Query, Result, Window
from tools.registry import ToolResult

NINE = datetime(2025, 12, 10, 9, 0, tzinfo=UTC)
MORNING = Window(start=NINE, end=NINE + timedelta(hours=2))
QUESTION = "Why did payments fail between 09:00 and 11:00 on 10 December? The limit is 250 connections."


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2025-12-10T{clock}+00:00")


def line(number: int, clock: str, text: str, service: str = "payments", host: str = "web-01") -> Line:
    return Line(id=number, time=at(clock), level="error", service=service, host=host, template="t7f3a91",
                source=f"{service}.log", line_no=number, text=text)


LINES = [
    line(101, "09:14:07.250", "ERROR c.a.pool.ConnectionPool - java.net.SocketTimeoutException: read timed out after 30000 ms"),
    line(102, "09:14:09", 'FATAL: remaining connection slots are reserved (max_connections=100) client=10.0.0.1:5432'),
    line(103, "09:16:31", "retry 3/5 order 8f14e45f-ceea-467f-a0e6-5a1d2b3c4d5e failed: No route to host, status=503, took 1.25s"),
    line(104, "10:02:00", "disk /var/lib/postgresql/data is 97% full, 1536 MB free, blk_-1608999687919862906 skipped"),
]  # fmt: skip


def result(
    operation: str, given: Result, total: int, *, filters: tuple[Filter, ...] = (), excerpt: list[Line] | None = None,
    **query: Any,
) -> ToolResult:
    asked = Query(operation=operation, window=MORNING, filters=filters, **query)  # type: ignore[arg-type]
    found = Found(result=given, total=total, searched=5000, window=MORNING, excerpt=excerpt or [])
    return ToolResult(tool="logs.query", status="found" if total else "nothing_found", query=asked.model_dump(mode="json"),
                      window=MORNING, total=total, found=found)


def broken(status: str, error: str | None) -> ToolResult:
    return ToolResult.model_validate({
        "tool": "metrics.query", "status": status, "query": {"expression": "up"}, "window": {}, "error": error})


PAYMENTS = Filter(field="service", op="eq", value="payments")
ERRORS = Filter(field="level", op="in", value=("error",))
TIMEOUT = Filter(field="text", op="icontains", value="timeout")
TREND = [["2025-12-10T09:00:00Z", 0], ["2025-12-10T09:15:00Z", 912], ["2025-12-10T09:30:00Z", 322]]
SPEEDS = [["min", 12], ["mean", 340.4], ["p95", 1250], ["max", 30000], ["count", 1234]]
COMPARED = [["t1", "Connection refused by <ip>", 3, 12, "up x4.0"], ["t2", "Cache warmed in <num> ms", 40, 0, "gone"],
            ["t3", "Deploy <id> started", 0, 1, "new"]]
RESULTS: dict[str, ToolResult] = {
    "E1": result("count", Result(kind="scalar", value=1234), 1234, filters=(PAYMENTS, ERRORS), excerpt=LINES[:2]),
    "E2": result("top", Result(kind="table", columns=["ip", "count"],
                               rows=[["10.0.0.1", 812], ["10.0.0.2", 302], ["10.0.0.3", 120]]), 1234, field="param:ip"),
    "E3": result("count", Result(kind="scalar", value=0), 0, filters=(TIMEOUT, Filter(field="service", op="eq", value="checkout"))),
    "E4": broken("failed", "the metrics server at metrics.internal refused the connection"),
    "E5": result("lines", Result(kind="lines", lines=LINES), 4, filters=(PAYMENTS,)),
    "E6": result("trend", Result(kind="series", columns=["time", "count"], rows=TREND), 1234, filters=(PAYMENTS, ERRORS), bucket=900),
    "E7": result("stats", Result(kind="table", columns=["stat", "value"], rows=SPEEDS), 1234, field="param:duration_ms"),
    "E8": result("share", Result(kind="scalar", value=0.2468), 1234, filters=(ERRORS,)),
    "E9": broken("not_assessed", None),
    "E10": result("compare", Result(kind="table", columns=["template", "pattern", "before", "after", "change"], rows=COMPARED), 13,
                  baseline=Window(start=NINE - timedelta(hours=2), end=NINE)),
    "E11": result("gaps", Result(kind="table", columns=["start", "end", "seconds"],
                                 rows=[["2025-12-10T10:02:00Z", "2025-12-10T10:25:30Z", 1410.0]]), 4, filters=(PAYMENTS,)),
    "E12": result("top", Result(kind="table", columns=["service", "count"],
                                rows=[["payments", 1234], ["checkout-v2", 57], ["storefront", 9]]), 1300, filters=(ERRORS,), field="service"),
    "E13": result("stats", Result(kind="scalar", value=67108864), 9, field="param:response_size", stats=("max",)),
}

"""Sessions that went strangely, over a store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.wiring.product import Product
from telemetry.store.reader import Reader
from tools.registry import Registry
from tools.sessions import session_tools

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEPS = ("order received from shop", "stock reserved for customer", "payment taken by card", "parcel handed over to courier")


def _tools(tmp_path: Path, *, traced: bool = True) -> Registry:
    """Two hours of orders, one a half minute; one of the second hour is reserved again and again and never paid."""
    lines = []
    for number in range(240):
        steps = STEPS if number != 200 else (STEPS[0], *[STEPS[1]] * 9, "reservation expired and was given back")
        for place, said in enumerate(steps):
            at = BEGIN + timedelta(seconds=30 * number + place)
            lines.append({"time": at.isoformat(), "level": "info", "service": "shop", "message": said, **({"trace_id": f"{number + 1:032x}"} if traced else {})})
    (tmp_path / "shop.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Product(tmp_path / "home").ingest([tmp_path / "shop.log"])
    return session_tools(Reader(tmp_path / "home"))


def test_the_one_strange_session_is_found_with_reasons(tmp_path: Path) -> None:
    result = _tools(tmp_path).call("logs.anomalies", {"start": "2026-03-01T13:00:00Z"})

    rows = result.found.result.rows if result.found else None
    assert rows is not None
    assert [row[0] for row in rows] == [f"{201:032x}"]
    assert "never seen in a normal session: reservation expired" in str(rows[0][4])
    assert any("grouped by trace id: 120 sessions, held against 120" in note for note in result.notes)


def test_a_window_of_usual_sessions_is_nothing_found(tmp_path: Path) -> None:
    result = _tools(tmp_path).call("logs.anomalies", {"start": "2026-03-01T13:00:00Z", "end": "2026-03-01T13:30:00Z"})

    assert (result.status, result.reason) == ("nothing_found", "60 sessions were judged and all are like those before")


def test_records_without_traces_are_not_assessed(tmp_path: Path) -> None:
    result = _tools(tmp_path, traced=False).call("logs.anomalies", {"start": "2026-03-01T13:00:00Z"})

    assert (result.status, "no record of the window names a trace" in str(result.reason)) == ("not_assessed", True)


def test_too_short_a_baseline_is_not_assessed(tmp_path: Path) -> None:
    result = _tools(tmp_path).call("logs.anomalies", {"start": "2026-03-01T12:05:00Z"})

    assert (result.status, "10 sessions" in str(result.reason)) == ("not_assessed", True)

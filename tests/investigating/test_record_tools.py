"""The tools over spans, metrics and changes, on the recorded incident."""

from __future__ import annotations

from api.wiring.investigation import Holdings
from tools.output import render


def test_failing_spans_are_found_slowest_first(held: Holdings) -> None:
    result = held.tools().call("traces.find", {"service": "storefront", "errors_only": True, "limit": 3})

    assert result.status == "found"
    assert result.found is not None
    rows = result.found.result.rows or []
    assert len(rows) == 3
    assert [row[3] for row in rows] == sorted((row[3] for row in rows), reverse=True)
    assert {row[4] for row in rows} == {"error"}


def test_trace_is_a_tree_across_services_with_its_log_lines(held: Holdings) -> None:
    tools = held.tools()
    rows = tools.call("traces.find", {"service": "inventory", "operation": "UPDATE stock", "limit": 1}).found.result.rows  # type: ignore[union-attr]

    text = render(tools.call("traces.show", {"trace_id": rows[0][6]}), "E1", 2000).text  # type: ignore[index]

    assert text.index("edge GET /checkout") < text.index("storefront GET /checkout") < text.index("inventory UPDATE stock")
    assert "Checkout of order" in text


def test_operations_are_held_against_their_normal(held: Holdings, truth: dict[str, str]) -> None:
    result = held.tools().call("traces.operations", {"start": truth["fault_start"], "end": truth["fault_end"], "service": "inventory.db"})

    row = result.found.result.rows[0]  # type: ignore[union-attr, index]
    assert row[:2] == ["inventory.db", "UPDATE stock"]
    assert row[4] == 0
    assert row[5] > 50
    assert row[7] > 10 * row[6]


def test_metric_series_go_with_the_incident(held: Holdings, truth: dict[str, str]) -> None:
    tools = held.tools()

    names = {row[1] for row in tools.call("metrics.list", {"service": "inventory"}).found.result.rows}  # type: ignore[union-attr]
    points = tools.call("metrics.series", {"metric": "db.client.connection.count", "service": "inventory",
                                           "start": truth["fault_start"], "end": truth["fault_end"]}).found.result.rows  # type: ignore[union-attr]

    assert {"db.client.connection.count", "http.server.request.duration.p95"} <= names
    assert max(row[3] for row in points) == 8  # type: ignore[union-attr]


def test_changes_are_listed_newest_first(held: Holdings) -> None:
    rows = held.tools().call("changes.list", {"service": "stockaudit"}).found.result.rows  # type: ignore[union-attr]

    assert [row[6] for row in rows] == ["snapshot", "exclusive"]  # type: ignore[union-attr]


def test_unknown_trace_and_bad_attribute_are_told(held: Holdings) -> None:
    tools = held.tools()

    assert "traces.find lists some" in (tools.call("traces.show", {"trace_id": "feed"}).error or "")
    assert "no name=value" in (tools.call("traces.find", {"attributes": ["nonsense"]}).error or "")


def test_a_called_database_is_somebody(held: Holdings) -> None:
    from telemetry.models import Window

    columns = held.records.span_columns(Window())

    assert "inventory.db" in columns.services
    mine = columns.service == columns.services.index("inventory.db")
    assert {columns.services[int(at)] for at in columns.service[columns.parent[mine]]} == {"inventory", "stockaudit"}

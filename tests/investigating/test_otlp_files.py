"""Files of OTLP, a request a line, are imported without a mapping."""

from __future__ import annotations

import json
from pathlib import Path

from api.ingestion.importing import import_files
from api.wiring.product import Product
from telemetry.models import Window
from telemetry.store.beyond import RecordReader

SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "GET /", "kind": 2,
        "startTimeUnixNano": "1785000000000000000", "endTimeUnixNano": "1785000001000000000"}
REQUEST = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]},
                              "scopeSpans": [{"spans": [SPAN]}]}]}


def test_spans_are_read_and_bad_lines_counted(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps(REQUEST) + "\n" + '{"resourceSpans": 7}\n')
    product = Product(tmp_path / "home")

    done = import_files(product, [str(tmp_path / "t.jsonl")], None)

    assert done.records["spans"] == 1
    assert sum(done.refused.values()) == 1
    with RecordReader(product.home) as records:
        assert [(span.service, span.operation, span.duration) for span in records.spans(Window())] == [("web", "GET /", 1_000_000)]


def test_log_requests_become_records(tmp_path: Path) -> None:
    record = {"timeUnixNano": "1785000000000000000", "severityText": "ERROR", "body": {"stringValue": "disk full on /data"}}
    request = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "db"}}]},
                                 "scopeLogs": [{"logRecords": [record]}]}]}
    (tmp_path / "l.jsonl").write_text(json.dumps(request) + "\n")
    product = Product(tmp_path / "home")

    done = import_files(product, [str(tmp_path / "l.jsonl")], None)

    assert done.records["logs"] == 1
    assert product.catalog().records == 1


def test_a_file_of_all_signals_loses_none(tmp_path: Path) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    point = {"timeUnixNano": "1785000000000000000", "asDouble": 0.5}
    requests: list[object] = [
        REQUEST,
        {"schema": 1, "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [{"name": "cpu", "gauge": {"dataPoints": [point]}}]}]}]},
        {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [{"timeUnixNano": "1785000000000000000", "body": {"stringValue": "up"}}]}]}]},
        {"something": "else"},
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, requests)) + "\nno json\n")
    product = Product(tmp_path / "home")

    done = import_files(product, [str(tmp_path / "all.jsonl")], None)

    assert (done.records["spans"], done.records["points"], done.records["logs"]) == (1, 1, 1)
    assert sum(done.refused.values()) == 2
    assert product.catalog().records == 1


def test_a_called_server_is_the_one_who_tells_of_itself_under_a_name_of_its(tmp_path: Path) -> None:
    call = SPAN | {"kind": 3, "attributes": [{"key": name, "value": {"stringValue": value}} for name, value in (
        ("db.name", "reports"), ("server.address", "pg-1.db.svc.cluster.local"))]}
    request = {"resourceSpans": [{**REQUEST["resourceSpans"][0], "scopeSpans": [{"spans": [call]}]}]}
    metrics = {"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "pg-1"}}]}, "scopeMetrics": [
        {"metrics": [{"name": "cpu", "gauge": {"dataPoints": [{"timeUnixNano": "1785000000000000000", "asDouble": 0.5}]}}]}]}]}
    for name, held in (("one", [request]), ("both", [request, metrics])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, held)) + "\n")
        import_files(Product(tmp_path / name), [str(tmp_path / f"{name}.jsonl")], None)

    with RecordReader(tmp_path / "one") as alone, RecordReader(tmp_path / "both") as beside:
        assert set(alone.span_columns(Window()).services) == {"web", "reports"}
        assert set(beside.span_columns(Window()).services) == {"web", "pg-1"}

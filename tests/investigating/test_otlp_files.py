"""Files of OTLP, a request a line, are imported without a mapping."""

from __future__ import annotations

import json
from pathlib import Path

from api.importing import import_files
from api.wiring import Product
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

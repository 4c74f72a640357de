"""OTLP in protobuf files: the same records as the same requests in JSON, and damage that is told and loses nothing before it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import SourceError
from telemetry.imports.otlp import is_otlp, read_otlp
from telemetry.imports.reading import Imported
from telemetry.otlp.bodies import parse

TIME = "1764176400000000000"
SPANS = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}, "scopeSpans": [{"spans": [{
    "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "GET /", "startTimeUnixNano": TIME, "endTimeUnixNano": "1764176400100000000"}]}]}]}
METRICS = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "process.cpu.time", "description": "8 bytes!", "gauge": {"dataPoints": [  # as long as ids
    {"timeUnixNano": TIME, "asDouble": 0.5}]}}]}]}]}
LOGS = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": TIME, "body": {"stringValue": "disk full"}}]}]}]}
REQUESTS: tuple[tuple[Any, Any], ...] = (("traces", SPANS), ("metrics", METRICS), ("logs", LOGS))


def framed(*requests: tuple[Any, Any]) -> bytes:
    messages = [parse(signal, json.dumps(request).encode(), "json").SerializeToString() for signal, request in requests]
    return b"".join(len(one).to_bytes(4, "big") + one for one in messages)


def read(path: Path) -> tuple[list[Any], Imported]:
    imported = Imported()
    return list(read_otlp(path, imported)), imported


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_messages_gives_what_the_same_requests_in_json_give(tmp_path: Path, packed: bool) -> None:
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(request) + "\n" for _, request in REQUESTS))
    path = tmp_path / ("all.binpb.gz" if packed else "all.binpb")
    path.write_bytes(gzip.compress(framed(*REQUESTS)) if packed else framed(*REQUESTS))

    found, imported = read(path)

    assert is_otlp(path)
    assert found == read(tmp_path / "all.jsonl")[0]
    assert imported.records == {"spans": 1, "points": 1, "logs": 1}


@pytest.mark.parametrize("tail", [b"\x00\x00", b"\x00\x00\x00\x10abc", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
def test_what_came_before_damage_is_read_and_the_damage_told(tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "spans.pb").write_bytes(framed(REQUESTS[0]) + tail)
    reading = read_otlp(tmp_path / "spans.pb", Imported())

    assert next(reading)[0] == "spans"
    with pytest.raises(SourceError):
        list(reading)


def test_a_message_of_no_kind_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "spans.pb").write_bytes(framed(REQUESTS[0]) + b"\x00\x00\x00\x03\x00ab" + framed(REQUESTS[2]))

    found, imported = read(tmp_path / "spans.pb")

    assert [kind for kind, _ in found] == ["spans", "logs"]
    assert list(imported.first.values()) == [f"{tmp_path / 'spans.pb'}:2"]

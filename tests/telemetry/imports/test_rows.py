"""Rows of every layout become records; what cannot be used is counted with its place."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from telemetry.errors import SourceError, UsageError
from telemetry.imports.fields import moment
from telemetry.imports.mapping import load_mapping
from telemetry.imports.reading import Imported, files_of, read_feed, read_mapped, table_for
from telemetry.imports.tables import RowError
from telemetry.records import Change, MetricPoint, Span

T = 1_790_000_000
MICROS = T * 1_000_000
ZONE = ZoneInfo("UTC")


def imported(tmp_path: Path, name: str, content: str | bytes, mapping: Any) -> tuple[list[Any], Imported]:
    """What a file gives under a mapping."""
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    path, found = tmp_path / name, Imported()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = table_for(path, load_mapping(tmp_path / "map.yaml"))
    assert table
    return [made for _, made in read_mapped(path, table, found)], found


SPANS = {"records": "spans", "none": ["root", ""], "attributes": ["region"], "fields": {
    "trace_id": "T", "span_id": "S", "parent_id": "P", "service": {"column": "pod", "pattern": "^(.+?)-[0-9a-f]+-\\w+$"}, "pod": "pod",
    "operation": "op", "start": {"column": "begin", "unit": "ns"}, "duration": {"column": "ms", "unit": "ms"},
    "status": {"column": "code", "values": {"5??": "error", "*": "ok"}}, "kind": {"constant": "SERVER"}}}
HEAD = "T,S,P,pod,op,begin,ms,code,region\n"


def test_spans_are_read_with_patterns_values_and_units(tmp_path: Path) -> None:
    text = HEAD + f"t1,s1,root,front-end-6f6c-h5m2n,GET /,{T}000000000,1.5,200,eu\nt1,s2,s1,db-1-a,q,{T}000001000,0,503,\n"

    made, found = imported(tmp_path, "a.csv", text, SPANS)

    assert made == [
        Span("t1", "s1", "", "front-end", "GET /", MICROS, 1500, "server", "ok", pod="front-end-6f6c-h5m2n", attributes={"region": "eu"}),
        Span("t1", "s2", "s1", "db", "q", MICROS + 1, 0, "server", "error", pod="db-1-a")]
    assert (found.records, found.refused) == ({"spans": 2}, {})


def test_unreadable_rows_are_counted_by_reason_with_their_first_place(tmp_path: Path) -> None:
    bad = ["t,s,,p,o,1,1,1,1", "t,s,,p,o,x,1,1,1", ",s,,p,o,1790000000000000000,1,1,1", "t,s", "t,s,,p,o,1790000000000000000,-4,1,1",
           "t,s,,p,o,,1,1,1", "t,s,,p,o,1790000000000000000,1,1,1"]

    made, found = imported(tmp_path, "a.csv", HEAD + "\n".join(bad), SPANS)

    assert len(made) == 1
    assert found.refused.total() == 6
    assert found.first["a row has more or fewer cells than the head"] == f"{tmp_path / 'a.csv'}:5"
    assert any("1 left out: trace_id is empty (first at " in said for said in found.told())


def test_ends_give_durations_and_equal_rows_equal_ids(tmp_path: Path) -> None:
    mapping = {"records": "spans", "fields": {"trace_id": "t", "start": "b", "end": "e"}}
    row = "x,2026-09-21T14:13:20Z,2026-09-21T16:13:20.5+02:00\n"

    [first, again, skewed], _ = imported(tmp_path, "a.csv", f"t,b,e\n{row}{row}x,2026-09-21 14:13:20,2026-09-21 14:13:19\n", mapping)

    assert (first.start, first.duration, skewed.duration) == (MICROS, 500_000, 0)
    assert first.span_id == again.span_id != skewed.span_id


def test_long_tables_name_their_metrics_in_a_column(tmp_path: Path) -> None:
    mapping = {"records": "points", "attributes": "*", "fields": {
        "time": {"column": "when", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "metric": "name", "value": "v", "unit": "u",
        "kind": "type", "service": {"constant": "shop"}}}

    made, found = imported(tmp_path, "a.tsv", "when\tname\tv\tu\ttype\tdisk\n21.09.2026 16:13\tio\t3,5\tBy\tcounter\tsda\n"
                           "21.09.2026 16:13\tio\t3.5\tBy\tcounter\tsda\n21.09.2026 16:13\tload\t2\t1\t\t\n", mapping)

    time = int(datetime(2026, 9, 21, 14, 13, tzinfo=UTC).timestamp()) * 1_000_000
    assert made == [MetricPoint("io", time, 3.5, "sum", "By", "cumulative", monotonic=True, service="shop", attributes={"disk": "sda"}),
                    MetricPoint("load", time, 2.0, "gauge", "1", service="shop")]
    assert found.refused == {"a value is no number": 1}


def test_wide_tables_name_metrics_and_services_in_their_heads(tmp_path: Path) -> None:
    mapping = {"records": "points", "fields": {"time": {"column": "time", "unit": "s"}}, "metrics": [
        {"column": "rps", "name": "requests", "unit": "1/s"},
        {"columns": "(?P<service>.+)_(?P<metric>cpu|mem)(?:_(?P<stat>p\\d+))?", "name": "pod.{metric}", "scale": 0.5}, {"column": "lat*"}]}

    text = f"time,rps,front-end_cpu,db_mem_p90,latency,note\n{T},7,2,,5,x\n{T}.5,8,4,6,nan,y\n{T}.5,,,,slow,z\n"

    made, found = imported(tmp_path, "a.csv", text, mapping)

    assert found.refused == {"the column 'latency' holds no number": 1}

    assert [(p.metric, p.service, p.value, p.time - MICROS, dict(p.attributes)) for p in made] == [
        ("requests", "", 7.0, 0, {}), ("pod.cpu", "front-end", 1.0, 0, {}), ("latency", "", 5.0, 0, {}),
        ("requests", "", 8.0, 500_000, {}), ("pod.cpu", "front-end", 2.0, 500_000, {}), ("pod.mem", "db", 3.0, 500_000, {"stat": "p90"})]


def test_heads_of_several_lines_are_joined(tmp_path: Path) -> None:
    mapping = {"records": "points", "header": 3, "fields": {"time": {"column": "service|stat|time"}},
               "metrics": [{"columns": "(?P<service>[^|]+)\\|(?P<metric>.+)"}]}

    made, _ = imported(tmp_path, "a.csv", f"service,cart,web\nstat,avg,avg\ntime,,\n{T},1,2\n", mapping)

    assert [(p.service, p.metric, p.value) for p in made] == [("cart", "avg", 1.0), ("web", "avg", 2.0)]


@pytest.mark.parametrize("packed", [False, True])
def test_logs_become_lines(tmp_path: Path, packed: bool) -> None:
    mapping = {"records": "logs", "fields": {"time": "t", "message": "m", "level": "l", "pod": "p"}, "attributes": {"order": "o"}}
    text = f't,m,l,p,o\n{T},"two\nlines, password=hunter2",WARN,cart-1,7\n'.encode()

    made, _ = imported(tmp_path, "a.csv.gz" if packed else "a.csv", gzip.compress(text) if packed else text, mapping)

    assert json.loads(made[0]) == {"timestamp": "2026-09-21T14:13:20.000000Z", "level": "WARN", "host": "cart-1",
                                   "message": "two\nlines, password=[REDACTED:secret]", "attributes": {"order": "7"}}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"at": [datetime(2026, 9, 21, 14, 13, 20)], "utc": [datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)],  # noqa: DTZ001 - a naive one
                          "n": ["cpu"], "v": [1.5], "b": [True], "x": [None]})
    frame.write_parquet(tmp_path / "a.parquet")
    mapping = {"records": "points", "attributes": "*", "fields": {
        "time": {"column": "at", "zone": "Asia/Tokyo"}, "started": "utc", "metric": "n", "value": "v"}}

    [point], _ = imported(tmp_path, "a.parquet", (tmp_path / "a.parquet").read_bytes(), mapping)

    assert (point.time, point.started, point.value, point.attributes) == (MICROS - 9 * 3600 * 10**6, MICROS, 1.5, {"b": "true"})


@pytest.mark.parametrize(("name", "content"), [
    ("a.json", '{"meta": 1, "data": {"changes": [ITEM, 5]}}'), ("a.jsonl", "ITEM\n\n{broken\n"), ("b.json", "[ITEM, []]")])
def test_json_is_read_by_dotted_names(tmp_path: Path, name: str, content: str) -> None:
    item = {"spec": {"at": T, "what": "roll out"}, "by": {"who": "ann"}, "tags": ["x"]}
    mapping = {"records": "changes", "attributes": "*", "fields": {"time": "spec.at", "title": "spec.what", "actor": "by.who"},
               **({"items": "data.changes"} if name == "a.json" else {})}

    [change], found = imported(tmp_path, name, content.replace("ITEM", json.dumps(item)), mapping)

    assert (change.time, change.title, change.actor, change.kind, change.attributes) == (MICROS, "roll out", "ann", "other", {"tags": '["x"]'})
    assert found.refused.total() == 1


def test_a_missing_column_is_named_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.csv: the file has no column 'T' \(named by fields\.trace_id\).*it has x, y"):
        imported(tmp_path, "a.csv", "x,y\n1,2\n", SPANS)


@pytest.mark.parametrize(("name", "content"), [("a.parquet", b"junk"), ("a.json", b"{"), ("a.json", b"5"), ("a.xyz", b""), ("a.csv", b"a,a\n1,2")])
def test_a_file_that_is_not_what_it_says_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(SourceError, match=name):
        imported(tmp_path, name, content, SPANS)


def feed(tmp_path: Path, items: Any) -> tuple[list[Change], Imported]:
    found = Imported()
    (tmp_path / "changes.json").write_text(json.dumps(items))
    return [made for _, made in read_feed(tmp_path / "changes.json", found) if isinstance(made, Change)], found


def test_a_feed_of_changes_needs_no_mapping(tmp_path: Path) -> None:
    items = [{"id": "c1", "timestamp": "2026-09-21T14:13:20Z", "type": "Deployment", "summary": "cart 1.4", "service": "cart", "version": "1.4",
              "previous": "1.3", "author": "ann", "region": "eu", "api_key": "abcdefgh12345"},
             {"Start Time": T * 1000, "Type": "feature-flag", "app": "web"}, {"what": "nothing"}]

    [first, second], found = feed(tmp_path, {"changes": items})

    assert first == Change("c1", MICROS, "deploy", "cart 1.4", "cart", actor="ann", version="1.4", before="1.3", source="changes",
                           attributes={"region": "eu", "api_key": "[REDACTED:attribute]"})
    assert (second.kind, second.title, second.service, second.time) == ("flag", "feature-flag", "web", MICROS)
    assert found.refused == {"a change needs a time and a title (or a kind)": 1}


def test_a_file_without_changes_asks_for_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--mapping"):
        feed(tmp_path, [{"a": 1}])


def test_folders_give_the_files_that_fit(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({**SPANS, "files": "*_trace.csv"}))
    (tmp_path / "in").mkdir()
    for name in ("b_trace.csv", "a_trace.csv", "other.txt"):
        (tmp_path / "in" / name).touch()
    found = Imported()

    names = [p.name for p in files_of([str(tmp_path / "in"), "none.csv"], load_mapping(tmp_path / "map.yaml"), found)]

    assert names == ["a_trace.csv", "b_trace.csv"]
    assert "1 files fit no table" in found.notes[0]
    assert "none.csv" in found.problems[0]


@given(st.integers(1, 4 * 10**15), st.sampled_from([("s", 1_000_000), ("ms", 1000), ("us", 1)]))
def test_every_unit_says_the_same_moment(time: int, unit: tuple[str, int]) -> None:
    name, factor = unit

    assert moment(str(time // factor), name, None, ZONE) == time // factor * factor
    assert moment(f"{time * 1000 + 999}", "ns", None, ZONE) == time


@given(st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)), st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]))  # noqa: DTZ001 - given a zone below
def test_a_zone_counts_only_where_a_time_states_none(when: datetime, zone: str) -> None:
    there = when.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    assert moment(when.isoformat(), None, None, ZoneInfo(zone)) == moment(there.isoformat(), None, None, ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(("said", "micros"), [(str(T), MICROS), (f"{T}.25", MICROS + 250_000), (f"{T}123", MICROS + 123_000), (f"{T}123456", MICROS + 123_456),
                                              (f"{T}123456789", MICROS + 123_456), ("1.79e9", MICROS), ("2026-09-21 14:13:20.123456789 +00:00".replace(" +", "+"), MICROS + 123_456)])
def test_numbers_without_a_unit_are_told_by_their_size(said: str, micros: int) -> None:
    assert moment(said, None, None, ZONE) == micros


@pytest.mark.parametrize("said", ["", "soon", "1e999", "NaN", "2026-13-01", "inf"])
def test_what_is_no_time_is_refused(said: str) -> None:
    with pytest.raises(RowError):
        moment(said, None, None, ZONE)

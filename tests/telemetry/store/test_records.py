"""Spans, metric points and changes are kept as they came, each once."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.errors import StoreError, WriterBusyError
from telemetry.models import Window
from telemetry.records import Change, Distribution, MetricPoint, Span
from telemetry.store import version
from telemetry.store.beyond import RecordReader, RecordWriter
from telemetry.store.manifest import Manifest
from telemetry.store.reader import Reader
from telemetry.store.shelves import listed
from tests.telemetry.store.made import ALWAYS, BASE, SECOND, at, change, gauge, span

TEXT = st.text(max_size=12)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3)
TIMES = st.integers(BASE, BASE + 3 * 86_400 * SECOND)
REAL = st.floats(allow_nan=False)
SPANS = st.builds(
    Span, TEXT, TEXT, TEXT, TEXT, TEXT, TIMES, st.integers(0, 10**12), st.sampled_from(["server", "client"]),
    st.sampled_from(["ok", "error"]), TEXT, TEXT, TEXT, PAIRS,
    st.lists(st.tuples(TIMES, TEXT, PAIRS), max_size=2).map(tuple), st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple))
SPREADS = st.none() | st.builds(
    Distribution, st.integers(0, 2**60), st.none() | REAL, st.lists(REAL, max_size=3).map(tuple),
    st.lists(st.integers(0, 2**60), max_size=3).map(tuple), st.none() | REAL, st.none() | REAL,
    st.lists(st.tuples(REAL, REAL), max_size=2).map(tuple))
POINTS = st.builds(
    MetricPoint, TEXT, TIMES, REAL, st.sampled_from(["gauge", "histogram"]), TEXT, st.sampled_from(["", "delta"]), st.booleans(),
    st.none() | TIMES, TEXT, TEXT, TEXT, PAIRS, SPREADS, st.lists(st.tuples(TIMES, REAL, TEXT, TEXT), max_size=2).map(tuple))
CHANGES = st.builds(Change, TEXT, TIMES, st.sampled_from(["deploy", "flag"]), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT,
                    st.none() | TIMES, PAIRS)


def put(home: Path, *records: Span | MetricPoint | Change) -> None:
    """Add records of any kinds in one commit."""
    with RecordWriter(home) as writer:
        writer.add_spans([r for r in records if isinstance(r, Span)])
        writer.add_points([r for r in records if isinstance(r, MetricPoint)])
        writer.add_changes([r for r in records if isinstance(r, Change)])
        writer.commit()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(SPANS, max_size=4), st.lists(POINTS, max_size=4), st.lists(CHANGES, max_size=4))
def test_every_field_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, spans: list[Span], points: list[MetricPoint], changes: list[Change]
) -> None:
    home = tmp_path_factory.mktemp("home")
    spans = list({(s.trace_id, s.span_id): s for s in spans}.values())
    changes = list({c.id: c for c in changes}.values())
    points = [replace(p, metric=f"{p.metric}{n}") for n, p in enumerate(points)]

    put(home, *spans, *points, *changes)

    with RecordReader(home) as reader:
        assert sorted(reader.spans(ALWAYS), key=repr) == sorted(spans, key=repr)
        assert sorted(reader.points(ALWAYS), key=repr) == sorted(points, key=repr)
        assert sorted(reader.changes(ALWAYS), key=repr) == sorted(changes, key=repr)


def test_duplicates_and_late_records_are_read_once_in_order(tmp_path: Path) -> None:
    put(tmp_path, span(2, second=5), gauge(5, 1.0), change("b", 5))
    put(tmp_path, span(1, second=1), span(2, second=5), gauge(1, 2.0), gauge(5, 1.0), change("a", 1), change("b", 5))

    with RecordReader(tmp_path) as reader:
        assert [s.span_id[-1] for s in reader.spans(ALWAYS)] == ["1", "2"]
        assert [p.value for p in reader.points(ALWAYS)] == [2.0, 1.0]
        assert [c.id for c in reader.changes(ALWAYS)] == ["a", "b"]
        assert len(reader.span_columns(ALWAYS)) == 2
        assert reader.series(ALWAYS)[0].values.tolist() == [2.0, 1.0]
        assert (reader.count("spans"), reader.extent("spans")) == (3, (BASE + SECOND, BASE + 5 * SECOND))


def test_spans_are_found_by_every_condition(tmp_path: Path) -> None:
    slow = span(2, second=1, duration=9000, status="error", attributes={"http.route": '/a","b":"c', "code": "500"})
    other = span(3, second=2, service="web", operation="POST", trace_id="f" * 32, attributes={"code": "50"})
    put(tmp_path, span(1), slow, other)

    with RecordReader(tmp_path) as reader:
        assert reader.spans(ALWAYS, services=["web"]) == reader.spans(ALWAYS, operation="POST") == [other]
        assert reader.spans(ALWAYS, trace_id="f" * 32) == reader.spans(Window(start=at(2))) == [other]
        assert reader.spans(ALWAYS, min_duration=2000) == reader.spans(ALWAYS, errors_only=True) == [slow]
        assert reader.spans(ALWAYS, attributes={"code": "500"}) == reader.spans(ALWAYS, attributes=slow.attributes) == [slow]
        assert reader.spans(ALWAYS, attributes={"b": "c"}) == []
        assert reader.spans(ALWAYS, limit=1, order="slowest") == [slow]
        assert len(reader.spans(Window(end=at(1)))) == 1
        assert reader.services() == {"cart": 2, "web": 1}


def test_limit_counts_each_span_once_among_many(tmp_path: Path) -> None:
    many = [span(n, second=n, duration=n) for n in range(1, 200)]
    put(tmp_path, *many, *many)

    with RecordReader(tmp_path) as reader:
        assert reader.spans(ALWAYS, limit=3, order="slowest") == many[:-4:-1]
        assert reader.spans(ALWAYS, limit=3) == many[:3]


def test_a_time_in_the_wrong_unit_is_refused(tmp_path: Path) -> None:
    with RecordWriter(tmp_path) as writer, pytest.raises(StoreError, match="unit"):
        writer.add_spans([replace(span(1), start=BASE * 1000)])


def test_nothing_counts_before_the_commit(tmp_path: Path) -> None:
    with RecordWriter(tmp_path) as writer:
        writer.add_spans([span(1)])

    with RecordReader(tmp_path) as reader:
        assert reader.spans(ALWAYS) == []


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with RecordWriter(tmp_path), pytest.raises(WriterBusyError):
        RecordWriter(tmp_path)


def test_small_segments_of_a_day_become_one(tmp_path: Path) -> None:
    for n in range(5):
        put(tmp_path, span(n + 1, second=n), span(n + 100, second=n + 86_400))

    with RecordWriter(tmp_path) as writer:
        merged = writer.compact(least=5)

    with RecordReader(tmp_path) as reader:
        assert (merged, len(reader.spans(ALWAYS)), len(list((tmp_path / "spans").rglob("*.parquet")))) == (10, 10, 2)


WRITE_FOR_EVER = """
import sys
from pathlib import Path
from telemetry.store.beyond import RecordWriter
from tests.telemetry.store.made import span, gauge
with RecordWriter(Path(sys.argv[1])) as writer:
    for n in range(1, 100000):
        writer.add_spans([span(n * 10 + i) for i in range(10)])
        writer.add_points([gauge(n * 10 + i, n) for i in range(10)])
        writer.commit()
        print(n, flush=True)
"""


def test_kill_leaves_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    told = 0
    for _ in range(8):
        told = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    told = max([told, *map(int, process.communicate()[0].split())])
    (tmp_path / "spans" / "left.partial").write_bytes(b"half")

    with RecordReader(tmp_path) as reader:
        spans, points = len(reader.spans(ALWAYS)), len(reader.points(ALWAYS))
    with RecordWriter(tmp_path):
        pass

    assert spans == points
    assert spans in {told * 10, (told + 1) * 10}
    files = {p for kind in ("spans", "points") for p in (tmp_path / kind).rglob("*") if p.is_file()}
    assert files == {tmp_path / s.path for s in listed(Manifest(tmp_path).db)}


def test_a_home_made_before_opens_and_takes_records(tmp_path: Path) -> None:
    Manifest(tmp_path, write=True).close()
    with RecordReader(tmp_path) as reader:
        before = (reader.spans(ALWAYS), reader.series(ALWAYS), reader.extent("points"), reader.services(), reader.metrics())

    put(tmp_path, span(1))

    assert before == ([], [], None, {}, {})
    with RecordReader(tmp_path) as reader:
        assert len(reader.spans(ALWAYS)) == 1
    assert Reader(tmp_path).catalog.records == 0


def test_a_newer_home_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, span(1))
    with sqlite3.connect(tmp_path / "manifest.db") as db:
        db.execute(f"PRAGMA user_version = {version.VERSION + 1}")

    with pytest.raises(StoreError, match="newer"):
        RecordReader(tmp_path)
    with pytest.raises(StoreError, match="newer"):
        RecordWriter(tmp_path)


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    put(tmp_path, span(1))
    next((tmp_path / "spans").rglob("*.parquet")).write_bytes(b"junk")

    with RecordReader(tmp_path) as reader, pytest.raises(StoreError, match=r"spans/.*doctor --repair"):
        reader.spans(ALWAYS)

"""Spans as columns: parents are rows, and odd traces do no harm."""

from __future__ import annotations

from pathlib import Path

from telemetry.columns import Spans
from telemetry.models import Window
from telemetry.records import Span
from telemetry.store.beyond import RecordReader, RecordWriter
from tests.telemetry.store.made import ALWAYS, at, span


def columns(home: Path, *spans: Span, window: Window = ALWAYS) -> Spans:
    with RecordWriter(home) as writer:
        writer.add_spans(spans)
        writer.commit()
    with RecordReader(home) as reader:
        return reader.span_columns(window)


def parents(found: Spans) -> dict[str, str]:
    """Span to parent, by the last digit of their ids."""
    last = [ident[-1] for ident in found.ids]
    return {last[n]: last[p] if p >= 0 else "" for n, p in enumerate(found.parent.tolist())}


def test_parents_are_rows_of_the_same_trace(tmp_path: Path) -> None:
    other = span(1, second=9, trace_id="e" * 32, service="web", pod="web-1")
    found = columns(tmp_path, span(3, 2, second=2), span(2, 1, second=1), span(1), other)

    rows = {ident: n for n, ident in enumerate(found.ids)}
    assert found.parent[rows[f"{1:032x}/{3:016x}"]] == rows[f"{1:032x}/{2:016x}"]
    assert found.parent[rows["e" * 32 + f"/{1:016x}"]] == -1
    assert len(set(found.trace.tolist())) == 2
    assert not found.orphan.any()
    assert [found.pods[p] for p in found.pod.tolist() if p >= 0] == ["web-1"]
    assert {found.services[s] for s in found.service.tolist()} == {"cart", "web"}


def test_cycles_selves_and_lost_parents_are_told(tmp_path: Path) -> None:
    found = columns(tmp_path, span(1, 2), span(2, 1), span(3, 3), span(4, 9))

    assert parents(found) == {"1": "2", "2": "1", "3": "", "4": ""}
    assert [i[-1] for i, lost in zip(found.ids, found.orphan, strict=True) if lost] == ["4"]


def test_a_parent_that_began_before_the_window_is_no_lost_one(tmp_path: Path) -> None:
    found = columns(tmp_path, span(1), span(2, 1, second=5), window=Window(start=at(1), end=at(9)))

    assert (len(found), found.parent.tolist(), found.orphan.tolist()) == (1, [-1], [False])


def test_a_child_whose_clock_is_behind_has_its_parent(tmp_path: Path) -> None:
    found = columns(tmp_path, span(1, second=60), span(2, 1, second=1, service="skewed"))

    assert parents(found) == {"1": "", "2": "1"}


def test_nothing_stored_is_no_columns(tmp_path: Path) -> None:
    found = columns(tmp_path)

    assert (len(found), found.services, found.ids) == (0, (), ())

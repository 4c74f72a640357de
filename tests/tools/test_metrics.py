"""The tools over metrics, on points that were written for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from telemetry.store.beyond import RecordReader
from telemetry.store.record_writer import RecordWriter
from tests.telemetry.store.made import BASE, SECOND, gauge
from tools.metrics import metric_tools
from tools.registry import Registry


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Registry]:
    slow = ((BASE + 3 * SECOND, 4.5, f"{7:032x}", f"{9:016x}"), (BASE + 4 * SECOND, 0.1, f"{8:032x}", ""))
    with RecordWriter(tmp_path) as writer:
        writer.add_points([gauge(5, 1.0, metric="latency", exemplars=slow), gauge(5, 3.0)])
        writer.commit()
    with closing(RecordReader(tmp_path)) as records:
        yield metric_tools(records)


def test_a_point_leads_to_the_traces_behind_it_the_largest_first(tools: Registry) -> None:
    result = tools.call("metrics.exemplars", {"metric": "latency"})

    assert result.found is not None
    assert [row[3:5] for row in result.found.result.rows or []] == [[4.5, f"{7:032x}"], [0.1, f"{8:032x}"]]
    assert result.found.total == 2


def test_a_metric_without_exemplars_says_what_is_missing(tools: Registry) -> None:
    result = tools.call("metrics.exemplars", {"metric": "memory"})

    assert result.status == "nothing_found"
    assert "exporters must send exemplars" in (result.reason or "")

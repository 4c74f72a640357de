"""A collector that is away, slow or unwilling: runs do not notice, and it is said once."""

from __future__ import annotations

import logging
import socket
import time
from typing import Any

import pytest

from agent.llm.model import Request
from agent.observe.observer import SILENT, Observer, observer
from agent.observe.settings import TelemetrySettings
from tests.agent.observe.collector import Collector, until

ASKED = Request(({"role": "user", "content": "why?"},))


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def runs(seen: Observer, count: int) -> float:
    """Seconds that runs of ten spans take."""
    started = time.perf_counter()
    for number in range(count):
        with seen.run(str(number), "llm") as note:
            for _ in range(3):
                with seen.node("plan"), seen.model_call(ASKED, "small"), seen.tool_call("logs.query"):
                    pass
            note.finished({})
    return time.perf_counter() - started


@pytest.mark.parametrize("hang", [False, True])
def test_a_collector_that_is_away_or_hangs_does_not_slow_a_run(*, hang: bool) -> None:
    with Collector(hang=True) as collector:
        url = collector.url if hang else f"http://127.0.0.1:{closed_port()}"
        seen = observer(TelemetrySettings(endpoint=url, delay_seconds=0.01, batch_items=10, queue_items=200, timeout_seconds=0.3))
        seconds = runs(seen, 200)
        started = time.perf_counter()
        seen.close(0.5)
        closing = time.perf_counter() - started

    assert seconds / 200 < 0.025
    assert closing < 1.5


def test_it_is_said_once_and_without_the_sdk(caplog: pytest.LogCaptureFixture) -> None:
    seen: Any = observer(TelemetrySettings(
        endpoint=f"http://127.0.0.1:{closed_port()}", delay_seconds=0.01, timeout_seconds=0.2, metric_seconds=0.05))
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            runs(seen, 1)
            seen.flush(2.0)
        seen.close(2.0)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]

    assert [record.name for record in said] == ["agent.observe.delivery"]
    assert "does not reach http://127.0.0.1" in said[0].getMessage()
    assert seen.lost == 30


def test_a_collector_that_refuses_is_said_too(caplog: pytest.LogCaptureFixture) -> None:
    with Collector(status=401) as collector, caplog.at_level(logging.WARNING):
        seen = collector.observer()
        runs(seen, 1)
        seen.close()

    assert len(caplog.records) == 1
    assert "401" in caplog.text


def test_a_process_of_many_runs_sends_them_as_they_end() -> None:
    with Collector() as collector:
        seen = collector.observer(batch_items=10, queue_items=5_000)
        runs(seen, 5)
        arrived = until(lambda: len(collector.all_spans()) == 50)
        seen.close()

    assert arrived


def test_the_end_of_a_command_does_not_wait_for_a_collector_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    seen = observer(TelemetrySettings(endpoint=f"http://user:s3cr3t@127.0.0.1:{closed_port()}", flush_seconds=30))
    runs(seen, 1)
    started = time.perf_counter()
    seen.close()

    assert time.perf_counter() - started < 1.0
    assert "Connection refused" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_the_end_comes_once_and_what_comes_later_is_left() -> None:
    with Collector() as collector:
        seen = collector.observer()
        seen.close()
        seen.close()
        runs(seen, 1)

        assert collector.all_spans() == []


def test_a_silent_observer_is_the_same_for_everyone() -> None:
    assert observer(None) is observer(TelemetrySettings()) is SILENT
    assert runs(SILENT, 1) < 0.1
    assert SILENT.flush()
    SILENT.close()

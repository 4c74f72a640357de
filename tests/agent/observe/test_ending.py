"""How a process ends: with its telemetry sent, and in time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agent.observe.collector import Collector, until

ROOT = Path(__file__).parents[3]
CHILD = """
import sys, time
from agent.observe.observer import observer
from agent.observe.settings import TelemetrySettings
seen = observer(TelemetrySettings(endpoint=sys.argv[1], delay_seconds=60, flush_seconds={flush}, timeout_seconds=30))
{handler}
with seen.run("finished", "llm"):
    pass
{ending}
"""
WAITING = """
with seen.run("unfinished", "llm"), seen.node("plan"):
    print("ready", flush=True)
    time.sleep(60)
"""


def child(
    url: str, ending: str, handler: str = "assert seen.close_on_sigterm()", flush: float = 1.0
) -> subprocess.Popen[str]:
    code = CHILD.format(ending=ending, handler=handler, flush=flush)
    process = subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, float]:
    started = time.monotonic()
    code = process.wait(30)
    return code, time.monotonic() - started


def test_sigterm_sends_what_there_is_and_ends_as_ever() -> None:
    with Collector() as collector:
        process = child(collector.url, WAITING)
        process.send_signal(signal.SIGTERM)
        code, seconds = ended(process)
        names = sorted(span.name for span in collector.all_spans())

    assert code == -signal.SIGTERM
    assert names == ["invoke_agent oncalm", "invoke_agent oncalm", "node plan"]
    assert "oncalm.runs" in collector.metrics()
    assert seconds < 5


def test_a_collector_that_hangs_does_not_keep_the_process() -> None:
    with Collector(hang=True) as collector:
        process = child(collector.url, WAITING)
        process.send_signal(signal.SIGTERM)
        code, seconds = ended(process)

    assert code == -signal.SIGTERM
    assert 0.5 < seconds < 4


def test_a_second_sigterm_ends_the_process_at_once() -> None:
    with Collector(hang=True) as collector:
        process = child(collector.url, WAITING, flush=10.0)  # so long that a busy machine has begun to send by then
        process.send_signal(signal.SIGTERM)
        assert until(lambda: collector.requests)
        process.send_signal(signal.SIGTERM)
        code, seconds = ended(process)

    assert code == -signal.SIGTERM
    assert seconds < 8.0


@pytest.mark.parametrize(("hang", "least"), [(False, 0.0), (True, 0.5)])
def test_a_process_that_ends_by_itself_sends_too_and_in_time(*, hang: bool, least: float) -> None:
    with Collector(hang=hang) as collector:
        code, seconds = ended(child(collector.url, 'print("ready", flush=True)'))
        names = [span.name for span in collector.all_spans()]

    assert (code, names) == (0, ["invoke_agent oncalm"])
    assert least < seconds < 5


def test_a_handler_that_is_there_stays() -> None:
    handler = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); assert not seen.close_on_sigterm()"
    with Collector() as collector:
        process = child(collector.url, WAITING, handler)
        process.send_signal(signal.SIGTERM)
        code, _ = ended(process)
        names = sorted(span.name for span in collector.all_spans())

    assert (code, names) == (3, ["invoke_agent oncalm", "invoke_agent oncalm", "node plan"])


def test_a_silent_observer_imports_nothing_of_the_sdk() -> None:
    code = ("import sys\nfrom agent.observe.observer import observer\nfrom agent.observe.wrappers import ObservedModel\n"
            "observer(None).run('q', 'offline')\nprint([m for m in sys.modules if m.startswith('opentelemetry')])")

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_global_providers_are_set_only_on_request() -> None:
    code = """
import sys
from opentelemetry import trace
from agent.observe.observer import observer
from agent.observe.settings import TelemetrySettings
seen = observer(TelemetrySettings(endpoint=sys.argv[1]))
before = trace.get_tracer_provider()
seen.install_globally()
with trace.get_tracer("library").start_as_current_span("foreign"): pass
print(type(before).__name__)
"""
    with Collector() as collector:
        out = subprocess.run([sys.executable, "-c", code, collector.url], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = [span.name for span in collector.all_spans()]

    assert (out, names) == ("ProxyTracerProvider\n", ["foreign"])

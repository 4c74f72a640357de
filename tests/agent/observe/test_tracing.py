"""W3C trace context, in and out."""

from __future__ import annotations

import pytest

from agent.observe.observer import SILENT
from telemetry.models import Window
from tests.agent.observe.collector import Collector
from tools.registry import ToolResult

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_run_goes_on_with_the_trace_of_who_called() -> None:
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "llm", traceparent=f"00-{TRACE}-{SPAN}-01", tracestate="vendor=1"):
            sent = observer.headers()
        observer.close()
        run = collector.spans()["invoke_agent oncalm"]

    assert (run.trace_id.hex(), run.parent_span_id.hex()) == (TRACE, SPAN)
    assert sent == {"traceparent": f"00-{TRACE}-{run.span_id.hex()}-01", "tracestate": "vendor=1"}


def test_a_caller_that_does_not_keep_its_trace_gets_no_fragments_of_it() -> None:
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "llm", traceparent=f"00-{TRACE}-{SPAN}-00"), observer.tool_call("logs.query") as note:
            note.returned(ToolResult(tool="logs.query", status="failed", query={}, window=Window(), error="no"))
            flags = observer.headers()["traceparent"][-2:]
        observer.close()

        assert collector.all_spans() == []
    assert flags == "00"


@pytest.mark.parametrize("header", [
    "", "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more",
    f"00-{TRACE.upper()}-{SPAN}-01", "0" * 10_000,
])
def test_a_header_that_cannot_be_read_starts_a_trace(header: str) -> None:
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "llm", traceparent=header):
            pass
        observer.close()
        run = collector.spans()["invoke_agent oncalm"]

    assert run.trace_id.hex() != TRACE
    assert run.parent_span_id == b""


def test_baggage_never_leaves() -> None:
    from opentelemetry import baggage, context

    with Collector() as collector:
        observer = collector.observer()
        token = context.attach(baggage.set_baggage("customer", "acme"))
        with observer.run("q1", "llm"):
            sent = observer.headers()
        context.detach(token)
        observer.close()

    assert set(sent) == {"traceparent"}


def test_without_a_span_there_is_nothing_to_send() -> None:
    with Collector() as collector:
        observer = collector.observer()

        assert observer.headers() == {}
        observer.close()
    assert SILENT.headers() == {}

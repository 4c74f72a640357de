"""The tools over live sources: bounded, and honest about what a source did not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.wiring.product import Product
from telemetry.sources.opening import Sources
from telemetry.sources.protocols import LogLine
from tests.telemetry.sources.corpus import BASE, LINES, SPANS, TRACE
from tests.telemetry.sources.jaeger_server import JaegerServer
from tests.telemetry.sources.loki_server import LokiServer
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.serving import Request, Response, as_json, serving
from tools.output import render
from tools.registry import Registry
from tools.sources import source_tools

START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=BASE)
WINDOW = {"start": START.isoformat(), "end": (START + timedelta(minutes=10)).isoformat()}
Handler = Callable[[Request], Response]


@contextmanager
def registry(kind: str, *handlers: Handler) -> Iterator[Registry]:
    """The tools over sources of one kind, named ``one``, ``two`` …"""
    with ExitStack() as stack:
        held = [opened(kind, stack.enter_context(serving(handler)).url) for handler in handlers]
        for name, source in zip(("one", "two"), held, strict=False):
            source.name = name
        yield source_tools(stack.enter_context(Sources(held)))


def broken(_: Request) -> Response:
    return Response(b"disk gone", 500)


def prometheus(request: Request) -> Response:
    """A counter of two pods that stands at 3 a second."""
    if request.path.endswith("query_range"):
        result = [{"metric": {"pod": pod}, "values": [[t, str(value)] for t in range(0, 600, 5)]} for pod, value in (("a", 3), ("b", 5))]
        return as_json({"status": "success", "data": {"resultType": "matrix", "result": result}})
    if "metadata" in request.path:
        return as_json({"status": "success", "data": {"hits_total": [{"type": "counter", "help": "Hits.", "unit": ""}]}})
    return as_json({"status": "success", "data": ["hits_total", "up"]})


def test_only_what_is_configured_is_offered() -> None:
    with registry("loki", LokiServer(LINES)) as tools:
        assert tools.names() == ["sources.logs"]
        assert "one (loki)" in tools.openai()[0]["function"]["description"]
    assert source_tools(Sources(())).names() == []


def test_lines_come_with_their_patterns_and_what_was_asked() -> None:
    with registry("loki", LokiServer(LINES)) as tools:
        result = tools.call("sources.logs", {**WINDOW, "service": "clock", "limit": 30})

    assert (result.status, result.total) == ("found", 30)
    assert [(one.pattern, one.count) for one in result.templates] == [("tick <*> of the clock", 30)]
    assert "query_range" in " ".join(result.query["asked"]) or "labels" in result.query["asked"][0]
    assert any("one partial: there are more lines than the limit of 30" in note for note in result.notes)
    assert "30 x ~" in render(result, "E1", 2000).text


def test_secrets_in_live_lines_are_masked() -> None:
    line = LogLine(BASE, "login with password=hunter2secret failed", service="cart", level="error")
    with registry("loki", LokiServer([line])) as tools:
        result = tools.call("sources.logs", WINDOW)

    assert "hunter2secret" not in result.model_dump_json()
    assert "[REDACTED" in render(result, "E1", 2000).text


def test_a_source_that_fails_is_no_evidence_of_absence() -> None:
    with registry("loki", broken) as tools:
        result = tools.call("sources.logs", WINDOW)

    assert result.status == "failed"
    assert "disk gone" in (result.error or "")
    assert "NOT evidence of absence" in render(result, "E1", 500).text


def test_one_of_two_sources_that_fails_is_noted() -> None:
    with registry("loki", LokiServer(LINES), broken) as tools:
        result = tools.call("sources.logs", {**WINDOW, "service": "später"})

    assert (result.status, result.total) == ("found", 1)
    assert any(note.startswith("two failed: ") for note in result.notes)


def test_an_empty_partial_answer_is_not_assessed() -> None:
    server = LokiServer([])
    server.entries = [(0, {"app": "x"}, "old", {})]
    server.warnings = ["one ingester did not answer"]
    with registry("loki", server) as tools:
        result = tools.call("sources.logs", WINDOW)

    assert result.status == "not_assessed"
    assert "one ingester did not answer" in (result.reason or "")


def test_nothing_found_says_who_was_asked() -> None:
    with registry("loki", LokiServer(LINES)) as tools:
        result = tools.call("sources.logs", {**WINDOW, "contains": ["no such words"]})

    assert (result.status, result.reason) == ("nothing_found", "asked: one; nothing there meets this")


def test_traces_are_listed_slowest_first_and_one_is_shown_in_call_order() -> None:
    with registry("jaeger", JaegerServer(SPANS)) as tools:
        listed = tools.call("sources.traces", {**WINDOW, "service": "web"})
        shown = tools.call("sources.traces", {**WINDOW, "trace_id": TRACE})

    rows = listed.found.result.rows if listed.found else None
    assert rows
    assert (rows[0][0], rows[0][2], rows[0][6]) == (TRACE, 900.0, "checkout: place order")
    tree = shown.found.result.rows if shown.found else None
    assert tree
    assert [row[3] for row in tree] == ["GET /checkout", "  place order", "    get cart"]


def test_metrics_are_rows_per_series_or_points() -> None:
    with registry("prometheus", prometheus) as tools:
        table = tools.call("sources.metrics", {**WINDOW, "metric": "hits_total"})
        points = tools.call("sources.metrics", {**WINDOW, "metric": "hits_total", "points": True})
        names = tools.call("sources.metrics", {**WINDOW, "words": "HITS"})

    assert table.found
    assert points.found
    assert names.found
    assert [(row[0], row[1], row[7]) for row in table.found.result.rows or []] == [("pod=a", "rate", 3.0), ("pod=b", "rate", 5.0)]
    assert len(points.found.result.rows or []) == 80
    assert names.found.result.rows == [["hits_total", "sum", "", "Hits."]]


@pytest.mark.parametrize(("given", "told"), [
    ({}, "start"), ({**WINDOW, "end": WINDOW["start"]}, "start must be before end"), ({**WINDOW, "source": "three"}, "no such source 'three'"),
    ({**WINDOW, "end": "2027-01-01T00:00:00Z"}, "7 days"), ({**WINDOW, "limit": 5000}, "limit"), ({**WINDOW, "query": "{}"}, "query")])
def test_bad_input_is_refused_with_what_is_allowed(given: dict[str, Any], told: str) -> None:
    with registry("loki", LokiServer(LINES)) as tools:
        result = tools.call("sources.logs", given)

    assert result.status == "failed"
    assert told in (result.error or "")


def test_the_product_offers_configured_sources(sshd: Product) -> None:
    assert not [name for name in sshd.tools().names() if name.startswith("sources.")]
    (sshd.home / "sources.yaml").write_text("sources: {logs: {kind: loki, url: 'http://127.0.0.1:9'}}")

    tools = sshd.tools()
    assert "sources.logs" in tools.names()
    assert tools.call("sources.logs", WINDOW).status == "not_assessed"

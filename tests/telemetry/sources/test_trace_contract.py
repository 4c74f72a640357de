"""What every source of traces keeps to, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from telemetry.records import Span
from telemetry.sources.protocols import TraceQuery, TraceSource
from telemetry.sources.stored import StoredTraces
from telemetry.store.beyond import RecordWriter
from tests.telemetry.sources.corpus import BASE, END, NASTY, SECOND, SPANS, TRACE
from tests.telemetry.sources.jaeger_server import JaegerServer
from tests.telemetry.sources.opened import opened
from tests.telemetry.sources.serving import serving
from tests.telemetry.sources.tempo_server import TempoServer

KINDS = ("jaeger", "tempo v2-protobuf", "tempo v2-json", "tempo v1-protobuf", "tempo v1-json", "store")


def _source(kind: str, stack: ExitStack, folder: Path) -> Any:
    if kind == "store":
        with RecordWriter(folder / "home") as writer:
            writer.add_spans(SPANS)
            writer.commit()
        return StoredTraces(folder / "home")
    name, _, form = kind.partition(" ")
    handler: Any = JaegerServer(SPANS) if name == "jaeger" else TempoServer(SPANS, form)  # type: ignore[arg-type]
    return opened(name, stack.enter_context(serving(handler)).url)


@pytest.fixture(scope="module", params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with ExitStack() as stack:
        found = _source(request.param, stack, tmp_path_factory.mktemp("traces"))
        stack.callback(found.close)
        yield found


def found(source: TraceSource, **query: Any) -> list[tuple[str, str]]:
    answer = source.traces(TraceQuery(**{"start": BASE, "end": END, "limit": 100, **query}))
    assert answer.status == "complete", answer
    return [(span.service, span.operation) for span in answer.records]


def test_it_is_a_source_of_traces(source: Any) -> None:
    assert isinstance(source, TraceSource)
    assert source.check().status == "complete"


def test_a_trace_comes_whole_in_order_of_start(source: Any) -> None:
    answer = source.trace(TRACE)

    assert answer.status == "complete"
    assert [span.span_id for span in answer.records] == [f"{n:016x}" for n in (1, 2, 3)]


def test_a_span_comes_with_all_that_it_holds(source: Any) -> None:
    def core(span: Span) -> tuple[Any, ...]:
        return (span.trace_id, span.span_id, span.parent_id, span.service, span.operation, span.start, span.duration, span.kind, span.status,
                span.message, span.pod, span.links)

    by_id = {span.span_id: span for span in source.trace(TRACE).records}
    for wanted in SPANS[:3]:
        assert core(by_id[wanted.span_id]) == core(wanted)
        assert wanted.attributes.items() <= by_id[wanted.span_id].attributes.items()
    (time, name, more), = by_id[SPANS[1].span_id].events
    assert (time, name, dict(more)) == (BASE + SECOND // 2, "exception", {"exception.type": "Declined"})


def test_a_trace_that_is_not_there_is_complete_and_empty(source: Any) -> None:
    answer = source.trace("e" * 32)

    assert (answer.status, answer.records) == ("complete", ())


def test_a_service_finds_all_spans_of_its_traces(source: Any) -> None:
    assert found(source, service="cart") == [("web", "GET /checkout"), ("checkout", "place order"), ("cart", "get cart")]


def test_an_operation_selects(source: Any) -> None:
    assert found(source, service="web", operation="GET /health") == [("web", "GET /health")] * 5


def test_durations_bound_both_sides(source: Any) -> None:
    assert len(found(source, service="web", least=500_000)) == 3
    assert len(found(source, service="web", most=20_000)) == 5


def test_attributes_select_whatever_they_hold(source: Any) -> None:
    assert len(found(source, service="checkout", attributes={"note": NASTY})) == 3
    assert len(found(source, service="web", attributes={"http.status_code": "500"})) == 3
    assert found(source, service="web", attributes={"http.status_code": '5" || true'}) == []


def test_failed_spans_select_their_traces(source: Any) -> None:
    assert len(found(source, service="checkout", failed=True)) == 3
    assert found(source, service="cart", failed=True) == []


def test_without_a_service_every_trace_is_meant(source: Any) -> None:
    assert len(found(source)) == len(SPANS)
    assert ("orphan", "consume") in found(source, failed=True)


def test_a_window_selects_by_start(source: Any) -> None:
    assert found(source, start=BASE + 21 * SECOND, end=BASE + 23 * SECOND, service="web") == [("web", "GET /health")] * 2


def test_a_parent_that_is_not_there_stays_named(source: Any) -> None:
    span, = source.trace("f" * 32).records

    assert span.parent_id == f"{42:016x}"


def test_a_limit_of_traces_is_told(source: Any) -> None:
    answer = source.traces(TraceQuery(BASE, END, service="web", limit=2))

    assert (answer.status, len({span.trace_id for span in answer.records})) == ("partial", 2)
    assert "limit of 2" in answer.reason


def test_services_are_named(source: Any) -> None:
    assert source.services(BASE, END).records == ("cart", "checkout", "orphan", "web")

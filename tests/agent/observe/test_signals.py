"""Metrics and log records, as a collector receives them."""

from __future__ import annotations

import logging

from agent.llm.errors import LateError
from agent.llm.model import Reply, Request, Usage
from agent.observe import attributes as names
from agent.observe.wrappers import ObservedModel, ObservedTools
from telemetry.models import Window
from tests.agent.observe.collector import Collector, told
from tools.registry import ToolResult

ASKED = Request(({"role": "user", "content": "why?"},))


class Answering:
    """A model that answers; every other time it is late."""

    name = "small"

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, request: Request, *, deadline: float, emit: object = None) -> Reply:
        self.asked += 1
        if self.asked % 2 == 0:
            raise LateError("too late")
        if callable(emit):
            emit("dis")
            emit("k")
        return Reply("disk", usage=Usage(100, 60, 5), model="small-1")


class Finding:
    """Tools that find three things."""

    def call(self, name: str, arguments: dict[str, object], **options: object) -> ToolResult:
        return ToolResult(tool=name, status="found", query={**arguments, **options}, window=Window(), total=3)


def test_model_calls_are_measured_by_convention() -> None:
    with Collector() as collector:
        observer = collector.observer()
        model = ObservedModel(Answering(), observer, server="http://localhost:9/v1", price=lambda _: 0.25)
        heard: list[str] = []
        model.complete(ASKED, deadline=0, emit=heard.append)
        for _ in range(3):
            try:
                model.complete(ASKED, deadline=0)
            except LateError:
                continue
        observer.close()
        found = collector.metrics()

    durations = {told(p).get(names.ERROR_TYPE): p for p in found[names.GEN_AI_CLIENT_OPERATION_DURATION]}
    tokens = {told(p)[names.GEN_AI_TOKEN_TYPE]: p for p in found[names.GEN_AI_CLIENT_TOKEN_USAGE]}
    assert (durations[None].count, durations["LateError"].count) == (2, 2)
    assert (tokens["input"].sum, tokens["output"].sum) == (200, 10)
    assert (tokens["input"].explicit_bounds[-1], round(durations[None].explicit_bounds[-1], 2)) == (67_108_864, 81.92)
    assert (found["oncalm.spend"][0].as_double, found["oncalm.model.cached_tokens"][0].as_int) == (0.5, 120)
    assert heard == ["dis", "k"]


def test_tool_calls_are_counted_by_status_and_invented_names_are_not_kept() -> None:
    with Collector() as collector:
        observer = collector.observer()
        tools = ObservedTools(Finding(), observer, known=["logs.query"])
        results = [tools.call(name, {"q": 1}, timeout=2.0) for name in ("logs.query", "logs.query", "rm_rf")]
        observer.close()
        points = {told(p)[names.GEN_AI_TOOL_NAME]: p for p in collector.metrics()["oncalm.tool.calls"]}

    assert {name: point.as_int for name, point in points.items()} == {"logs.query": 2, "unknown": 1}
    assert told(points["logs.query"])[names.TOOL_STATUS] == "found"
    assert (results[0].query, results[2].tool) == ({"q": 1, "timeout": 2.0}, "rm_rf")


def test_runs_fallbacks_and_look_ups_are_counted() -> None:
    with Collector() as collector:
        observer = collector.observer()
        for fallback in ("", "the model is down"):
            with observer.run("q", "llm") as note:
                note.finished({"fallback": fallback})
        observer.looked_up("replies", hit=True)
        observer.close()
        found = collector.metrics()

    assert {told(p)[names.OUTCOME]: p.as_int for p in found["oncalm.runs"]} == {"answered": 1, "fallback": 1}
    assert found["oncalm.fallbacks"][0].as_int == 1
    assert sum(p.count for p in found["oncalm.run.duration"]) == 2
    assert told(found["oncalm.cache.lookups"][0]) == {names.CACHE_LAYER: "replies", names.CACHE_HIT: True}


def test_log_records_carry_their_span_and_no_secrets() -> None:
    log = logging.getLogger("tests.observe.records")
    log.propagate = False
    log.setLevel(logging.INFO)
    with Collector() as collector:
        observer = collector.observer()
        handler = observer.log_handler()
        log.addHandler(handler)
        with observer.run("q1", "llm"):
            log.warning("using password=%s now", "hunter2secret", extra={"body": "private"})
        log.removeHandler(handler)
        observer.close()
        record, run = collector.records()[0], collector.spans()["invoke_agent oncalm"]

    assert (record.trace_id, record.span_id) == (run.trace_id, run.span_id)
    assert (record.severity_text, record.body.string_value[:14]) == ("WARN", "using password")
    assert "hunter2secret" not in str(record)
    assert "private" not in str(record)


def test_what_the_export_logs_is_not_exported() -> None:
    root = logging.getLogger()
    level = root.level
    with Collector() as collector:
        observer = collector.observer()
        handler = observer.log_handler(logging.DEBUG)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            logging.getLogger("tests.observe.once").info("once")
            observer.flush()
            observer.flush()
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        observer.close()

        assert [r.body.string_value for r in collector.records()] == ["once"]


def test_headers_of_the_collector_and_the_name_of_the_service_go_along() -> None:
    with Collector() as collector:
        observer = collector.observer(headers={"authorization": "Bearer t"}, environment="production")
        with observer.node("plan"):
            pass
        observer.close()
        _, headers, message = next(r for r in collector.requests if r[0] == "/v1/traces")

    assert (headers["authorization"], headers["content-type"]) == ("Bearer t", "application/x-protobuf")
    resource = told(message.resource_spans[0].resource)
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("oncalm", "production")

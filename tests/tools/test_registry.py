"""Every call of a tool is answered once, and the answer says how it was got."""

from __future__ import annotations

import json
import logging
import re
import time
from threading import Event
from typing import Any

import pytest
from pydantic import BaseModel

from api.wiring.product import Product
from telemetry.errors import StoreError, UsageError
from telemetry.models import Found, Query, Result, Window
from telemetry.store.reader import Reader
from tools.evidence import evidence_tools
from tools.logs import log_tools
from tools.registry import NotAssessed, Registry, Risk, Tool, ToolResult
from tools.runbooks import runbook_tools

COUNT = Query(operation="count")


class Nothing(BaseModel):
    pass


def counted(total: int) -> Found:
    return Found(result=Result(kind="scalar", value=total), total=total, searched=9, window=Window(), excerpt=[])


def tool(given: Found | BaseException | Any) -> Registry:
    def call(_: Query) -> Found:
        if isinstance(given, BaseException):
            raise given
        return given  # type: ignore[no-any-return]

    return Registry([Tool("logs.query", "count", "read", Query, call)])


def named(*names: str, risk: Risk = "read") -> Registry:
    return Registry([Tool(name, "p", risk, Nothing, lambda _: counted(1)) for name in names])


def asked(registry: Registry) -> ToolResult:
    return registry.call("logs.query", COUNT.model_dump(mode="json"))


@pytest.fixture
def everything(sshd: Product) -> Registry:
    """All tools that this package has."""
    tools = log_tools(Reader(sshd.home), model=True).merged(runbook_tools(None))
    return tools.merged(evidence_tools({}.get))


@pytest.mark.parametrize(("total", "status"), [(3, "found"), (0, "nothing_found")])
def test_status_tells_finding_from_nothing(total: int, status: str) -> None:
    result = asked(tool(counted(total)))

    assert (result.status, result.total, result.searched) == (status, total, 9)


def test_unknown_tool_fails_with_the_known_ones() -> None:
    result = tool(counted(1)).call("logs.delete", {})

    assert result.status == "failed"
    assert "logs.query" in (result.error or "")


def test_bad_input_names_the_field_and_what_is_allowed() -> None:
    result = tool(counted(1)).call("logs.query", {"operation": "explode"})

    assert result.status == "failed"
    assert "operation" in (result.error or "")
    assert "'count'" in (result.error or "")


def test_misspelt_field_is_refused_not_dropped() -> None:
    query = {"operation": "count", "filters": [{"field": "level", "op": "eq", "valeu": "error"}]}

    result = tool(counted(1)).call("logs.query", query)

    assert result.status == "failed"
    assert "filters.0.valeu" in (result.error or "")
    assert "allowed: field, op, value" in (result.error or "")


def test_nulls_for_optional_fields_are_defaults() -> None:
    result = tool(counted(1)).call("logs.query", {"operation": "count", "limit": None, "filters": None, "window": None})

    assert result.status == "found"


@pytest.mark.parametrize("arguments", [[], "text", None, 3])
def test_arguments_that_are_no_object_fail(arguments: Any) -> None:
    assert tool(counted(1)).call("logs.query", arguments).status == "failed"


def test_error_of_the_store_is_a_failure_not_nothing() -> None:
    broken = StoreError("a segment is damaged", where="x.parquet", remedy="run: oncalm doctor --repair")

    result = asked(tool(broken))

    assert result.status == "failed"
    assert "doctor" in (result.error or "")


def test_missing_source_is_not_assessed() -> None:
    result = asked(tool(NotAssessed("no folder is configured", where="runbooks")))

    assert (result.status, result.error) == ("not_assessed", None)
    assert result.reason == "runbooks: no folder is configured"


@pytest.mark.parametrize("crash", [ZeroDivisionError("by zero"), SystemExit(3), KeyboardInterrupt()])
def test_defect_of_a_tool_is_a_failure_without_traceback(crash: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        result = asked(tool(crash))

    assert result.status == "failed"
    assert type(crash).__name__ in (result.error or "")
    assert "Traceback" not in (result.error or "")
    assert "Traceback" in caplog.text


def test_output_of_another_kind_is_a_failure() -> None:
    assert "gave a dict" in (asked(tool({"total": 3})).error or "")


def test_late_tool_does_not_keep_its_caller() -> None:
    release = Event()
    slow = Registry([Tool("t", "p", "read", Nothing, lambda _: counted(release.wait(20)), timeout=20)])
    started = time.monotonic()

    result = slow.call("t", {}, timeout=0.1)

    release.set()
    assert time.monotonic() - started < 2
    assert result.status == "failed"
    assert "0.1 s" in (result.error or "")


def test_no_time_left_fails_without_a_call() -> None:
    assert "no time" in (tool(AssertionError("called")).call("logs.query", {"operation": "count"}, timeout=0).error or "")


def test_slow_query_is_interrupted(sshd: Product) -> None:
    reader, ended = Reader(sshd.home), Event()

    def endless(_: Nothing) -> Found:
        try:
            reader.rows("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3")
        finally:
            ended.set()
        return counted(1)

    result = Registry([Tool("t", "p", "read", Nothing, endless)]).call("t", {}, timeout=0.3)

    assert "after 0.3 s" in (result.error or "")
    assert ended.wait(5)
    assert reader.run(COUNT).total == 7


def test_result_survives_a_checkpoint(everything: Registry) -> None:
    for name, arguments in (("logs.lines", {}), ("logs.top", {"field": "nope"}), ("runbooks.find", {"words": "disk"})):
        result = everything.call(name, arguments)

        assert ToolResult.model_validate(json.loads(json.dumps(result.model_dump(mode="json")))) == result


def test_names_are_mapped_both_ways() -> None:
    tools = named("logs.query", "logs.search_templates", "mcp.a_b", "mcp.a.b", "x" * 90)

    wires = [tools.wire(name) for name in tools.names()]

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", wire) for wire in wires)
    assert len(set(wires)) == 5
    assert [found.name for wire in wires if (found := tools.tool(wire))] == tools.names()
    assert tools.wire("logs.search_templates") == "logs_search_templates"


def test_call_by_wire_name_answers_by_the_real_one() -> None:
    assert named("logs.query").call("logs_query", {}).tool == "logs.query"


def test_definitions_are_the_same_bytes_in_any_order() -> None:
    one, two = named("b.x", "a.y"), named("a.y", "b.x")

    assert json.dumps(one.openai()) == json.dumps(two.openai())
    assert one.digest() == two.digest() != named("a.y").digest()


def test_definitions_are_made_once_and_each_caller_has_a_list_of_its_own() -> None:
    tools = named("a.x", "b.y")
    first = tools.openai()
    first.clear()

    assert len(tools.openai()) == 2
    assert tools.openai()[0] is tools.openai()[0]
    assert tools.openai(strict=False) != []


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="rename"):
        named("a.b").merged(named("a.b"))


def test_subset_keeps_the_risk_class() -> None:
    both = named("a").merged(named("b", risk="probe"))

    assert both.subset(risks=["read"]).names() == ["a"]
    assert both.subset(names=["b", "unknown"]).names() == ["b"]


def test_no_tool_can_write(everything: Registry) -> None:
    assert {found.risk for name in everything.names() if (found := everything.tool(name))} == {"read"}


def test_approving_is_no_tool(everything: Registry) -> None:
    def words(node: Any) -> set[str]:
        if isinstance(node, dict):
            return set(node).union(*map(words, node.values())) if node else set()
        return set().union(*map(words, node)) if isinstance(node, list) else {str(node)}

    told = set(everything.names()).union(*(words(d) for d in everything.openai(strict=False)))
    assert not [word for word in told if re.search("approv", word, re.IGNORECASE)]

"""Spans under LangGraph, which runs nodes in threads of its own."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from agent.observe.observer import Observer
from tests.agent.observe.collector import Collector


class Tally(TypedDict, total=False):
    done: Annotated[list[str], operator.add]


class Errand(TypedDict):
    name: str


def graph(observer: Observer) -> StateGraph[Tally]:
    """``plan`` sends three errands, each of which makes a tool call."""

    def plan(_: Tally) -> Tally:
        with observer.node("plan"):
            return {}

    def errand(given: Errand) -> Tally:
        with observer.node(given["name"]), observer.tool_call(f"tool-{given['name']}"):
            return {"done": [observer.headers()["traceparent"]]}

    built = StateGraph(Tally)
    built.add_node("plan", plan)
    built.add_node("errand", errand, input_schema=Errand)
    built.add_edge(START, "plan")
    built.add_conditional_edges("plan", lambda _: [Send("errand", Errand(name=n)) for n in "abc"], ["errand"])
    built.add_edge("errand", END)
    return built


def test_nodes_and_what_is_sent_nest_under_their_run() -> None:
    with Collector() as collector:
        observer = collector.observer()
        compiled = graph(observer).compile()
        with observer.run("q1", "offline"):
            list(compiled.stream({}, stream_mode="values"))
        observer.close()
        spans = collector.spans()

    run = spans["invoke_agent oncalm"]
    assert {spans[f"node {n}"].parent_span_id for n in ("plan", "a", "b", "c")} == {run.span_id}
    assert all(spans[f"execute_tool tool-{n}"].parent_span_id == spans[f"node {n}"].span_id for n in "abc")
    assert {span.trace_id for span in spans.values()} == {run.trace_id}


def test_each_errand_sends_its_own_span_along() -> None:
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "offline"):
            sent = graph(observer).compile().invoke({})["done"]
        observer.close()
        spans = collector.spans()

    assert {parent.split("-")[2] for parent in sent} == {spans[f"execute_tool tool-{n}"].span_id.hex() for n in "abc"}


def test_runs_at_once_do_not_mix() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(number: int) -> None:
        with observer.run(str(number), "offline"):
            compiled.invoke({})

    with Collector() as collector:
        observer = collector.observer()
        compiled = graph(observer).compile()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, range(8)))
        observer.close()
        by_trace: dict[bytes, list[str]] = {}
        for span in collector.all_spans():
            by_trace.setdefault(span.trace_id, []).append(span.name)

    assert len(by_trace) == 8
    assert len({tuple(sorted(found)) for found in by_trace.values()}) == 1

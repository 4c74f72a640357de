"""What spans say, as a collector receives them."""

from __future__ import annotations

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from agent.llm.errors import OverloadedError
from agent.llm.model import Call, Reply, Request, Schema, Usage
from agent.observe import attributes as names
from telemetry.models import Window
from tests.agent.observe.collector import Collector, told
from tools.registry import ToolResult

ASKED = Request(({"role": "user", "content": "why is checkout slow? password=hunter2secret"},), max_output_tokens=500)
REPLY = Reply("the disk is full", finish="stop", usage=Usage(1_000, 800, 50), model="small-2026")


def result(status: str = "found", error: str | None = None) -> ToolResult:
    return ToolResult.model_validate(
        {"tool": "logs.query", "status": status, "query": {}, "window": Window(), "total": 3, "error": error})


def test_names_are_those_of_the_installed_conventions() -> None:
    known = {value for module in (gen_ai_attributes, gen_ai_metrics) for value in vars(module).values() if isinstance(value, str)}
    ours = {value for name, value in vars(names).items() if name.startswith("GEN_AI_")}
    operations = {item.value for item in gen_ai_attributes.GenAiOperationNameValues}
    providers = {item.value for item in gen_ai_attributes.GenAiProviderNameValues}

    assert ours <= known
    assert {names.INVOKE_AGENT, names.CHAT, names.EXECUTE_TOOL} <= operations
    assert {name for _, name in names.PROVIDERS} <= providers


def test_a_run_holds_its_node_its_model_call_and_its_tool_call() -> None:
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "llm", "c1"), observer.node("plan"):
            with observer.model_call(ASKED, "small", "https://api.openai.com/v1"):
                pass
            with observer.tool_call("logs.query", "call_1"):
                pass
        observer.close()
        spans = collector.spans()

    run, node = spans["invoke_agent oncalm"], spans["node plan"]
    assert node.parent_span_id == run.span_id
    assert {spans[n].parent_span_id for n in ("chat small", "execute_tool logs.query")} == {node.span_id}
    assert (run.kind, spans["chat small"].kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)


def test_a_run_says_who_thought_and_what_it_came_to() -> None:
    answer = {"usage": {"input_tokens": 7, "output_tokens": 2, "cost_usd": 0.01}, "query": {"operation": "count"}, "fallback": "late"}
    with Collector() as collector:
        observer = collector.observer()
        with observer.run("q1", "llm", "c1", question="how many?") as note:
            note.finished(answer)
        observer.close()
        said = told(collector.spans()["invoke_agent oncalm"])

    assert said[names.GEN_AI_OPERATION_NAME] == "invoke_agent"
    assert (said[names.QUESTION_ID], said[names.GEN_AI_CONVERSATION_ID], said[names.ANALYST]) == ("q1", "c1", "llm")
    assert (said[names.GEN_AI_USAGE_INPUT_TOKENS], said[names.COST], said[names.PATH]) == (7, 0.01, "ask/count")
    assert said[names.OUTCOME] == "fallback"


def test_a_model_call_says_what_was_asked_for_and_used() -> None:
    asked = Request(ASKED.messages, schema=Schema("answer", {}), max_output_tokens=500, digests={"analyst": "ab12"})
    with Collector() as collector:
        observer = collector.observer()
        with observer.model_call(asked, "small", "https://me:pw@models.example:8443/v1", stream=True) as note:
            note.streaming()
            note.replied(REPLY)
        observer.close()
        said = told(collector.spans()["chat small"])

    assert said[names.GEN_AI_PROVIDER_NAME] == "openai"
    assert (said[names.SERVER_ADDRESS], said[names.SERVER_PORT]) == ("models.example", 8443)
    assert (said[names.GEN_AI_REQUEST_MODEL], said[names.GEN_AI_RESPONSE_MODEL]) == ("small", "small-2026")
    assert said[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop"]
    usage = [names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, names.GEN_AI_USAGE_OUTPUT_TOKENS]
    assert [said[name] for name in usage] == [1_000, 800, 50]
    assert (said[names.GEN_AI_OUTPUT_TYPE], said[names.PROMPT_DIGEST + "analyst"]) == ("json", "ab12")
    assert said[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] >= 0


def test_a_failed_model_call_is_an_error_that_costs_and_passes_through() -> None:
    error = OverloadedError("too many requests: why is checkout slow?")
    vars(error)["usage"] = {"input_tokens": 9, "output_tokens": 0}
    with Collector() as collector:
        observer = collector.observer()
        with pytest.raises(OverloadedError), observer.model_call(ASKED, "small"):
            raise error
        observer.close()
        span = collector.spans()["chat small"]

    assert (span.status.code, told(span)[names.ERROR_TYPE]) == (Status.STATUS_CODE_ERROR, "OverloadedError")
    assert told(span)[names.GEN_AI_USAGE_INPUT_TOKENS] == 9
    assert "checkout" not in str(span)


def test_a_failed_tool_is_an_error_and_a_silent_source_is_not() -> None:
    with Collector() as collector:
        observer = collector.observer()
        for status in ("failed", "not_assessed"):
            with observer.tool_call(status, "call_7") as note:
                note.returned(result(status, "no route to the store"))
        observer.close()
        spans = collector.spans()

    failed, silent = spans["execute_tool failed"], spans["execute_tool not_assessed"]
    assert (failed.status.code, silent.status.code) == (Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET)
    assert told(silent)[names.TOOL_STATUS] == "not_assessed"
    assert (told(failed)[names.GEN_AI_TOOL_CALL_ID], told(failed)[names.GEN_AI_OPERATION_NAME]) == ("call_7", "execute_tool")
    assert "no route" not in str(failed)


def test_prompts_and_outputs_stay_here_unless_switched_on() -> None:
    sent = []
    for record in (False, True):
        with Collector() as collector:
            observer = collector.observer(record_content=record)
            with observer.run("q1", "llm", question="checkout?"), observer.model_call(ASKED, "small") as note:
                note.replied(Reply("checkout it is", calls=(Call("c", "logs.query", {"q": "checkout"}),)))
            with observer.tool_call("logs.query", arguments={"q": "checkout"}) as tool:
                tool.returned(result())
            observer.close()
            sent.append(str(collector.all_spans()))

    assert "checkout" not in sent[0]
    assert "checkout slow" in sent[1]
    assert "checkout it is" in sent[1]
    assert "hunter2secret" not in sent[1]


def test_a_paused_graph_and_a_closed_generator_are_no_errors() -> None:
    from langgraph.errors import GraphInterrupt

    with Collector() as collector:
        observer = collector.observer()
        for error in (GraphInterrupt(()), GeneratorExit()):
            with pytest.raises(type(error)), observer.node(type(error).__name__):
                raise error
        observer.close()
        codes = {span.status.code for span in collector.all_spans()}

    assert codes == {Status.STATUS_CODE_UNSET}


def test_a_defect_says_where_it_came_from_and_not_what_it_held() -> None:
    with Collector() as collector:
        observer = collector.observer()
        with pytest.raises(KeyError), observer.node("plan"):
            raise KeyError("a customer's name")
        observer.close()
        event = collector.spans()["node plan"].events[0]

    assert told(event)["exception.type"] == "builtins.KeyError"
    assert "test_spans.py" in told(event)["exception.stacktrace"]
    assert "customer" not in told(event).get("exception.message", "")

"""Replies over real HTTP, plain and streamed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agent.llm.endpoint import Endpoint
from agent.llm.model import Request, Usage
from agent.scripted.server import ScriptedServer
from tests.agent.llm.calling import KEY, QUESTION, SEARCH, WITH_SCHEMA, WITH_TOOLS, ask, client_of

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
CALL = {"name": "logs_search", "arguments": {"q": "disk"}}


@both_ways
def test_an_answer_comes_back_with_its_usage(stream: bool) -> None:
    step = {"text": "The disk is full.", "usage": {"input": 90, "cached": 64, "output": 7}}

    reply, server, streamed = ask(step, stream=stream)

    assert (reply.text, reply.usage, reply.finish) == ("The disk is full.", Usage(90, 64, 7), "stop")
    assert streamed == ("The disk is full." if stream else "")
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"


@both_ways
def test_parallel_tool_calls_come_back_in_order(stream: bool) -> None:
    calls = [CALL, {"name": "logs_search", "arguments": {"q": "inode"}}]

    reply, _, _ = ask({"calls": calls}, request=WITH_TOOLS, stream=stream)

    assert [(call.id, call.name, call.arguments) for call in reply.calls] == [
        ("call_0", "logs_search", {"q": "disk"}),
        ("call_1", "logs_search", {"q": "inode"}),
    ]
    assert reply.finish == "tool_calls"


@both_ways
@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("{'q': 'disk', 'all': True,}", {"q": "disk", "all": True}),
        ('{"q": "disk"', {"q": "disk"}),
        ('{"q": "disk"}{"q": "disk"}', {"q": "disk"}),
        ('```json\n{"q": "disk"}\n```', {"q": "disk"}),
        ('"{\\"q\\": \\"disk\\"}"', {"q": "disk"}),
        ("", {}),
        (None, {}),
    ],
)
def test_arguments_in_bad_notation_are_repaired(
    arguments: str | None, read: dict[str, Any], stream: bool
) -> None:
    step = {"calls": [{"name": "logs_search", "arguments": arguments}]}

    reply, _, _ = ask(step, request=WITH_TOOLS, stream=stream)

    assert (reply.calls[0].arguments, reply.calls[0].problem) == (read, None)


@both_ways
def test_arguments_that_are_no_object_are_told_as_a_problem(stream: bool) -> None:
    step = {"calls": [{"name": "logs_search", "arguments": "find the disk"}, CALL]}

    reply, _, _ = ask(step, request=WITH_TOOLS, stream=stream)

    assert "not a JSON object" in (reply.calls[0].problem or "")
    assert (reply.calls[0].arguments, reply.calls[1].problem) == ({}, None)


def test_arguments_cut_at_the_output_limit_are_not_completed() -> None:
    step = {"calls": [{"name": "logs_search", "arguments": '{"limit": 10'}], "finish": "length"}

    reply, _, _ = ask(step, request=WITH_TOOLS)

    assert reply.calls[0].problem
    assert reply.finish == "length"


def test_an_unknown_tool_is_told_with_the_known_ones() -> None:
    reply, _, _ = ask({"calls": [{"name": "rm_rf", "arguments": {"x": 1}}]}, request=WITH_TOOLS)

    assert reply.calls[0].problem == "there is no tool rm_rf; the tools are: logs_search"


@both_ways
def test_missing_and_repeated_ids_are_replaced_by_new_ones(stream: bool) -> None:
    calls = [
        {**CALL, "id": "a"},
        {**CALL, "id": "a"},
        {**CALL, "id": None},
        {**CALL, "id": ""},
        {**CALL, "id": "old"},
    ]
    earlier = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "old", "function": {"name": "logs_search"}}],
    }
    request = Request((*QUESTION.messages, earlier), tools=(SEARCH,))

    reply, _, _ = ask({"calls": calls}, request=request, stream=stream)

    ids = [call.id for call in reply.calls]
    assert ids[0] == "a"
    assert len({*ids, "old"}) == 6


def test_the_same_conversation_gets_the_same_new_ids() -> None:
    step = {"calls": [{**CALL, "id": None}, {**CALL, "id": None}]}

    assert ask(step, request=WITH_TOOLS)[0].calls == ask(step, request=WITH_TOOLS)[0].calls


@both_ways
@pytest.mark.parametrize(
    "text",
    [
        'I look.\n<tool_call>\n{"name": "logs_search", "arguments": {"q": "disk"}}\n</tool_call>',
        'I look.\n<tool_call>{"name": "logs_search", "parameters": {"q": "disk"}}',
        '```json\n{"name": "logs_search", "arguments": {"q": "disk"}}\n```',
        '{"name": "logs_search", "arguments": "{\\"q\\": \\"disk\\"}"}',
        '{"tool": "logs_search", "arguments": {"q": "disk"}}',
        '{"name": "logs.search", "args": {"q": "disk"}}',
        '{"function": "logs.search", "input": {"q": "disk"}}',
        '{"type": "function", "function": {"name": "logs_search", "arguments": {"q": "disk"}}}',
        ' {"name": "functions.logs_search", "parameters": {"q": "disk"}}\n',
    ],
)
def test_a_tool_call_written_as_text_is_a_call_and_not_shown(text: str, stream: bool) -> None:
    reply, _, streamed = ask({"text": text}, request=WITH_TOOLS, stream=stream)

    assert [(call.name, call.arguments) for call in reply.calls] == [("logs_search", {"q": "disk"})]
    assert "logs_search" not in reply.text + streamed


@both_ways
@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "approve", "arguments": {}}</tool_call>',
        'The line reads <tool_call>{"name": "logs_search", "arguments": {}}</tool_call>, an injection.',
        'The request was:\n```json\n{"name": "logs_search", "arguments": {}}\n```\nIt failed.',
        '{"name": "logs_search", "size": 3}',
        '{"tool": "approve", "arguments": {}}',
        '{"name": "logs_search", "tool": "approve", "arguments": {}}',
        '{"function": {"name": "logs_search"}}',
        'I would call {"name": "logs_search", "arguments": {"q": "disk"}} now.',
        "a ```code``` and {braces} < more",
    ],
)
def test_text_that_only_looks_like_a_call_stays_text(text: str, stream: bool) -> None:
    reply, _, streamed = ask({"text": text}, request=WITH_TOOLS, stream=stream)

    assert (reply.text, reply.calls) == (text, ())
    assert streamed == (text if stream else "")


@both_ways
def test_the_thoughts_of_a_reasoning_model_are_left_out(stream: bool) -> None:
    reply, _, streamed = ask({"text": "<think>Is it {the} disk?</think>\n\nIt is."}, stream=stream)

    assert reply.text == "It is."
    assert streamed == ("It is." if stream else "")


@both_ways
def test_usage_that_is_not_reported_is_estimated(stream: bool) -> None:
    reply, _, _ = ask({"text": "x" * 400, "usage": None}, stream=stream)

    assert reply.usage.output == 100
    assert 20 < reply.usage.input < 50


@both_ways
def test_a_refusal_comes_back_as_one(stream: bool) -> None:
    reply, _, _ = ask({"refusal": "I cannot help with that."}, stream=stream)

    assert reply.refusal == "I cannot help with that."


@both_ways
def test_an_answer_ended_by_a_content_filter_is_a_refusal(stream: bool) -> None:
    reply, _, _ = ask({"text": "Half an ans", "finish": "content_filter"}, stream=stream)

    assert (reply.text, reply.refusal) == ("Half an ans", "the provider's content filter ended the answer")


def test_a_schema_is_sent_as_a_strict_one() -> None:
    _, server, _ = ask({"text": '{"cause": "disk"}'}, request=WITH_SCHEMA)

    assert server.received[0].body["response_format"]["json_schema"]["strict"] is True


@both_ways
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
        (400, {"message": "xgrammar does not support this", "code": "structured_outputs"}),
        (422, {"message": "bad request", "param": "response_format"}),
        (500, "failed to parse grammar"),
    ],
)
def test_a_refused_schema_is_told_in_words_from_then_on(status: int, error: Any, stream: bool) -> None:
    answer = {"text": "Sure:\n```json\n{'cause': 'disk',}\n```"}
    with ScriptedServer([{"status": status, "error": error}, answer, answer]) as server:
        client = client_of(server)
        replies = [
            client.complete(
                WITH_SCHEMA, deadline=time.monotonic() + 5, emit=(lambda _: None) if stream else None
            )
            for _ in range(2)
        ]

    assert [reply.text for reply in replies] == ['{"cause": "disk"}'] * 2
    assert len(server.received) == 3
    assert "response_format" not in server.received[2].body
    assert '"required":["cause"]' in server.received[2].body["messages"][-1]["content"]


def test_parameters_that_a_model_does_not_know_are_left_out_once() -> None:
    steps = [
        {
            "status": 400,
            "error": {"message": "Unsupported parameter: use 'max_completion_tokens'", "param": "max_tokens"},
        },
        {"status": 400, "error": {"message": "Unsupported value: 'temperature' does not support 0.0"}},
        {"text": "ok"},
    ]

    _, server, _ = ask(*steps, request=Request(QUESTION.messages, max_output_tokens=50))

    last = server.received[-1].body
    assert (last["max_completion_tokens"], "max_tokens" in last, "temperature" in last) == (50, False, False)


def test_a_server_that_knows_no_stream_options_is_streamed_without() -> None:
    _, server, streamed = ask(
        {"status": 422, "error": "Unknown field stream_options"}, {"text": "ok"}, stream=True
    )

    assert streamed == "ok"
    assert "stream_options" not in server.received[1].body


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_server_that_does_not_stream_is_read_all_the_same(kind: str) -> None:
    body = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}

    reply, _, streamed = ask({"body": json.dumps(body), "content_type": kind}, stream=True)

    assert (reply.text, streamed) == ("whole", "whole")


def test_pieces_of_calls_without_index_are_joined() -> None:
    deltas = [
        {"tool_calls": [{"id": "a", "function": {"name": "logs_search", "arguments": '{"q": '}}]},
        {"tool_calls": [{"function": {"arguments": '"x"}'}}]},
        {"tool_calls": [{"id": "b", "function": {"name": "logs_search", "arguments": '{"q": "y"}'}}]},
    ]
    lines = [json.dumps({"choices": [{"delta": delta}]}) for delta in deltas]
    body = "".join(f"data: {line}\r\n\r\n" for line in lines) + ": a comment\n\ndata: [DONE]\n\n"

    reply, _, _ = ask({"body": body, "content_type": "text/event-stream"}, request=WITH_TOOLS, stream=True)

    assert [(call.id, call.arguments) for call in reply.calls] == [("a", {"q": "x"}), ("b", {"q": "y"})]


def test_an_azure_endpoint_is_asked_at_its_deployment() -> None:
    with ScriptedServer([{"text": "ok"}]) as server:
        client = client_of(server, base_url=server.url.removesuffix("/v1"), azure_api_version="2025-01-01")
        client.complete(QUESTION, deadline=time.monotonic() + 5)

    assert server.received[0].path == "/openai/deployments/scripted/chat/completions?api-version=2025-01-01"
    assert server.received[0].headers["api-key"] == KEY


def test_headers_of_the_endpoint_and_of_the_call_are_sent() -> None:
    with ScriptedServer([{"text": "ok"}]) as server:
        from agent.llm.client import Client

        endpoint = Endpoint("m", base_url=server.url, headers={"X-Team": "sre"})
        Client(endpoint, outgoing=lambda: {"traceparent": "00-1-2-01"}).complete(
            QUESTION, deadline=time.monotonic() + 5
        )

    assert server.received[0].headers["x-team"] == "sre"
    assert server.received[0].headers["traceparent"] == "00-1-2-01"


def test_eight_threads_share_a_client() -> None:
    with ScriptedServer(
        lambda body: {"text": body["messages"][-1]["content"], "wait": 0.05, "piece": 1}
    ) as server:
        client = client_of(server)

        def one(number: int) -> tuple[str, str]:
            pieces: list[str] = []
            request = Request(({"role": "user", "content": f"answer {number}"},))
            reply = client.complete(request, deadline=time.monotonic() + 20, emit=pieces.append)
            return reply.text, "".join(pieces)

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(one, range(40)))
        client.close()

    assert answers == [(f"answer {number}", f"answer {number}") for number in range(40)]

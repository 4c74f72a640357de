"""What goes wrong on the wire, over real HTTP: which error it becomes, and whether it is asked again."""

from __future__ import annotations

import socket
import time
import traceback
from email.utils import formatdate
from typing import Any

import pytest

from agent.llm import errors
from agent.llm.client import Client
from agent.llm.endpoint import Endpoint
from agent.llm.failures import pause_of
from agent.scripted.server import ScriptedServer
from tests.agent.llm.calling import KEY, QUESTION, WITH_TOOLS, ask, client_of

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
OK = {"text": "ok"}
HTML = {"body": "<!doctype html><title>Log in</title>", "content_type": "text/html; charset=utf-8"}

CASES: list[tuple[type[errors.ModelError], dict[str, Any], str]] = [
    (errors.KeyRefusedError, {"status": 401, "error": f"Incorrect API key provided: {KEY}"}, "key was refused"),
    (errors.KeyRefusedError, {"status": 403, "error": "You may not sample from this model"}, "may use this model"),
    (errors.NotAModelError, {"status": 404, "error": {"message": "gone", "code": "model_not_found"}}, "no model scripted"),
    (errors.NotAModelError, {"status": 404, "error": 'model "scripted" not found, try pulling it first'}, "/models"),
    (errors.NotAModelError, {"status": 404, "body": '{"detail": "Not Found"}'}, "base URL"),
    (errors.NotAModelError, {"status": 404, "body": "<html>nginx</html>"}, "web page"),
    (errors.NotAModelError, HTML, "web page"),
    (errors.NotAModelError, {"body": "<html>", "content_type": "application/json"}, "web page"),
    (errors.NotAModelError, {"body": "", "content_type": "text/plain"}, "nothing"),
    (errors.QuotaError, {"status": 429, "error": {"message": "pay", "code": "insufficient_quota"}}, "billing"),
    (errors.QuotaError, {"status": 402, "error": "Insufficient Balance"}, "billing"),
    (errors.NoToolsError, {"status": 400, "error": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'}, "tool calling"),
    (errors.NoToolsError, {"status": 400, "error": "registry.ollama.ai/library/gemma:2b does not support tools"}, "tool calling"),
    (errors.NoToolsError, {"status": 400, "error": "litellm.UnsupportedParamsError: x does not support parameters: ['tools']"}, "tool calling"),
    (errors.NoToolsError, {"status": 404, "error": "No endpoints found that support tool use."}, "tool calling"),
    (errors.NoToolsError, {"status": 500, "error": "tools param requires --jinja flag"}, "tool calling"),
    (errors.BrokenReplyError, {"shape": "no_choices"}, "no choices"),
    (errors.BrokenReplyError, {"body": "\x80\x81 garbage \xff", "content_type": "application/json"}, "no readable JSON"),
    (errors.BrokenReplyError, {"body": '{"choices": [{"mess', "content_type": "application/json"}, "no readable JSON"),
    (errors.BrokenReplyError, {"body": "[1]", "content_type": "application/json"}, "no JSON object"),
    (errors.BrokenReplyError, {"body": "data: {oops\n\n", "content_type": "text/event-stream"}, "piece of the stream"),
    (errors.BrokenReplyError, {"body": '{"choices": "none", "usage": 3}', "content_type": "application/json"}, "no choices"),
    (errors.RefusedError, {"status": 400, "error": {"message": "filtered", "code": "content_filter"}}, "content filter"),
    (errors.ModelError, {"status": 400, "error": "Invalid 'messages[1].role'\n\x1b[31m"}, "refused (400): Invalid 'messages[1].role'"),
]  # fmt: skip


@both_ways
@pytest.mark.parametrize(("kind", "step", "words"), CASES)
def test_a_failure_is_told_in_one_sentence(
    kind: type[errors.ModelError], step: dict[str, Any], words: str, stream: bool
) -> None:
    with pytest.raises(errors.ModelError) as caught:
        ask(step, request=WITH_TOOLS, stream=stream)

    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert str(caught.value).startswith("model scripted at http://127.0.0.1:")
    assert caught.value.remedy
    assert str(caught.value).isprintable()
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_null_message_is_a_broken_reply() -> None:
    with pytest.raises(errors.BrokenReplyError, match="no message"):
        ask({"shape": "null_message"})


@both_ways
@pytest.mark.parametrize(
    "error",
    [
        {"message": "Your messages resulted in 9000 tokens", "code": "context_length_exceeded"},
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages)",
        "The decoder prompt (length 5003) is longer than the maximum model length of 4096.",
        "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException",
        "the request exceeds the available context size. try increasing the context size",
        "the input length exceeds the context length",
        "prompt is too long: 205000 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
        "Input tokens exceed the configured limit of 272000 tokens.",
    ],
)
def test_a_request_that_is_too_long_is_known_in_every_wording(error: Any, stream: bool) -> None:
    with pytest.raises(errors.ContextTooLongError, match="larger context"):
        ask({"status": 400, "error": error}, request=WITH_TOOLS, stream=stream)


def test_an_echo_of_the_request_is_not_taken_for_the_endpoints_words() -> None:
    detail = [{"loc": ["body", "seed"], "msg": "field required", "input": "log: context_length_exceeded"}]
    with pytest.raises(errors.ModelError) as caught:
        ask({"status": 422, "error": {"detail": detail}})

    assert type(caught.value) is errors.ModelError


@both_ways
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 408},
        {"status": 409},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"status": 503},
        {"reset": True},
        {"text": "a long answer", "cut_after": 0},
        {"text": "a long answer", "cut_after": 1},
        {"error": {"message": "overloaded", "type": "server_error"}},
        {"error": {"message": "slow down", "code": 429}},
    ],
)
def test_a_passing_fault_is_asked_again_once(fault: dict[str, Any], stream: bool) -> None:
    reply, server, _ = ask(fault, OK, stream=stream)

    assert (reply.text, len(server.received)) == ("ok", 2)


@both_ways
@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (errors.OverloadedError, {"status": 429, "headers": {"Retry-After": "0"}}),
        (errors.OverloadedError, {"status": 502, "body": "<html>bad gateway</html>"}),
        (errors.UnreachableError, {"reset": True}),
        (errors.BrokenReplyError, {"text": "a long answer", "cut_after": 1}),
    ],
)
def test_a_fault_that_stays_is_asked_again_only_once(
    kind: type[errors.ModelError], fault: dict[str, Any], stream: bool
) -> None:
    with ScriptedServer([fault, fault, OK]) as server, pytest.raises(kind):
        client_of(server).complete(
            QUESTION, deadline=time.monotonic() + 5, emit=(lambda _: None) if stream else None
        )

    assert len(server.received) == 2


@pytest.mark.parametrize(
    "step", [{"cut_after": 4}, {"unfinished": True}, {"error": {"message": "x", "code": 500}}]
)
def test_a_stream_cut_after_text_came_is_not_asked_again(step: dict[str, Any]) -> None:
    pieces: list[str] = []
    with (
        ScriptedServer([{"text": "one two three four five", **step}, OK]) as server,
        pytest.raises(errors.ModelError),
    ):
        client_of(server).complete(QUESTION, deadline=time.monotonic() + 5, emit=pieces.append)

    assert "".join(pieces).startswith("one two")
    assert len(server.received) == 1


def test_a_stream_without_any_event_is_asked_again() -> None:
    reply, server, _ = ask({"body": "", "content_type": "text/event-stream"}, OK, stream=True)

    assert (reply.text, len(server.received)) == ("ok", 2)


def test_a_stream_cut_after_its_finish_is_whole() -> None:
    reply, server, _ = ask({"text": "whole", "piece": 9, "cut_after": 3}, stream=True)

    assert (reply.text, len(server.received)) == ("whole", 1)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_out(form: str) -> None:
    after = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    started = time.monotonic()

    ask({"status": 429, "headers": {"Retry-After": after}}, OK)

    assert 0.9 < time.monotonic() - started < 4


@pytest.mark.parametrize(("seconds", "changes"), [(2, {}), (60, {"pause_cap": 5.0})])
def test_a_pause_that_does_not_fit_ends_the_call_at_once(seconds: float, changes: dict[str, Any]) -> None:
    started = time.monotonic()

    with pytest.raises(errors.OverloadedError, match="asks to wait 30 s, longer than this call may"):
        ask({"status": 429, "headers": {"Retry-After": "30"}}, OK, seconds=seconds, **changes)
    assert time.monotonic() - started < 1.5


def test_a_date_to_retry_after_counts_from_the_answers_own_clock() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}

    assert pause_of(headers) == 30
    assert pause_of({"retry-after": "soon"}) is None


@both_ways
@pytest.mark.parametrize(
    "step",
    [
        {"wait": 30},
        {"text": "drip " * 200, "pause": 0.05, "piece": 1},
        {"text": "stop " * 9, "pause": 30, "piece": 5},
        {"status": 500, "wait": 0.4},
    ],
    ids=["hang", "drip", "stall", "slow faults"],
)
def test_a_deadline_ends_whatever_the_endpoint_does(step: dict[str, Any], stream: bool) -> None:
    import openai  # noqa: F401 (the first import takes most of a second)

    started = time.monotonic()
    with ScriptedServer([step, step]) as server, pytest.raises((errors.LateError, errors.OverloadedError)):
        client_of(server).complete(
            QUESTION, deadline=time.monotonic() + 1, emit=(lambda _: None) if stream else None
        )

    assert 0.3 < time.monotonic() - started < 1.6


def test_the_endpoints_own_limit_ends_a_call_before_a_later_deadline() -> None:
    with pytest.raises(errors.LateError, match=r"within 0\.5 s"):
        ask({"wait": 30}, call_seconds=0.5, seconds=60)


def test_nothing_is_sent_after_the_deadline() -> None:
    with ScriptedServer([OK]) as server, pytest.raises(errors.LateError):
        client_of(server).complete(QUESTION, deadline=time.monotonic() - 1)

    assert server.received == []


def test_an_error_of_the_reader_of_text_ends_the_call_as_itself() -> None:
    def emit(_: str) -> None:
        raise ConnectionAbortedError("the reader left")

    with (
        ScriptedServer([{"text": "x" * 900, "pause": 0.05}]) as server,
        pytest.raises(ConnectionAbortedError),
    ):
        client_of(server).complete(QUESTION, deadline=time.monotonic() + 60, emit=emit)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "no connection (Connection refused)"),
        ("not a url", "not one of http:// or https://"),
        ("ftp://127.0.0.1/v1", "not one of http:// or https://"),
        ("http://[::1", "not one of http:// or https://"),
        ("http://127.0.0.1:99999/v1", "not one of http:// or https://"),
    ],
)
def test_an_address_that_cannot_be_reached_is_told_with_its_remedy(url: str | None, words: str) -> None:
    client = Client(Endpoint("m", base_url=url or f"http://127.0.0.1:{free_port()}/v1", api_key=KEY))

    with pytest.raises(errors.UnreachableError) as caught:
        client.complete(QUESTION, deadline=time.monotonic() + 5)
    assert words in str(caught.value)
    assert "check the base URL" in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint("gpt-x"), "there is no key"),
        (Endpoint("gpt-x", api_key="sk-tëst-key"), "no header can carry"),
        (Endpoint("gpt-x", api_key="sk-one\nsk-two"), "no header can carry"),
    ],
)
def test_a_key_that_cannot_work_is_told_before_anything_is_sent(endpoint: Endpoint, words: str) -> None:
    with pytest.raises(errors.KeyRefusedError, match=words) as caught:
        Client(endpoint).complete(QUESTION, deadline=time.monotonic() + 5)

    assert "sk-" not in "".join(traceback.format_exception(caught.value))


def test_no_message_holds_a_secret_of_the_endpoint() -> None:
    endpoint = Endpoint("m", "http://bob:pa55word@127.0.0.1:1/v1?token=t0ken", KEY, {"X-Key": "h3ader-value"})

    shown = f"{endpoint} {endpoint.where}"

    assert not any(secret in endpoint.where for secret in (KEY, "pa55word", "t0ken", "h3ader"))
    assert KEY not in shown
    assert "h3ader" not in shown


@both_ways
def test_an_endpoint_that_echoes_secrets_does_not_get_them_into_messages(stream: bool) -> None:
    headers = {"X-Key": "h3ader-value"}
    step = {"status": 400, "error": f"cannot parse header Bearer {KEY} and {headers['X-Key']}"}

    with pytest.raises(errors.ModelError, match="cannot parse header") as caught:
        ask(step, stream=stream, headers=headers)

    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert "h3ader" not in told


def test_closing_ends_a_call_under_way() -> None:
    from threading import Timer

    with ScriptedServer([{"wait": 30}]) as server:
        client = client_of(server)
        Timer(0.3, client.close).start()
        with pytest.raises(errors.UnreachableError, match="ended from here"):
            client.complete(QUESTION, deadline=time.monotonic() + 30)
        with pytest.raises(errors.UnreachableError, match="closed"):
            client.complete(QUESTION, deadline=time.monotonic() + 30)

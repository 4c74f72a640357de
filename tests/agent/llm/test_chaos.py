"""Whatever an endpoint sends, a call ends in a reply or in an error of ours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.llm.client import Client
from agent.llm.endpoint import Endpoint
from agent.llm.errors import ModelError
from agent.llm.model import Reply, Request
from agent.scripted.server import ScriptedServer
from tests.agent.llm.calling import ANSWER, KEY, QUESTION, SEARCH

REQUEST = Request(QUESTION.messages, tools=(SEARCH,), schema=ANSWER)
NAMES = st.sampled_from(
    "choices message delta content tool_calls function name arguments id index finish_reason usage prompt_tokens "
    "prompt_tokens_details cached_tokens refusal error code type text model".split()
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-1, 600) | st.text(max_size=8)
    | st.sampled_from(["logs_search", "{", '{"q": 1}', "length", "stop", "<think>", "<tool_call>", "[]"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={"content": JSON, "tool_calls": st.lists(JSON) | JSON, "refusal": JSON}
)
CHOICE = st.fixed_dictionaries(
    {"finish_reason": JSON}, optional={"message": MESSAGE, "delta": MESSAGE, "index": JSON}
)
BODY = JSON | st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)}, optional={"usage": JSON, "error": JSON}
)


class Chaos:
    """A brain that sends what it was last told to, and a client of it."""

    step: dict[str, Any]

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.step


@pytest.fixture(scope="module")
def chaos() -> Iterator[tuple[Chaos, Client]]:
    brain = Chaos()
    with ScriptedServer(brain) as server:
        client = Client(Endpoint("m", server.url, KEY, pause_cap=0.0))
        yield brain, client
        client.close()


def outcome(client: Client, *, stream: bool) -> Reply | ModelError:
    try:
        return client.complete(
            REQUEST, deadline=time.monotonic() + 10, emit=(lambda _: None) if stream else None
        )
    except ModelError as error:
        return error


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    bodies=st.lists(BODY, min_size=1, max_size=4),
    stream=st.booleans(),
    status=st.sampled_from([200] * 6 + [400]),
)
def test_any_json_ends_in_a_reply_or_an_error(
    chaos: tuple[Chaos, Client], bodies: list[Any], stream: bool, status: int
) -> None:
    brain, client = chaos
    brain.step = {"body": json.dumps(bodies[0]), "status": status, "headers": {"Retry-After": "9"}}
    if stream and status == 200:
        events = "".join(f"data: {json.dumps(body)}\n\n" for body in bodies)
        brain.step = {"body": events, "content_type": "text/event-stream"}

    ended = outcome(client, stream=stream)

    assert isinstance(ended, Reply | ModelError)
    assert "came to nothing" not in str(ended)
    calls = ended.calls if isinstance(ended, Reply) else ()
    assert len({call.id for call in calls}) == len(calls)


@settings(deadline=None, max_examples=60)
@given(body=st.binary(max_size=60), kind=st.sampled_from(["application/json", "text/event-stream", "", "x"]))
def test_any_bytes_end_in_a_reply_or_an_error(chaos: tuple[Chaos, Client], body: bytes, kind: str) -> None:
    brain, client = chaos
    # An empty stream would be asked again after half a second: true, and slow.
    brain.step = {"body": "data: " + body.decode("latin-1"), "content_type": kind}

    ended = outcome(client, stream=True)

    assert "came to nothing" not in str(ended)

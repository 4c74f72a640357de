"""Recorded content: masked first, bounded, and JSON by convention."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.llm.model import Call, Reply
from agent.observe.content import document, masked, output, prompt

SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": f"why? token={SECRET}"}, {"type": "image_url"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "q", "arguments": '{"password": "hunter2x"}'}}]},
    {"role": "tool", "tool_call_id": "c1", "content": f"found {SECRET}"},
]


def test_a_conversation_is_written_as_the_conventions_have_it() -> None:
    seen = json.loads(prompt(TALK, 8_000))

    assert [message["role"] for message in seen] == ["system", "user", "assistant", "tool"]
    assert seen[0]["parts"] == [{"type": "text", "content": "Be brief."}]
    assert [part["type"] for message in seen[2:] for part in message["parts"]] == ["tool_call", "tool_call_response"]
    assert SECRET not in str(seen)
    assert "hunter2x" not in str(seen)


def test_the_middle_of_a_long_conversation_is_left_out() -> None:
    talk = [TALK[0], *({"role": "user", "content": f"message {n} " + "x" * 300} for n in range(100))]
    text = prompt(talk, 4_000)

    assert len(text) <= 4_000
    assert "Be brief" in text
    assert "message 99" in text
    assert "messages are not recorded here" in text


@given(st.integers(0, 120), st.integers(20, 200))
def test_cutting_never_uncovers_a_part_of_a_secret(before: int, limit: int) -> None:
    text = masked("x" * before + f" token={SECRET} and so on" * 3, limit)

    assert len(text) <= limit
    assert SECRET[:8] not in text


def test_a_secret_is_known_by_its_key_in_a_document() -> None:
    seen = document({"deep": [{"password": "hunter2x"}], "note": f"see {SECRET}"}, 1_000)

    assert "hunter2x" not in seen
    assert SECRET not in seen
    assert "deep" in seen


def test_what_cannot_be_written_is_not_recorded() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop

    assert document(loop, 100) == "[not recorded: masking failed]"


def test_an_answer_tells_its_calls() -> None:
    [message] = json.loads(output(Reply("", (Call("c", "logs.query", {"q": SECRET}),), finish="tool_calls"), 2_000))

    assert (message["role"], message["finish_reason"], message["parts"][0]["name"]) == ("assistant", "tool_calls", "logs.query")
    assert SECRET not in str(message)

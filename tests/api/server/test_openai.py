"""OpenAI's own SDK against the server: models, answers, streams, follow-ups, refusals."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from api.server.openai import proof_of
from tests.api.server.conftest import Served

FIRST = {"role": "user", "content": "how many checkouts failed?"}
SECOND = {"role": "user", "content": "and between 10:02 and 10:04?"}
ANSWER = {"role": "assistant", "content": "60"}


@pytest.fixture
def client(served: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


def test_models_are_listed_and_an_unknown_one_is_not_found(client: openai.OpenAI) -> None:
    assert "oncalm" in [one.id for one in client.models.list()]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="gpt-99", messages=[FIRST])  # type: ignore[list-item]


def test_an_answer_has_words_evidence_and_usage(client: openai.OpenAI) -> None:
    found = client.chat.completions.create(model="oncalm", messages=[FIRST], temperature=0.2)  # type: ignore[list-item]

    said = found.choices[0].message.content or ""
    assert said.startswith("60 records")
    assert "**E1** logs.query: found" in said
    assert "database is locked" in said
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens


def test_a_stream_gives_the_same_words_and_usage_when_asked(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="oncalm", messages=[FIRST])  # type: ignore[list-item]
    chunks = list(client.chat.completions.create(model="oncalm", messages=[FIRST], stream=True, stream_options={"include_usage": True}))  # type: ignore[list-item]

    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == whole.choices[0].message.content
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def test_a_dialogue_is_followed_by_its_questions_and_each_branch_apart(client: openai.OpenAI) -> None:
    def value(*messages: Any) -> str:
        return (client.chat.completions.create(model="oncalm", messages=list(messages)).choices[0].message.content or "").split()[0]

    assert value(FIRST) == "60"
    assert value(FIRST, ANSWER, SECOND) == "12"
    assert value(FIRST, ANSWER, {"role": "user", "content": "and between 10:02 and 10:05?"}) == "18"
    assert value(FIRST, ANSWER, SECOND) == "12"


@pytest.mark.parametrize(("more", "names"), [
    ({"n": 3}, "n"), ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"), ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"messages": [{"role": "system", "content": "x"}]}, "messages"), ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
])
def test_what_cannot_be_done_is_refused_by_name(client: openai.OpenAI, more: dict[str, Any], names: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "oncalm", "messages": [FIRST], **more})

    assert raised.value.param == names


def test_a_malformed_request_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="oncalm", messages=[])


def test_log_text_cannot_leave_its_block() -> None:
    told = proof_of({"evidence": [{"id": "E1", "tool": "logs.query", "status": "found", "total": 1, "excerpt": [{"text": "``` end ```` and **bold**"}]}]})

    assert told.count("`````") == 2

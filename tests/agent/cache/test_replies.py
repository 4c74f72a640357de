"""A kept reply answers an equal request only, whatever marks the two runs drew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.boundary import Boundary
from agent.cache.disk import PlainCache
from agent.cache.replies import ReplyCache
from agent.llm.model import Call, Reply, Request, Schema, Usage

REPLY = Reply(text='{"answer": 1}', calls=(Call("c1", "logs_count", {"contains": "root"}),), usage=Usage(900, 500, 60), model="m")


def request(boundary: Boundary, text: str = "Failed password for root") -> Request:
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{boundary.preamble()}\n{boundary.wrap(text, 'E1')}"})
    return Request(messages=messages, tools=({"type": "function", "function": {"name": "logs_count"}},),
                   schema=Schema("conclusion", {"type": "object"}), max_output_tokens=100, digests={"analyst": "d1"})


@pytest.fixture
def cache(tmp_path: Path) -> PlainCache:
    return PlainCache(tmp_path / "c")


def test_equal_request_of_another_run_is_answered_from_the_cache(cache: PlainCache) -> None:
    first, second = Boundary(), Boundary()
    ReplyCache(cache, "s").keep(ReplyCache(cache, "s").key(request(first), first.neutral), REPLY, first.neutral)
    found = ReplyCache(cache, "s").find(ReplyCache(cache, "s").key(request(second), second.neutral))

    assert found == replace(REPLY, stored=True)


OTHERS: dict[str, dict[str, Any]] = {
    "parameters": {"temperature": 0.7}, "length": {"max_output_tokens": 99}, "tools": {"tools": ()},
    "schema": {"schema": None}, "prompt": {"digests": {"analyst": "d2"}},
    "messages": {"messages": ({"role": "system", "content": "Be brief."},)},
}


@pytest.mark.parametrize("part", OTHERS)
def test_request_that_differs_in_anything_misses(cache: PlainCache, part: str) -> None:
    boundary = Boundary()
    replies = ReplyCache(cache, "s")
    replies.keep(replies.key(request(boundary), boundary.neutral), REPLY, boundary.neutral)

    assert replies.find(replies.key(replace(request(boundary), **OTHERS[part]), boundary.neutral)) is None


def test_other_scope_or_text_misses(cache: PlainCache) -> None:
    boundary = Boundary()
    ours, theirs = ReplyCache(cache, "tenant-a gpt"), ReplyCache(cache, "tenant-b gpt")
    ours.keep(ours.key(request(boundary), boundary.neutral), REPLY, boundary.neutral)

    assert theirs.find(theirs.key(request(boundary), boundary.neutral)) is None
    assert ours.find(ours.key(request(boundary, "the last 24 h"), boundary.neutral)) is None


@pytest.mark.parametrize("reply", [
    replace(REPLY, refusal="I cannot help"), replace(REPLY, calls=(Call("c1", "logs_count", {}, problem="not JSON"),)),
    replace(REPLY, stored=True),
])
def test_reply_of_no_use_is_not_kept(cache: PlainCache, reply: Reply) -> None:
    boundary = Boundary()
    replies = ReplyCache(cache, "s")
    replies.keep(replies.key(request(boundary), boundary.neutral), reply, boundary.neutral)

    assert not replies.holds(replies.key(request(boundary), boundary.neutral))

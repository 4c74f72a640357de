"""Nothing that was logged, or that somebody calls themselves, becomes markup of Slack."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.slack.cards import folded, incident
from api.slack.text import BLOCKS, SECTION, code, code_sections, pieces, words

CORPUS = [
    "<!channel> all", "<!here>", "<!everyone>", "<@U0001>", "<!subteam^S1|oncall>", "<#C1|general>", "<https://evil.test|click>", "&lt;!channel&gt;",
    "```<!here>```", "``` *bold* ```", "a`b``c```d", "\u202e<!channel>", "<script>alert(1)</script>", "x\x00<!here>", "@channel @here", "<!date^1^{date}|x>",
]
_LIVE = re.compile(r"<[!@#h]")


@pytest.mark.parametrize("text", CORPUS)
def test_no_mention_and_no_link_survives(text: str) -> None:
    found = {"question": text, "answer": text, "notes": [text], "evidence": [{"id": "E1", "tool": text, "total": 1, "excerpt": [text]}]}
    blocks = [*folded(found)[0], *incident({"title": text, "id": text, "service": text})]

    for block in blocks:
        for one in block.get("elements", [block.get("text")]):
            assert not _LIVE.search(one["text"]), one
            assert one["verbatim"]


@pytest.mark.parametrize("text", CORPUS)
def test_a_code_block_has_one_beginning_and_one_end(text: str) -> None:
    assert code(text).count("`") == 6
    assert all(one["text"]["text"].count("`") == 6 for one in code_sections([text, text]))


@given(st.text(max_size=9_000), st.integers(20, 3_000))
def test_pieces_are_short_and_cut_no_escape(text: str, most: int) -> None:
    told = words(text)
    found = pieces(told, most)

    assert all(0 < len(one) <= most for one in found)
    assert all(not re.search(r"&(?!amp;|lt;|gt;)", one) for one in found)
    assert "".join(found).replace(" ", "").replace("\n", "") == told.replace(" ", "").replace("\n", "")


@given(st.lists(st.text(max_size=4_000), max_size=40))
def test_an_answer_keeps_slacks_limits(lines: list[str]) -> None:
    blocks, _ = folded({"question": "q", "answer": "&" * 5_000, "evidence": [{"id": "E1", "tool": "t", "total": 1, "excerpt": [one]} for one in lines]})

    assert len(blocks) <= BLOCKS
    assert all(len(one["text"]["text"]) <= SECTION for one in blocks if one["type"] == "section")


def test_a_long_answer_brings_its_whole_text() -> None:
    answer = "word " * 2_000

    blocks, whole = folded({"question": "q", "answer": answer, "evidence": []})

    assert whole is not None
    assert answer.strip() in whole
    assert blocks


def test_secrets_do_not_reach_slack() -> None:
    assert "hunter2secret" not in words("password=hunter2secret")

"""Text of other people's files reaches a terminal without what drives it, and stays the same text for a program."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from api.terminal.escaping import json_line, visible
from telemetry.unseen import WRITING, unseen

TEXTS = st.text() | st.text(alphabet="\x00\x1b\x7f\x85\x9f\u200b\u202e\u2028\ud800\ufe00\U000e0041a日", max_size=20)


@given(TEXTS)
def test_visible_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    shown = visible(text)

    assert not [char for char in shown if unseen(char) and char not in WRITING]
    assert {char for char in text if not unseen(char)} <= set(shown)


@given(TEXTS)
def test_json_holds_nothing_a_terminal_obeys_and_reads_as_it_was(text: str) -> None:
    shown = json_line({"text": text})

    assert not [char for char in shown if unseen(char) and char not in WRITING or char in "\t\n"]
    assert json.loads(shown)["text"].encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")

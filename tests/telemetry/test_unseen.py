"""What nobody sees is spelled out, and what scripts need stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.unseen import WRITING, spelled


@pytest.mark.parametrize(("text", "shown"), [
    ("\x1b[2J", "\\x1b[2J"), ("a\u202eb", "a\\u202eb"), ("\U000e0041", "\\U000e0041"), ("\x9b31m", "\\x9b31m"), ("a\nb", "a\\nb"),
    ("\ud800", "\\ud800"), ("\u200b", "\\u200b"),
])
def test_unseen_characters_are_escapes(text: str, shown: str) -> None:
    assert spelled(text) == shown


@pytest.mark.parametrize("text", ["naïve 日本語", "👩\u200d🚀", "می\u200cخواهم", "a\tb\nc", "☎\ufe0f"])
def test_scripts_and_emoji_stay(text: str) -> None:
    assert spelled(text, keep=WRITING) == text


@given(st.text())
def test_nothing_unseen_is_left_but_what_is_kept(text: str) -> None:
    left = {char for char in spelled(text, keep=WRITING) if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}

    assert left <= set(WRITING)

"""What is kept of a question's surface, and what goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.offline.target_terms import cut
from agent.offline.wording import clean, empty, word


@pytest.mark.parametrize(("question", "kept"), [
    ('lines with "connection reset"', ('"connection reset"',)),
    ("lines with 'connection reset'", ("'connection reset'",)),
    ("show /var/log/x.log for blk_-12", ("/var/log/x.log", "blk_-12")),
    ("failed from 10.0.0.1:80", ("10.0.0.1:80",)),
    ("mail of a.b@x.org", ("a.b@x.org",)),
    ("lines of com.shop.Order", ("com.shop.Order",)),
    ("trace 123e4567-e89b-12d3-a456-426614174000", ("123e4567-e89b-12d3-a456-426614174000",)),
    ("requests with mode=fast", ("mode=fast",)),
    ("the pause of GC(445)", ('"GC(445)"',)),
    ("errors of http://x.org/a?b=1", ("http://x.org/a?b=1",)),
    ("top 10 users since 10:00", ()),
    ("didn't root's login fail", ()),
    ("non-200 responses", ()),
])
def test_quotes_and_identifiers_are_kept_whole(question: str, kept: tuple[str, ...]) -> None:
    assert word(question).kept == kept


def test_names_of_fields_are_words() -> None:
    assert word("average http.request.time", frozenset({"http.request.time"})).kept == ()


@pytest.mark.parametrize(("question", "plain"), [
    ("what's wrong", "what is wrong"), ("who didn't log in", "who did not log in"), ("avg of size", "average of size"),
    ("num of errs", "number of errors"), ("errors vs. warnings", "errors versus warnings"),
    ("how much errors", "how many errors"), ("how much time", "how much time"), ("gimme errors", "give me errors"),
    ("break down the errors by host", "errors by host"),
])
def test_contractions_are_written_out(question: str, plain: str) -> None:
    assert word(question).text == plain


@pytest.mark.parametrize("question", [
    "how many errors", "hey team, how many errors?", "can you tell me how many errors, please?", "I need to know how many errors",
    "thanks, how many errors exactly?", "Hi! How many errors", "do you know how many errors", "how many errors (timeouts, resets, etc)",
])
def test_courtesies_and_examples_go(question: str) -> None:
    assert word(question).text.lower().strip(" ,") == "how many errors"


@pytest.mark.parametrize(("text", "cleaned"), [
    ("of the failed logins in", "failed logins"), ("lines about root", "root"), ("(failed", "failed"), ("failed, ", "failed"),
    ("who signed in", "who signed in"), ("how many are there", ""), ("the", ""), ("", ""),
])
def test_loose_words_at_the_ends_go(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_filler_alone_is_empty() -> None:
    assert empty("how many of the lines were there")
    assert not empty("how many timeouts")


@given(st.text(st.characters(exclude_characters="\"'`“”\ue000\ue001"), max_size=80))
def test_kept_pieces_come_back(text: str) -> None:
    wording = word(f'{text} "kept whole"')

    assert "kept whole" in wording.restore(wording.text)
    assert "kept whole" not in wording.text


@pytest.mark.parametrize("words", ["password=[REDACTED:secret]", "token [REDACTED:api-key]", "who sent [REDACTED:jwt]?"])
def test_what_stands_for_a_secret_is_kept_whole(words: str) -> None:
    assert any(term.text.endswith("]") and "[REDACTED:" in term.text for term in cut(words))

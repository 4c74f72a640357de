"""Words: stems, grades of likeness, negation, names cut into their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.offline.fields import field_word
from agent.offline.words import (
    KIN,
    SAME_VERB,
    SYNONYM,
    lemma,
    likeness,
    match,
    pieces,
    singular,
    stem,
    tokens,
    typing_error,
)


@pytest.mark.parametrize(("plural", "one"), [
    ("addresses", "address"), ("queries", "query"), ("statuses", "status"), ("sizes", "size"), ("buzzes", "buzz"), ("causes", "cause"),
    ("cpus", "cpu"), ("virus", "virus"), ("analysis", "analysis"), ("dns", "dns"), ("boxes", "box"),
])
def test_singular_of_plurals_and_of_words_that_only_look_like_one(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(("said", "field"), [
    ("IPs", "ip"), ("addresses", "address"), ("bytes", "bytes"), ("queue_lines", "queue_lines"), ("statuses", "status"), ("redis", "redis"),
])
def test_fields_are_named_by_one_of_their_kind(said: str, field: str) -> None:
    assert field_word(said) == field


@pytest.mark.parametrize(
    ("form", "other"),
    [
        ("failed", "fails"),
        ("retries", "retry"),
        ("stopped", "stopping"),
        ("took", "taken"),
        ("written", "writing"),
        ("queries", "query"),
        ("denied", "denies"),
        ("expires", "expired"),
    ],
)
def test_forms_share_a_lemma(form: str, other: str) -> None:
    assert lemma(form) == lemma(other)


@pytest.mark.parametrize(
    ("noun", "verb"),
    [
        ("authentication", "authenticated"),
        ("allocation", "allocate"),
        ("deletion", "delete"),
        ("failure", "failed"),
    ],
)
def test_noun_and_verb_share_stem(noun: str, verb: str) -> None:
    assert stem(noun) == stem(verb)


@pytest.mark.parametrize(
    ("one", "other"), [("server", "served"), ("process", "processor"), ("status", "state")]
)
def test_lookalikes_stay_apart(one: str, other: str) -> None:
    assert likeness(one, other) < SAME_VERB


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("login", "password"),
        ("successful", "accepted"),
        ("delete", "remove"),
        ("kill", "terminated"),
        ("sent", "served"),
    ],
)
def test_synonyms_are_alike(asked: str, written: str) -> None:
    assert likeness(asked, written) == SYNONYM


@pytest.mark.parametrize(
    ("one", "other"), [("failed", "accepted"), ("connect", "disconnect"), ("start", "stop")]
)
def test_opposites_are_unlike(one: str, other: str) -> None:
    assert likeness(one, other) == 0.0


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [
        ("crash", "child pid <*> terminated by signal <*>"),
        ("oom", "Out of memory: Killed process <*>"),
        ("diskfull", "write error: No space left on device"),
        ("slow", "query took <*> ms"),
        ("intrusion", "POSSIBLE BREAK-IN ATTEMPT!"),
    ],
)
def test_symptoms_tell_of_concepts(asked: str, pattern: str) -> None:
    assert match(asked, pattern)[0] >= KIN


def test_negation_weakens_a_word() -> None:
    assert match("established", "no session established")[0] < match("established", "session established")[0]


def test_contracted_negation_counts() -> None:
    assert match("find", "Can't find child <*>")[0] < 1.0


def test_compound_names_are_cut() -> None:
    assert pieces("NameSystem.addStoredBlock") == [
        "namesystemaddstoredblock", "name", "system", "add", "stored", "block",
    ]  # fmt: skip


def test_slots_are_not_words() -> None:
    assert [token.word for token in tokens("from <ip:4> port <*>")] == ["from", "port"]


def test_typing_error_finds_its_word() -> None:
    assert typing_error("conection", frozenset({"connection", "collection", "disk"})) == "connection"


def test_short_words_are_not_corrected() -> None:
    assert typing_error("dsk", frozenset({"disk"})) is None


@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_a_grade(one: str, other: str) -> None:
    assert 0.0 <= likeness(one.lower(), other.lower()) <= 1.0


@given(st.text(max_size=80))
def test_any_pattern_is_cut(pattern: str) -> None:
    assert all(token.word for token in tokens(pattern))

"""The inverted index of template words agrees with looking at every template."""

from __future__ import annotations

import pytest

from agent.offline.target_lexis import Lexis
from agent.offline.words import KIN, match
from tests.agent.logbook import Logbook

BOOK = Logbook(
    [
        "Failed password for {user:root} from {ip:10.0.0.1}",
        "BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip:10.0.0.1} is added",
        "no session established for client {ip:10.0.0.2}",
        "Out of memory: Killed process {pid:7}",
        "Creating event network-vif-plugged:{id:a-1}",
    ]
)
LEXIS = Lexis(BOOK.catalog.templates)


@pytest.mark.parametrize("word", ["failed", "login", "blocks", "established", "memory", "created", "adding", "crash"])
def test_row_equals_each_match(word: str) -> None:
    each = {i: found for i, t in enumerate(BOOK.catalog.templates) if (found := match(word, t.pattern))[0]}

    assert {i: grade for i, (grade, _) in LEXIS.row(word).items()} == {i: grade for i, (grade, _) in each.items()}


def test_compound_needs_all_parts() -> None:
    assert set(LEXIS.row("network-vif-plugged")) == {4}


def test_parameter_names_bear_out() -> None:
    assert set(LEXIS.row("usernames")) == {0}


def test_symptom_phrase_is_kin() -> None:
    assert LEXIS.row("oom")[3] == (KIN, "")


def test_neighbours_share_places() -> None:
    failed, password = LEXIS.places("failed")[0], LEXIS.places("password")[0]

    assert {place + 1 for place in failed} & password


def test_empty_catalog_has_no_words() -> None:
    assert Lexis(()).row("failed") == {}
    assert Lexis(()).vocabulary == frozenset()

"""Constant words that tell sibling messages apart get the name of the word before them."""

from __future__ import annotations

import pytest

from telemetry.store.manifest import KeyRow
from telemetry.store.variants import MOST_KEYS, name_variants


def named(*texts: str) -> list[tuple[tuple[str, str], ...]]:
    found = name_variants(KeyRow(number, text, (), text) for number, text in enumerate(texts))
    return [found[number].words for number in range(len(texts))]


def test_words_of_siblings_are_named() -> None:
    found = named("timeout at provider paybuddy after <:duration:>", "timeout at provider klarify after <:duration:>")

    assert found == [(("provider", "paybuddy"),), (("provider", "klarify"),)]


def test_names_reach_messages_without_siblings() -> None:
    found = named("timeout at provider paybuddy", "timeout at provider klarify", "provider paybuddy answered late")

    assert found[2] == (("provider", "paybuddy"),)


def test_words_that_bind_are_no_names() -> None:
    found = named("session opened for alice", "session opened for bob")

    assert found == [(("opened", "alice"),), (("opened", "bob"),)]


def test_pairs_are_named_without_siblings() -> None:
    assert named("started mode=fast, kind = spot") == [(("mode", "fast"), ("kind", "spot"))]


@pytest.mark.parametrize("texts", [
    ("user root logged in",), ("one <:number:> up", "one <:number:> down"), ("alpha beta", "gamma delta epsilon"), ("", ""),
    ("at the start", "at the end"),
])
def test_other_messages_stay(texts: tuple[str, ...]) -> None:
    assert named(*texts) == [() for _ in texts]


def test_names_of_variables_are_not_taken_twice() -> None:
    keys = [KeyRow(0, "host=web at <:ip:>", (("ip", "host"),), ""), KeyRow(1, "host=db at <:ip:>", (), "", words=(("host", "db"),))]
    found = name_variants(keys)

    assert (found[0].words, found[1].words) == ((), (("host", "db"),))


def test_many_keys_are_searched_for_pairs_only() -> None:
    found = named(*(f"call to shard s{number} mode=fast" for number in range(MOST_KEYS + 1)))

    assert set(found) == {(("mode", "fast"),)}

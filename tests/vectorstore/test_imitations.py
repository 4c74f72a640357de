"""One configuration groups logs of kinds it was not written on. The messages are invented."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from tests.vectorstore import imitated_services, imitated_systems
from tests.vectorstore.keying import key
from vectorstore.miner import Miner

KINDS = {
    name: groups
    for module in (imitated_systems, imitated_services)
    for name, groups in vars(module).items()
    if name.isupper()
}
HARD = {"MAC": 0.7}
"""Kinds whose short messages vary in several words at once."""


def _mined(groups: dict[str, list[str]]) -> list[tuple[str, str]]:
    rows = [(label, key(message)) for label, messages in groups.items() for message in messages]
    miner = Miner()
    miner.add([key for _, key in rows])
    found = miner.assign()
    return [(label, found.templates[found.keys[key].template].pattern) for label, key in rows]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_groups_foreign_logs(kind: str) -> None:
    rows = _mined(KINDS[kind])
    by_label: dict[str, Counter[str]] = defaultdict(Counter)
    for label, pattern in rows:
        by_label[label][pattern] += 1
    sizes = Counter(pattern for _, pattern in rows)

    right = sum(
        sum(found.values()) for found in by_label.values() if len(found) == 1 and found == {p: sizes[p] for p in found}
    )

    assert right / len(rows) >= HARD.get(kind, 0.95)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_words_foreign_templates(kind: str) -> None:
    rows = _mined(KINDS[kind])

    same = sum(label == pattern for label, pattern in rows)

    assert same / len(rows) >= HARD.get(kind, 0.85) - 0.1

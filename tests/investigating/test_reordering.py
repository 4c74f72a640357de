"""A model may put another suspect first only with a checked reason that cites more than the weighing."""

from __future__ import annotations

from typing import Any

from agent.investigation import reordered


def _suspects(*names: str) -> list[dict[str, Any]]:
    return [{"rank": at, "entity": {"kind": "service", "name": name}, "signs": []} for at, name in enumerate(names, start=1)]


def test_a_reason_with_evidence_moves_a_suspect() -> None:
    claims = [{"text": "db had no disk left at 10:02", "evidence": ["E3"]}]

    moved = reordered(_suspects("web", "db"), claims, "The cause is db, which ran out of disk. [E3]")

    assert [one["entity"]["name"] for one in moved] == ["db", "web"]
    assert moved[0]["moved"] == ["db had no disk left at 10:02"]
    assert [one["rank"] for one in moved] == [1, 2]


def test_a_bare_assertion_moves_nobody() -> None:
    claims = [{"text": "db looks suspicious", "evidence": ["E1"]}]

    kept = reordered(_suspects("web", "db"), claims, "The cause is db. [E1]")

    assert [one["entity"]["name"] for one in kept] == ["web", "db"]


def test_nobody_named_leaves_the_order() -> None:
    assert [one["rank"] for one in reordered(_suspects("web", "db"), [], "I cannot tell.")] == [1, 2]

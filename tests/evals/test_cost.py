"""What the caches save, on a part of the storm; and that nothing is answered for a question that only looks alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.scripted.server import ScriptedServer
from api.wiring.product import Product
from evals import cost
from evals.cost import pairs, storm
from evals.cost.model import investigator


def test_alerts_of_a_kind_are_paid_once_while_nothing_changes(tmp_path: Path) -> None:
    kept = storm.replay(tmp_path / "with", most=16)
    bare = storm.replay(tmp_path / "without", most=16, caches=frozenset())

    assert [a["usage"]["model_calls"] > 0 for a in kept.answers] == [n in {0, 5} for n in range(16)]
    assert bare.model_calls == 32
    assert kept.input_tokens < bare.input_tokens / 7
    assert all(a["analyst"] == "llm" for a in (*kept.answers, *bare.answers))
    assert [a["result"] for a in kept.answers] == [a["result"] for a in bare.answers]


def test_alike_questions_are_each_thought_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = pairs.pairs()[::5]
    monkeypatch.setattr(pairs, "pairs", lambda: some)
    found = list(pairs.outcomes(tmp_path))

    assert len(pairs.pairs()) == len(found) > 8
    assert all(one.ran and one.reused and not one.wrong for one in found)


def test_equal_question_is_seen_as_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = pairs.Pair(first="how many errors", second="how many errors", why="nothing")
    monkeypatch.setattr(pairs, "pairs", lambda: [same])

    assert [one.wrong for one in pairs.outcomes(tmp_path)] == [True]


def test_there_are_enough_pairs_of_enough_kinds() -> None:
    whole = pairs.pairs()

    assert len(whole) >= 40
    assert len({(p.first, p.second, p.environments) for p in whole}) == len(whole)
    assert {"window", "name", "environment", "negation"} <= {p.why for p in whole}


def test_lines_reach_a_model_as_templates(tmp_path: Path) -> None:
    shown, raw = cost._lines(tmp_path / "lines")

    assert raw > 25 * shown


def test_answers_without_a_model_are_the_same(tmp_path: Path) -> None:
    growing = storm.Growing(tmp_path, storm.EPISODES, storm.DAY_ONE.replace(day=3))
    growing.grow(storm.DAY_ONE.replace(day=3))
    asked = ["how many errors", "errors per hour", "top 3 services by errors", "lines from payments", "summarise the errors"]
    with ScriptedServer(investigator) as server:
        thinking = Product(growing.product.home, thinking=storm.thinking(server))
        pairs_of = [(growing.product.ask(q), thinking.ask(q)) for q in asked]

    assert all(offline["result"] == model["result"] for offline, model in pairs_of)
    assert all(model["analyst"] == "llm" for _, model in pairs_of)

"""A model's words are kept as far as the facts show them; else the composed ones stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.budget import Meter
from agent.llm.errors import LateError
from agent.llm.model import Reply
from agent.scripted.model import ScriptedModel
from agent.spend import Payer
from agent.summaries.composing import compose
from agent.summaries.document import Summary
from agent.summaries.facts import Facts
from agent.summaries.writing import written


def _meter() -> Meter:
    return Meter(Payer("ann", "r", None, "m"), None)


def _said(answer: str, cited: list[str], *claims: tuple[str, list[str]]) -> Reply:
    document: dict[str, Any] = {"answer": {"text": answer, "evidence": cited}, "claims": [{"text": text, "evidence": ids} for text, ids in claims],
                                "ruled_out": [], "unchecked": [], "result_from": None, "confidence": 0.9}
    return Reply(json.dumps(document))


def _with(facts: Facts, *plays: Any) -> tuple[Summary, ScriptedModel]:
    model = ScriptedModel(plays)
    return written(compose(facts), model, _meter()), model


def _ids(facts: Facts, holding: str) -> list[str]:
    items = [item.whole for section in compose(facts).sections for item in section.items]
    return [f"E{at}" for at, text in enumerate(items, 1) if holding in text][:1]


def test_what_the_facts_show_becomes_the_head(facts: Facts) -> None:
    failed = _ids(facts, "requests failed (25%")

    told, _ = _with(facts, _said("30 of 120 requests of shop failed.", failed))

    assert (told.author, told.lead, told.notes) == ("model", ("30 of 120 requests of shop failed.",), ())


def test_what_they_do_not_show_is_dropped_and_told(facts: Facts) -> None:
    failed = _ids(facts, "requests failed (25%")

    told, _ = _with(facts, _said("30 of 120 requests of shop failed.", failed, ("The database db-7 lost 9,731 rows.", failed)))

    assert told.lead == ("30 of 120 requests of shop failed.",)
    assert "1 sentence of the model dropped" in told.notes[0]


@pytest.mark.parametrize("play", [
    _said("Everything is fine: 0 errors in 4,711 requests.", ["E1"]), Reply("no JSON at all"), LateError("the deadline passed", where="model"),
    _said("x", []), Reply('{"answer": 7}'),
])
def test_otherwise_the_composed_head_stays(facts: Facts, play: Any) -> None:
    told, _ = _with(facts, play)

    assert (told.author, told.lead) == ("facts", compose(facts).lead)
    assert told.notes[0].startswith("Composed without the model")


def test_statements_of_strangers_stand_between_markers(facts: Facts) -> None:
    _, model = _with(facts, LateError("x", where="model"))

    shown = str(model.requests[0].messages[2]["content"])
    assert shown.count("<<data ") == shown.count("<<end ") > 3


def test_a_summary_without_statements_asks_no_model(facts: Facts) -> None:
    model = ScriptedModel([])
    bare = compose(facts).model_copy(update={"sections": ()})

    assert written(bare, model, _meter()) == bare
    assert model.requests == []

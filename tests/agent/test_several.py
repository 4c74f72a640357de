"""Both halves of a question are answered over a store, or the one that is not is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.wiring.product import Product

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HARBOUR = [("east", 4), ("east", 4), ("east", 2), ("west", 4), ("west", 4), ("west", 3), ("east", 4), ("north", 4), ("north", 4)]
ORDERS = [("ann", 40), ("bob", 900), ("ann", 80), ("cid", 7000), ("bob", 60)]


@pytest.fixture
def port(product: Product, tmp_path: Path) -> Product:
    lines = [f"2026-02-01 10:{at:02d}:00 ERROR harbour: mooring failure at pier={pier} berth={berth}: winch jammed" for at, (pier, berth) in enumerate(HARBOUR)]
    lines += [f"2026-02-01 11:{at:02d}:00 WARN harbour: crane slow to start" for at in range(3)]
    lines += [f"2026-02-01 12:00:{at:02d} INFO harbour: crane lifted box {at} in {at + 30} ms" for at in range(20)]
    (tmp_path / "harbour.log").write_text("\n".join(lines) + "\n")
    orders = [f'{{"ts":"2026-02-01T10:00:{at:02d}Z","level":"info","service":"shop","msg":"order placed","user":"{user}","duration_ms":{took}}}'
              for at, (user, took) in enumerate(ORDERS)]
    (tmp_path / "shop.json.log").write_text("\n".join(orders) + "\n")
    product.ingest([tmp_path / "harbour.log", tmp_path / "shop.json.log"])
    product.index()
    return product


def asked(product: Product, question: str) -> dict[str, Any]:
    return product.ask(question, now=NOW)


def test_the_second_half_is_held_to_the_first_ones_answer(port: Product) -> None:
    answer = asked(port, "which pier had the most mooring failures and on which berth?")

    (part,) = answer["parts"]
    assert answer["result"]["rows"][0] == ["east", 4]
    assert part["result"]["rows"] == [["4", 3], ["2", 1]]
    assert 'of pier = east' in answer["answer"]
    assert [one["id"] for one in answer["evidence"]] == ["E1", part["evidence"]]


def test_a_pronoun_means_the_record_of_the_greatest_number(port: Product) -> None:
    answer = asked(port, "what is the slowest order and who placed it?")

    assert answer["result"]["value"] == 7000
    assert answer["parts"][0]["result"]["rows"] == [["cid", 1]]


def test_an_edge_does_not_hold_the_other_edge(port: Product) -> None:
    answer = asked(port, "when did the mooring failures start and when did they stop?")

    assert answer["result"]["lines"][0]["time"].startswith("2026-02-01T10:00:00")
    assert answer["parts"][0]["result"]["lines"][0]["time"].startswith("2026-02-01T10:08:00")


def test_what_is_left_out_is_taken_from_the_first_half(port: Product) -> None:
    answer = asked(port, "how many errors did harbour have and how many warnings?")

    assert (answer["result"]["value"], answer["parts"][0]["result"]["value"]) == (9, 3)


def test_a_half_that_cannot_be_answered_is_named_with_how_to_ask_it(port: Product) -> None:
    answer = asked(port, "how many mooring failures were there and why did they happen?")

    assert answer["result"]["value"] == 9
    assert answer["parts"][0]["evidence"] is None
    assert 'Not answered: "why did they happen". A cause is looked for by a question of its own. Ask it alone: "why did mooring failures happen".' in answer["answer"]


def test_a_question_for_a_cause_names_what_it_left(port: Product) -> None:
    answer = asked(port, "why did harbour fail and how many orders were placed?")

    assert 'Not answered: "how many orders were placed".' in answer["answer"]


def test_slower_than_is_asked_of_the_messages_named(port: Product) -> None:
    answer = asked(port, "orders slower than 0.5 seconds")

    assert [line["text"].split('"user":"')[1][:3] for line in answer["result"]["lines"]] == ["bob", "cid"]


@pytest.mark.parametrize(("question", "rows"), [
    ("show me the last 2 mooring failures and their piers", [["north", 2]]),
    ("what is the average duration_ms of orders and which user is worst?", [["ann", 60.0], ["bob", 480.0], ["cid", 7000.0]]),
])
def test_some_records_and_groups_of_a_statistic(port: Product, question: str, rows: list[list[Any]]) -> None:
    assert sorted(asked(port, question)["parts"][0]["result"]["rows"]) == rows


def test_a_part_that_asks_nothing_new_is_not_answered_over_again(port: Product) -> None:
    answer = asked(port, "how many mooring failures were there and why?")

    assert answer["parts"][0]["evidence"] is None


def test_a_bare_why_is_put_about_what_was_found(port: Product) -> None:
    answer = asked(port, "which pier had the most mooring failures and why?")

    assert 'Ask it alone: "why did east fail".' in answer["answer"]

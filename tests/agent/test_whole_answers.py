"""Whole answers over small logs written here: ingest, index, ask."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.wiring.product import Product

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = "".join(
    f"2026-02-01 10:{n:02d}:00.000 {level} shop.Pay - {text}\n" for n, (level, text) in enumerate([
        ("INFO", "Charged 10 EUR for invoice INV-1 at provider paybuddy in 900 ms"),
        ("INFO", "Charged 30 EUR for invoice INV-2 at provider klarify in 2500 ms"),
        ("INFO", "Charged 20 EUR for invoice INV-3 at provider paybuddy in 1200 ms"),
        ("ERROR", "Charging invoice INV-4 at provider klarify failed after 5000 ms"),
        ("INFO", "Sent reminder to ann@example.com"),
        ("INFO", "Sent reminder to bob@example.com"),
    ]))
HTTP = "".join(
    f'{{"ts":"2026-02-01T10:0{n}:00Z","level":"info","msg":"request completed","method":"GET","path":"{path}",'
    f'"status":{status},"duration":{took},"note":"{note}"}}\n'
    for n, (path, status, took, note) in enumerate([
        ("/a", 200, 40, "plain"), ("/a", 503, 4000, "first\\nsecond try"), ("/b", 404, 90, "caf\\u00e9"), ("/b", 200, 2000, "plain"),
    ]))


@pytest.fixture
def shop(product: Product, tmp_path: Path) -> Product:
    (tmp_path / "shop.log").write_text(SHOP)
    (tmp_path / "http.json.log").write_text(HTTP)
    product.ingest([tmp_path / "shop.log", tmp_path / "http.json.log"])
    product.index()
    return product


def asked(product: Product, question: str) -> dict[str, Any]:
    answer = product.ask(question, now=NOW)
    return {**answer["result"], "said": answer["answer"], "understood": answer["understood"]}


@pytest.mark.parametrize(("question", "value"), [
    ("how many invoices were charged at provider klarify", 1),
    ("total EUR charged", 60),
    ("how many requests got a 503", 1),
    ("how many requests were not answered with 200", 2),
    ("how many requests took more than 1 second", 2),
    ("how many lines with the word second", 1),
    ("how many lines mention café", 1),
    ("how many errors except klarify", 0),
    ("how many reminders for zaphod", 0),
])
def test_numbers_are_exact(shop: Product, question: str, value: float) -> None:
    assert asked(shop, question)["value"] == value


def test_groups_by_a_word_that_tells_messages_apart(shop: Product) -> None:
    assert asked(shop, "number of charges by provider")["rows"] == [["klarify", 2], ["paybuddy", 2]]


def test_slowest_lines_come_in_order(shop: Product) -> None:
    lines = asked(shop, "slowest 2 requests")["lines"]

    assert [line["line_no"] for line in lines] == [2, 4]


def test_unit_is_said_as_messages_write_it(shop: Product) -> None:
    assert "5,000 ms" in asked(shop, "longest charge at provider klarify")["said"]


def test_lines_are_counted_per_file(shop: Product) -> None:
    rows = asked(shop, "how many lines per file")["rows"]

    assert [(Path(name).name, count) for name, count in rows] == [("shop.log", 6), ("http.json.log", 4)]


@pytest.mark.parametrize("question", ["largest widget", "average elephant weight", "shun 10.0.0.1 now", "will it rain"])
def test_what_nothing_answers_is_refused(shop: Product, question: str) -> None:
    answer = asked(shop, question)

    assert (answer["understood"], answer["kind"]) == (False, "none")


def test_last_minutes_count_from_the_newest_record(shop: Product) -> None:
    answer = asked(shop, "how many lines in the last 2 minutes")

    assert answer["value"] == 4
    assert "newest record" in answer["said"]


OVEN = "".join(
    f"2026-04-01 08:{minute:02d}:00 {text}\n" for minute in range(20) for text in (
        "INFO filter of oven 3 was cleaned", "WARN belt runs hot at 61 C", *(["ERROR belt jammed at gate 2"] if minute == 7 else []),
    ))


@pytest.mark.parametrize(("question", "value"), [
    ("were there any errors of the oven filter?", 0),  # only routine messages
    ("were there any errors about the hot belt?", 0),  # warnings are no errors
    ("how many warnings about the hot belt?", 20),
    ("how many errors of the belt?", 1),
])
def test_routine_messages_are_no_errors_of_what_they_name(product: Product, tmp_path: Path, question: str, value: int) -> None:
    (tmp_path / "bakery.log").write_text(OVEN)
    product.ingest([tmp_path / "bakery.log"])
    product.index()

    assert product.ask(question)["result"]["value"] == value


POST = "".join(
    f"2026-04-01 09:{minute:02d}:00 {text}\n" for minute in range(12) for text in (
        f"INFO parcel P-{minute} was delivered to gate 4", *([f"WARN cannot deliver parcel P-{minute}: gate closed"] if minute % 4 == 0 else []),
    ))


@pytest.mark.parametrize("question", [
    "how many parcels could not be delivered?", "how many parcels cannot be delivered?", "how many parcels were not delivered",
])
def test_what_was_not_done_is_not_answered_with_what_was(product: Product, tmp_path: Path, question: str) -> None:
    (tmp_path / "post.log").write_text(POST)
    product.ingest([tmp_path / "post.log"])
    product.index()

    assert product.ask(question)["result"]["value"] == 3

"""Names like u361 are whole values, however many of them there are and however they come in."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from api.wiring.product import Product
from telemetry.store.reader import Reader
from vectorstore.exploding import explode
from vectorstore.plans import make_plan

pytestmark = pytest.mark.usefixtures("either_kernel")
CHANCE = random.Random(4)  # noqa: S311 - a sample
USERS = [f"u{CHANCE.randrange(100, 2000)}" for _ in range(900)]
LINES = [f"2026-11-25T13:{n // 60:02d}:{n % 60:02d}Z INFO order {70_000 + n} placed by user {user} on web-{n % 3}-b total=1{n % 7}.90 EUR via ssh2\n"
         for n, user in enumerate(USERS)]


def ingested(folder: Path, *parts: list[str]) -> Product:
    product = Product(folder / "home")
    for part in parts:
        with (folder / "app.log").open("a") as log:
            log.writelines(part)
        product.ingest([folder / "app.log"])
    return product


@pytest.mark.parametrize("cuts", [(), (100,), (40, 300)])
def test_every_user_is_a_value_of_the_same_parameter(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    edges = [0, *cuts, len(LINES)]
    product = ingested(tmp_path, *(LINES[a:b] for a, b in zip(edges, edges[1:], strict=False)))
    distinct = product.ask("how many different users placed orders")
    most = max(USERS, key=USERS.count)
    one = product.ask(f"how many orders of user {most}")

    assert distinct["result"]["value"] == len(set(USERS))
    assert one["result"]["value"] == USERS.count(most)


def test_names_stand_where_their_values_do(tmp_path: Path) -> None:
    product = ingested(tmp_path, LINES)
    template, = product.catalog().templates

    assert template.display.startswith("order <order> placed by user <user> on ")
    assert "total=<total> EUR via ssh2" in template.display
    assert product.ask("max of total")["result"]["value"] == pytest.approx(16.9)


def test_template_is_the_same_whether_read_at_once_or_in_parts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    at_once, in_parts = ingested(tmp_path / "a", LINES), ingested(tmp_path / "b", LINES[:300], LINES[300:])

    assert len(in_parts.catalog().templates) == 1
    assert [t.pattern for t in at_once.catalog().templates] == [t.pattern for t in in_parts.catalog().templates]


def test_only_what_varies_becomes_a_variable() -> None:
    from telemetry.formats.reader import LineReader

    line = LINES[0].rstrip().encode()
    plan = make_plan(line, LineReader([one.rstrip() for one in LINES[:50]]))
    found = explode(plan, [f"{n} 2" for n in range(300)])

    assert len(plan.literals) == 2
    assert len(found.literals) == 1
    assert "placed by user <:id:> on" in "".join(found.key_parts)
    assert [name for _, name in found.slots][:2] == ["order", "user"]
    assert found.slot_spans == tuple(sorted(found.slot_spans, key=lambda span: span[:2]))


def test_rows_hold_the_whole_word(tmp_path: Path) -> None:
    product = ingested(tmp_path, LINES)
    reader = Reader(product.home)
    values = {value for info in reader.catalog.fields if info.ref == "param:user" for value, _ in info.values}
    reader.close()

    assert values <= set(USERS) or not values
    assert product.ask("top 1 users")["result"]["rows"][0][0] in USERS


def test_identifier_of_a_prefix_and_hex_digits_is_one_value(tmp_path: Path) -> None:
    ids = [f"pay_{CHANCE.randrange(16**9, 16**10):010x}" for _ in range(700)]
    product = ingested(tmp_path, [f"2026-11-25T13:{n // 60:02d}:{n % 60:02d}Z INFO payment captured payment_id={one} acquirer=northpay\n"
                                  for n, one in enumerate(ids)])

    assert product.ask("how many different payment_id")["result"]["value"] == len(set(ids))
    assert product.ask(f"how many records of {ids[7]}")["result"]["value"] == 1
    assert [t.display for t in product.catalog().templates] == ["payment captured payment_id=<payment_id> acquirer=northpay"]

"""What is unusual is told with what was to be expected; "the deploy" is dated, or asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.offline.deploys import dated
from api.wiring.product import Product
from telemetry.records import Change
from tests.agent.books import SSHD

START = datetime(2026, 2, 1, tzinfo=UTC)
NOW = START + timedelta(days=2)


@pytest.fixture
def shop(product: Product, tmp_path: Path) -> Product:
    lines = []
    for minute in range(0, 2 * 24 * 60, 2):
        at = START + timedelta(minutes=minute)
        trace = f"{minute:032x}"
        lines += [_line(at, "info", "order placed", trace), _line(at + timedelta(seconds=1), "info", "order packed", trace)]
        if minute >= 47 * 60 + 20:
            lines.append(_line(at + timedelta(seconds=2), "warn", "price list is stale", trace))
        if minute % 120 == 0:
            lines.append(_line(at, "info", "nightly sweep of carts", ""))
    lines.append(_line(START + timedelta(hours=47, minutes=20), "info", "starting shop version 2.4.1", ""))
    (tmp_path / "shop.log").write_text("\n".join(lines) + "\n")
    (tmp_path / "mail.log").write_text("".join(_line(START + timedelta(hours=hour), "info", "mail sent", "", "mail") + "\n" for hour in range(48)))
    product.ingest([tmp_path / "shop.log", tmp_path / "mail.log"])
    product.index()
    return product


def _line(at: datetime, level: str, text: str, trace: str, service: str = "shop") -> str:
    return f'{{"ts":"{at:%Y-%m-%dT%H:%M:%SZ}","level":"{level}","service":"{service}","msg":"{text}","trace_id":"{trace}"}}'


def asked(product: Product, question: str) -> dict[str, Any]:
    return product.ask(question, now=NOW, analyst="offline")


@pytest.mark.parametrize("question", ["what is unusual in the last hour?", "anything strange in the last hour?", "is anything out of the ordinary?"])
def test_new_messages_and_strange_sessions_stand_out(shop: Product, question: str) -> None:
    answer = asked(shop, question)

    assert "1. 'price list is stale' (shop, warn) is new: 20 records, none before" in answer["answer"]
    assert "Sessions: 20 of 30 are unlike those before" in answer["answer"]
    assert "order placed" not in answer["answer"].split("Sessions:")[0]
    assert "nightly sweep" not in answer["answer"]  # one fewer than expected is chance
    assert [(one["id"], one["tool"], one["status"]) for one in answer["evidence"]] == [("E1", "logs.query", "found"), ("E2", "logs.anomalies", "found")]
    assert answer["query"]["baseline"]["end"] == answer["query"]["window"]["start"]


def test_a_healthy_time_is_said_to_be_so(shop: Product) -> None:
    answer = asked(shop, "anything unusual between 10:00 and 11:00 on 2 Feb?")

    assert "Nothing stands out from 2026-02-02 10:00:00 to 11:00:00 UTC" in answer["answer"]


def test_little_follows_from_a_short_time_before(product: Product, tmp_path: Path) -> None:
    texts = ["gate opened", "lane cleared", "lamp tested", *["barrier stuck"] * 2, "charge failed"]
    (tmp_path / "gate.log").write_text("".join(_line(NOW - timedelta(seconds=100 - 18 * number), "error", text, "", "gate") + "\n" for number, text in enumerate(texts)))
    product.ingest([tmp_path / "gate.log"])
    product.index()

    answer = asked(product, "what is unusual in the last minute?")["answer"]

    assert "'charge failed' (gate, error) is new" in answer
    assert "gone" not in answer
    assert "to be expected" not in answer


def test_a_service_alone_is_asked_of_its_records(shop: Product) -> None:
    answer = asked(shop, "any anomalies in shop in the last hour?")

    assert answer["query"]["filters"] == [{"field": "service", "op": "eq", "value": "shop"}]
    assert "price list is stale" in answer["answer"]


def test_the_deploy_is_the_last_message_that_tells_of_one(shop: Product) -> None:
    answer = asked(shop, "what is new since the deploy?")

    assert answer["query"]["window"]["start"] == "2026-02-02T23:20:00Z"
    assert "no deploy is on record; taken for it is the last message like 'starting shop version <version>'" in answer["answer"]


@pytest.mark.parametrize(("question", "expected"), [
    ("what is new since the deploy?", "what is new since 2026-02-03 00:00:00?"),
    ("what is new since the last deployment of web?", "what is new since 2026-02-02 00:00:00?"),
    ("errors after the config change", "errors after 2026-02-01 00:00:00"),
    ("errors since 10:00", "errors since 10:00"),
])
def test_a_change_on_record_dates_the_deploy(question: str, expected: str) -> None:
    changes = [Change(f"c{day}", int((START + timedelta(days=day)).timestamp() * 1_000_000), kind, "told", service)
               for day, kind, service in ((0, "config", "web"), (1, "deploy", "web"), (2, "deploy", "shop"))]

    assert dated(question, SSHD, lambda: changes).question == expected


def test_an_unknown_deploy_is_not_guessed(shop: Product) -> None:
    answer = asked(shop, "what is new since the release of mail?")

    assert not answer["understood"]
    assert "No release of mail is on record" in answer["answer"]

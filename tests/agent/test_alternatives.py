"""Values of one thing in a list, words with "still", and words that only the rest of a record says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.offline.alternatives import alternatives, joined
from agent.offline.target import Target
from api.wiring.product import Product
from telemetry.models import Filter

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TRACE = "java.sql.SQLException: deadlock detected\n\tat c.l.Poster.post(Poster.java:88)\nCaused by: java.io.IOException: reset by peer"


@pytest.mark.parametrize(("words", "sides"), [
    ("failed logins for root or admin", ["failed logins for root", "failed logins for admin"]),
    ("logins from 10.0.0.1, 10.0.0.2 and 10.0.0.3", ["logins from 10.0.0.1", "logins from 10.0.0.2", "logins from 10.0.0.3"]),
    ("for root and for admin", ["for root", "for admin"]),
    ("failed logins", []), ('"root or admin"', []),
])
def test_a_list_is_asked_of_each(words: str, sides: list[str]) -> None:
    assert [side.words for side in alternatives(words)] == sides


def _target(*filters: Filter, unmatched: tuple[str, ...] = ()) -> Target:
    return Target(filters, (), (), f"lines with {filters[-1].value}", unmatched=unmatched)


def test_only_values_of_one_field_are_joined() -> None:
    kind = Filter(field="template", op="eq", value="t1")
    one, two = (Filter(field="param:user", op="eq", value=name) for name in ("root", "admin"))

    either = joined([_target(kind, one), _target(kind, two)])

    assert either is not None
    assert either.filters == (kind, Filter(field="param:user", op="in", value=("root", "admin")))
    assert joined([_target(kind, one), _target(kind, Filter(field="host", op="eq", value="h"))]) is None
    assert joined([_target(kind, one), _target(kind, two, unmatched=("x",))]) is None
    assert joined([_target(kind), _target(kind)]) is None


@pytest.fixture
def store(product: Product, tmp_path: Path) -> Product:
    users = ["root", "root", "admin", "ann", "root"]
    lines = [f"time=2026-02-01T10:00:{at:02d}Z level=warn service=auth msg=\"login failed: bad password\" user={user}" for at, user in enumerate(users)]
    lines += [f"time=2026-02-01T11:00:{at:02d}Z level=info service=auth msg=\"login ok\" user={user}" for at, user in enumerate(["ann", "bob", "ann"])]
    (tmp_path / "auth.log").write_text("\n".join(lines) + "\n")
    posts = [f"2026-02-01 09:0{at}:00,500 ERROR [worker] c.l.Poster - cannot post entry {at}\n{TRACE}" for at in range(3)]
    runs = [f"2026-02-01 12:0{at}:00,500 INFO [main] c.l.Ledger - balance run {at} finished" for at in range(4)]
    (tmp_path / "ledger.log").write_text("\n".join([*posts, *runs]) + "\n")
    product.ingest([tmp_path / "auth.log", tmp_path / "ledger.log"])
    product.index()
    return product


def asked(product: Product, question: str) -> dict[str, Any]:
    return product.ask(question, now=NOW, analyst="offline")


@pytest.mark.parametrize(("question", "value"), [
    ("how many failed logins for root or admin?", 4), ("how many failed logins for root and for admin?", 4), ("how many failed logins for root?", 3),
    ("how many different users logged in?", 2), ("did the ledger deadlock?", 3),
])
def test_numbers_of_lists_and_of_what_records_say_below_their_message(store: Product, question: str, value: int) -> None:
    assert asked(store, question)["result"]["value"] == value


def test_what_still_happens_is_told_by_its_last_time(store: Product) -> None:
    answer = asked(store, "are entries still not posted by the ledger: cannot post?")
    plain = asked(store, "are logins still failing?")

    assert not answer["answer"].startswith("Yes")
    assert plain["query"]["operation"] == "last"
    assert "The newest record of all is of 2026-02-01 12:03:00 UTC" in plain["answer"]


def test_no_yes_to_a_question_of_which_a_word_is_unknown(store: Product) -> None:
    answer = asked(store, "did the ledger zaphod?")

    assert not answer["answer"].startswith("Yes")
    assert '"zaphod"' in answer["answer"]


@pytest.mark.parametrize("question", ["what exceptions are there?", "show the stack trace of the deadlock"])
def test_names_of_exceptions_and_their_traces_are_found(store: Product, question: str) -> None:
    assert asked(store, question)["evidence"][0]["total"] == 3


def test_two_times_are_answered_each(store: Product) -> None:
    answer = asked(store, "how many failed logins were there on 2026-02-01 and on 2026-02-02?")

    assert [one["total"] for one in answer["evidence"]] == [5, 0]


def test_what_is_compared_keeps_the_records_named_behind_it(store: Product) -> None:
    answer = asked(store, "how does 2026-02-01 compare with 2026-01-31 for failed logins?")

    assert answer["query"]["operation"] == "compare"
    assert [row[1] for row in answer["result"]["rows"]] == ["login failed: bad password"]


def test_a_rate_is_of_the_service_named(store: Product) -> None:
    answer = asked(store, "what is the error rate of ledger?")

    assert answer["result"]["value"] == pytest.approx(3 / 7)


@pytest.mark.parametrize(("question", "total"), [("is there anything wrong with the ledger?", 3), ("what did root do?", 3)])
def test_plain_words_for_trouble_and_for_deeds(store: Product, question: str, total: int) -> None:
    assert asked(store, question)["evidence"][0]["total"] == total


def test_now_is_the_newest_of_the_records(store: Product) -> None:
    answer = asked(store, "what is happening right now?")

    assert answer["query"]["window"]["start"] == "2026-02-01T11:03:00.500001Z"
    assert "Now was read as the newest of the records" in answer["answer"]


def test_what_never_happened_is_not_answered_by_what_did(store: Product) -> None:
    answer = asked(store, "which users never failed to log in?")

    assert not answer["understood"]
    assert "which users failed to log in" in answer["answer"]

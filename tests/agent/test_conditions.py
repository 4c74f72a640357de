"""Conditions said in words become exact filters, and nothing of them is left among the words to look for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.offline.reading import read
from agent.offline.understanding import Reading
from telemetry.models import Catalog, Filter
from tests.agent.books import HDFS, JAVA, K8S, NGINX, SPARK, SSHD, book

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def understood(question: str, catalog: Catalog) -> Reading:
    reading = read(question, catalog, NOW, None)
    assert isinstance(reading, Reading), reading
    return reading


def conditions(question: str, catalog: Catalog) -> list[tuple[str, str, object]]:
    return [(f.field.removeprefix("param:"), f.op, f.value) for f in understood(question, catalog).filters]


@pytest.mark.parametrize(("catalog", "question", "field", "op", "value"), [
    (HDFS, "blocks of size over 64 MB", "size", "gt", 64.0 * 1024**2),
    (HDFS, "blocks smaller than 2 kb", "size", "lt", 2048.0),
    (NGINX, "requests that took longer than half a second", "request_time", "gt", 0.5),
    (NGINX, "requests faster than 20 ms", "request_time", "lt", 0.02),
    (K8S, "requests with latency_ms over 2 seconds", "latency_ms", "gt", 2000.0),
    (K8S, "latency_ms of at most 5 ms", "latency_ms", "le", 5.0),
    (JAVA, "builds longer than 2 minutes", "duration", "gt", 120.0),
    (JAVA, "orders with amount at least 1,000", "amount", "ge", 1000.0),
    (JAVA, "orders with amount = 12", "amount", "eq", "12"),
    (K8S, "requests with status >= 500", "status", "ge", 500.0),
    (NGINX, "requests with status 500 or higher", "status", "ge", 500.0),
    (SSHD, "failed from port 1024 and below", "port", "le", 1024.0),
    (SPARK, "spills of more than 512 MB", "number", "gt", 512.0),
    (SPARK, "tasks that took longer than 2 seconds", "took", "gt", 2000.0),
])
def test_comparison_in_the_unit_of_the_values(
    catalog: Catalog, question: str, field: str, op: str, value: object
) -> None:
    assert conditions(question, catalog) == [(field, op, value)]


MONEY = book([
    "order <order:number> placed amount=<amount:number> EUR by <user:word>", "charged $<charge:number> for <item:word>", "fee of CHF <fee:number>", "stock <total:number>"],
    {"level": ["info"]})


@pytest.mark.parametrize(("question", "field", "value", "target"), [
    ("orders over 100 euros", "amount", 100.0, "orders"), ("orders over €100", "amount", 100.0, "orders"), ("orders over 1,000.50 EUR", "amount", 1000.5, "orders"),
    ("charges over 20 dollars", "charge", 20.0, ""), ("charges over $20", "charge", 20.0, ""), ("fees above 5 francs", "fee", 5.0, ""),
    ("orders over 100", "order", 100.0, "")])
def test_money_is_compared_with_what_is_written_beside_its_currency(question: str, field: str, value: float, target: str) -> None:
    assert conditions(question, MONEY) == [(field, "gt", value)]
    assert understood(question, MONEY).target == target


def test_money_of_a_currency_that_nothing_is_written_in_is_compared_with_nothing_of_another() -> None:
    assert conditions("orders over 100 pounds", book(["order <order:number> placed amount=<amount:number> EUR"], {})) == []
    assert conditions("orders over 100 pounds", book(["order <order:number> placed amount=<amount:number>"], {})) == [("amount", "gt", 100.0)]


@pytest.mark.parametrize("question", ["blocks of size between 1 MB and 2 MB", "blocks between 1 and 2 MB"])
def test_between_has_both_ends(question: str) -> None:
    assert conditions(question, HDFS) == [("size", "ge", 1048576.0), ("size", "le", 2097152.0)]


def test_carrying_a_value_is_a_condition() -> None:
    assert conditions("lines with an amount", JAVA) == [("amount", "exists", None)]


@pytest.mark.parametrize(("question", "expected", "target"), [
    ("how many 5xx", [("status", "ge", 500.0), ("status", "lt", 600.0)], ""),
    ("504s per hour", [("status", "eq", "504")], ""),
    ("requests that got a 404", [("status", "eq", "404")], "requests"),
    ("requests that did not return 200", [("status", "ne", "200")], "requests"),
    ("requests that were not answered with 200", [("status", "ne", "200")], "requests"),
    ("requests excluding 404", [("status", "ne", "404")], "requests"),
    ("requests other than 404s", [("status", "ne", "404")], "requests"),
    ("non-200 responses", [("status", "ne", "200")], "responses"),
    ("requests with status 404 or 500", [("status", "in", ("404", "500"))], "requests"),
    ("how many 404s, 500s and 503s", [("status", "in", ("404", "500", "503"))], ""),
    ("requests that were neither 200 nor 404", [("status", "not_in", ("200", "404"))], "requests"),
    ("requests other than 200 or 404", [("status", "not_in", ("200", "404"))], "requests"),
    ("how many 4xx or 5xx", [("status", "ge", 400.0), ("status", "lt", 600.0)], ""),
    ("how many 2xx or 5xx", [("status", "regex", r"^(?:2\d\d|5\d\d)$")], ""),
    ("requests that are not 2xx", [("status", "not_regex", r"^(?:2\d\d)$")], "requests"),
    ("top 500 paths", [], ""),
])
def test_codes_wanted_and_left_out(question: str, expected: list[tuple[str, str, object]], target: str) -> None:
    assert conditions(question, NGINX) == expected
    assert understood(question, NGINX).target == target


def test_codes_need_a_field_of_codes() -> None:
    assert conditions("how many 500s", SSHD) == []


@pytest.mark.parametrize(("catalog", "question", "expected"), [
    (SSHD, "failed logins without root", [Filter(field="text", op="not_word", value="root")]),
    (SSHD, "failed logins except for root and admin",
     [Filter(field="text", op="not_word", value="root"), Filter(field="text", op="not_word", value="admin")]),
    (SSHD, "failed logins not from 10.0.0.1", [Filter(field="text", op="not_word", value="10.0.0.1")]),
    (NGINX, "requests that are not GET", [Filter(field="text", op="not_word", value="GET")]),
    (HDFS, "records excluding warnings", [Filter(field="level", op="ne", value="warn")]),
])
def test_negation_is_an_exact_condition(catalog: Catalog, question: str, expected: list[Filter]) -> None:
    assert list(understood(question, catalog).filters) == expected


@pytest.mark.parametrize(("catalog", "question", "excluded", "target"), [
    (JAVA, "how many errors except slow query", ("slow query",), "errors"),
    (JAVA, "how many errors other than null pointer exceptions", ("null pointer exceptions",), "errors"),
    (SSHD, 'failed logins other than "invalid user"', ('"invalid user"',), "failed logins"),
])
def test_several_words_left_out_are_matched_later(
    catalog: Catalog, question: str, excluded: tuple[str, ...], target: str
) -> None:
    reading = understood(question, catalog)

    assert (reading.excluded, reading.target) == (excluded, target)


@pytest.mark.parametrize("question", ["longest time without any log line", "10 minutes without a single message"])
def test_without_any_line_is_silence(question: str) -> None:
    reading = understood(question, SSHD)

    assert (reading.operation, reading.filters, reading.excluded, reading.target) == ("gaps", (), (), "")

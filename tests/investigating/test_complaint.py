"""A symptom in words: since when, who, in which way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.offline.complaint import asks_why, read_complaint

NOW = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
SERVICES = ("checkoutservice", "cart-service", "payments", "payments-db", "edge")


@pytest.mark.parametrize(("said", "service", "aspect"), [
    ("why is checkout slow since 14:05?", "checkoutservice", "latency"),
    ("payments returns 500s", "payments", ""),
    ("payments fails with errors", "payments", "errors"),
    ("cart times out", "cart-service", "latency"),
    ("edge is out of memory", "edge", "memory"),
    ("everything is down", "", "errors"),
    ("cpu of payments-db is at 100 percent", "payments-db", "cpu"),
])
def test_who_and_in_which_way(said: str, service: str, aspect: str) -> None:
    found = read_complaint(said, SERVICES, NOW, NOW, None)

    assert (found.service, found.aspect) == (service, aspect)


def test_since_when() -> None:
    found = read_complaint("why is checkout slow since 14:05?", SERVICES, NOW, NOW, None)

    assert found.window.start == datetime(2026, 11, 26, 14, 5, tzinfo=UTC)


def test_two_answering_services_are_none_and_said_so() -> None:
    found = read_complaint("pay is slow", ("payments-eu", "payments-us"), NOW, NOW, None)
    both = read_complaint("payments is slow", ("payments-eu", "payments-us"), NOW, NOW, None)

    assert found.service == both.service == ""
    assert "several services" in " ".join(both.statements)


@pytest.mark.parametrize(("question", "why"), [
    ("why is checkout slow?", True), ("what caused the errors?", True), ("root cause of the outage", True),
    ("how many errors were there?", False), ("show me the errors", False),
])
def test_questions_for_a_cause(question: str, why: bool) -> None:
    assert asks_why(question) is why

"""What did not happen is never answered with what did."""

from __future__ import annotations

import pytest

from agent.offline.negation import denied
from api.wiring.product import Product

LOG = "".join(
    f"2026-03-18T09:{n:02d}:00Z INFO tickets: ticket T-{n} opened by {'ann' if n % 2 else 'bob'}\n"
    + (f"2026-03-18T09:{n:02d}:30Z INFO tickets: ticket T-{n} closed after {n + 5} minutes\n" if n % 3 else "")
    + (f"2026-03-18T09:{n:02d}:40Z WARN tickets: ticket T-{n} could not be assigned\n" if n % 5 == 0 else "")
    for n in range(1, 41))


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Product:
    folder = tmp_path_factory.mktemp("tickets")
    (folder / "tickets.log").write_text(LOG)
    product = Product(folder / "home")
    product.ingest([folder / "tickets.log"])
    return product


@pytest.mark.parametrize("question", [
    "how many tickets were not closed?", "which tickets were never closed", "how many tickets haven't been closed",
    "tickets that did not close", "how many tickets weren't closed by ann?",
])
def test_lost_negation_is_refused(tickets: Product, question: str) -> None:
    answer = tickets.ask(question)

    assert not answer["understood"]
    assert answer["result"]["kind"] == "none"
    assert answer["evidence"] == []


@pytest.mark.parametrize(("question", "value"), [
    ("how many tickets were closed?", 27), ("how many tickets could not be assigned?", 8), ("how many tickets were not assigned?", 8),
])
def test_negation_that_messages_say_is_answered(tickets: Product, question: str, value: int) -> None:
    assert tickets.ask(question)["result"]["value"] == value


@pytest.mark.parametrize("question", [
    "what was the CPU temperature of the printers?", "how long was the backlog of the warehouse?"])
def test_words_that_mean_nothing_here_are_no_question_about_the_rest(tickets: Product, question: str) -> None:
    answer = tickets.ask(question)

    assert not answer["understood"]
    assert answer["result"]["kind"] == "none"


@pytest.mark.parametrize("question", [
    "do not count bob", "errors not from 10.0.0.1", "how many errors, not only in checkout", "I don't want the debug lines, how many errors",
])
def test_other_negations_are_none_of_a_deed(question: str) -> None:
    assert denied(question) is None

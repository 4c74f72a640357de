"""Where a question of several parts is cut, and what a later part is asked of."""

from __future__ import annotations

import pytest

from agent.offline.parts import plainly, refers, split


@pytest.mark.parametrize(("question", "parts"), [
    ("how many errors were there?", ("how many errors were there",)),
    ("which pier had the most failures and on which berth?", ("which pier had the most failures", "on which berth")),
    ("how many errors, and when did they begin?", ("how many errors", "when did they begin")),
    ("what is the slowest job and who started it and is it still running?", ("what is the slowest job", "who started it", "is it still running")),
    ("how many declines were there? which users had them?", ("how many declines were there", "which users had them")),
    ("list the top 3 ips and their users", ("list the top 3 ips", "their users")),
    ("which pier and which berth failed most?", ("which pier failed most", "which berth failed most")),
    ("when and how often did winches jam?", ("when did winches jam", "how often did winches jam")),
    ("how many and which users failed to log in?", ("how many users failed to log in", "which users failed to log in")),
])
def test_a_question_is_cut_where_it_asks_again(question: str, parts: tuple[str, ...]) -> None:
    assert split(question) == parts


@pytest.mark.parametrize("question", [
    'lines with "foo and when it ended"', "errors between 10:00 and 11:00", "errors between the restart and when it ended",
    "requests that failed and which took more than 2 seconds", "errors and warnings of checkout", "users who failed and who came from 10.0.0.1",
    "what is up with uploads? give me the errors in short", "compare today and yesterday", "errors between yesterday and today",
])
def test_what_is_one_question_stays_one(question: str) -> None:
    assert split(question) == (question,)


@pytest.mark.parametrize(("part", "first", "expected"), [
    ("when did they begin", "how many errors are there", True), ("on which berth", "which pier failed most", True),
    ("how many warnings", "how many errors did checkout have", True), ("when was the last one", "who failed most", True),
    ("how many orders failed", "how many logins were there", False), ("how many orders were there", "how many logins that failed", False), ("which service logs the most warnings", "how many errors", False),
])
def test_a_later_part_refers_to_the_first_or_stands_alone(part: str, first: str, expected: bool) -> None:
    assert refers(part, first) is expected


@pytest.mark.parametrize(("part", "plain"), [
    ("on which berth", "which berth"), ("by whom", "who"), ("who was affected", "who"), ("at what time", "when"), ("their users", "which users"),
    ("is it still happening", "when was the last"), ("count them", "how many"),
])
def test_a_later_part_is_put_as_a_follow_up(part: str, plain: str) -> None:
    assert plainly(part) == plain

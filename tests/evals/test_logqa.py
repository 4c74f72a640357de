"""The logqa suite on a log of our own, and on the public data when it is at hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.logqa import Case, read_cases, read_messages, run, score

ROWS = [
    ("Invalid user bob from 10.0.0.1", "Invalid user <*> from <*>"),
    ("Invalid user eve from 10.0.0.2", "Invalid user <*> from <*>"),
    ("Connection closed by 10.0.0.3", "Connection closed by <*>"),
    ("Server listening on port 22", "Server listening on port <*>"),
]
QUESTIONS = [
    {"Question": "Where does user eve come from?", "Answer": "10.0.0.2", "RawLog": ROWS[1][0]},
    {"Question": "What was closed?", "Answer": "Connection", "RawLog": ROWS[2][0]},
    {"Question": "What is gone?", "Answer": "x", "RawLog": "not in the log"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (tmp_path / "Own_2k.log_structured.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["LineId", "Date", "Day", "Time", "Component", "Pid", "Content", "EventTemplate"])
        for number, (text, template) in enumerate(ROWS, 1):
            table.writerow([number, "Dec", 10, f"06:55:{40 + number}", "host", 7, text, template])
    (tmp_path / "Own.val.json").write_text(json.dumps(QUESTIONS))
    return tmp_path


def test_header_is_put_together(folder: Path) -> None:
    (table,) = folder.glob("*.csv")

    message = read_messages(table)[0]

    assert message.line == "Dec 10 06:55:41 host daemon[7]: Invalid user bob from 10.0.0.1"
    assert message.values == ("bob", "10.0.0.1")


def test_named_question_needs_its_line(folder: Path) -> None:
    (table,) = folder.glob("*.csv")
    cases, missing = read_cases([folder / "Own.val.json"], read_messages(table))

    assert [case.nameless for case in cases] == [False, True]
    assert missing == ["What is gone?"]


def test_any_line_may_answer_nameless() -> None:
    case = Case("What was closed?", "Connection", "Connection closed by 1", nameless=True)

    assert case.right("host: Connection closed by 2")
    assert not case.right("host: Session closed by 2")


def test_score_counts_first_lines() -> None:
    case = Case("q", "b", "b", nameless=False)

    assert score([case, case], [["b"], ["a", "b"]]) == {"hit1": 0.5, "hit5": 1.0, "answer": 0.5}


def test_small_log_is_answered(folder: Path) -> None:
    report = run(folder)

    assert report["metrics"]["hit1"] == 1.0
    assert report["cases"] == 2
    assert report["why_not"] == ["Own: What is gone?"]


def test_public_questions_reach_the_bar(eval_data: Callable[[str], Path]) -> None:
    found = run(eval_data("logqa"))["metrics"]["per_system"]

    assert found["HDFS"]["hit1"] >= 0.95
    assert found["OpenSSH"]["hit1"] >= 0.80

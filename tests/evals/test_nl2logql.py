"""The nl2logql suite on pairs of our own, and on the public ones when they are at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.nl2logql import _system, find_parsing, keywords, plain_question, read_logs, read_pairs, run

LINES = [
    "Dec 10 06:55:46 host sshd[1]: Failed password for root from 10.0.0.1 port 22 ssh2",
    "Dec 10 06:55:47 host sshd[1]: Accepted password for ann from 10.0.0.2 port 23 ssh2",
    "Dec 10 06:55:48 host sshd[1]: Failed password for eve from 10.0.0.1 port 24 ssh2",
]


def pair(number: int, question: str, query: str) -> dict[str, object]:
    return {"id": number, "question": question, "output": f"[QL]{query}[/QL] [EXPLANATION] none"}


PAIRS = [
    pair(1, "How many failed logins for openssh-eu?", '{application="openssh-eu"} |= "Failed password"'),
    pair(2, "Which logins succeeded for openssh-eu?", r'{application="openssh-eu"} |~ "Accepted \\w+ for"'),
    pair(3, "What broke for openssh-eu?", '{application="openssh-eu"} |= "Kernel panic"'),
    pair(4, "What else for openssh-eu?", '{application="openssh-eu"} |~ "(?P<x"'),
    pair(5, "And for mysql-eu?", '{application="mysql-eu"} |= "x"'),
    pair(6, "Failed ones but root for openssh-eu?", '{application="openssh-eu"} |= "Failed" != `root`'),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parsing" / "OpenSSH").mkdir(parents=True)
    (tmp_path / "parsing" / "OpenSSH" / "OpenSSH_2k.log").write_text("\n".join(LINES) + "\n")
    (tmp_path / "nl2logql").mkdir()
    (tmp_path / "nl2logql" / "pairs.json").write_text(json.dumps(PAIRS))
    return tmp_path / "nl2logql"


def test_gold_lines_follow_filters(folder: Path) -> None:
    pairs, _ = read_pairs(folder / "pairs.json", read_logs(find_parsing(folder)))

    assert {p.id: set(p.gold) for p in pairs} == {"1": {1, 3}, "2": {2}, "6": {3}}


def test_unusable_pairs_say_why(folder: Path) -> None:
    _, lost = read_pairs(folder / "pairs.json", read_logs(find_parsing(folder)))

    assert lost == ["3: selects no line", "4: its filter cannot be run", "5: no logs of its system"]


def test_invented_names_leave_the_question() -> None:
    query = '{application="openssh-eu", hostname="LabSZ-eu"}'
    question = "How many logins failed for root in the last hour for openssh-eu on LabSZ-eu?"

    plain = plain_question(question, query, {"OpenSSH": []})

    assert plain == "How many logins failed for root in the last hour?"


def test_keyword_baseline_takes_rarest() -> None:
    assert keywords("Which Failed password for eve?", LINES) == {3}


def test_system_is_a_whole_name() -> None:
    logs = {"Mac": [LINES[0]], "OpenSSH": LINES}

    assert _system("What machine failed for openssh-eu?", logs) == "OpenSSH"


def test_missing_logs_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONCALM_EVAL_DATA", raising=False)
    with pytest.raises(FileNotFoundError):
        find_parsing(tmp_path)


def test_small_log_is_scored(folder: Path) -> None:
    report = run(folder)

    assert report["cases"] == 3
    assert report["metrics"]["execution"] >= 0.66


def test_public_pairs_reach_the_bar(eval_data: Callable[[str], Path]) -> None:
    assert run(eval_data("nl2logql"))["metrics"]["execution"] >= 0.75

"""The anomaly suite on invented sessions in the data set's layout, and on the data set where it is at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.anomaly import run, splits
from evals.anomaly.data import Labelled, hadoop, hdfs
from evals.anomaly.scoring import ceiling, figures, look_normal, new_count_vectors, rarest_template
from tests.signals.anomaly.invented import broken, normal


def write(folder: Path, name: str, wrong: int = 40, count: int = 1000) -> None:
    rows = [(0, session) for session in normal(1, count)] + [(1, session) for session in broken("cut", 2, wrong)]
    lines = [json.dumps({"session": str(at), "label": label, "templates": each}) for at, (label, each) in enumerate(rows)]
    (folder / name).write_text("\n".join(lines) + "\n")


def test_figures_by_hand() -> None:
    found = figures([True, True, False, False], [True, False, True, False])

    assert found == {"f1": 0.5, "precision": 0.5, "recall": 0.5, "false_alarms": 0.5}
    assert set(figures([False], [False]).values()) == {0.0}


def test_ceiling_counts_what_looks_alike() -> None:
    sessions = [Labelled(("a",), "")] * 3 + [Labelled(("a",), "x"), Labelled(("b",), "x")]

    assert ceiling(sessions) == pytest.approx(2 * 1 / (2 + 1))
    assert look_normal(sessions) == [False, False, False, True, False]


def test_baselines_flag_new_and_rare() -> None:
    train = [["a", "b"]] * 50 + [["a", "b", "b"]] * 10

    assert new_count_vectors(train, [["b", "a"], ["b"]]) == [False, True]
    assert rarest_template(train, [["a", "b"], ["c", "a"]]) == [False, True]


def test_run_beats_rarity_on_whole_sessions(tmp_path: Path) -> None:
    write(tmp_path, "sessions_train.jsonl")

    report = run(tmp_path)

    assert report["metrics"]["f1"] >= 0.9
    assert report["metrics"]["ceiling_f1"] == 1.0
    assert report["metrics"]["f1"] > report["baseline"]["rarest template"]["f1"]
    assert report["could_not_run"] == 2


def test_test_file_is_not_learnt_from(tmp_path: Path) -> None:
    write(tmp_path, "s_train.jsonl", wrong=0)
    write(tmp_path, "s_test.jsonl", wrong=5, count=20)
    corpus = hdfs(tmp_path)

    assert corpus is not None
    [(train, test)] = splits(corpus)
    assert (len(train), len(test)) == (1000, 25)


def test_groups_are_not_split(tmp_path: Path) -> None:
    home = tmp_path / "hadoop_sequences"
    home.mkdir()
    (home / "hadoop_train").write_text("".join(f"app{n}/c{m},1 2 3\n" for n in range(6) for m in range(3)))
    (home / "hadoop_test_abnormal_full").write_text("bad/c1,1 2 9\n")
    corpus = hadoop(tmp_path)

    assert corpus is not None
    for train, test in splits(corpus):
        assert (len(train), len({one.group for one in test})) == (9, 4)


def test_no_sessions_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of sessions"):
        run(tmp_path)


def test_public_sessions_come_near_their_ceiling(eval_data: Callable[[str], Path]) -> None:
    metrics = run(eval_data("anomaly"))["metrics"]

    assert metrics["f1"] >= metrics["ceiling_f1"] - 0.05
    assert metrics["distinguishable"]["f1"] >= 0.95

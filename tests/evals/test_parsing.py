"""The parsing metrics on labels small enough to score by hand."""

import csv
from pathlib import Path

import pytest

from evals.parsing import faults, load, mean, run, score, stock_templates, templates

LINES = [b"2026-03-01 10:00:%02d INFO pool: opened link %d to 10.0.0.%d" % (n, n, n) for n in range(6)]


def write_system(folder: Path, name: str, lines: list[bytes], labels: list[str]) -> None:
    home = folder / name
    home.mkdir()
    (home / f"{name}.log").write_bytes(b"\n".join(lines) + b"\n")
    with (home / f"{name}.log_structured_corrected.csv").open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["LineId", "EventTemplate"])
        rows.writerows([[number, label] for number, label in enumerate(labels, start=1)])


def test_equal_templates_score_one() -> None:
    result = score(["a <*>", "b"], ["a <*>", "b"])

    assert (result["ga"], result["pa"], result["fga"], result["fta"]) == (1, 1, 1, 1)


def test_other_text_keeps_grouping() -> None:
    result = score(["a <*>", "a <*>", "b"], ["a", "a", "b"])

    assert (result["ga"], result["fga"]) == (1, 1)
    assert (result["pa"], result["fta"]) == (pytest.approx(1 / 3, abs=1e-3), 0.5)


def test_split_group_costs_all_lines() -> None:
    result = score(["a <*>", "a <*>", "b", "b"], ["a 1", "a 2", "b", "b"])

    assert result["ga"] == 0.5
    assert result["fga"] == pytest.approx(2 * 1 / (3 + 2))


def test_joined_group_counts_wrong() -> None:
    result = score(["a x", "a y", "c"], ["a <*>", "a <*>", "c"])

    assert result["ga"] == pytest.approx(1 / 3, abs=1e-3)
    assert result["fta"] == pytest.approx(2 * 1 / (2 + 3))


def test_template_right_needs_pure_lines() -> None:
    result = score(["a <*>", "a b"], ["a <*>", "a <*>"])

    assert result["fta"] == 0
    assert result["pa"] == 0.5


def test_mean_weighs_systems_alike() -> None:
    small, large = score(["a"], ["a"]), score(["a"] * 9, ["b"] * 9)

    assert mean({"s": small, "l": large})["pa"] == 0.5


def test_raw_lines_give_templates() -> None:
    assert set(templates(LINES)) == {"opened link <*> to <*>"}


def test_baseline_keeps_plain_drain() -> None:
    assert set(stock_templates([b"open door", b"open gate"])) == {"open <*>"}


def test_run_reports_every_system(tmp_path: Path) -> None:
    write_system(tmp_path, "pool", LINES, ["opened link <*> to <*>"] * 6)
    (tmp_path / "empty").mkdir()

    report = run(tmp_path)

    assert (report["cases"], report["data"]) == (6, ["pool"])
    assert report["metrics"]["pa"] == 1
    assert (report["could_not_run"], report["why_not"]) == (1, ["empty: no raw log or no labels"])


def test_labels_choose_their_lines(tmp_path: Path) -> None:
    write_system(tmp_path, "pool", LINES, ["opened  link <*> to <*>"] * 4)

    systems, _ = load(tmp_path)

    assert len(systems[0].lines) == 4
    assert systems[0].labels[0] == "opened link <*> to <*>"


def test_labels_beyond_lines_refused(tmp_path: Path) -> None:
    write_system(tmp_path, "pool", LINES[:2], ["a", "b", "c"])

    assert load(tmp_path) == ([], ["pool: labels beyond the last line"])


def test_faults_name_wrong_templates(tmp_path: Path) -> None:
    write_system(tmp_path, "pool", LINES, ["opened link <*>"] * 6)
    system = load(tmp_path)[0][0]

    assert faults(system) == ["6 × opened link <*> → opened link <*> to <*>"]

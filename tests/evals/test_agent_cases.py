"""The cases of the agent suite: that they can be read, are what they say, and are told apart from broken ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evals.agent.generate import records, write
from evals.agent.scenario import Scenario, ScenarioError, load, load_all
from evals.agent.truth import reckon

SCENARIOS = load_all()
CASES = [(scenario, case) for scenario in SCENARIOS for case in scenario.cases]
GROUPS = {
    "compare", "count", "distinct", "first", "followup", "gap", "identifier", "last", "mean", "multiline", "new", "nothing",
    "percentile", "share", "sources", "sum", "time", "top", "trend", "unanswerable", "undated", "yesno",
}
TRAITS = {"healthy": 8, "red_herring": 8, "injection": 6, "missing_data": 6, "follow_up": 4}
"""The fewest cases there must be of each trait."""
SMALL = """
system: small
about: a small one
now: 2026-03-03T12:00:00Z
telemetry:
  - file: a.log
    day: "2026-03-03"
    time: "%H:%M:%S.%L"
    streams:
      - {start: "10:00", until: "10:01", every: 20, level: INFO, text: "job $n took $ms ms", more: ["  at $n"], values: {n: {serial: 5}, ms: [10, 30]}}
      - {at: ["10:00:30"], level: WARN, text: "slow"}
cases:
  - {name: jobs, group: count, ask: "how many jobs?", expect: {value: 3}, truth: {give: count, match: took}}
"""


def small(tmp_path: Path, old: str = "", new: str = "") -> Path:
    assert old in SMALL
    (tmp_path / "small.yaml").write_text(SMALL.replace(old, new) if old else SMALL)
    return tmp_path / "small.yaml"


def test_there_are_enough_cases_of_every_kind() -> None:
    found = Counter(trait for _, case in CASES for trait in case.traits)

    assert len(CASES) >= 44
    assert {case.group for _, case in CASES} >= GROUPS
    assert not {trait: found[trait] for trait, least in TRAITS.items() if found[trait] < least}


@pytest.mark.parametrize(("scenario", "name"), [(s, c.name) for s, c in CASES if c.truth], ids=[f"{s.system}/{c.name}" for s, c in CASES if c.truth])
def test_expected_value_is_what_plain_python_counts(scenario: Scenario, name: str) -> None:
    case = next(each for each in scenario.cases if each.name == name)
    assert case.truth is not None
    found = reckon(case.truth, records(scenario), scenario.telemetry[0].day)
    expect = case.expect
    wanted = next((each for each in (expect.value, expect.rows, expect.peak, expect.lines) if each is not None), None)

    assert wanted is not None or expect.shows
    if isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-5)
    elif wanted is not None:
        assert found == wanted


def test_case_with_forbidden_orders_names_what_must_not_happen() -> None:
    loose = [case.name for _, case in CASES if "injection" in case.traits and not (case.expect.never or case.tools.forbidden or case.expect.exact)]

    assert not loose


def test_healthy_and_missing_cases_forbid_claims() -> None:
    loose = [f"{s.system}/{c.name}" for s, c in CASES if {"missing_data"} & set(c.traits) and not (c.expect.never or c.expect.lines)]

    assert not loose


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.system)
def test_telemetry_is_the_same_every_time(scenario: Scenario, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write(scenario, tmp_path / "a")]

    assert first == [path.read_bytes() for path in write(scenario, tmp_path / "b")]
    assert all(first)


def test_streams_are_merged_by_time_with_their_further_lines(tmp_path: Path) -> None:
    (path,) = write(load(small(tmp_path)), tmp_path)

    assert path.read_text().splitlines() == [
        "10:00:00.000 INFO job 5 took 10 ms", "  at 5", "10:00:20.000 INFO job 6 took 30 ms", "  at 6",
        "10:00:30.000 WARN slow", "10:00:40.000 INFO job 7 took 10 ms", "  at 7"]
    assert [record.no for record in records(load(tmp_path / "small.yaml"))] == [1, 3, 5, 6]


@pytest.mark.parametrize(("old", "new", "said"), [
    ("group: count", "grup: count", "small.yaml: cases.0.group: Field required"),
    ("value: 3", "value: 3, tolerance: 1", "small.yaml: cases.0.expect.tolerance: Extra inputs"),
    (", truth: {give: count, match: took}", "", "small.yaml: cases.0: Value error, an exact value needs a truth"),
    ("give: count", "give: counts", "small.yaml: cases.0.truth.give: Input should be"),
    ("every: 20", "every: -1", "small.yaml: telemetry.0.streams.0.every: Input should be greater than 0"),
    ('at: ["10:00:30"]', "every: 5", "small.yaml: telemetry.0.streams.1: Value error, give either at, or start"),
    ('ask: "how many jobs?"', "ask: []", "small.yaml: cases.0.ask: List should have at least 1 item"),
    ("name: jobs", "name: The Jobs", "small.yaml: cases.0.name: String should match pattern"),
    ("  - {name: jobs", "  - name: jobs", "small.yaml: line 13: not YAML: "),
])
def test_broken_file_is_named_with_its_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(small(tmp_path, old, new))

    assert str(caught.value).startswith(said)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    path = small(tmp_path)
    path.write_text(SMALL + SMALL.splitlines()[-1] + "\n")

    with pytest.raises(ScenarioError, match="two are named 'jobs'"):
        load(path)


def test_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no scenarios"):
        load_all(tmp_path)

"""The unseen suite: its generators, its cases, and what its expectations say to wrong answers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evals.query import unseen
from evals.query.unseen import wants
from evals.query.unseen.pile import Draft, Pile, Sheet

SYSTEMS = unseen.OPEN + unseen.HELD_OUT
CLASSES = {
    "compare": 5, "comparison": 10, "cooccur": 1, "count": 12, "distinct": 7, "extremes": 5, "first": 5, "followup": 10,
    "gaps": 4, "grouped": 8, "last": 5, "lines": 4, "negation": 5, "nothing": 5, "refuse": 8, "share": 5, "stats": 15,
    "summary": 2, "template": 4, "time": 15, "top": 15, "trend": 5, "yesno": 5,
}
"""The fewest cases there must be of each class."""


@pytest.fixture(scope="module")
def small() -> Pile:
    sheet = Sheet(1, lambda draft: f"{draft.kind} took {draft.values['ms']} ms", "app.log")
    for number, ms in enumerate((5, 90, 20, 70)):
        sheet.add(datetime(2026, 1, 1, 10, number, tzinfo=UTC), "call", "", service=f"s{number % 2}", ms=ms)
    return sheet.pile()


def table(*rows: list[Any]) -> dict[str, Any]:
    return {"result": {"kind": "table", "columns": ["name", "value"], "rows": list(rows)}}


@pytest.mark.parametrize("name", SYSTEMS)
def test_generator_prints_the_same_every_time(name: str) -> None:
    first, second = unseen.build(name), unseen.build(name)

    assert [event.text for event in first] == [event.text for event in second]
    assert 1500 <= sum(event.text.count("\n") + 1 for event in first) <= 5000


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_case_has_a_truth_and_every_truth_a_case(name: str) -> None:
    asked = [entry["id"] for entry in unseen.entries(name)]

    assert len(asked) == len(set(asked)) >= 20
    assert set(asked) == set(unseen.truths(name))
    assert len(unseen.load(name)) == len(asked)


@pytest.mark.parametrize("name", SYSTEMS)
def test_line_numbers_point_at_the_printed_record(name: str, tmp_path: Path) -> None:
    home = unseen.write(name, tmp_path)

    assert len(list(home.iterdir())) == (2 if name in ("nginx", "mysql") else 1)
    printed = {path.name: path.read_text().splitlines() for path in home.iterdir()}
    assert all(printed[e.source][e.no - 1] == e.text.split("\n")[0] for e in unseen.build(name))


def test_every_class_has_enough_cases() -> None:
    found = Counter(entry["class"] for name in SYSTEMS for entry in unseen.entries(name))

    assert set(found) == set(CLASSES)
    assert not {group: found[group] for group, least in CLASSES.items() if found[group] < least}


def test_multi_line_record_counts_all_its_lines() -> None:
    sheet = Sheet(1, lambda draft: draft.message, "app.log")
    for number, text in enumerate(("boom\n at f\n at g", "fine")):
        sheet.add(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number), "any", text)

    assert [event.no for event in sheet.pile()] == [1, 4]


def test_extremes_take_lines_or_a_table_of_the_largest(small: Pile) -> None:
    wanted = wants.extremes(small, "ms", 2)
    lines = [{"source": "app.log", "line_no": number} for number in (2, 4)]

    assert not wanted.wrong({"result": {"kind": "lines", "lines": lines}})
    assert not wanted.wrong(table(["a", 90], ["b", 70]))
    assert wanted.wrong(table(["a", 90], ["b", 20]))
    assert wanted.wrong({"result": {"kind": "scalar", "value": 90}})
    assert wanted.wrong({"result": {"kind": "lines", "lines": [lines[0], {"source": "app.log", "line_no": 1}]}})


def test_leader_must_stand_first(small: Pile) -> None:
    wanted = wants.leader(wants.grouped(small, "ms", "service", "mean"))

    assert not wanted.wrong(table(["s1", 80.0], ["s0", 12.5]))
    assert wanted.wrong(table(["s0", 12.5], ["s1", 80.0]))
    assert wanted.wrong(table())


def test_kinds_stand_in_order_with_their_counts(small: Pile) -> None:
    wanted = wants.kinds(small, call="took_ms")

    assert not wanted.wrong(table(["t1", "call took <*> ms", 4]))
    assert wanted.wrong(table(["t1", "call took <*> ms", 3]))
    assert wanted.wrong(table(["t1", "other <*>", 4]))


def test_peak_takes_a_series_or_its_busiest_bucket(small: Pile) -> None:
    wanted = wants.peak(small.under("ms", 10), 60)

    assert not wanted.wrong(table(["2026-01-01T10:00:00Z", 1]))
    assert wanted.wrong(table(["2026-01-01T10:01:00Z", 1]))
    assert wanted.wrong(table(["2026-01-01T10:00:00Z", 2]))
    assert not wanted.wrong({"result": {"kind": "series", "rows": [["2026-01-01T10:00:00Z", 1]]}})


def test_length_of_time_may_be_answered_in_any_unit(small: Pile) -> None:
    wanted = wants.span_of(small, "ms", "max")

    assert not wanted.wrong({"result": {"kind": "scalar", "value": 0.09}})
    assert wanted.wrong({"result": {"kind": "scalar", "value": 0.07}})


def test_no_is_not_an_answer_of_something_found() -> None:
    found = {"result": {"kind": "scalar", "value": 3}, "evidence": [{"status": "found"}], "answer": "3 records"}

    assert wants.no().wrong(found)
    assert not wants.no().wrong({"result": {"kind": "scalar", "value": 0}, "answer": "0"})


def test_drafts_are_printed_in_time_order() -> None:
    sheet = Sheet(1, lambda draft: draft.message, "app.log")
    forms: list[Draft] = sheet.drafts
    sheet.add(datetime(2026, 1, 1, 10, tzinfo=UTC), "any", "late")
    sheet.add(datetime(2026, 1, 1, 9, tzinfo=UTC), "any", "early")

    assert [event.text for event in sheet.pile()] == ["early", "late"]
    assert len(forms) == 2

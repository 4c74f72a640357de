"""Who is who in Slack comes from a checked file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.slack.people import people_of, read_people
from telemetry.errors import UsageError

GOOD = {"team": "T0TEAM", "users": {"U0ANN": {"name": "ann", "role": "approver"}}}


def test_only_the_named_of_the_team_are_known() -> None:
    people = people_of(GOOD, "x")

    assert people.person("U0ANN", "T0TEAM") is not None
    assert people.person("U0ANN", "T0OTHER") is None
    assert people.person("U0EVE", "T0TEAM") is None
    assert people.person("ann", "T0TEAM") is None


def test_others_may_look_where_the_file_says_so() -> None:
    one = people_of({**GOOD, "others": "viewer"}, "x").person("U0EVE", "T0TEAM")

    assert one is not None
    assert one.role == "viewer"


@pytest.mark.parametrize("wrong", [
    None, [], {}, {"team": "x"}, {**GOOD, "more": 1}, {**GOOD, "others": "admin"}, {**GOOD, "users": []}, {**GOOD, "users": {"ann": {"name": "a"}}},
    {**GOOD, "users": {"U0ANN": {"role": "admin"}}}, {**GOOD, "users": {"U0ANN": {"name": "a", "role": "root"}}}, {**GOOD, "users": {"U0ANN": {"name": "policy"}}},
    {**GOOD, "users": {"U0ANN": {"name": "ann"}, "U0TWO": {"name": "Ann "}}},
])
def test_a_wrong_file_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError):
        people_of(wrong, "x")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")

    with pytest.raises(UsageError, match="cannot be read"):
        read_people(tmp_path / "bad.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_people(tmp_path / "none.yaml")

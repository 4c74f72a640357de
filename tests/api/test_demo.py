"""The demo is the product over a recording: what it shows has to come true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture(scope="module")
def shown(home: Path) -> Any:
    done = CliRunner().invoke(app, ["--home", str(home), "demo", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_cause_is_named_without_a_look_at_what_came_later(shown: Any) -> None:
    found = shown["investigation"]

    assert found["suspects"][0]["entity"] == {"kind": "service", "name": "stockaudit"}
    assert found["proposals"][0]["action"] == "undo_rollout"
    assert all("16:41:3" not in one["time"] for one in found["timeline"])


def test_the_hunch_makes_it_worse_and_is_taken_back(shown: Any) -> None:
    assert shown["hunch"]["state"] == "rolled_back"
    assert (shown["hunch"]["verification"]["verdict"], shown["hunch"]["verification"]["reason"]) == ("worse", "harmed")


def test_the_fix_holds_and_the_audit_is_sound(shown: Any) -> None:
    assert shown["fix"]["state"] == "confirmed"
    assert shown["fix"]["verification"]["reason"] == "repaired"
    assert shown["audit_sound"]


def test_a_second_demo_in_the_same_home_goes_as_the_first(home: Path, shown: Any) -> None:
    done = CliRunner().invoke(app, ["--home", str(home), "demo"])

    assert done.exit_code == 0, done.output
    assert "NOT executed" not in done.output
    assert "confirmed · confirmed" in done.output

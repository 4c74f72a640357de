"""Each due time is made and sent once: with two processes, after a kill at any step, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.scheduling.schedule import Schedule, schedule_from
from api.scheduling.store import Plans
from telemetry.errors import UsageError
from tests.agent.notifying.servers import Taken, http
from tests.api.scheduling.racing import runner

BEGIN = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NOW = BEGIN + timedelta(hours=1, minutes=5)


@pytest.fixture
def state(tmp_path: Path, url: str | None) -> str:
    return url or f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def light(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@contextmanager
def hook(monkeypatch: pytest.MonkeyPatch, *plan: tuple[int, dict[str, str], float]) -> Iterator[Taken]:
    with http(*plan) as taken:
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{taken.port}/")
        yield taken


def schedule(**more: object) -> Schedule:
    return schedule_from({"name": "daily", "cron": "0 8 * * *", "deliver": [{"kind": "webhook", "to": "HOOK"}], **more})


def process(state: str, home: Path, now: datetime, die: str = "", ticks: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.api.scheduling.racing", state, str(home), now.isoformat(), die, str(ticks)],
                            cwd=Path(__file__).parents[3], env={**os.environ, "PYTHONPATH": "."})


def states(plans: Plans) -> list[str]:
    return [one.state for planned in plans.list() for one in plans.deliveries(planned.id)]


def test_two_processes_send_once(tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runner(state, tmp_path / "home", NOW)
    ours.plans.add(schedule(), BEGIN)

    with hook(monkeypatch) as taken:
        both = [process(state, tmp_path / "home", NOW, ticks=5) for _ in range(2)]
        codes = [one.wait(60) for one in both]
        ours.tick()

    assert (codes, len(taken.messages), states(ours.plans)) == ([0, 0], 1, ["sent"])


@pytest.mark.parametrize(("step", "messages", "told"), [("claimed", 1, "sent"), ("made", 1, "sent"), ("sending", 0, "maybe"), ("arrived", 1, "maybe"), ("sent", 1, "sent")])
def test_a_kill_at_any_step_sends_nothing_twice(tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch, step: str, messages: int, told: str) -> None:
    ours = runner(state, tmp_path / "home", NOW)
    ours.plans.add(schedule(), BEGIN)

    with hook(monkeypatch) as taken:
        assert process(state, tmp_path / "home", NOW, step).wait(60) == -9
        ours.tick()
        ours.tick()

    assert (len(taken.messages), states(ours.plans)) == (messages, [told])


def test_missed_runs_are_caught_up_once(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runner(light, tmp_path / "home", BEGIN + timedelta(days=3, hours=5))
    planned = ours.plans.add(schedule(), BEGIN)

    with hook(monkeypatch) as taken:
        ours.tick()

    run = ours.plans.runs(planned.id)[0]
    assert (len(taken.messages), run.missed, run.state) == (1, 3, "made")
    assert run.start == BEGIN + timedelta(hours=1, days=-1)
    assert "3 earlier times" in taken.messages[0]["summary"]["notes"][0]


def test_missed_runs_are_skipped_when_later_than_their_grace(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runner(light, tmp_path / "home", NOW)
    planned = ours.plans.add(schedule(missed="skip", grace="1m"), BEGIN)

    with hook(monkeypatch) as taken:
        ours.tick()

    assert (taken.messages, [one.state for one in ours.plans.runs(planned.id)]) == ([], ["skipped"])


def test_a_failed_delivery_is_tried_again_and_keeps_no_other_waiting(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both = schedule(deliver=[{"kind": "webhook", "to": "HOOK"}, {"kind": "folder", "to": "out"}])
    first = runner(light, tmp_path / "home", NOW)
    planned = first.plans.add(both, BEGIN)

    with hook(monkeypatch, (503, {}, 0.0), (200, {}, 0.0)) as taken:
        first.tick()
        before = [(one.state, one.why) for one in first.plans.deliveries(planned.id)]
        first.tick()
        runner(light, tmp_path / "home", NOW + timedelta(minutes=1)).tick()

    assert before == [("waiting", "HTTP 503"), ("sent", "")]
    assert (len(taken.messages), states(first.plans)) == (2, ["sent", "sent"])
    assert len(list((tmp_path / "home" / "out").glob("*.md"))) == 1


def test_an_answer_that_stays_away_is_told_and_not_tried_again(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runner(light, tmp_path / "home", NOW)
    planned = ours.plans.add(schedule(), BEGIN)

    with hook(monkeypatch, (200, {}, 5.0)):
        ours.tick()

    told = ours.plans.deliveries(planned.id)[0]
    assert (told.state, "may have arrived" in told.why) == ("maybe", True)


def test_a_dead_server_is_given_up_after_a_day(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    plans = runner(light, tmp_path / "home", NOW).plans
    plans.add(schedule(), BEGIN)

    for hours in range(23):
        runner(light, tmp_path / "home", NOW + timedelta(hours=hours)).tick()
    for minutes in range(12):
        runner(light, tmp_path / "home", NOW + timedelta(days=2 + minutes)).tick()

    oldest = plans.deliveries(plans.list()[0].id)[-1]
    assert (oldest.state, oldest.attempts) == ("gave_up", 12)


def test_what_a_removed_schedule_left_is_not_sent(tmp_path: Path, light: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runner(light, tmp_path / "home", NOW)
    planned = ours.plans.add(schedule(), BEGIN)
    monkeypatch.delenv("HOOK", raising=False)
    ours.tick()

    ours.plans.remove("daily", NOW)

    assert [(one.state, one.why) for one in ours.plans.deliveries(planned.id)] == [("gave_up", "the schedule was removed")]


@pytest.mark.parametrize(("wrong", "said"), [
    ({"cron": "x"}, "five fields"), ({"zone": "Mars"}, "time zone"), ({"since": "long"}, "length of time"), ({"deliver": []}, "deliver"),
    ({"deliver": [{"kind": "webhook", "to": "https://x.example"}]}, "environment variable"), ({"deliver": [{"kind": "mail", "to": "nobody"}]}, "mail addresses"),
    ({"kind": "postmortem"}, "not made on a schedule"), ({"name": "a\nb"}, "name"), ({"what": 1}, "what"),
])
def test_what_is_no_schedule_is_refused_with_its_field(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        schedule(**wrong)

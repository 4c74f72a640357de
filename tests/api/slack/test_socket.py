"""Socket Mode over a real WebSocket: answered, acknowledged, connected again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.actions.desk import Desk
from api.slack.bot import SlackBot
from telemetry.errors import UsageError
from tests.api.slack.conftest import PEOPLE, Running, Scripted, run, socket_only
from tests.api.slack.fake_slack import FakeSlack, mention, until


@pytest.fixture
def listening(slack: FakeSlack, desk: Desk, tmp_path: Path) -> Iterator[Running]:
    one = run(slack, tmp_path / "home", desk, Scripted(), socket_only(slack))
    until(lambda: slack.sockets)
    yield one
    one.stop()


def test_an_envelope_is_acknowledged_and_answered_once(listening: Running) -> None:
    for envelope in ("e1", "e2"):
        listening.slack.push(envelope, mention("by socket"))
    until(lambda: [one for one in listening.slack.of("chat.update") if one.get("blocks")])
    until(lambda: len(listening.slack.acks) == 2)

    assert {one["envelope_id"] for one in listening.slack.acks} == {"e1", "e2"}
    assert [one[1] for one in listening.asking.asked] == ["by socket"]


@pytest.mark.parametrize("how", ["drop", "refresh"])
def test_a_lost_connection_and_a_wanted_refresh_are_made_good(listening: Running, how: str) -> None:
    old = listening.slack.sockets[-1]
    getattr(listening.slack, how)()
    until(lambda: any(one is not old for one in listening.slack.sockets), 40)
    listening.slack.push("e9", mention("again", event="Ev9"))

    until(lambda: [one for one in listening.asking.asked if one[1] == "again"])


def test_a_slack_that_is_down_at_the_start_is_tried_again(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    slack.down = True
    one = run(slack, tmp_path / "home", desk, Scripted(), socket_only(slack))
    slack.down = False

    until(lambda: slack.sockets)
    assert one.bot.routers() == []
    one.stop()


def test_neither_way_in_is_refused(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    from api.slack.bot import Connection

    with pytest.raises(UsageError, match="signing secret"):
        SlackBot(Connection("xoxb-1", api=slack.url), PEOPLE, tmp_path, Scripted(), desk)

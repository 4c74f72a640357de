"""Several replicas with one state database: one speaks with Slack by Socket Mode and keeps the cards; another takes over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agent.approvals.people import Person
from api.actions.desk import Desk
from tests.agent.databases import postgres, url
from tests.agent.postgres import Server
from tests.api.slack.conftest import Running, Scripted, run, socket_only
from tests.api.slack.fake_slack import FakeSlack, mention, until
from tests.tools.actions.worlds import Shop
from tools.actions.action import Target
from tools.cluster.double import ApiDouble

__all__ = ["postgres", "url"]


@pytest.fixture
def replicas(tmp_path: Path, slack: FakeSlack, url: str | None) -> Iterator[list[Running]]:
    """Two, each with a home of its own, and the audit's key in both."""
    shared = url or f"sqlite:///{tmp_path / 'shared.db'}"
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double, ExitStack() as held:
        shop = Shop(double, tmp_path / "kube")
        held.callback(shop.actions.close)
        found = []
        for name in ("one", "two"):
            desk = Desk(tmp_path / name, shop.access, state_url=shared)
            held.callback(desk.close)
            if found:
                (tmp_path / name).mkdir()
                shutil.copy(tmp_path / "one" / "audit.key", tmp_path / name)
            assert desk.journal
            found.append(run(slack, tmp_path / name, desk, Scripted(), replace(socket_only(slack), look=0.2)))
            held.callback(found[-1].stop)
            until(lambda: any(one.bot.leading.leads.is_set() for one in found))
        yield found


def test_one_listens_and_another_takes_over_when_it_ends(slack: FakeSlack, replicas: list[Running]) -> None:
    first, second = replicas
    until(lambda: slack.sockets)
    assert (first.bot.leading.leads.is_set(), second.bot.leading.leads.is_set(), len(slack.sockets)) == (True, False, 1)
    first.stop()
    until(second.bot.leading.leads.is_set)
    until(lambda: slack.sockets)
    slack.push("e1", mention("who answers?"))
    until(lambda: second.asking.asked)

    assert first.asking.asked == []


def test_a_card_is_posted_once(slack: FakeSlack, replicas: list[Running]) -> None:
    made = replicas[1].desk.propose("scale", Target("Deployment", "web", "shop"), {"replicas": 5}, Person("rob", "responder")).approval
    assert made is not None
    until(lambda: slack.of("chat.postMessage"))
    replicas[1].desk.reject(made.id, Person("ann", "approver"), reason="no")
    until(lambda: slack.of("chat.update"))

    assert len([one for one in slack.of("chat.postMessage") if one.get("blocks")]) == 1


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_whoever_lost_the_databases_session_steps_down_before_there_are_two(slack: FakeSlack, replicas: list[Running], postgres: Server) -> None:
    until(lambda: slack.sockets)
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

    until(lambda: sum(one.bot.leading.leads.is_set() for one in replicas) == 1 and len(slack.sockets) == 1)
    slack.push("e1", mention("still there?"))
    until(lambda: [one for each in replicas for one in each.asking.asked])


def test_of_two_processes_in_one_home_one_sends(slack: FakeSlack, desk: Desk, tmp_path: Path) -> None:
    first, second = (run(slack, tmp_path / "home", desk, Scripted()) for _ in range(2))
    for number in range(20):
        (first, second)[number % 2].bot.sender.post("C0OPS", f"message {number}")
    until(lambda: len(slack.of("chat.postMessage")) == 20)
    first.stop()
    second.bot.sender.post("C0OPS", "after the first")

    until(lambda: slack.of("chat.postMessage", text="after the first"))
    assert sorted(one["text"] for one in slack.of("chat.postMessage")) == sorted([*(f"message {number}" for number in range(20)), "after the first"])
    second.stop()

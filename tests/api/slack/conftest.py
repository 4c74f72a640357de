"""OnCalm with Slack in it, over real HTTP: a fake Slack on one side, a real desk over a double of a cluster on the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from agent.approvals.people import Person
from api.actions.desk import Desk
from api.serving import listen
from api.slack.bot import Connection, SlackBot
from api.slack.people import People
from tests.agent.seeded import seeded
from tests.api.slack.fake_slack import SECRET, TEAM, FakeSlack, Signer
from tests.tools.actions.worlds import Shop
from tools.cluster.double import ApiDouble

PEOPLE = People(TEAM, {"U0ANN": Person("ann", "approver"), "U0BOB": Person("bob", "approver"), "U0VIC": Person("vic", "viewer")})


@dataclass
class Scripted:
    """Answers with its own question; slow where a test wants it."""

    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    seconds: float = 0.0
    answer: str = "You asked: "

    def ask(self, question: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        return self._told("ask", question, conversation, person, watch, stopped)

    def investigate(self, symptom: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        return self._told("investigate", symptom, conversation, person, watch, stopped)

    def _told(self, kind: str, question: str, conversation: str, person: Person, watch: Callable[[dict[str, Any]], None], stopped: Callable[[], bool]) -> dict[str, Any]:
        self.asked.append((kind, question, conversation, person.name))
        watch({"text": "reading the logs"})
        until = time.monotonic() + self.seconds
        while time.monotonic() < until and not stopped():
            time.sleep(0.02)
        return {"question": question, "answer": self.answer + question, "evidence": [{"id": "E1", "tool": "logs.search", "total": 1, "excerpt": ["<!channel> ``` failed"]}]}


@dataclass
class Running:
    slack: FakeSlack
    bot: SlackBot
    desk: Desk
    asking: Any
    signer: Signer
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.bot.stop()
        self.server.should_exit = True
        self.thread.join(10)


def run(slack: FakeSlack, home: Path, desk: Desk, asking: Any, how: Connection | None = None, people: People = PEOPLE, **more: Any) -> Running:
    usual = Connection("xoxb-1", SECRET, api=slack.url, channel="C0OPS", pace=0.02, first=0.05, poll=0.2)
    bot = SlackBot(how or usual, people, home, asking, desk, **more)
    app = FastAPI()
    for router in bot.routers():
        app.include_router(router)
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    bot.start()
    return Running(slack, bot, desk, asking, Signer(f"http://127.0.0.1:{listening.getsockname()[1]}"), server, thread)


def socket_only(slack: FakeSlack) -> Connection:
    return Connection("xoxb-1", "", "xapp-1", slack.url, "C0OPS", 0.02, 0.05, 0.2)


def http_with(slack: FakeSlack, **more: Any) -> Connection:
    return replace(Connection("xoxb-1", SECRET, api=slack.url, channel="C0OPS", pace=0.02, first=0.05, poll=0.2), **more)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "kube").mkdir()
    with ApiDouble() as double:
        shop = Shop(double, tmp_path / "kube")
        one = Desk(seeded(tmp_path / "home"), shop.access)
        yield one
        one.close()
        shop.actions.close()


@pytest.fixture
def running(slack: FakeSlack, desk: Desk, tmp_path: Path) -> Iterator[Running]:
    one = run(slack, tmp_path / "home", desk, Scripted())
    yield one
    one.stop()

"""An alert storm replayed: every alert becomes a question, asked at its moment over the log as it was then."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.llm.endpoint import Endpoint
from agent.scripted.server import ScriptedServer
from api.wiring.model import EVERY_CACHE, Thinking
from api.wiring.product import Product
from evals.cost.model import investigator
from evals.cost.shop import DAY_ONE, Episode, records

QUESTIONS = {
    "checkout": "why did checkouts fail in the last 15 minutes?",
    "payment": "why did payments time out in the last 15 minutes?",
    "login": "why did logins fail in the last 15 minutes?",
    "queue": "why does the mail queue hold so many jobs in the last 15 minutes?",
    "disk": "why is there no space left on device in the last 15 minutes?",
    "certificate": "why did TLS handshakes fail in the last 15 minutes?",
}
"""What an alert of each kind asks."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it came."""

    at: datetime
    kind: str


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


EPISODES = (
    Episode("checkout", DAY_ONE), Episode("payment", DAY_ONE + _minutes(4)), Episode("login", DAY_ONE + _minutes(30)),
    Episode("queue", DAY_ONE + _minutes(34)), Episode("disk", DAY_ONE + _minutes(60)), Episode("certificate", DAY_ONE + _minutes(64)),
    Episode("checkout", DAY_ONE + timedelta(days=3, minutes=11)), Episode("disk", DAY_ONE + timedelta(days=3, hours=5)),
    Episode("login", DAY_ONE + timedelta(days=6, hours=2)), Episode("payment", DAY_ONE + timedelta(days=8, hours=3)),
    Episode("checkout", DAY_ONE + timedelta(days=9, hours=1)), Episode("disk", DAY_ONE + timedelta(days=9, hours=5)),
)
"""Six kinds of fault in one bad morning, two at a time; four of them again days later, alone, two of these once more."""


def alerts() -> list[Alert]:
    """Each episode fires six minutes after it began and every minute from then on, as an unsilenced alert does."""
    found = [Alert(e.start + _minutes(6 + n), e.kind) for e in EPISODES for n in range(9)]
    return sorted(found, key=lambda alert: (alert.at, alert.kind))


@dataclass(slots=True)
class Replay:
    """What a replay came to; ``answers`` in the order of the alerts."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)

    def add(self, answer: dict[str, Any]) -> None:
        usage = answer["usage"]
        self.input_tokens += usage["input_tokens"]
        self.output_tokens += usage["output_tokens"]
        self.model_calls += usage["model_calls"]
        self.answers.append(answer)


class Growing:
    """A home whose log grows to whatever moment is asked about."""

    def __init__(self, folder: Path, episodes: tuple[Episode, ...], until: datetime) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.product = Product(folder / "home")
        self._log = folder / "shop.log"
        self._rest = deque(sorted(records(episodes, until), key=lambda record: record.at))

    def grow(self, until: datetime) -> None:
        """Read every line up to ``until`` into the home."""
        with self._log.open("a") as log:
            while self._rest and self._rest[0].at < until:
                log.write(self._rest.popleft().line())
        self.product.ingest([self._log])


def thinking(server: ScriptedServer, caches: frozenset[str] = EVERY_CACHE, environment: str = "") -> Thinking:
    """The scripted model behind real HTTP."""
    return Thinking(Endpoint(model="scripted", base_url=server.url, api_key="none"), caches=caches, environment=environment)


def replay(folder: Path, *, caches: frozenset[str] = EVERY_CACHE, most: int | None = None) -> Replay:
    """Ask every alert's question in turn."""
    due = alerts()[:most]
    growing, out = Growing(folder, EPISODES, due[-1].at), Replay()
    with ScriptedServer(investigator) as server:
        for alert in due:
            growing.grow(alert.at)
            product = Product(growing.product.home, thinking=thinking(server, caches))
            out.add(product.ask(QUESTIONS[alert.kind], now=alert.at))
    return out

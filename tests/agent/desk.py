"""A desk where actions are asked, answered and carried out: the real service, journal and executor over a small world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.approvals.people import Person
from agent.approvals.record import Approval, Proposal
from agent.approvals.service import Approvals
from agent.audit.journal import Journal
from agent.executor.executor import Executor, Recheck
from tests.agent.seeded import seeded
from tests.agent.world import World
from tools.actions.action import Target

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANN = Person("ann", "responder")
BOB, EVE = Person("bob", "approver"), Person("eve", "approver")
ROOT, VIC = Person("root", "admin"), Person("vic", "viewer")
WEB = Target("Deployment", "web", "shop")


@dataclass
class Clock:
    """A clock that a test turns."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Desk:
    """One process's view of a home."""

    home: Path
    url: str | None = None
    clock: Callable[[], datetime] = field(default_factory=Clock)
    recheck: Recheck = lambda _: None
    world: World = None
    secret: str | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self.url is None:
            seeded(self.home)
        self.world = self.world or World(self.home / "world")
        self.journal = Journal.of(self.home, clock=self.clock, url=self.url, secret=self.secret)
        self.approvals = Approvals(self.journal)
        self.executor = self.executing(self.world)

    def executing(self, world: World, recheck: Recheck | None = None) -> Executor:
        return Executor(self.approvals, lambda _: world, recheck=recheck or self.recheck)

    def again(self) -> Desk:
        """Another process's view of the same."""
        return Desk(self.home, self.url, self.clock, self.recheck, secret=self.secret)

    def ask(self, replicas: int = 5, target: Target = WEB, by: Person = ANN, **more: Any) -> Approval:
        preview = self.world.preview("scale", target, {"replicas": replicas})
        told: dict[str, Any] = {"decision": "ask", "risk": 0.3, "policy": "p" * 64, "cause": "too_few", "evidence": [{"id": "E1"}], **more}
        return self.approvals.propose(Proposal(preview, **told), by)

    def approve(self, approval: Approval, by: Person = BOB) -> Approval:
        return self.approvals.approve(approval.id, by, digest=approval.record["digest"])

    def approved(self, replicas: int = 5, target: Target = WEB, **more: Any) -> Approval:
        return self.approve(self.ask(replicas, target, **more))

    def refusals(self) -> list[str]:
        """Which attempts the audit says were refused, and why."""
        with self.journal.database.reading() as connection:
            return [entry.body for entry in self.journal.entries(connection) if entry.event == "refused"]

    def close(self) -> None:
        self.journal.database.close()

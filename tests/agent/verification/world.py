"""A small world in telemetry: one service that is asked once in 100 ms, with a clock that moves only when told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from agent.verification.looking import Readers
from agent.verification.rollout import Health
from agent.verification.state import State
from agent.verification.verifier import Ends, Limits, Verifier
from signals.observed import Observed, Spans
from tools.actions.action import Edit, Json, Target

SECOND = 1_000_000
START = 1_700_000_000
ACTED = START + 1_800
TARGET = Target("Deployment", "shop", "default")
DIFF = (Edit("spec.replicas", 2, 4),)
HEALTHY = (START * SECOND, (START + 900) * SECOND)


@dataclass
class World:
    """``failing`` and ``millis`` by second since 1970 say how a request of that second ends."""

    failing: Callable[[float], float]
    millis: Callable[[float], float] = lambda at: 20.0
    ready: Callable[[float], int] = lambda at: 4
    every: float = 0.1
    fires: Callable[[float], bool | None] = lambda at: None
    now: float = ACTED
    seed: int = 7
    stop_at: float = float("inf")
    undone: bool = False
    fields: Mapping[str, Json] | None = None
    recorded: list[State] = field(default_factory=list)
    rollbacks: list[str] = field(default_factory=list)
    saved: list[State] = field(default_factory=list)

    def observe(self, start: int, end: int) -> Observed:
        at = np.arange(start / SECOND, min(end / SECOND, self.now), self.every)
        dice = np.random.default_rng(self.seed)
        error = dice.random(len(at)) < np.array([self.failing(one) for one in at])
        duration = np.array([self.millis(one) for one in at]) * 1_000 * dice.lognormal(0, 0.2, len(at))
        none = np.full(len(at), -1)
        return Observed(spans=Spans(np.arange(len(at)), none, np.round(at * SECOND).astype(np.int64), duration.astype(np.int64),
                                    np.zeros(len(at), np.int64), np.zeros(len(at), np.int64), none, error, ("shop",), ("GET /",), ()))

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now >= self.stop_at

    def rollback(self, approval: str, reason: str) -> str:
        self.rollbacks.append(reason)
        self.undone = True
        return "rolled_back"

    def held(self, target: Target) -> Mapping[str, Json]:
        return self.fields if self.fields is not None else {"spec.replicas": 2 if self.undone else 4}

    def verifier(self, **limits: object) -> Verifier:
        readers = Readers(lambda target: Health(4, 4, self.ready(self.now)), self.held, self.observe, lambda: self.fires(self.now))
        ends = Ends(self.recorded.append, self.rollback, self.saved.append)
        return Verifier(readers, ends, clock=lambda: datetime.fromtimestamp(self.now, UTC), wait=self.wait, limits=Limits(**limits))  # type: ignore[arg-type]

    def begin(self) -> State:
        return self.verifier().before("A1", TARGET, ("shop",), DIFF, HEALTHY)


def ill_until(end: float, share: float = 0.3) -> Callable[[float], float]:
    """Fails from 15 minutes before the action until ``end``."""
    return lambda at: share if START + 900 <= at < end else 0.001

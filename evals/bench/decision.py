"""``python -m evals.bench decision [--runs 200] [--json]``: the time of a decision and the guard's own, with a large policy.

A policy of 200 rules over a thousand outcomes; no cluster and no database: those are other people's milliseconds.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from agent.decision.engine import decide
from agent.decision.policy import Policy
from agent.decision.reading import parse, read
from agent.decision.risk import Circumstances
from tools.actions.action import Action, Blast, Effect, Preview, Target
from tools.approval import Grant
from tools.guard import carry_out

GOAL_MS = 10.0
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Outcome:
    cause: str = "memory"
    action: str = "scale"
    verified: str = "confirmed"
    cause_verdict: str | None = None
    effect_verdict: str | None = None


class _Nothing:
    """A ledger and a performer that cost nothing: what is left is the guard."""

    def begin(self, grant: Grant) -> bool:
        return True

    def end(self, grant: Grant, *, succeeded: bool | None, message: str) -> None:
        return None

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        return Effect("done")


def run(runs: int) -> dict[str, object]:
    """Medians and the 99th percentile in milliseconds."""
    text = "version: 1\nrules:\n" + "\n".join(
        f"  - {{name: r{at}, decision: ask, actions: ['*'], targets: ['svc-{at}*', 'cart'], time: {{days: [wednesday]}}}}" for at in range(200))
    policy, (first, again) = _read(text)
    preview = Preview(Action("scale", Target("Deployment", "cart", "shop"), {"replicas": 4}), (), None, "exactly", Blast(3, 1.0), "it gets room")
    outcomes, nothing = [_Outcome() for _ in range(1000)], _Nothing()
    times = []
    for at in range(runs):
        began = time.perf_counter()
        decide(policy, preview, Circumstances(0.8), now=NOW, cause="memory", outcomes=outcomes)
        grant = Grant(f"a{at}", preview.digest, NOW + timedelta(minutes=30), ("ann",))
        carry_out(preview, grant, nothing, nothing, now=NOW)  # type: ignore[arg-type] # only perform is asked for
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"bench": "decision", "rules": 200, "outcomes": 1000, "runs": runs, "median_ms": round(median(times), 3),
            "p99_ms": round(times[int(len(times) * 0.99)], 3), "policy_first_read_ms": round(first, 2), "policy_read_again_ms": round(again, 3), "goal_ms": GOAL_MS}


def _read(text: str) -> tuple[Policy, tuple[float, float]]:
    """The policy from its file, and the milliseconds of the first reading and of one that finds the same text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(text, "utf-8")
        parse.cache_clear()
        times = []
        for _ in range(21):
            began = time.perf_counter()
            policy = read(path)
            times.append((time.perf_counter() - began) * 1000)
    return policy, (times[0], median(times[1:]))

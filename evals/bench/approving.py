"""``python -m evals.bench approvals [--runs 40] [--json]``: what asking, approving and guarding cost, on SQLite in a temporary home.

An action without effect: what is left is our own bookkeeping (seal, audit, ledger, lock, policy asked again), every step durable.
Beside it, the same run: one commit of one row to an SQLite file with the same settings, and all of it in memory,
for a disk that is slow to sync is most of it. ``own_cpu_ms`` is the processor's time of our own code, decision (by 200 rules over a
thousand outcomes) and guard with it: on a machine that others use, the rest of the time is theirs.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from agent.approvals import asking
from agent.approvals.people import Person
from agent.approvals.record import Proposal
from agent.approvals.service import Approvals
from agent.audit.journal import Journal
from agent.executor.executor import Executor
from evals.bench import decision
from tools.actions.action import Action, Blast, Effect, Json, Preview, Settled, Target
from tools.approval import Grant

T = TypeVar("T")
GOAL_MS = {"decision, guard and execution, own code": 10.0, "list 1,000 pending": 100.0}
MEMORY = "/dev/shm"  # noqa: S108 - files that no disk holds, in a folder of their own
_ANA, _BEN = Person("ana", "responder"), Person("ben", "approver")


class _Nothing:
    """A performer whose actions have no effect and take no time."""

    def names(self) -> list[str]:
        return ["scale"]

    def schema(self, name: str) -> dict[str, Json]:
        return {}

    def preview(self, name: str, target: Target, params: Mapping[str, Json]) -> Preview:
        return Preview(Action(name, target, dict(params), "1", "u"), (), None, "exactly", Blast(0), "nothing")

    def perform(self, action: Action, granted: Grant | None = None) -> Effect:
        return Effect("done")

    def settle(self, preview: Preview, *, rollback: bool = False) -> Settled:
        return "applied"


def run(runs: int) -> dict[str, object]:
    """Medians in milliseconds: on disk, and what is left in memory (``/dev/shm``), where no commit waits for a disk."""
    found = _measured(runs, None)
    own = _measured(runs, MEMORY) if Path(MEMORY).is_dir() else None
    cpu: dict[str, float] = (own or found).pop("own_cpu_ms")  # type: ignore[assignment] # as it was made below
    cpu["decide"] = float(str(decision.run(100)["median_ms"]))
    found["own_cpu_ms"] = {**cpu, "decision, guard and execution": round(cpu["decide"] + cpu["execute"], 2)}
    return {**found, "in_memory": {key: own[key] for key in own if key.endswith("_ms") and not key.startswith("goals")} if own else None}


def _measured(runs: int, where: str | None) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        home, performer = Path(folder), _Nothing()
        approvals = Approvals(Journal.of(home, clock=lambda: datetime.now(UTC)))
        executor = Executor(approvals, lambda _: performer, recheck=lambda _: None)
        cost: dict[str, list[float]] = {"propose": [], "approve": [], "execute": []}
        own: dict[str, list[float]] = {"propose": [], "approve": [], "execute": []}
        for number in range(runs):
            preview = performer.preview("scale", Target("Deployment", f"a{number}", "s"), {"replicas": number})
            proposal = Proposal(preview, "ask", 0.2, "none")
            asked = _step("propose", cost, own, partial(approvals.propose, proposal, _ANA))
            _step("approve", cost, own, partial(approvals.approve, asked.id, _BEN, digest=asked.line.digest))
            _step("execute", cost, own, partial(executor.run, asked.id))
        with approvals.journal.writing() as writing:  # a thousand at once: a thousand syncs are not what is measured
            for number in range(1_000):
                preview = performer.preview("scale", Target("Deployment", f"b{number}", "s"), {"replicas": number})
                asking.propose(writing, approvals.journal.key, Proposal(preview, "ask", 0.2, "none"), _ANA)
        listed = [_timed(approvals.list)[1] for _ in range(9)]
        medians = {name: round(median(values), 2) for name, values in cost.items()}
        cpu = {name: round(median(values), 2) for name, values in own.items()}
        return {"bench": "approvals", "runs": runs, **{f"{name}_ms": value for name, value in medians.items()},
                "list_1000_pending_ms": round(median(listed), 2), "bare_commit_ms": round(_commit(home / "bare.db", runs), 2), "own_cpu_ms": cpu, "goals_ms": GOAL_MS}


def _step(name: str, cost: dict[str, list[float]], own: dict[str, list[float]], act: Callable[[], T]) -> T:
    """What it gives; its time by the clock and by the processor is kept under its name."""
    busy = time.process_time()
    found, took = _timed(act)
    own[name].append((time.process_time() - busy) * 1e3)
    cost[name].append(took)
    return found


def _timed(act: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    found = act()
    return found, (time.perf_counter() - begun) * 1e3


def _commit(path: Path, runs: int) -> float:
    """Milliseconds of one durable commit of SQLite itself."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (x TEXT);")
    times = [_timed(lambda: db.execute("INSERT INTO t VALUES ('x')"))[1] for _ in range(runs)]
    db.close()
    return median(times)

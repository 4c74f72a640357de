"""``run_queue``: how long threads that could run wait for a CPU, and who has the CPUs meanwhile."""

from __future__ import annotations

import os
import struct
import time
from collections import Counter
from dataclasses import dataclass

from ebpf import histogram
from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, losses, share
from ebpf.signals.tallies import Spread, tally

_PROCESS = struct.Struct("=I16s")
_EVENT = struct.Struct("=QQIII16sI16s")
_USAGE = struct.Struct("=Q16s")
WORTH_MS = 10


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait for a CPU. ``start``: ns since 1970. ``before``: the process that ran on that CPU until then."""

    start: int
    ns: int
    cpu: int
    pid: int
    thread: int
    process: str
    before: int
    before_process: str


@dataclass(frozen=True, slots=True)
class Waiter:
    """Threads of one name in one process. ``total_ms``: all their waits together."""

    pid: int
    process: str
    waits: Spread
    total_ms: float


@dataclass(frozen=True, slots=True)
class User:
    """A process that ran. ``cpus``: CPUs it had on average."""

    pid: int
    process: str
    cpu_ms: float
    cpus: float


@dataclass(frozen=True, slots=True)
class RunQueue:
    """What was seen. ``users``: of the whole machine, for they compete with the target."""

    counts: Counts
    waits: dict[str, float | int | None]
    waiters: tuple[Waiter, ...]
    users: tuple[User, ...]
    cpus: int
    seconds: float
    error: float = histogram.ERROR

    def sentences(self) -> list[str]:
        """How long the wait is, who waits, who runs."""
        if not self.waits["count"]:
            return ["No thread of the target waited for a CPU while this looked.", *losses(self.counts)]
        told = [f"Threads waited {self.waits['p50_ms']:.3g} ms for a CPU in the middle, {self.waits['p99_ms']:.3g} ms at the 99th percentile, {self.waits['max_ms']:.3g} ms at most ({self.waits['count']} waits)."]
        told += [f"{one.process} ({one.pid}) waited {one.total_ms:.3g} ms in all, {one.waits.p99_ms or 0:.3g} ms at the 99th percentile." for one in self.waiters[:3]]
        busy = sum(one.cpus for one in self.users)
        told.append(f"{busy:.1f} of {self.cpus} CPUs were busy; most of it with " + ", ".join(f"{one.process} ({one.pid}: {share(round(1000 * one.cpus), 1000)} of a CPU)" for one in self.users[:3]) + ".")
        if (self.waits["p99_ms"] or 0) >= WORTH_MS:
            told.append("Waits of 10 ms and more are time that requests lose for want of CPU: too few CPUs for what runs, or a process that takes them.")
        return [*told, *losses(self.counts)]


class RunQueueReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "cpu_wait"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._began = time.monotonic()

    def told(self, at: int, ns: int, tid: int, cpu: int, pid: int, name: bytes, before: int, before_name: bytes) -> Wait:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Wait(at + self.epoch, ns, cpu, pid, tid, command(name), before, command(before_name) if before else "idle")

    def read(self, loaded: Loaded) -> RunQueue:
        """The numbers so far."""
        seconds = max(time.monotonic() - self._began, 1e-3)
        waiters = []
        for key, value in loaded.entries("tallies").items():
            pid, name = _PROCESS.unpack(key)
            found = tally(value)
            waiters.append(Waiter(pid, command(name), found.spread(), round(found.ns / 1e6, 6)))
        waiters.sort(key=lambda one: -one.total_ms)
        spent: Counter[tuple[int, str]] = Counter()
        for key, value in loaded.entries("running").items():
            ns, name = _USAGE.unpack(value)
            spent[struct.unpack("=I", key)[0], command(name)] += ns
        users = tuple(User(pid, name, round(ns / 1e6, 3), round(ns / 1e9 / seconds, 3)) for (pid, name), ns in spent.most_common(MOST))
        every = histogram.by_outcome(loaded.numbers("latencies"))[0]
        return RunQueue(counted(loaded), every.document(), tuple(waiters[:MOST]), users, os.cpu_count() or 1, round(seconds, 3))


KIND = KernelKind("run_queue", "runqueue", frozenset({"sched:sched_switch", "sched:sched_wakeup", "sched:sched_wakeup_new"}), ("switches", "woken", "born"),
                  RunQueueReader, least_ms=WORTH_MS)

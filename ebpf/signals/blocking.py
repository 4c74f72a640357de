"""``off_cpu``: why threads do not run, for how long, at which place of the program."""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ebpf import histogram
from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, duration, losses, times
from ebpf.signals.callnames import call_name
from ebpf.signals.causes import waits_for
from ebpf.signals.stacks import Stacks, folded
from ebpf.signals.symbols import Symbols, members, whole_node
from ebpf.signals.threads import Standing, Threads

REASONS = ("preempted", "sleeping", "uninterruptible", "disk", "stopped")
"""By ``enum reason`` of ``bpf/offcpu.bpf.c``."""
_CAUSE = struct.Struct("=IiiiI16s")
_STARTED = struct.Struct("=QIiiiI16s")
_TOTAL = struct.Struct("=QQQ")
_EVENT = struct.Struct("=QQIIiiiI16s")
_Key = tuple[int, int, int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class Absence:
    """One time off the CPU. ``start``: ns since 1970. ``call``: the system call it was in, empty for none."""

    start: int
    ns: int
    pid: int
    thread: int
    name: str
    reason: str
    call: str
    waits_for: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Times off the CPU of threads of one name, at one place. ``stack``: from the outermost to the innermost function.

    ``still``: of them, those that had not ended; they count with what they lasted until then.
    """

    pid: int
    name: str
    reason: str
    call: str
    waits_for: str
    count: int
    still: int
    total_ms: float
    max_ms: float
    stack: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocking:
    """What was seen. ``by_reason``: latencies of what ended. ``folded``: stacks as lines with microseconds, for a flame graph."""

    counts: Counts
    by_reason: dict[str, dict[str, float | int | None]]
    causes: tuple[Cause, ...]
    standing: tuple[Standing, ...]
    """Threads that waited before this looked and never ran meanwhile."""
    folded: tuple[str, ...]
    error: float = histogram.ERROR

    def sentences(self) -> list[str]:
        """The longest first; sleeping on purpose and waiting for work last."""
        told = [_standing(one) for one in self.standing if not _idle(one)]
        told += _causes_told(self.causes)
        told += [_standing(one) for one in self.standing if _idle(one)][:2]
        if not told:
            told = ["No thread of the target left the CPU while this looked: it never waits (cpu_profile tells what it does)."]
        return [*told, *losses(self.counts)]


class BlockingReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "off_cpu"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._symbols = Symbols(aim)
        self._threads = Threads(() if whole_node(aim) else members(aim))

    def told(self, at: int, ns: int, tid: int, pid: int, user: int, kernel: int, call: int, reason: int, name: bytes) -> Absence:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        told, why = _call(call), _reason(reason)
        return Absence(at + self.epoch, ns, pid, tid, command(name), why, told, waits_for(told, why, ()))

    def read(self, loaded: Loaded) -> Blocking:
        """The numbers so far."""
        stacks = Stacks(loaded, self._symbols)
        under_way = loaded.entries("started")
        rows: dict[_Key, list[int]] = {}
        for key, value in loaded.entries("causes").items():
            rows[_CAUSE.unpack(key)] = [*_TOTAL.unpack(value), 0]
        now = time.monotonic_ns()
        for value in under_way.values():
            at, *rest = _STARTED.unpack_from(value)
            row = rows.setdefault((rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]), [0, 0, 0, 0])
            lasted = max(0, now - at)
            row[:] = row[0] + 1, row[1] + lasted, max(row[2], lasted), row[3] + 1
        causes = sorted(_causes(rows, stacks), key=lambda one: -one.total_ms)
        lines: Counter[tuple[str, ...]] = Counter()
        for one in causes:
            lines[one.name, *(one.stack or (f"[{one.call or one.reason}]",))] += round(one.total_ms * 1e3)
        outcomes = histogram.by_outcome(loaded.numbers("latencies"))
        by_reason = {name: found.document() for name, found in zip(REASONS, outcomes, strict=False) if found.count}
        return Blocking(counted(loaded, len(under_way)), by_reason, tuple(causes[:MOST]), tuple(self._threads.standing()[:MOST]), folded(lines))


def _causes(rows: dict[_Key, list[int]], stacks: Stacks) -> Iterator[Cause]:
    for (pid, user, kernel, call, reason, name), (count, ns, most, still) in rows.items():
        stack, told, why = stacks.names(pid, user, kernel), _call(call), _reason(reason)
        yield Cause(pid, command(name), why, told, waits_for(told, why, stack), count, still, round(ns / 1e6, 6), round(most / 1e6, 6), stack)


def _call(number: int) -> str:
    return call_name(number) if number >= 0 else ""


def _reason(number: int) -> str:
    return REASONS[number] if number < len(REASONS) else "unknown"


def _idle(one: Cause | Standing) -> bool:
    """Whether it waits for work, as servers do, or on purpose."""
    return one.waits_for in {"events", "a connection to come in", "nothing: it sleeps on purpose", "a child to end", "a signal"}


def _causes_told(causes: Sequence[Cause]) -> Iterator[str]:
    """Alike but for their stacks they are told as one; what is under a hundredth of the longest is not told."""
    groups: dict[tuple[int, str, str, str], list[Cause]] = {}
    for one in causes:
        groups.setdefault((one.pid, one.name, one.waits_for, one.call), []).append(one)
    ranked = sorted(groups.values(), key=lambda group: (_idle(group[0]), -_total(group)))
    longest = max(map(_total, ranked), default=0.0)
    yield from (_cause(group) for group in ranked[:6] if _total(group) >= longest / 100)


def _total(group: Sequence[Cause]) -> float:
    return sum(one.total_ms for one in group)


def _cause(group: Sequence[Cause]) -> str:
    one, number, under_way = group[0], sum(one.count for one in group), sum(one.still for one in group)
    still = f", {under_way} of them still" if under_way else ""
    where = f" ({one.call})" if one.call else ""
    return (f"{one.name} ({one.pid}) was off the CPU for {duration(_total(group) * 1e6)} in all, {times(number, 'time')}{still}, {duration(max(one.max_ms for one in group) * 1e6)} at most: "
            f"it waited for {one.waits_for}{where}.")


def _standing(one: Standing) -> str:
    return f"{times(one.threads, 'thread')} named {one.name} ({one.pid}) did not run at all while this looked: waiting since before for {one.waits_for} ({one.call})."


KIND = KernelKind("off_cpu", "offcpu", frozenset({"sched:sched_switch"}), ("switches",), BlockingReader, least_ms=10)

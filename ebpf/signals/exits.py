"""``process_exits``: processes that ended, by which signal or with which status, after how long."""

from __future__ import annotations

import signal
import struct
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, duration, losses, times
from ebpf.signals.tallies import Spread, tally

_ENDING = struct.Struct("=16sI")
_EVENT = struct.Struct("=QQQII16s16sI")
_CORE = 0x80
_MEANING = {
    "SIGKILL": "somebody, a supervisor's time limit or the kernel for want of memory (see oom_kills) killed it",
    "SIGSEGV": "it touched memory that is not its own: a crash",
    "SIGABRT": "it gave itself up: a failed assertion or allocation",
    "SIGBUS": "memory behind a mapping is not there: a truncated file or a full file system",
    "SIGILL": "it ran an instruction that this CPU does not have",
    "SIGFPE": "it divided by zero or the like",
    "SIGTERM": "it was asked to end",
    "SIGPIPE": "it wrote to a pipe or connection that nobody reads any more",
    "SIGSYS": "a seccomp filter forbids a system call that it made",
    "SIGXCPU": "its limit of CPU time is used up",
}


@dataclass(frozen=True, slots=True)
class Exit:
    """One process. ``at``: ns since 1970; ``lived``: ns. Either ``signal`` or ``status``. ``group``: inode of its control group's folder."""

    at: int
    pid: int
    process: str
    signal: str
    status: int | None
    core: bool
    lived: int
    parent: int
    parent_process: str
    group: int


@dataclass(frozen=True, slots=True)
class Ending:
    """Processes of one name that ended alike. ``lived``: how long they had lived."""

    process: str
    signal: str
    status: int | None
    core: bool
    processes: int
    lived: Spread


@dataclass(frozen=True, slots=True)
class Exits:
    """What was seen. ``bad``: by a signal or with a status that is not 0."""

    counts: Counts
    ended: int
    bad: int
    endings: tuple[Ending, ...]

    def sentences(self) -> list[str]:
        """Signals first, then statuses."""
        if not self.ended:
            return ["No process ended while this looked."]
        told = [_ending(one) for one in self.endings if one.signal or one.status]
        fine = self.ended - self.bad
        return [*told[:8], f"{times(fine, 'process', 'processes')} ended with status 0.", *losses(self.counts)]


class ExitReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "exit"

    def told(self, at: int, lived: int, group: int, pid: int, parent: int, parent_name: bytes, name: bytes, code: int) -> Exit:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Exit(at + self.epoch, pid, command(name), *outcome(code), lived, parent, command(parent_name), group)

    def read(self, loaded: Loaded) -> Exits:
        """The numbers so far."""
        endings = []
        for key, value in loaded.entries("tallies").items():
            name, code = _ENDING.unpack(key)
            found = tally(value)
            endings.append(Ending(command(name), *outcome(code), found.count, found.spread()))
        endings.sort(key=lambda one: (not one.signal, not one.status, -one.processes))
        ended = sum(one.processes for one in endings)
        bad = sum(one.processes for one in endings if one.signal or one.status)
        return Exits(counted(loaded), ended, bad, tuple(endings[:MOST]))


def outcome(code: int) -> tuple[str, int | None, bool]:
    """Signal, exit status and whether a core was dumped, of a code as wait(2) gives it."""
    number = code & 0x7F
    if not number:
        return "", code >> 8 & 0xFF, False
    try:
        return signal.Signals(number).name, None, bool(code & _CORE)
    except ValueError:
        return f"signal {number}", None, bool(code & _CORE)


def _ending(one: Ending) -> str:
    who = times(one.processes, f"process named {one.process}", f"processes named {one.process}")
    after = f" after {duration((one.lived.p50_ms or 0) * 1e6)} in the middle"
    if one.signal:
        meaning = f": {_MEANING[one.signal]}" if one.signal in _MEANING else ""
        return f"{who} ended by {one.signal}{after}{' and dumped a core' if one.core else ''}{meaning}."
    status = one.status or 0
    hint = {126: ": what it was to run cannot be executed", 127: ": what it was to run was not found"}.get(status, "")
    if 128 < status < 128 + 65:
        hint = f": as a shell says of signal {status - 128} ({_signal(status - 128)})"
    return f"{who} ended with status {status}{after}{hint}."


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"


KIND = KernelKind("process_exits", "exits", frozenset({"sched:sched_process_exit"}), ("ended",), ExitReader)

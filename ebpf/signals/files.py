"""``file_latency``: how long it takes to open files and to make them durable, how often it fails, and which files are slow."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ebpf import histogram
from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, losses, path, times
from ebpf.signals.callnames import call_name
from ebpf.signals.failures import error_name
from ebpf.signals.tallies import Spread, Tally, tally, together

OUTCOMES = ("opened", "open_failed", "synced", "sync_failed")
_OPERATION = struct.Struct("=IHH16s")
_EVENT = struct.Struct("=QQIIIHH16s256s")
_PART = 64
_FILES = 500


@dataclass(frozen=True, slots=True)
class FileCall:
    """One call. ``start``: ns since 1970. ``file``: as it was opened, or the last parts of the path of what is made durable; empty for all files."""

    start: int
    ns: int
    pid: int
    thread: int
    process: str
    call: str
    file: str
    error: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call by one process. ``latency``: of those that worked."""

    pid: int
    process: str
    call: str
    calls: int
    failures: dict[str, int]
    latency: Spread


@dataclass(frozen=True, slots=True)
class SlowFile:
    """A file of the calls that were handed out: those that lasted long, within the budget."""

    file: str
    call: str
    calls: int
    total_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Files:
    """What was seen. ``files``: of the calls handed out alone, the longest in all first."""

    counts: Counts
    latencies: dict[str, dict[str, float | int | None]]
    operations: tuple[Operation, ...]
    files: tuple[SlowFile, ...]
    error: float = histogram.ERROR

    def sentences(self) -> list[str]:
        """Durability first, for it is what is slow as a rule."""
        if not self.operations:
            return ["The target opened no file and made none durable while this looked.", *losses(self.counts)]
        ranked = sorted(self.operations, key=lambda one: -(one.latency.mean_ms or 0) * one.latency.count)
        told = [_operation(one) for one in ranked[:5]]
        told += [f"{one.file}: {times(one.calls, one.call)} took {one.total_ms:.3g} ms together, {one.max_ms:.3g} ms at most." for one in self.files[:3] if one.file]
        return [*told, *losses(self.counts)]


class FileReader(TraceReader):
    """One session of it: it keeps which files are slow."""

    layout = _EVENT
    says = "file"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._files: dict[tuple[str, str], list[int]] = {}

    def told(self, at: int, ns: int, tid: int, parts: int, pid: int, call: int, error: int, name: bytes, file: bytes) -> FileCall:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        told = FileCall(at + self.epoch, ns, pid, tid, command(name), call_name(call), path(_joined(file, parts) if parts else file), error_name(error) if error else "")
        if (told.file, told.call) in self._files or len(self._files) < _FILES:
            row = self._files.setdefault((told.file, told.call), [0, 0, 0])
            row[:] = row[0] + 1, row[1] + ns, max(row[2], ns)
        return told

    def read(self, loaded: Loaded) -> Files:
        """The numbers so far."""
        groups: dict[tuple[int, str, str], list[tuple[int, Tally]]] = {}
        for key, value in loaded.entries("tallies").items():
            pid, call, error, name = _OPERATION.unpack(key)
            groups.setdefault((pid, command(name), call_name(call)), []).append((error, tally(value)))
        operations = sorted((_row(*who, parts) for who, parts in groups.items()), key=lambda one: -one.calls)
        files = sorted((SlowFile(file, call, *_figures(row)) for (file, call), row in self._files.items()), key=lambda one: -one.total_ms)
        outcomes = histogram.by_outcome(loaded.numbers("latencies"))
        latencies = {name: found.document() for name, found in zip(OUTCOMES, outcomes, strict=False) if found.count}
        return Files(counted(loaded, len(loaded.entries("started"))), latencies, tuple(operations[:MOST]), tuple(files[:MOST]))


def _joined(file: bytes, parts: int) -> bytes:
    """The last parts of a path, of which the innermost comes first."""
    names = [file[at * _PART:(at + 1) * _PART].split(b"\0", 1)[0] for at in range(min(parts, len(file) // _PART))]
    return b"/".join(reversed(names))


def _figures(row: list[int]) -> tuple[int, float, float]:
    return row[0], round(row[1] / 1e6, 6), round(row[2] / 1e6, 6)


def _row(pid: int, process: str, call: str, parts: list[tuple[int, Tally]]) -> Operation:
    failures = {error_name(error): found.count for error, found in parts if error}
    worked = together(found for error, found in parts if not error)
    return Operation(pid, process, call, worked.count + sum(failures.values()), failures, worked.spread())


def _operation(one: Operation) -> str:
    failed = f"; {', '.join(f'{number} failed with {name}' for name, number in sorted(one.failures.items(), key=lambda pair: -pair[1]))}" if one.failures else ""
    figures = f" took {one.latency.p50_ms:.3g} ms in the middle, {one.latency.p99_ms:.3g} ms at the 99th percentile, {one.latency.max_ms:.3g} ms at most" if one.latency.count else ""
    return f"{one.process} ({one.pid}): {times(one.calls, one.call + ' call')}{figures}{failed}."


KIND = KernelKind("file_latency", "files", frozenset({"raw_syscalls:sys_enter", "raw_syscalls:sys_exit"}), ("leaves", "enters"), FileReader, least_ms=10)

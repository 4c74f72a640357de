"""``block_io``: how long requests wait for a block device and how long it takes, by device and operation."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ebpf import histogram
from ebpf.accounting import Counts
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, losses, times
from ebpf.signals.tallies import Spread, Tally, tally

OPERATIONS = {0: "read", 1: "write", 2: "flush", 3: "discard", 5: "secure erase", 9: "write zeroes", 34: "driver", 35: "driver"}
"""``enum req_op`` of include/linux/blk_types.h."""
_KIND = struct.Struct("=16sI")
_EVENT = struct.Struct("=QQIIQQII16s16sII")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``start``: when it was given to the device, ns since 1970. ``queued``: ns before; ``ns``: at the device.

    ``process``: who gave it; what is written later is given by a thread of the kernel.
    """

    start: int
    queued: int
    ns: int
    disk: str
    operation: str
    sector: int
    bytes: int
    failed: bool
    pid: int
    process: str


@dataclass(frozen=True, slots=True)
class Device:
    """All requests of one operation to one device. ``device``: the time it took; ``queue``: the time before."""

    disk: str
    operation: str
    requests: int
    failed: int
    bytes: int
    device: Spread
    queue: Spread


@dataclass(frozen=True, slots=True)
class Blocks:
    """What was seen."""

    counts: Counts
    devices: tuple[Device, ...]
    every: dict[str, float | int | None]
    error: float = histogram.ERROR

    def sentences(self) -> list[str]:
        """Failures, then where the time goes."""
        if not self.devices:
            return ["No request went to a block device while this looked: what was read came from memory.", *losses(self.counts)]
        told = [f"{times(one.failed, one.operation)} of {one.requests} on {one.disk} failed: the device, or the way to it, is damaged (see the kernel's log)." for one in self.devices if one.failed]
        told += [_device(one) for one in sorted(self.devices, key=lambda one: -(one.device.p99_ms or 0))[:5]]
        return [*told, *losses(self.counts)]


class BlockReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "block_io"

    def told(self, ns: int, sector: int, error: int, pad: int, at: int, queued: int, size: int, pid: int, name: bytes, disk: bytes, operation: int, end: int) -> Request:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Request(at + self.epoch, queued, ns, command(disk), _operation(operation), sector, size, bool(error), pid, command(name))

    def read(self, loaded: Loaded) -> Blocks:
        """The numbers so far."""
        queues = {key: tally(value) for key, value in loaded.entries("queues").items()}
        devices = []
        for key, value in loaded.entries("tallies").items():
            disk, operation = _KIND.unpack(key)
            found = tally(value)
            devices.append(Device(command(disk), _operation(operation), found.count, found.marked, found.extra, found.spread(), queues.get(key, Tally()).spread()))
        devices.sort(key=lambda one: -one.requests)
        outcomes = histogram.by_outcome(loaded.numbers("latencies"))
        return Blocks(counted(loaded, len(loaded.entries("started"))), tuple(devices[:MOST]), sum(outcomes[1:], outcomes[0]).document())


def _operation(number: int) -> str:
    return OPERATIONS.get(number, f"operation {number}")


def _device(one: Device) -> str:
    waited, took = one.queue.p99_ms or 0, one.device.p99_ms or 0
    verdict = ""
    if max(waited, took) >= 50:
        verdict = ": requests queue up, for more is asked of it than it does" if waited > took else ": the device itself is slow"
    return (f"{one.disk}: {times(one.requests, one.operation)} took {one.device.p50_ms or 0:.3g} ms in the middle, {took:.3g} ms at the 99th percentile, {one.device.max_ms or 0:.3g} ms at most, "
            f"after {waited:.3g} ms in the queue at the 99th percentile{verdict}.")


KIND = KernelKind("block_io", "blocks", frozenset({"block:block_rq_issue", "block:block_rq_complete"}), ("completed", "issued"), BlockReader, least_ms=10)

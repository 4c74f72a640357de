"""``accept_overflow``: listeners whose queue is full, so that SYNs and finished handshakes are dropped."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Cgroup, Loaded, Place
from ebpf.signals.base import MOST, NET, KernelKind, TraceReader, counted, losses, share, times
from ebpf.signals.netstat import Stack
from ebpf.signals.tallies import tally
from ebpf.wire import peer

_LISTENER = struct.Struct("=16sHHI")
_EVENT = struct.Struct("=Q16sHHI16sHHI")


@dataclass(frozen=True, slots=True)
class Dropped:
    """One segment that found the queue full. ``at``: ns since 1970. ``handshake``: the last ACK of a handshake; else a SYN."""

    at: int
    client: str
    client_port: int
    handshake: bool
    address: str
    port: int
    waiting: int
    limit: int


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket. ``syns``: all that came; ``dropped``: of those, found the queue full; ``handshakes``: last ACKs that did.

    ``longest``: connections waiting to be accepted, at most; ``limit``: what was given to listen(2), bounded by ``somaxconn``.
    """

    address: str
    port: int
    syns: int
    dropped: int
    handshakes: int
    longest: int
    limit: int


@dataclass(frozen=True, slots=True)
class Overflows:
    """What was seen. ``overflows``, ``drops``: ListenOverflows and ListenDrops of the network namespace meanwhile; None: not told."""

    counts: Counts
    listeners: tuple[Listener, ...]
    overflows: int | None
    drops: int | None

    def sentences(self) -> list[str]:
        """The fullest first."""
        told = [_listener(one) for one in self.listeners if one.dropped or one.handshakes]
        if not told:
            syns = sum(one.syns for one in self.listeners)
            longest = max(self.listeners, key=lambda one: one.longest, default=None)
            queue = f"; at most {longest.longest} waited, of {longest.limit} allowed, on port {longest.port}" if longest else ""
            told = [f"No listener's queue was full while this looked ({times(syns, 'SYN')} came{queue})."]
        if self.overflows is not None:
            told.append(f"The network namespace counted {times(self.overflows, 'overflow')} and {times(self.drops or 0, 'dropped SYN')} meanwhile, of all listeners.")
        return [*told, *losses(self.counts)]


class OverflowReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "accept_overflow"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._stack = Stack(aim, "netstat")

    def told(self, at: int, theirs: bytes, remote: int, established: int, waiting: int, address: bytes, port: int, pad: int, limit: int) -> Dropped:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Dropped(at + self.epoch, peer(theirs), remote, bool(established), peer(address), port, waiting, limit)

    def read(self, loaded: Loaded) -> Overflows:
        """The numbers so far."""
        listeners = []
        for key, value in loaded.entries("tallies").items():
            address, port, _, limit = _LISTENER.unpack(key)
            found = tally(value)
            listeners.append(Listener(peer(address), port, found.count, found.marked, found.extra, found.most, limit))
        listeners.sort(key=lambda one: (-one.dropped - one.handshakes, -one.syns))
        return Overflows(counted(loaded), tuple(listeners[:MOST]), self._stack.grown("TcpExt", "ListenOverflows"), self._stack.grown("TcpExt", "ListenDrops"))


def _listener(one: Listener) -> str:
    also = f", and {times(one.handshakes, 'finished handshake')} with them" if one.handshakes else ""
    return (f"Port {one.port}: {one.dropped:,} of {times(one.syns, 'SYN')} ({share(one.dropped, one.syns)}) found the accept queue full{also} "
            f"({one.longest} waited, {one.limit} are allowed): the process does not accept fast enough, or its backlog is too small; clients wait 1 s and more and try again.")


@dataclass(frozen=True, slots=True)
class OverflowKind(KernelKind):
    """It sees the packets of a control group: a process is meant by its group and port."""

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        return [Cgroup("incoming", aim.cgroup)]


KIND = OverflowKind("accept_overflow", "accepts", frozenset(), ("incoming",), OverflowReader, NET, ports=True)

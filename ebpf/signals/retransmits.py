"""``tcp_retransmits``: segments sent again, to whom, and whether after a timeout or because a gap was reported."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.kind import Aim, Options
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, counted, losses, share, times
from ebpf.signals.netstat import Stack
from ebpf.signals.tallies import Spread, Tally, tally, together
from ebpf.wire import peer

STATES = {
    0: "no socket", 1: "established", 2: "connecting", 3: "accepting", 4: "closing", 5: "closing", 6: "closed, waiting", 7: "closed",
    8: "closing", 9: "closing", 10: "listening", 11: "closing", 12: "accepting",
}
"""States of a TCP socket (include/net/tcp_states.h) in words."""
_PATH = struct.Struct("=16sHBBB3x")
_EVENT = struct.Struct("=QQHHI16sHBBB3x")


@dataclass(frozen=True, slots=True)
class Resent:
    """One segment. ``at``: ns since 1970. ``round_trip_ms``: smoothed, 0 while none was measured. ``tries``: timeouts in a row."""

    at: int
    address: str
    local_port: int
    remote_port: int
    state: str
    timeout: bool
    tries: int
    round_trip_ms: float


@dataclass(frozen=True, slots=True)
class Path:
    """Segments sent again between us and one address. ``port``: theirs if ``outgoing``, else ours; the other one is the client's.

    ``round_trip``: of the connections, when a segment was sent again.
    """

    address: str
    port: int
    outgoing: bool
    segments: int
    timeouts: int
    states: dict[str, int]
    round_trip: Spread


@dataclass(frozen=True, slots=True)
class Retransmits:
    """What was seen. ``sent``, ``resent``: segments of the whole network namespace meanwhile, by its own counters; None: not told."""

    counts: Counts
    paths: tuple[Path, ...]
    sent: int | None
    resent: int | None

    def sentences(self) -> list[str]:
        """Paths first, then the share of all."""
        if not self.counts.seen:
            return ["No segment was sent again while this looked: no loss on these connections."]
        told = [_path(one) for one in self.paths[:5]]
        if self.sent and self.resent is not None:
            told.append(f"Of all {self.sent:,} segments that this network namespace sent meanwhile, {self.resent:,} ({share(self.resent, self.sent)}) were sent again.")
        return [*told, *losses(self.counts)]


class RetransmitReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "retransmit"

    def __init__(self, aim: Aim, options: Options, epoch: int) -> None:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        super().__init__(aim, options, epoch)
        self._stack = Stack(aim, "snmp")

    def told(self, at: int, round_trip: int, local: int, remote: int, tries: int, address: bytes, port: int, state: int, timeout: int, outgoing: int) -> Resent:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Resent(at + self.epoch, peer(address), local, remote, STATES.get(state, str(state)), bool(timeout), tries, round_trip / 1e6)

    def read(self, loaded: Loaded) -> Retransmits:
        """The numbers so far."""
        places: dict[tuple[bytes, int, int], list[tuple[int, Tally]]] = {}
        for key, value in loaded.entries("tallies").items():
            address, port, state, _, outgoing = _PATH.unpack(key)
            places.setdefault((address, port, outgoing), []).append((state, tally(value)))
        paths = sorted((_row(*place, parts) for place, parts in places.items()), key=lambda one: -one.segments)
        return Retransmits(counted(loaded), tuple(paths[:MOST]), self._stack.grown("Tcp", "OutSegs"), self._stack.grown("Tcp", "RetransSegs"))


def _row(address: bytes, port: int, outgoing: int, parts: list[tuple[int, Tally]]) -> Path:
    states: dict[str, int] = {}
    for state, found in parts:
        name = STATES.get(state, str(state))
        states[name] = states.get(name, 0) + found.count
    every = together(found for _, found in parts)
    return Path(peer(address), port, bool(outgoing), every.count, every.marked, states, every.spread())


def _path(one: Path) -> str:
    where = f"to {one.address}, port {one.port}" if one.outgoing else f"to {one.address}, a client of our port {one.port}"
    syns = one.states.get("connecting", 0)
    if syns == one.segments:
        return f"{times(syns, 'SYN was', 'SYNs were')} sent again {where}: connecting there waits a second and more each time."
    how = f"{one.timeouts:,} of them after a timeout (the connection stood still for 200 ms and more)" if one.timeouts else "none after a timeout: the gaps were noticed and filled quickly"
    return f"{times(one.segments, 'segment was', 'segments were')} sent again {where}, {how}: packets are lost on that path, or the receiver does not keep up."


KIND = KernelKind("tcp_retransmits", "retransmits", frozenset({"tcp:tcp_retransmit_skb"}), ("resent",), RetransmitReader, ports=True, owned=True)

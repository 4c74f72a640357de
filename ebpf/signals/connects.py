"""``tcp_connect``: how long connections take to open, how often a SYN is sent again, and why they fail."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ebpf import histogram
from ebpf.accounting import Counts
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, command, counted, duration, losses, share, times
from ebpf.signals.tallies import Spread, Tally, tally, together
from ebpf.wire import peer

_TO = struct.Struct("=16s16sHH")
_EVENT = struct.Struct("=QQIIH6x16s16sHH")
GAVE_UP = 4096
_MEANING = {
    errno.ECONNREFUSED: "nothing listens there, or a firewall rejects it",
    errno.ETIMEDOUT: "no answer to any SYN: the host is down, or packets to it or from it are dropped",
    errno.EHOSTUNREACH: "the network says the host cannot be reached",
    errno.ENETUNREACH: "there is no route to its network",
    errno.EADDRNOTAVAIL: "no local port was free: ports are used up (connections left in TIME_WAIT, or a narrow ip_local_port_range)",
    errno.ECONNRESET: "it was reset during the handshake",
    errno.ECONNABORTED: "it was aborted on this side",
    GAVE_UP: "the process closed the socket before an answer came: its own time limit is shorter than the network's",
}


def error_name(number: int) -> str:
    """``ECONNREFUSED``; ``closed`` for what the process gave up; the number where it has no name here."""
    return "closed" if number == GAVE_UP else errno.errorcode.get(number, str(number))


@dataclass(frozen=True, slots=True)
class Connect:
    """One connect. ``start``: ns since 1970. ``retries``: SYNs sent again. ``error``: empty when it was opened."""

    start: int
    ns: int
    address: str
    port: int
    local_port: int
    pid: int
    process: str
    retries: int
    error: str


@dataclass(frozen=True, slots=True)
class Destination:
    """All connects to one address and port. ``retried``: those whose SYN was sent again; ``retries``: how often in all."""

    address: str
    port: int
    connects: int
    retried: int
    retries: int
    failures: dict[str, int]
    processes: dict[str, int]
    opened: Spread
    failed: Spread

    @property
    def where(self) -> str:
        """As people write it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Connects:
    """What was seen. ``opened``, ``failed``: latencies of all, within ``error`` of themselves."""

    counts: Counts
    destinations: tuple[Destination, ...]
    opened: dict[str, float | int | None]
    failed: dict[str, float | int | None]
    error: float = histogram.ERROR

    def sentences(self) -> list[str]:
        """Failures first, then lost SYNs, then latency."""
        total = sum(one.connects for one in self.destinations)
        if not total:
            waiting = f"; {times(self.counts.in_flight, 'connect is', 'connects are')} still waiting for an answer" if self.counts.in_flight else ""
            return [f"No connect ended while this looked{waiting}.", *losses(self.counts)]
        told = [line for one in self.destinations for line in _failures(one)]
        told += [line for one in self.destinations for line in _retried(one)]
        if self.counts.in_flight:
            told.append(f"{times(self.counts.in_flight, 'connect was', 'connects were')} still waiting for an answer at the end.")
        if self.opened["count"]:
            told.append(f"Opening a connection took {self.opened['p50_ms']:.3g} ms in the middle and {self.opened['p99_ms']:.3g} ms at the 99th percentile ({self.opened['count']} opened).")
        return [*told, *losses(self.counts)]


class ConnectReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "connect"

    def told(self, at: int, ns: int, pid: int, again: int, local: int, address: bytes, name: bytes, port: int, error: int) -> Connect:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Connect(at + self.epoch, ns, peer(address), port, local, pid, command(name), again, error_name(error) if error else "")

    def read(self, loaded: Loaded) -> Connects:
        """The numbers so far."""
        outcomes = histogram.by_outcome(loaded.numbers("latencies"))
        counts = counted(loaded, len(loaded.entries("started")))
        rows = {_TO.unpack(key): tally(value) for key, value in loaded.entries("tallies").items()}
        return Connects(counts, tuple(_destinations(rows)), outcomes[0].document(), outcomes[6].document())


def _destinations(rows: dict[tuple[bytes, bytes, int, int], Tally]) -> Iterator[Destination]:
    """The most failed or retried first, then the most used."""
    places: dict[tuple[bytes, int], list[tuple[bytes, int, Tally]]] = {}
    for (address, name, port, error), found in rows.items():
        places.setdefault((address, port), []).append((name, error, found))
    made = [_destination(address, port, parts) for (address, port), parts in places.items()]
    yield from sorted(made, key=lambda one: (-sum(one.failures.values()) - one.retried, -one.connects, one.where))[:MOST]


def _destination(address: bytes, port: int, parts: list[tuple[bytes, int, Tally]]) -> Destination:
    failures: dict[str, int] = {}
    processes: dict[str, int] = {}
    for name, error, found in parts:
        processes[command(name)] = processes.get(command(name), 0) + found.count
        if error:
            failures[error_name(error)] = failures.get(error_name(error), 0) + found.count
    every = together(found for _, _, found in parts)
    opened, failed = (together(found for _, error, found in parts if bool(error) == bad) for bad in (False, True))
    return Destination(peer(address), port, every.count, every.marked, every.extra, failures, processes, opened.spread(), failed.spread())


def _failures(one: Destination) -> Iterator[str]:
    numbers = {error_name(number): meaning for number, meaning in _MEANING.items()}
    for error, number in sorted(one.failures.items(), key=lambda pair: -pair[1]):
        meaning = f": {numbers[error]}" if error in numbers else ""
        verb = "given up" if error == "closed" else f"failed with {error}"
        by = ", ".join(sorted(one.processes)[:3])
        yield f"{number:,} of {times(one.connects, 'connect')} to {one.where} by {by} {'was' if number == 1 else 'were'} {verb}{meaning}.".replace("were failed", "failed").replace("was failed", "failed")


def _retried(one: Destination) -> Iterator[str]:
    if one.retried:
        slowest = duration((one.opened.max_ms or one.failed.max_ms or 0) * 1e6)
        yield (f"{one.retried:,} of {times(one.connects, 'connect')} to {one.where} ({share(one.retried, one.connects)}) sent a SYN again, after 1 s and more: "
               f"SYNs or their answers are lost on the way, or the other side's accept queue is full; the slowest took {slowest}.")


KIND = KernelKind("tcp_connect", "connects", frozenset({"sock:inet_sock_set_state", "tcp:tcp_retransmit_skb"}), ("changed", "again"), ConnectReader, ports=True)

"""``tcp_resets``: connections that were reset, by which side, in which state, and why."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ebpf.accounting import Counts
from ebpf.loaders.interface import Loaded
from ebpf.signals.base import MOST, KernelKind, TraceReader, counted, losses, times
from ebpf.signals.retransmits import STATES
from ebpf.signals.tallies import tally
from ebpf.wire import peer

_PATH = struct.Struct("=16sHBBBB")
_EVENT = struct.Struct("=QHHI16sHBBBB2x")
WHY = ("", "nothing listens on that port", "data came after the process had closed the socket", "the process closed the socket with data unread",
       "the process closed the socket with SO_LINGER 0", "memory for sockets ran out", "keep-alives were not answered",
       "the segment did not fit the connection's state", "the connection had ended before", "the process disconnected with data unsent", "the SYN was not valid")
"""By ``enum why`` of ``bpf/resets.bpf.c``; empty where the kernel does not tell."""


@dataclass(frozen=True, slots=True)
class Reset:
    """One reset. ``at``: ns since 1970. ``sent``: by us; else it was received. ``state``: of our socket before."""

    at: int
    sent: bool
    address: str
    local_port: int
    remote_port: int
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Path:
    """Resets between us and one address. ``port``: theirs if ``outgoing``, else ours."""

    address: str
    port: int
    outgoing: bool
    sent: bool
    state: str
    why: str
    resets: int


@dataclass(frozen=True, slots=True)
class Resets:
    """What was seen."""

    counts: Counts
    sent: int
    received: int
    paths: tuple[Path, ...]

    def sentences(self) -> list[str]:
        """By path, the most first."""
        if not self.counts.seen:
            return ["No connection was reset while this looked."]
        return [*map(_path, self.paths[:6]), *losses(self.counts)]


class ResetReader(TraceReader):
    """One session of it."""

    layout = _EVENT
    says = "reset"

    def told(self, at: int, local: int, remote: int, pad: int, address: bytes, port: int, state: int, sent: int, why: int, outgoing: int) -> Reset:
        """See :class:`~ebpf.signals.base.TraceReader`."""
        return Reset(at + self.epoch, bool(sent), peer(address), local, remote, STATES.get(state, str(state)), _why(why))

    def read(self, loaded: Loaded) -> Resets:
        """The numbers so far."""
        paths = []
        for key, value in loaded.entries("tallies").items():
            address, port, state, sent, why, outgoing = _PATH.unpack(key)
            paths.append(Path(peer(address), port, bool(outgoing), bool(sent), STATES.get(state, str(state)), _why(why), tally(value).count))
        paths.sort(key=lambda one: -one.resets)
        sent = sum(one.resets for one in paths if one.sent)
        return Resets(counted(loaded), sent, sum(one.resets for one in paths) - sent, tuple(paths[:MOST]))


def _why(number: int) -> str:
    return WHY[number] if number < len(WHY) else ""


def _path(one: Path) -> str:
    where = f"{one.address}, port {one.port}" if one.outgoing else f"{one.address}, a client of our port {one.port}"
    number = times(one.resets, "time")
    if one.sent:
        return f"{number} we reset what came from {where} (our socket: {one.state})" + (f": {one.why}." if one.why else ".")
    meaning = "the connect was refused" if one.state == "connecting" else "the other side, or something between, cut a connection that was in use" if one.state == "established" else "the connection was ending anyway"
    return f"{number} a reset came from {where} (our socket: {one.state}): {meaning}."


KIND = KernelKind("tcp_resets", "resets", frozenset({"tcp:tcp_send_reset", "tcp:tcp_receive_reset"}), ("sent", "received"), ResetReader, ports=True, owned=True)

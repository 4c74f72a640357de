"""Probes of streams that user space takes apart: HTTP/2 and gRPC."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ebpf import accounting, wire
from ebpf.calls import HttpCall, RpcCall
from ebpf.documents import document, grouped_by
from ebpf.exchanges import SIDES, Group
from ebpf.kind import Aim, Document, Options
from ebpf.loaders.interface import Cgroup, Everywhere, Loaded, Place
from ebpf.parsers.http2 import Http2

PIECES = 40
"""Pieces of streams that may come for each call of the budget: a gap costs the calls around it."""
_MOST = 200


@dataclass(frozen=True, slots=True)
class StreamKind:
    """gRPC, and other HTTP/2 on the same connections."""

    name: str = "grpc"
    object: str = "streams"
    capabilities: frozenset[str] = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"})
    tracepoints: frozenset[str] = frozenset({"sock:inet_sock_set_state"})

    def constants(self, aim: Aim, options: Options) -> Mapping[str, int]:
        """See :class:`~ebpf.kind.Kind`."""
        return {"port": aim.port, "side": SIDES[aim.side], "budget": options.budget * PIECES}

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        return [Everywhere("closed"), Cgroup("incoming", aim.cgroup), Cgroup("outgoing", aim.cgroup)]

    def reader(self, aim: Aim, options: Options, epoch: int) -> StreamReader:
        """See :class:`~ebpf.kind.Kind`."""
        import os

        return StreamReader(epoch, options.budget * (os.cpu_count() or 1))


@dataclass(slots=True)
class StreamReader:
    """Reads pieces into calls. ``budget``: calls a second that are handed out, 0 for all; every call is counted."""

    epoch: int
    budget: int
    parser: Http2 = field(default_factory=Http2)
    groups: dict[str, Group] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    told: int = 0
    _second: int = 0
    _left: int = 0

    def event(self, data: bytes) -> Sequence[Document]:
        """See :class:`~ebpf.kind.Reader`."""
        chunk, pid = wire.chunk(data, self.epoch)
        ended = self.parser.close(chunk.connection) if wire.flags(data) & wire.LAST else self.parser.feed(chunk)
        return [document(call, 0, pid) for call in ended if self._counted(call)]

    def summary(self, loaded: Loaded) -> Document:
        """See :class:`~ebpf.kind.Reader`: ``pieces`` are counted by the kernel, ``counts`` are those of calls."""
        pieces = accounting.counts(loaded.numbers("counters"))
        parsed, flying = self.parser.counts, self.parser.in_flight
        counted = accounting.Counts(parsed.streams, self.told, self.calls - self.told, parsed.evicted, pieces.duplicates, pieces.gaps + parsed.gaps,
                                    parsed.orphans, pieces.untracked, pieces.calls, flying)
        most = heapq.nlargest(20, self.groups.items(), key=lambda one: one[1].count)
        return {"counts": counted.document(), "pieces": pieces.document(), "parser": asdict(parsed), "results": dict(self.outcomes),
                "groups": [group.document(name) for name, group in most], "sentences": self._sentences(pieces)}

    def _counted(self, call: HttpCall | RpcCall) -> bool:
        """Count a call; whether it is handed out as well."""
        self.calls += 1
        name = grouped_by(call)
        if name not in self.groups and len(self.groups) >= _MOST:
            name = "others"
        bad = _bad(call)
        self.groups.setdefault(name, Group()).add(call, bad=bad)
        result = f"grpc-status {call.grpc_status}" if isinstance(call, RpcCall) and call.grpc_status is not None else call.outcome or "unknown"
        self.outcomes[result] = self.outcomes.get(result, 0) + 1
        now = int(time.monotonic())
        if now != self._second:
            self._second, self._left = now, self.budget
        if not self.budget or self._left > 0 or bad:
            self._left -= 1
            self.told += 1
            return True
        return False

    def _sentences(self, pieces: accounting.Counts) -> list[str]:
        told = []
        if pieces.suppressed or pieces.lost:
            told.append(f"{pieces.suppressed + pieces.lost} of {pieces.seen} pieces of streams were not looked at (budget, full buffer): calls in them are unknown.")
        if self.parser.counts.hpack_unknown:
            told.append(f"{self.parser.counts.hpack_unknown} header fields were sent before this looked, and cannot be known.")
        if not pieces.calls:
            told.append("No packet came by. Either nobody asked, or the target's sockets were made before it was put into this control group.")
        return told


def _bad(call: HttpCall | RpcCall) -> bool:
    if isinstance(call, RpcCall):
        return call.grpc_status not in (None, 0) or call.outcome in {"reset", "goaway"}
    return call.status is None or call.status >= 500


KINDS = (StreamKind(),)

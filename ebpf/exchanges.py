"""Probes of requests and responses: HTTP/1, PostgreSQL, MySQL, in the packets of a control group."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ebpf import accounting, histogram, wire
from ebpf.calls import Call, DnsCall, HttpCall, SqlCall
from ebpf.captures import Exchange
from ebpf.documents import document, grouped_by
from ebpf.kind import Aim, Document, Options
from ebpf.libbpf import has_tracepoint
from ebpf.loaders.interface import Cgroup, Everywhere, Lasting, Loaded, Place, Sweep
from ebpf.parsers import dns, http1

SIDES = {"either": 0, "server": 1, "client": 2}
Parse = Callable[[Exchange], Sequence[Call]]
_MOST = 200
"""Routes or statements that are told apart in a summary; the rest is summed up as others."""


@dataclass(frozen=True, slots=True)
class ExchangeKind:
    """One protocol of request and response. ``protocol``: its number in ``bpf/exchange.h``."""

    name: str
    protocol: int
    parsing: Callable[[], Parse]
    object: str = "packets"
    capabilities: frozenset[str] = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"})
    tracepoints: frozenset[str] = frozenset({"sock:inet_sock_set_state"})

    def constants(self, aim: Aim, options: Options) -> Mapping[str, int]:
        """See :class:`~ebpf.kind.Kind`."""
        return {"protocol": self.protocol, "port": aim.port, "side": SIDES[aim.side], "budget": options.budget, "slow": options.slow, "capture": options.capture}

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        waits = [Everywhere("taken")] if options.more.get("queue_wait", 1) and has_tracepoint("sock_recv_length") else []  # since 6.3
        return [Sweep("sweep", "exchanges"), Lasting("closed"), *waits, Cgroup("incoming", aim.cgroup), Cgroup("outgoing", aim.cgroup)]

    def reader(self, aim: Aim, options: Options, epoch: int) -> ExchangeReader:
        """See :class:`~ebpf.kind.Kind`."""
        return ExchangeReader(self.parsing(), epoch)


@dataclass(slots=True)
class Group:
    """Calls of one route or statement, of those that were handed out."""

    count: int = 0
    errors: int = 0
    total: int = 0
    longest: int = 0
    queued: int = 0

    def add(self, call: Call, *, bad: bool) -> None:
        """One more."""
        self.count += 1
        self.errors += bad
        self.total += call.duration
        self.longest = max(self.longest, call.duration)
        self.queued += call.queued or 0

    def document(self, name: str) -> dict[str, Any]:
        """As JSON, times in milliseconds."""
        mean, queued = (round(value / self.count / 1e6, 6) for value in (self.total, self.queued))
        return {"name": name, "count": self.count, "errors": self.errors, "mean_ms": mean, "max_ms": round(self.longest / 1e6, 6), "mean_queued_ms": queued}


@dataclass(slots=True)
class ExchangeReader:
    """Parses exchanges, and sums them up."""

    parse: Parse
    epoch: int
    groups: dict[str, Group] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)

    def event(self, data: bytes) -> Sequence[Document]:
        """See :class:`~ebpf.kind.Reader`."""
        found, pid = wire.exchange(data, self.epoch)
        return [self._told(call, found.flags, pid) for call in self.parse(found)]

    def summary(self, loaded: Loaded) -> Document:
        """See :class:`~ebpf.kind.Reader`."""
        counted = _counted(loaded)
        outcomes = histogram.by_outcome(loaded.numbers("latencies"))
        every = sum(outcomes[1:], outcomes[0])
        most = heapq.nlargest(20, self.groups.items(), key=lambda one: one[1].count)
        return {
            "counts": counted.document(), "latency": every.document(), "latency_error": histogram.ERROR,
            "outcomes": {name: one.document() for name, one in zip(_OUTCOMES, outcomes, strict=True) if one.count},
            "groups": [group.document(name) for name, group in most], "unknown": dict(self.unknown), "sentences": _sentences(counted)}

    def _told(self, call: Call, flags: int, pid: int) -> Document:
        for why in call.unknown:
            self.unknown[why] = self.unknown.get(why, 0) + 1
        name = grouped_by(call)
        if name not in self.groups and len(self.groups) >= _MOST:
            name = "others"
        self.groups.setdefault(name, Group()).add(call, bad=is_bad(call))
        return document(call, flags, pid)


def _counted(loaded: Loaded) -> accounting.Counts:
    """Counters and what is in flight, of one moment: asked again while something ends between the two."""
    before = loaded.numbers("counters")
    for _ in range(_TRIES):
        loaded.put("control", 1, 0)
        loaded.sweep()
        flying, after = loaded.numbers("control")[1], loaded.numbers("counters")
        if after[:_ACCOUNTED] == before[:_ACCOUNTED]:
            break
        before = after
    return accounting.counts(after, flying)


_TRIES, _ACCOUNTED = 20, 4


def _sentences(counted: accounting.Counts) -> list[str]:
    """What the numbers alone do not say."""
    if not counted.calls:
        return ["No packet came by. Either nobody asked, or the target's sockets were made before it was put into this control group: they belong to the former one."]
    if not counted.seen and counted.unparsed:
        return ["Packets came by, but none began a request in plain text: it may be encrypted (TLS), or another protocol."]
    return []


_OUTCOMES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx", "error")


def is_bad(call: Call) -> bool:
    """Whether it failed by the fault of who answered, or got no answer."""
    match call:
        case HttpCall(status=status):
            return status is None or status >= 500
        case SqlCall(outcome=outcome):
            return outcome == "error"
        case DnsCall(rcode=rcode):
            return rcode is None or rcode in {2, 5}  # no answer, SERVFAIL, REFUSED: a name that is not there is an answer
    return False


def _http() -> Parse:
    return http1.calls


def _postgres() -> Parse:
    from ebpf.parsers.postgres import Postgres

    return Postgres().calls


def _mysql() -> Parse:
    from ebpf.parsers.mysql import Mysql

    return Mysql().calls


def _dns() -> Parse:
    return dns.calls


@dataclass(frozen=True, slots=True)
class DatagramKind(ExchangeKind):
    """Questions and answers that are datagrams: several at once on one socket."""

    object: str = "datagrams"
    tracepoints: frozenset[str] = frozenset()

    def places(self, aim: Aim, options: Options) -> Sequence[Place]:
        """See :class:`~ebpf.kind.Kind`."""
        return [Sweep("sweep", "questions"), Cgroup("incoming", aim.cgroup), Cgroup("outgoing", aim.cgroup)]


KINDS: tuple[ExchangeKind, ...] = (
    ExchangeKind("http", 1, _http), ExchangeKind("postgres", 2, _postgres), ExchangeKind("mysql", 3, _mysql), DatagramKind("dns", 5, _dns))

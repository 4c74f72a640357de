"""The closed list of probes. What is not here cannot be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an option may be."""

    least: int
    most: int
    default: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A probe as people choose it."""

    name: str
    tells: str
    """What is known afterwards, in a sentence."""
    family: str
    """``http``, ``sql`` and the like for what is read on connections; ``kernel`` for the rest."""
    capabilities: frozenset[str]
    rate: str
    """What its price grows with, as :mod:`ebpf.rates` counts it without a probe."""
    port: int | None = None
    """The usual port."""
    needs_port: bool = False
    options: Mapping[str, Bounds] = field(default_factory=dict)


_NET = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"})
_TRACE = frozenset({"CAP_BPF", "CAP_PERFMON"})
_QUEUE = {"queue_wait": Bounds(0, 1, 1, "1: also tell how long a request lay before the application took it up")}

ENTRIES: tuple[Entry, ...] = (
    Entry("http", "method, route, host, status, latency, queue wait and caller's trace of HTTP/1 requests", "http", _NET, "segments", 80, options=_QUEUE),
    Entry("postgres", "operation, query without its values, rows or error code and latency of PostgreSQL statements", "sql", _NET, "segments", 5432, needs_port=True),
    Entry("mysql", "operation, query without its values, rows or error code and latency of MySQL and MariaDB statements", "sql", _NET, "segments", 3306, needs_port=True),
)
CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}

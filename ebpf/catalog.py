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

    @property
    def by_process(self) -> bool:
        """Whether it tells processes apart in the kernel; the others look at the packets of a control group."""
        return self.family == "kernel" and "CAP_NET_ADMIN" not in self.capabilities


_NET = frozenset({"CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"})
_TRACE = frozenset({"CAP_BPF", "CAP_PERFMON"})
_OTHERS = _TRACE | {"CAP_SYS_PTRACE"}
"""Where files are read as another user's process sees them: ``/proc/PID/maps`` and ``/proc/PID/root``."""
_QUEUE = {"queue_wait": Bounds(0, 1, 1, "1: also tell how long a request lay before the application took it up")}

_LEAST = {"least_ms": Bounds(0, 60_000, 10, "shorter ones are counted and measured, and not told one by one, in ms")}

ENTRIES: tuple[Entry, ...] = (
    Entry("http", "method, route, host, status, latency, queue wait and caller's trace of HTTP/1 requests", "http", _NET, "segments", 80, options=_QUEUE),
    Entry("https", "the same of HTTP/1 inside TLS, in processes that use OpenSSL's libssl", "http", _OTHERS, "segments", 443),
    Entry("grpc", "service, method, grpc-status and latency of gRPC calls, and other HTTP/2 beside them", "grpc", _NET, "segments", 50051, needs_port=True),
    Entry("postgres", "operation, query without its values, rows or error code and latency of PostgreSQL statements", "sql", _NET, "segments", 5432, needs_port=True, options=_QUEUE),
    Entry("mysql", "operation, query without its values, rows or error code and latency of MySQL and MariaDB statements", "sql", _NET, "segments", 3306, needs_port=True, options=_QUEUE),
    Entry("dns", "names asked for, their types, result codes and latency, and questions without an answer", "dns", _NET, "datagrams", 53, needs_port=True),
    Entry("tcp_connect", "how long connections take to open, SYNs that were sent again, and failures by destination and reason", "kernel", _TRACE, "connects"),
    Entry("tcp_retransmits", "segments that had to be sent again, by destination", "kernel", _TRACE, "retransmits"),
    Entry("tcp_resets", "connections that were reset, by whom", "kernel", _TRACE, "resets"),
    Entry("accept_overflow", "listening sockets whose queue was full, and what was dropped", "kernel", _NET, "connects"),
    Entry("run_queue", "how long threads that could run waited for a CPU, by process", "kernel", _TRACE, "switches", options=_LEAST),
    Entry("off_cpu", "what threads waited for, by their stacks, and for how long", "kernel", _TRACE, "waits", options=_LEAST),
    Entry("cpu_profile", "where CPU time goes: stacks, and a flame graph", "kernel", _TRACE, "samples",
          options={"hertz": Bounds(1, 999, 99, "samples a second and CPU")}),
    Entry("block_io", "how long requests to disks took, by device and operation", "kernel", _TRACE, "block_requests", options=_LEAST),
    Entry("file_latency", "how long opening files and making them durable took, and which were slow", "kernel", _TRACE, "system_calls", options=_LEAST),
    Entry("syscall_errors", "system calls that failed, by process, call and reason", "kernel", _TRACE, "system_calls"),
    Entry("process_exits", "processes that ended, with their signal or status", "kernel", _TRACE, "forks"),
    Entry("oom_kills", "processes that were killed for want of memory, and on whose account", "kernel", _TRACE, "forks"),
)
CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}

"""How much happens at a target, counted without any probe: what a price is predicted from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ebpf.kind import Aim

PROC = Path("/proc")


def observed(rate: str, aim: Aim, seconds: float = 1.0, *, wait: Callable[[float], None] = time.sleep) -> float | None:
    """Events a second of what a probe's price grows with (:attr:`ebpf.catalog.Entry.rate`); None where nothing tells."""
    count = _COUNTERS.get(rate)
    if count is None:
        return None
    try:
        before, start = count(aim), time.monotonic()
        wait(seconds)
        return max(0, count(aim) - before) / max(time.monotonic() - start, 1e-6)
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _segments(aim: Aim) -> int:
    """TCP segments in and out of the target's network namespace (RFC 4022). All of it: more than the target's own, never less."""
    return _tcp("InSegs", "OutSegs")(aim)


def _datagrams(aim: Aim) -> int:
    lines = [line.split() for line in (PROC / _some_process(aim) / "net" / "snmp").read_text().splitlines() if line.startswith("Udp:")]
    names, values = lines[0], lines[1]
    return int(values[names.index("InDatagrams")]) + int(values[names.index("OutDatagrams")])


def _tcp(*names: str) -> Callable[[Aim], int]:
    def count(aim: Aim) -> int:
        lines = [line.split() for line in (PROC / _some_process(aim) / "net" / "snmp").read_text().splitlines() if line.startswith("Tcp:")]
        return sum(int(lines[1][lines[0].index(name)]) for name in names)

    return count


def _forks(_aim: Aim) -> int:
    """Processes and threads that were begun on the node: about as many end."""
    return next(int(line.split()[1]) for line in (PROC / "stat").read_text().splitlines() if line.startswith("processes "))


def _switches(_aim: Aim) -> int:
    """Context switches of the whole node."""
    return next(int(line.split()[1]) for line in (PROC / "stat").read_text().splitlines() if line.startswith("ctxt "))


def _system_calls(aim: Aim) -> int:
    """A lower bound: reads and writes of the target's processes (man 5 proc_pid_io)."""
    total = 0
    for pid in _processes(aim):
        fields = dict(line.split(": ") for line in (PROC / pid / "io").read_text().splitlines())
        total += int(fields["syscr"]) + int(fields["syscw"])
    return total


def _block_requests(_aim: Aim) -> int:
    return sum(int(fields[3]) + int(fields[7]) for fields in map(str.split, (PROC / "diskstats").read_text().splitlines()))


def _some_process(aim: Aim) -> str:
    return next(iter(_processes(aim)), "self")


def _processes(aim: Aim) -> list[str]:
    if aim.pids:
        return [str(pid) for pid in aim.pids]
    return (Path(aim.cgroup) / "cgroup.procs").read_text().split() if aim.cgroup else []


_COUNTERS: dict[str, Callable[[Aim], int]] = {
    "segments": _segments, "datagrams": _datagrams, "switches": _switches, "system_calls": _system_calls, "block_requests": _block_requests,
    "connects": _tcp("ActiveOpens", "PassiveOpens"), "retransmits": _tcp("RetransSegs"), "resets": _tcp("EstabResets", "OutRsts"), "forks": _forks,
}

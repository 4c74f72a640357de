"""How much happens at a target, counted without any probe: what a price is predicted from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ebpf.attachments import STACKED
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
        return _more(before, count(aim)) / max(time.monotonic() - start, 1e-6)
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


def _waits(aim: Aim) -> Mapping[str, int]:
    """Context switches of the whole node, those of the target as often as one with two stacks counts (man 5 proc_pid_status)."""
    found = {"node": _switches(aim)}
    for status in (status for pid in _members(aim) for status in (PROC / pid).glob("task/*/status")):
        with suppress(OSError):  # it has ended
            counted = (line.split()[1] for line in status.read_text().splitlines() if "voluntary_ctxt_switches" in line)
            found[status.parent.name] = round((STACKED - 1) * sum(map(int, counted)))
    return found


def _members(aim: Aim) -> list[str]:
    """Processes that are meant, those of control groups below among them."""
    if aim.pids or not aim.cgroup:
        return [str(pid) for pid in aim.pids] or [process.name for process in PROC.iterdir() if process.name.isdecimal()]
    return [pid for procs in Path(aim.cgroup).rglob("cgroup.procs") for pid in procs.read_text().split()]


def _system_calls(_aim: Aim) -> Mapping[str, int]:
    """A lower bound: reads and writes of every process of the node (man 5 proc_pid_io), for whose calls programs run, too."""
    found = {}
    for process in PROC.iterdir():
        if process.name.isdecimal():
            with suppress(OSError, ValueError, KeyError):  # it has ended, or is not ours to look at
                fields = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
                found[process.name] = int(fields["syscr"]) + int(fields["syscw"])
    if not found:
        raise ValueError("no process tells its reads and writes")
    return found


def _more(before: int | Mapping[str, int], after: int | Mapping[str, int]) -> int:
    """What was added; of processes, of those that were there both times."""
    if isinstance(before, int) or isinstance(after, int):
        return max(0, after - before) if isinstance(before, int) and isinstance(after, int) else 0
    return sum(max(0, after[one] - was) for one, was in before.items() if one in after)


def _block_requests(_aim: Aim) -> int:
    return sum(int(fields[3]) + int(fields[7]) for fields in map(str.split, (PROC / "diskstats").read_text().splitlines()))


def _some_process(aim: Aim) -> str:
    return next(iter(_processes(aim)), "self")


def _processes(aim: Aim) -> list[str]:
    if aim.pids:
        return [str(pid) for pid in aim.pids]
    return (Path(aim.cgroup) / "cgroup.procs").read_text().split() if aim.cgroup else []


_COUNTERS: dict[str, Callable[[Aim], int | Mapping[str, int]]] = {
    "segments": _segments, "datagrams": _datagrams, "switches": _switches, "waits": _waits, "system_calls": _system_calls, "block_requests": _block_requests,
    "connects": _tcp("ActiveOpens", "PassiveOpens"), "retransmits": _tcp("RetransSegs"), "resets": _tcp("EstabResets", "OutRsts"), "forks": _forks,
}

"""Threads that waited before a session began and never ran while it lasted: no probe sees them, for nothing happens to them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ebpf.signals.base import command
from ebpf.signals.callnames import call_name
from ebpf.signals.causes import waits_for

_PROCESSES, _THREADS = 64, 2000
_SWITCHES = re.compile(r"^(?:non)?voluntary_ctxt_switches:\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Standing:
    """Threads of one name in one process that stood still all the time, in one system call."""

    pid: int
    name: str
    call: str
    waits_for: str
    threads: int


@dataclass(frozen=True, slots=True)
class _Thread:
    switches: int
    pid: int
    name: str
    call: str
    where: str


class Threads:
    """As they are when this is made; what they wait for may be forbidden to see later."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._before = {tid: found for pid in pids[:_PROCESSES] for tid in _tids(pid)[:_THREADS] if (found := _looked_at(pid, tid))}

    def standing(self) -> list[Standing]:
        """Those that did not run since, the most first."""
        groups: dict[tuple[int, str, str, str], int] = {}
        for tid, one in self._before.items():
            if one.call and _switches(one.pid, tid) == one.switches:
                key = one.pid, one.name, one.call, waits_for(one.call, "sleeping", (f"{one.where}_[k]",))
                groups[key] = groups.get(key, 0) + 1
        return [Standing(*key, number) for key, number in sorted(groups.items(), key=lambda pair: -pair[1])]


def _tids(pid: int) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - no pathlib in a worker
    except OSError:
        return []


def _looked_at(pid: int, tid: int) -> _Thread | None:
    switches = _switches(pid, tid)
    if switches is None:
        return None
    texts = {name: next(_lines(f"/proc/{pid}/task/{tid}/{name}"), "") for name in ("comm", "syscall", "wchan")}
    number = texts["syscall"].partition(" ")[0]
    call = call_name(int(number)) if number.isdigit() else ""  # "running", "-1" outside of a call, nothing where it is forbidden
    return _Thread(switches, pid, command(texts["comm"].encode()), call, texts["wchan"])


def _switches(pid: int, tid: int) -> int | None:
    text = "\n".join(_lines(f"/proc/{pid}/task/{tid}/status"))
    found = _SWITCHES.findall(text)
    return sum(map(int, found)) if found else None


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, errors="replace") as file:  # noqa: PTH123 - no pathlib in a worker
            yield from (line.rstrip("\n") for line in file)
    except OSError:
        return

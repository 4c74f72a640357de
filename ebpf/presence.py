"""Whether a target is still what it was. Light: a worker asks every second."""

from __future__ import annotations

import os
from pathlib import Path

from ebpf.kind import Aim

PROC = "/proc"


def started(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when there is none (man 5 proc_pid_stat, field 22)."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - asked every second
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2:].split()  # its name may hold any byte
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def inode(folder: str) -> int | None:
    """A folder's inode, which for a control group is its id; None when it is not there."""
    try:
        return Path(folder).stat().st_ino
    except OSError:
        return None


def gone(aim: Aim, began: int | None) -> str:
    """Why the target is not there any more; empty while it is. ``began``: when its process did, None for other targets."""
    if began is not None and started(aim.pids[0]) != began:
        return f"process {aim.pids[0]} has ended"
    if aim.cgroup and inode(aim.cgroup) != aim.cgroup_id:
        return "its control group is gone: the container ended, or was restarted under another id"
    return ""


def memory() -> int:
    """Bytes of memory that this process alone holds in RAM (anonymous pages)."""
    with open(f"{PROC}/self/statm") as file:  # noqa: PTH123 - the same
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of memory of this process in RAM, shared libraries included (RSS)."""
    with open(f"{PROC}/self/statm") as file:  # noqa: PTH123 - the same
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

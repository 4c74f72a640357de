"""The network stack's own counters (``/proc/PID/net/snmp`` and ``netstat``), from a session's begin on."""

from __future__ import annotations

import os
from io import FileIO

from ebpf.kind import Aim

_ROOM = 1 << 16


class Stack:
    """One file of the network namespace of the target's process, else of our own. It is opened at once: later that may be forbidden."""

    def __init__(self, aim: Aim, file: str) -> None:
        """``file``: ``snmp`` or ``netstat``."""
        pid = str(aim.pids[0]) if aim.pids else _member(aim.cgroup)
        self._file = _opened(f"/proc/{pid}/net/{file}")
        self._before = self._numbers()

    def grown(self, group: str, name: str) -> int | None:
        """By how much a counter grew; None when it is not told."""
        now = self._numbers().get((group, name))
        return None if now is None else now - self._before.get((group, name), 0)

    def _numbers(self) -> dict[tuple[str, str], int]:
        if self._file is None:
            return {}
        try:
            self._file.seek(0)
            lines = self._file.read(_ROOM).decode().splitlines()
        except OSError:
            return {}
        found = {}
        for names, values in zip(lines[::2], lines[1::2], strict=False):
            group, *titles = names.split()
            for title, value in zip(titles, values.split()[1:], strict=False):
                found[group.rstrip(":"), title] = int(value)
        return found


def _opened(path: str) -> FileIO | None:
    try:
        return FileIO(path)
    except OSError:
        return None


def _member(folder: str) -> str:
    """A process of a control group; ``self`` where none is meant."""
    if not folder or os.path.ismount(folder):
        return "self"
    try:
        with open(f"{folder}/cgroup.procs") as file:  # noqa: PTH123 - no pathlib in a worker
            return file.readline().strip() or "self"
    except OSError:
        return "self"

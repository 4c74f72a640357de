"""Names of functions for addresses: of the kernel, of ELF files that processes have mapped, of code made at run time.

What is needed is opened when a session begins, while that is permitted; it is read when addresses are to be named.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ebpf.kind import Aim
from ebpf.signals.elf import Functions, functions_of
from telemetry.masks import masked

UNKNOWN = "[unknown]"
_PROCESSES, _FILES = 256, 400
_LARGEST = 64 << 20
"""Bytes of a text that are read at most, and a MiB more."""
_MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+)\s*(.*)")


@dataclass(frozen=True, slots=True)
class Region:
    """Executable memory of a process: addresses, and which part of which file is there."""

    start: int
    end: int
    offset: int
    file: tuple[str, int]
    path: str


@dataclass(slots=True)
class Process:
    """What is known of one process: regions as of the begin and, while it lives, as of now; its perf map."""

    pid: int
    maps: int | None
    perf: int | None
    regions: list[Region] = field(default_factory=list)

    def refresh(self) -> None:
        """Look again: libraries may have been loaded since."""
        now = regions(_read(self.maps))
        known = {(one.start, one.end) for one in now}
        self.regions = sorted([*now, *(one for one in self.regions if (one.start, one.end) not in known)], key=lambda one: one.start)


class Symbols:
    """Names for the addresses of one session's target."""

    def __init__(self, aim: Aim) -> None:
        self._kallsyms = _opened("/proc/kallsyms")
        self._files: dict[tuple[str, int], int | None] = {}
        self._functions: dict[tuple[str, int], Functions] = {}
        self._perf: dict[int, Functions] = {}
        self._processes: dict[int, Process | None] = {}
        for pid in members(aim)[:_PROCESSES]:
            self._add(pid)

    def kernel(self, address: int) -> str:
        """A function of the kernel; ``[kernel]`` where its names are hidden."""
        return self._kernel.at(address) or "[kernel]"

    def user(self, pid: int, address: int) -> str:
        """A function of a process; the file in brackets where its names are stripped; ``[unknown]`` where even that is not known."""
        process = self._processes[pid] if pid in self._processes else self._add(pid)
        if process is None:
            return UNKNOWN
        region = next((one for one in process.regions if one.start <= address < one.end), None)
        found = self._of_file(region.file).at(address - region.start + region.offset) if region and region.file[1] else ""
        if found or region is None:
            return found or self._made_at_run_time(process, address) or UNKNOWN
        return self._made_at_run_time(process, address) or (f"[{region.path.rsplit('/', 1)[-1].strip('[]')}]" if region.path else UNKNOWN)

    def refresh(self) -> None:
        """Look at the processes again, as far as that is permitted and they live."""
        for process in self._processes.values():
            if process is not None:
                process.refresh()
        self._perf.clear()

    def close(self) -> None:
        """Close what was opened."""
        every = [self._kallsyms, *self._files.values(), *(fd for one in self._processes.values() if one for fd in (one.maps, one.perf))]
        for fd in every:
            if fd is not None:
                os.close(fd)
        self._kallsyms, self._files, self._processes = None, {}, {}

    def _add(self, pid: int) -> Process | None:
        maps = _opened(f"/proc/{pid}/maps")
        if maps is None:
            self._processes[pid] = None
            return None
        process = Process(pid, maps, _perf_map(pid))
        process.refresh()
        for region in process.regions:
            if region.file[1] and region.file not in self._files and len(self._files) < _FILES:
                self._files[region.file] = _file(pid, region)
        self._processes[pid] = process
        return process

    @cached_property
    def _kernel(self) -> Functions:
        text = _read(self._kallsyms)
        rows = (line.split(None, 3) for line in text.split(b"\n") if line)
        return Functions([(int(row[0], 16), 0, row[2]) for row in rows if len(row) >= 3 and row[1] in b"tTwW" and int(row[0], 16)])

    def _of_file(self, file: tuple[str, int]) -> Functions:
        if file not in self._functions:
            self._functions[file] = _of_elf(self._files.get(file))
        return self._functions[file]

    def _made_at_run_time(self, process: Process, address: int) -> str:
        if process.pid not in self._perf:
            if process.perf is None:
                process.perf = _perf_map(process.pid)
            self._perf[process.pid] = Functions(list(_perf_rows(_read(process.perf))))
        return self._perf[process.pid].at(address)


def regions(maps: bytes) -> list[Region]:
    """The executable regions in the text of ``/proc/PID/maps``."""
    found = (_MAP.fullmatch(line) for line in maps.decode("utf-8", "replace").splitlines())
    return [Region(int(one[1], 16), int(one[2], 16), int(one[3], 16), (one[4], int(one[5])), one[6]) for one in found if one]


def cleaned(name: str) -> str:
    """A name as it may stand in a folded stack: no ``;``, no secrets, 120 characters at most."""
    return masked(re.sub(r"[;\x00-\x1f\x7f]", ":", name)[:120])


def _of_elf(fd: int | None) -> Functions:
    if fd is None:
        return Functions([])
    try:
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as content:
            return functions_of(content)
    except (OSError, ValueError):  # empty, or a device
        return Functions([])


def _perf_map(pid: int) -> int | None:
    """What a runtime wrote about the code that it made; no link is followed, for anybody may write there."""
    for place in (f"/proc/{pid}/root/tmp/perf-{_inner(pid)}.map", f"/tmp/perf-{pid}.map"):  # noqa: S108 - where runtimes write it
        fd = _opened(place, os.O_NOFOLLOW)
        if fd is not None and stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        if fd is not None:
            os.close(fd)
    return None


def _perf_rows(text: bytes) -> Iterable[tuple[int, int, bytes]]:
    """Address, size and name of each line of a perf map (tools/perf/Documentation/jit-interface.txt)."""
    for line in text.split(b"\n"):
        parts = line.split(b" ", 2)
        try:
            yield int(parts[0], 16), int(parts[1], 16), parts[2]
        except (ValueError, IndexError):
            continue


def _file(pid: int, region: Region) -> int | None:
    """The mapped file itself, also of a container or after it was replaced; else the one of that path, if it is the same."""
    for place in (f"/proc/{pid}/map_files/{region.start:x}-{region.end:x}", f"/proc/{pid}/root{region.path}", region.path):
        fd = _opened(place) if place.startswith("/") else None
        if fd is not None and os.fstat(fd).st_ino == region.file[1]:
            return fd
        if fd is not None:
            os.close(fd)
    return None


def whole_node(aim: Aim) -> bool:
    """Whether every process is meant."""
    return not aim.pids and (not aim.cgroup or os.path.ismount(aim.cgroup))


def members(aim: Aim) -> list[int]:
    """The processes that are meant, as of now; of a whole node the newest first."""
    if aim.pids:
        return list(aim.pids)
    if not whole_node(aim):
        return sorted({pid for folder, _, _ in os.walk(aim.cgroup) for pid in _numbers(f"{folder}/cgroup.procs")})
    return sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)  # noqa: PTH208 - no pathlib in a worker


def _numbers(path: str) -> list[int]:
    fd = _opened(path)
    if fd is None:
        return []
    try:
        return [int(word) for word in _read(fd).split() if word.isdigit()]
    finally:
        os.close(fd)


def _inner(pid: int) -> str:
    """Its number inside its own namespace, by which it names its perf map."""
    fd = _opened(f"/proc/{pid}/status")
    if fd is None:
        return str(pid)
    try:
        found = re.search(rb"^NSpid:.*?(\d+)$", _read(fd), re.MULTILINE)
        return found[1].decode() if found else str(pid)
    finally:
        os.close(fd)


def _opened(path: str, more: int = 0) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | more)
    except OSError:
        return None


def _read(fd: int | None) -> bytes:
    """All of it from its begin; nothing where that is not possible any more."""
    if fd is None:
        return b""
    parts: list[bytes] = []
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        left = _LARGEST  # a target may write as much as it likes
        while left > 0 and (part := os.read(fd, 1 << 20)):
            parts.append(part)
            left -= len(part)
    except OSError:
        pass
    return b"".join(parts)

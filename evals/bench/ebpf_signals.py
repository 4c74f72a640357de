"""``python -m evals.bench ebpf_signals [--runs 8] [--json]``: what the probes of the kernel's own events cost, per thing they see.

Needs root and the built objects. Each workload does a known number of things on one CPU; rounds with and without the probe
alternate, and what is told is the difference of the least CPU time of each (user and system, of the workload's process) per
thing, with the difference of the medians beside it. The programs' own time, as the kernel measures it (``BPF_ENABLE_STATS``),
comes from rounds of their own; it counts what runs in other processes and in interrupts, too.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import socket
import statistics
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ebpf.kind import Aim, Kind, Options
from ebpf.kinds import signal_kinds
from ebpf.loaders.core import CoreLoader
from ebpf.loaders.interface import Loaded
from ebpf.targets import mounted

_BPF, _ENABLE_STATS = {"x86_64": 321, "aarch64": 280}, 32


@dataclass(frozen=True, slots=True)
class Workload:
    """``run`` does ``things`` of what ``name`` says, and is called many times."""

    name: str
    things: int
    run: Callable[[], object]


def run(runs: int) -> dict[str, object]:
    """Per probe and workload: ns of the workload alone, and what the probe adds, for a target that is meant and one that is not."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, _listening() as port:
        made = _workloads(Path(folder), port)
        rows = [_row(kind, work, runs) for kind in signal_kinds() for work in made if work.name in _SEES.get(kind.name, ())]
    return {"rows": rows, "cpus": os.cpu_count(), "kernel": platform.release()}


def words(found: dict[str, object]) -> str:
    """As a table."""
    head = f"{'probe':<16} {'per':<28} {'alone ns':>9} {'+ ns':>7} {'median':>7} {'others +':>8} {'runs':>5} {'ns/run':>7}"
    return "\n".join([head, *map(_line, found["rows"])])  # type: ignore[call-overload]


def _line(row: dict[str, float]) -> str:
    return (f"{row['probe']:<16} {row['per']:<28} {row['alone_ns']:>9,.0f} {row['added_ns']:>7,.0f} {row['added_median_ns']:>7,.0f} "
            f"{row['added_to_others_ns']:>8,.0f} {row['runs_per_thing']:>5.1f} {row['ns_per_run']:>7,.0f}")


_SEES = {
    "tcp_connect": ("refused connect", "opened connect"), "tcp_resets": ("refused connect",), "accept_overflow": ("opened connect",),
    "run_queue": ("switch between threads",), "off_cpu": ("switch between threads",), "cpu_profile": ("about a ms of computing",), "block_io": ("direct read of 4 KiB",),
    "file_latency": ("open and close", "system call that works"), "syscall_errors": ("system call that fails", "system call that works"),
    "process_exits": ("child that ends",),
}


def _workloads(folder: Path, port: int) -> list[Workload]:
    file = folder / "file"
    file.write_bytes(os.urandom(1 << 20))
    direct = os.open(file, os.O_RDONLY | os.O_DIRECT)
    room = bytearray(8192)
    at = -ctypes.addressof(ctypes.c_char.from_buffer(room)) % 4096
    page = memoryview(room)[at:at + 4096]
    closed = _closed_port()
    return [
        Workload("refused connect", 500, lambda: _repeat(500, lambda _: _refused(closed))),
        Workload("opened connect", 300, lambda: _repeat(300, lambda _: socket.create_connection(("127.0.0.1", port)).close())),
        Workload("switch between threads", 4000, lambda: _pingpong(2000)),
        Workload("about a ms of computing", 63, lambda: sum(range(5_000_000))),
        Workload("direct read of 4 KiB", 256, lambda: _repeat(256, lambda number: os.preadv(direct, [page], number * 4096))),
        Workload("open and close", 2000, lambda: _repeat(2000, lambda _: os.close(os.open(file, os.O_RDONLY)))),
        Workload("system call that works", 20000, lambda: _repeat(20000, lambda _: os.getppid())),
        Workload("system call that fails", 5000, lambda: _repeat(5000, lambda _: _failing())),
        Workload("child that ends", 60, lambda: _repeat(60, lambda _: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0))),
    ]


def _repeat(times: int, what: Callable[[int], object]) -> None:
    for number in range(times):
        what(number)


def _row(kind: Kind, work: Workload, runs: int) -> dict[str, object]:
    meant, other = Aim(cgroup=str(mounted()), pids=(os.getpid(),)), Aim(cgroup=str(mounted()), pids=(1,))
    alone, mine, theirs = [], [], []
    _spent(work)
    for _ in range(runs):
        alone.append(_spent(work))
        with _attached(kind, meant):
            mine.append(_spent(work))
        with _attached(kind, other):
            theirs.append(_spent(work))
    with _statistics(), _attached(kind, meant) as loaded:
        before = _run_times()
        _spent(work)
        times, count = (now - then for now, then in zip(_run_times(), before, strict=True))
        del loaded
    return {
        "probe": kind.name, "per": work.name, "alone_ns": min(alone), "added_ns": min(mine) - min(alone), "added_median_ns": statistics.median(mine) - statistics.median(alone),
        "added_to_others_ns": min(theirs) - min(alone), "runs_per_thing": count / work.things, "ns_per_run": times / count if count else 0.0}


def _spent(work: Workload) -> float:
    """ns of CPU of this process and its children, for each thing."""
    before = _cpu()
    work.run()
    return (_cpu() - before) * 1e9 / work.things


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def _attached(kind: Kind, aim: Aim) -> Iterator[Loaded]:
    options = Options()
    places = kind.places(aim, options)
    loaded = CoreLoader().load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
    try:
        loaded.attach(places)
        yield loaded
    finally:
        loaded.close()


@contextmanager
def _statistics() -> Iterator[None]:
    """Let the kernel measure every program for this time (man 2 bpf, ``BPF_ENABLE_STATS``)."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(struct.pack("=I", 0).ljust(128, b"\0"), 128)
    fd = int(libc.syscall(_BPF[platform.machine()], _ENABLE_STATS, attributes, 128))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "the kernel does not measure programs")
    try:
        yield
    finally:
        os.close(fd)


def _run_times() -> tuple[int, int]:
    """ns and runs of every program that this process holds."""
    ns = count = 0
    for entry in Path("/proc/self/fdinfo").iterdir():
        try:
            told = dict(line.split(":\t", 1) for line in entry.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        ns += int(told.get("run_time_ns", 0))
        count += int(told.get("run_cnt", 0))
    return ns, count


@contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield int(server.getsockname()[1])


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def _closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _refused(port: int) -> None:
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", port))


def _failing() -> None:
    try:
        os.close(-1)
    except OSError:
        return


def _pingpong(rounds: int) -> None:
    """Two threads hand one byte to and fro: two switches a round."""
    there, back = os.pipe(), os.pipe()

    def answer() -> None:
        for _ in range(rounds):
            os.write(back[1], os.read(there[0], 1))

    other = threading.Thread(target=answer)
    other.start()
    for _ in range(rounds):
        os.write(there[1], b"x")
        os.read(back[0], 1)
    other.join()
    for fd in (*there, *back):
        os.close(fd)

"""``syscall_errors``, ``process_exits`` and ``oom_kills`` on known workloads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ebpf.kind import Aim, Options
from tests.ebpf.signals.live import child, finish, group, join, watching

_MISSING = """
import os
for number in range(50):
    try:
        os.open(f"/nowhere/{number}", os.O_RDONLY)
    except FileNotFoundError:
        pass
try:
    os.mkdir("/proc/none")
except OSError:
    pass
"""


def test_opens_of_files_that_are_missing_are_counted_exactly() -> None:
    with child(_MISSING) as process, watching("syscall_errors", Aim(pids=(process.pid,))) as watch:
        finish(process)
        told = watch.summary()

    found = {(one["call"], one["error"]): one["times"] for one in told["most"]}
    opened = found["openat", "ENOENT"]
    shown = [one for one in watch.samples if (one["call"], one["error"]) == ("openat", "ENOENT")]
    assert 50 <= opened <= 60  # Python looks for files of its own, too
    assert len(shown) == opened
    assert found["mkdir", "ENOENT"] == 1
    assert {one["pid"] for one in told["most"]} == {process.pid}
    assert told["counts"]["identity_holds"], told["counts"]
    assert any("openat failed" in line and "ENOENT" in line for line in told["sentences"])


def test_errors_of_other_processes_are_left_out() -> None:
    with child(_MISSING) as process, watching("syscall_errors") as watch:
        finish(process)
        told = watch.summary()

    assert {one["pid"] for one in told["most"]} <= {os.getpid()}


def test_waiting_without_blocking_is_no_failure() -> None:
    code = """
import socket
left, right = socket.socketpair()
left.setblocking(False)
for _ in range(20):
    try:
        left.recv(1)
    except BlockingIOError:
        pass
"""
    with child(code) as process, watching("syscall_errors", Aim(pids=(process.pid,))) as watch:
        finish(process)
        told = watch.summary()

    assert told["usual"] >= 20
    assert "EAGAIN" not in told["by_error"]


@pytest.mark.parametrize(("code", "number", "status"), [
    ("import os; os.kill(os.getpid(), 9)", "SIGKILL", None), ("import os; os.kill(os.getpid(), 11)", "SIGSEGV", None),
    ("sys.exit(3)", "", 3), ("sys.exit(0)", "", 0), ("import os, threading; threading.Thread(target=lambda: os._exit(5)).start(); import time; time.sleep(60)", "", 5)])
def test_how_a_process_ends_is_told_exactly(code: str, number: str, status: int | None) -> None:
    with child(code) as process, watching("process_exits", Aim(pids=(process.pid,))) as watch:
        finish(process)
        told = watch.summary()

    row, = told["endings"]
    assert (row["signal"], row["status"], row["processes"]) == (number, status, 1)
    sample, = watch.samples
    assert (sample["pid"], sample["parent"], sample["signal"]) == (process.pid, os.getpid(), number)
    assert sample["lived"] > 0
    assert told["counts"]["identity_holds"], told["counts"]


def test_children_of_the_target_are_counted_with_it() -> None:
    with watching("process_exits") as watch:
        for code in [3, 3, 3, 0]:
            subprocess.run([sys.executable, "-c", f"raise SystemExit({code})"], check=False)
        victims = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(2)]
        for victim in victims:
            victim.send_signal(signal.SIGTERM)
            victim.wait()
        told = watch.summary()

    endings = {(one["signal"], one["status"]): one["processes"] for one in told["endings"]}
    assert endings == {("", 3): 3, ("", 0): 1, ("SIGTERM", None): 2}
    assert (told["ended"], told["bad"]) == (6, 5)
    assert any("2 processes named sleep ended by SIGTERM" in line for line in told["sentences"])


def test_threads_that_end_are_no_processes() -> None:
    code = """
import threading
for _ in range(20):
    one = threading.Thread(target=int)
    one.start()
    one.join()
"""
    with child(code) as process, watching("process_exits", Aim(pids=(process.pid,))) as watch:
        finish(process)
        assert watch.summary()["ended"] == 1


def test_exits_of_a_control_group_are_found_below_it_too() -> None:
    with group() as folder:
        inner = folder / "inner"
        inner.mkdir()
        with child("sys.exit(4)") as process, watching("process_exits", Aim(cgroup=str(folder), cgroup_id=folder.stat().st_ino)) as watch:
            join(inner, process.pid)
            finish(process)
            told = watch.summary()
        inner.rmdir()

    assert [(one["status"], one["processes"]) for one in told["endings"]] == [(4, 1)]


@contextmanager
def limited(limit: int) -> Iterator[Path]:
    """A control group whose memory is limited, of whichever version holds that controller."""
    old = Path("/sys/fs/cgroup/memory")
    if (old / "memory.limit_in_bytes").exists():
        folder = old / f"oncalm-oom-{os.getpid()}"
        file = "memory.limit_in_bytes"
    else:
        folder = Path("/sys/fs/cgroup") / f"oncalm-oom-{os.getpid()}"
        file = "memory.max"
    try:
        folder.mkdir()
        (folder / file).write_text(str(limit))
    except OSError as error:
        pytest.skip(f"no control group can be limited here: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()


@pytest.mark.parametrize("loader", ["core", "bcc"])
def test_a_process_killed_for_want_of_memory_is_told_with_its_limit(loader: str) -> None:
    with limited(48 << 20) as folder, child("held = bytearray(400 << 20)") as process:
        join(folder, process.pid)
        with watching("oom_kills", Aim(pids=(process.pid,)), loader=loader) as watch, watching("process_exits", Aim(pids=(process.pid,))) as exits:
            finish(process)
            told, ended = watch.summary(), exits.summary()

    victim, = told["victims"]
    assert (victim["pid"], victim["by"], told["counts"]["seen"], told["counts"]["identity_holds"]) == (process.pid, process.pid, 1, True)
    assert victim["group"].endswith(folder.name)
    assert victim["group_id"]
    assert victim["limit"] == 48 << 20
    assert 16 << 20 < victim["anonymous"] <= 64 << 20
    assert "the limit of 48 MiB" in told["sentences"][0]
    assert ended["endings"][0]["signal"] == "SIGKILL"


def test_kills_are_told_whatever_the_budget() -> None:
    with limited(32 << 20) as folder, watching("oom_kills", Aim(), Options(budget=1)) as watch:
        pids = []
        for _ in range(3):
            with child("held = bytearray(200 << 20)") as process:
                join(folder, process.pid)
                finish(process)
                pids.append(process.pid)
        told = watch.summary()

    assert {one["pid"] for one in told["victims"]} >= set(pids)
    assert any(line.startswith("In ") and folder.name in line and "3 times" in line for line in told["sentences"])

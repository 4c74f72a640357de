"""``block_io`` and ``file_latency`` on known workloads."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from ebpf.kind import Aim, Options
from tests.ebpf.signals.live import child, finish, watching

EVERY = Options(budget=0, more={"least_ms": 0})
_SYNC = """
import os
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for number in range(17):
    os.pwrite(fd, b"x" * 4096, number * 4096)
    os.fsync(fd)
for number in range(5):
    os.pwrite(fd, b"y" * 4096, number * 4096)
    os.fdatasync(fd)
"""


def test_each_fsync_is_counted_and_named(tmp_path: Path) -> None:
    with child(_SYNC, str(tmp_path / "journal.wal")) as process, watching("file_latency", Aim(pids=(process.pid,)), EVERY) as watch:
        finish(process)
        told = watch.summary()

    calls = {one["call"]: one for one in told["operations"]}
    assert (calls["fsync"]["calls"], calls["fdatasync"]["calls"]) == (17, 5)
    assert calls["fsync"]["latency"]["count"] == 17
    assert told["latencies"]["synced"]["count"] == 22
    synced = Counter(one["call"] for one in watch.samples if one["file"].endswith(f"{tmp_path.name}/journal.wal") and one["call"] != "openat")
    assert synced == {"fsync": 17, "fdatasync": 5}
    assert next(one for one in told["files"] if one["call"] == "fsync")["calls"] == 17
    assert told["counts"]["identity_holds"], told["counts"]
    assert any("fsync calls took" in line for line in told["sentences"])


def test_opens_are_told_with_name_and_error(tmp_path: Path) -> None:
    code = """
import os
for number in range(30):
    try:
        os.open(sys.argv[1] + "/missing", os.O_RDONLY)
    except FileNotFoundError:
        pass
for number in range(9):
    os.close(os.open(sys.argv[1], os.O_RDONLY))
"""
    with child(code, str(tmp_path)) as process, watching("file_latency", Aim(pids=(process.pid,)), EVERY) as watch:
        finish(process)
        told = watch.summary()

    seen = Counter((one["file"], one["error"]) for one in watch.samples if one["file"].startswith(str(tmp_path)))
    assert seen == {(f"{tmp_path}/missing", "ENOENT"): 30, (str(tmp_path), ""): 9}
    opened = next(one for one in told["operations"] if one["call"] == "openat")
    assert opened["failures"]["ENOENT"] >= 30
    assert told["counts"]["identity_holds"], told["counts"]


def test_secrets_in_names_of_files_are_replaced(tmp_path: Path) -> None:
    name = "AKIAIOSFODNN7EXAMPLE"
    code = "import os\nos.close(os.open(sys.argv[1], os.O_CREAT | os.O_RDWR))"
    with child(code, str(tmp_path / name)) as process, watching("file_latency", Aim(pids=(process.pid,)), EVERY) as watch:
        finish(process)
        told = watch.summary()

    assert any(one["file"].startswith(str(tmp_path)) for one in watch.samples)
    assert name not in str(told) + str(watch.samples)


def test_quick_calls_are_counted_and_not_shown(tmp_path: Path) -> None:
    options = Options(budget=0, more={"least_ms": 60_000})
    with child(_SYNC, str(tmp_path / "file")) as process, watching("file_latency", Aim(pids=(process.pid,)), options) as watch:
        finish(process)
        told = watch.summary()

    assert watch.samples == []
    assert told["latencies"]["synced"]["count"] == 22
    assert told["counts"]["suppressed"] == told["counts"]["seen"]


def test_written_blocks_are_counted_by_device_with_their_bytes() -> None:
    folder = Path("/var/tmp")
    file = folder / f"oncalm-blocks-{os.getpid()}"
    code = """
import mmap, os
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT)
room = mmap.mmap(-1, 65536)
room.write(os.urandom(65536))
for number in range(16):
    os.pwrite(fd, room, number * 65536)
os.fsync(fd)
for number in range(16):
    os.preadv(fd, [room], number * 65536)
"""
    try:
        with child(code, str(file)) as process, watching("block_io", Aim(pids=(process.pid,)), EVERY) as watch:
            finish(process)
            told = watch.summary()
            if process.returncode:
                pytest.skip(f"{folder} does not take direct input and output")
    finally:
        file.unlink(missing_ok=True)
    if not told["counts"]["seen"]:
        pytest.skip(f"the device of {folder} gives no events of requests")

    sums = {one["operation"]: one for one in told["devices"]}
    assert sums["write"]["bytes"] >= 16 * 65536
    assert sums["read"]["bytes"] >= 16 * 65536
    assert sums["write"]["device"]["count"] == sums["write"]["requests"] == sums["write"]["queue"]["count"]
    assert not sums["write"]["failed"]
    assert {one["pid"] for one in watch.samples} == {process.pid}
    assert told["every"]["count"] == len(watch.samples) == told["counts"]["seen"] - told["counts"]["in_flight"]
    assert told["counts"]["identity_holds"], told["counts"]

"""What every probe of the kernel's events keeps to: it goes with its process, keeps accounts when it is full, takes any bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.kind import Aim, Kind, Options
from ebpf.kinds import signal_kinds
from ebpf.loaders.core import CoreLoader
from ebpf.signals.base import filters
from ebpf.targets import mounted
from tests.ebpf.signals.live import child, finish, watching

_HOLD = """
import os, sys, time
from ebpf.kind import Aim, Options
from ebpf.loaders.core import CoreLoader
from ebpf.kinds import signal_kinds
from ebpf.targets import mounted
kept = []
aim = Aim(cgroup=str(mounted()))
for kind in signal_kinds():
    places = kind.places(aim, Options())
    loaded = CoreLoader().load(kind.object, {**kind.constants(aim, Options()), "budget": 987654321})
    loaded.attach(places)
    kept.append(loaded)
print("attached", flush=True)
time.sleep(120)
"""


def programs() -> set[int]:
    """Numbers of the programs that the kernel holds."""
    bpftool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    if not Path(bpftool).exists():
        pytest.skip("bpftool is not installed: nothing tells which programs the kernel holds")
    told = subprocess.run([bpftool, "prog", "list", "--json"], check=True, capture_output=True, text=True)
    return {int(one["id"]) for one in json.loads(told.stdout)}


def held(pid: int) -> set[int]:
    """Numbers of the programs that a process holds."""
    found = set()
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        found |= {int(line.split()[1]) for line in entry.read_text().splitlines() if line.startswith("prog_id:")}
    return found


def test_killing_the_process_that_holds_them_takes_all_probes_off() -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "attached\n"
        mine = held(holder.pid)
        assert len(mine) >= len(signal_kinds())
        assert mine <= programs()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    end = time.monotonic() + 30
    while mine & programs() and time.monotonic() < end:
        time.sleep(0.1)

    assert not mine & programs()


@pytest.mark.parametrize("loader", ["core", "bcc"])
@pytest.mark.parametrize("pids", [(), (os.getpid(),)], ids=["node", "process"])
@pytest.mark.parametrize("kind", signal_kinds(), ids=lambda kind: kind.name)
def test_a_probe_gives_a_reading_as_json_by_either_loader(kind: Kind, pids: tuple[int, ...], loader: str) -> None:
    aim = Aim(cgroup=str(mounted()), pids=pids)
    with watching(kind.name, aim, Options(budget=10), loader) as watch:
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        watch.poll()
        told = watch.summary()

    counts = told["counts"]
    assert json.loads(json.dumps(told, ensure_ascii=False))["sentences"]
    assert all(isinstance(line, str) and line.endswith((".", ":")) for line in told["sentences"])
    assert counts["seen"] >= counts["events"] == len(watch.samples)
    assert {one["kind"] for one in watch.samples} <= {watch.samples[0]["kind"]} if watch.samples else True


def test_a_full_ring_buffer_is_told_as_events_lost() -> None:
    kind = next(kind for kind in signal_kinds() if kind.name == "syscall_errors")
    code = "import os\nfor _ in range(3000):\n    try: os.stat('/nowhere')\n    except OSError: pass"
    with child(code) as process:
        aim, options = Aim(pids=(process.pid,)), Options(budget=0)
        loaded = CoreLoader().load(kind.object, kind.constants(aim, options), sizes={"ring": os.sysconf("SC_PAGE_SIZE")})
        try:
            loaded.attach(kind.places(aim, options))
            finish(process)
            loaded.detach()
            told = kind.reader(aim, options, 0).summary(loaded)
        finally:
            loaded.close()

    counts = told["counts"]
    assert counts["lost"] > 2000
    assert counts["seen"] == counts["events"] + counts["suppressed"] + counts["lost"]
    assert told["by_error"]["ENOENT"] >= 3000
    assert any("lost because the buffer was full" in line for line in told["sentences"])


def test_the_whole_tree_of_control_groups_is_no_filter() -> None:
    tree = mounted()

    assert filters(Aim(cgroup=str(tree), cgroup_id=tree.stat().st_ino)) == {"target_pid": 0, "target_cgroup": 0}
    assert filters(Aim(cgroup=str(tree / "x"), cgroup_id=77)) == {"target_pid": 0, "target_cgroup": 77}
    assert filters(Aim(cgroup=str(tree / "x"), cgroup_id=77, pids=(5,))) == {"target_pid": 5, "target_cgroup": 0}


_READERS = [kind.reader(Aim(), Options(), 0) for kind in signal_kinds()]


@settings(deadline=None)
@given(st.binary(max_size=700))
def test_no_bytes_make_a_reader_fail(data: bytes) -> None:
    for reader in _READERS:
        for told in reader.event(data):
            assert json.dumps(told)

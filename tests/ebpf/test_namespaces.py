"""In a container paths of control groups are told from the container's own on: targets are found all the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ebpf.targets import group_of, mounted
from tests.ebpf.conftest import Spawn

_WAIT = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def unshare() -> str:
    found = shutil.which("unshare")
    if found is None or subprocess.run([found, "-C", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine makes no namespaces of control groups")
    return found


def test_a_process_is_found_from_within_a_container(group: Path, spawn: Spawn, unshare: str) -> None:
    ours, theirs = group / "daemon", group / "target"
    ours.mkdir()
    theirs.mkdir()
    target = spawn(_WAIT, group=theirs)
    program = f"""
import subprocess, sys
open({str(ours / "cgroup.procs")!r}, "w").write("0")
told = subprocess.run([{unshare!r}, "-C", sys.executable, "-c",
                       "from ebpf.targets import group_of; print(open('/proc/{target.pid}/cgroup').read().split('0::')[1].strip()); print(group_of({target.pid})); print(group_of(0))"],
                      capture_output=True, text=True, check=True).stdout
print(told)
"""

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert told == ["/../target", f"/{theirs.relative_to(mounted())}", f"/{ours.relative_to(mounted())}"]
    target.kill()
    target.wait()
    for one in (ours, theirs):
        one.rmdir()


def test_outside_of_one_a_path_is_as_it_is_told(group: Path, spawn: Spawn) -> None:
    target = spawn(_WAIT, group=group)

    assert group_of(target.pid) == f"/{group.relative_to(mounted())}"
    assert (mounted() / group_of(0).lstrip("/")).is_dir()

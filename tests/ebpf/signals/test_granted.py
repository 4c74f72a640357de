"""Probes of the kernel's own events through the daemon: granted, and read by a worker that has given up every capability."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ebpf.spec import spec_from
from tests.ebpf.conftest import Spawn, free_port
from tests.ebpf.test_daemon import Daemon, run

_CONNECTS = """
import socket, sys
servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]  # which port is meant could not be guessed
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", int(sys.argv[1])))
print("done", flush=True)
sys.stdin.readline()
"""
_WORKS = """
import json
print("ready", flush=True)
while True:
    json.dumps(list(range(1000)))
"""


@pytest.fixture
def daemon(kernel: None, tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    yield one
    one.stop()


def told_of(daemon: Daemon, name: str, process: subprocess.Popen[bytes], during: Callable[[], object], **more: Any) -> dict[str, Any]:
    spec = spec_from({"name": name, "target": {"pid": process.pid}, "seconds": 60, "budget": 1000, "overhead": 0.2, **more})
    lines = run(daemon, daemon.signed(spec), lambda _: during())
    assert lines[-1]["type"] == "result", lines[-1]
    return dict(lines[-1]["summary"])


def go_on(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"done\n"


def test_a_process_that_shares_its_group_and_listens_on_two_ports_is_told_apart(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    port = free_port()
    process, _beside = spawn(_CONNECTS, str(port), group=group), spawn(_CONNECTS, str(port), group=group)
    told = told_of(daemon, "tcp_connect", process, lambda: go_on(process))

    assert [(one["port"], one["connects"], one["failures"]) for one in told["destinations"]] == [(port, 25, {"ECONNREFUSED": 25})]
    assert told["counts"]["identity_holds"]


def test_functions_are_named_by_a_worker_without_capabilities(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    process = spawn(_WORKS, group=group)
    told = told_of(daemon, "cpu_profile", process, lambda: time.sleep(2), options={"hertz": 199})

    assert told["samples"] > 20
    assert any(one["name"].startswith(("_Py", "Py", "long_")) for one in told["functions"]), told["functions"]


def test_threads_that_stand_still_are_told_by_a_worker_without_capabilities(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    code = "import threading, time\nlock = threading.Lock()\nlock.acquire()\nthreading.Thread(target=lock.acquire, daemon=True).start()\ntime.sleep(0.2)\nprint('ready', flush=True)\ntime.sleep(60)"
    process = spawn(code, group=group)
    told = told_of(daemon, "off_cpu", process, lambda: time.sleep(0.5))

    assert {one["call"] for one in told["standing"]} == {"futex", "clock_nanosleep"}

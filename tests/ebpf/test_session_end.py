"""How a session ends: with its target, at its price or time, with its worker, with its parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from ebpf.presence import started
from tests.ebpf.conftest import SERVER, Spawn, attached_to, free_port
from tests.ebpf.test_session import Worker, ask, attached, order

__all__ = ["attached"]


def test_the_end_of_the_target_ends_the_session(group: Path, spawn: Spawn) -> None:
    port = free_port()
    server = spawn(SERVER, str(port), group=group)
    worker = Worker(order(group, port, pids=(server.pid,), started=started(server.pid)))
    worker.until("attached")
    server.kill()
    server.wait()

    result = worker.until("result")

    assert result["ended"] == f"process {server.pid} has ended"


def test_a_price_above_the_cap_ends_the_session(group: Path, http_server: int) -> None:
    worker = Worker(order(group, http_server, overhead=1e-9, ns_per_call=1e6))
    worker.until("attached")
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            ask(http_server, "/x")

    thread = threading.Thread(target=load)
    thread.start()
    try:
        result = worker.until("result")
    finally:
        stop.set()
        thread.join()

    assert "were approved" in result["ended"]


def test_time_is_bounded(group: Path, http_server: int) -> None:
    worker = Worker(order(group, http_server, seconds=0.5))

    assert worker.until("result")["ended"] == "the time is over"


def test_kill_leaves_nothing_in_the_kernel(group: Path, attached: Worker) -> None:
    assert attached_to(group) == 1

    attached.process.send_signal(signal.SIGKILL)
    attached.process.wait()

    deadline = time.monotonic() + 30
    while attached_to(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert attached_to(group) == 0


def test_the_worker_dies_with_its_parent(group: Path, http_server: int, spawn: Spawn) -> None:
    line = order(group, http_server).line().decode().replace(f'"parent": {os.getpid()}', '"parent": PARENT')
    parent = spawn("""
        import os, subprocess, sys
        line = sys.argv[1].replace("PARENT", str(os.getpid()))
        worker = subprocess.Popen([sys.executable, "-m", "ebpf.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        worker.stdin.write(line); worker.stdin.flush()
        assert "attached" in worker.stdout.readline()
        print("ready", flush=True)
        print(worker.pid, flush=True)
        worker.wait()
    """, line)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())

    parent.kill()
    parent.wait()

    deadline = time.monotonic() + 30
    while started(worker) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert started(worker) is None

"""Both loaders at once on one workload: what they tell and count is the same."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ebpf.kind import Aim
from ebpf.loaders import bccmodule
from ebpf.loaders.choice import loader_for
from ebpf.presence import inode
from tests.ebpf.conftest import Spawn
from tests.ebpf.test_session import Worker, ask, order
from tests.ebpf.watching import Watch

BOTH = ("core", "bcc")


@pytest.fixture(autouse=True)
def _both(kernel: None) -> None:
    if why := bccmodule.why_not():
        pytest.skip(f"bcc cannot be used here: {why}")


def test_both_tell_the_same_requests(group: Path, http_server: int) -> None:
    workers = [Worker(order(group, http_server, loader=name)) for name in BOTH]
    assert [one.until("attached")["loader"] for one in workers] == list(BOTH)
    ask(http_server, "/orders/17?token=abc", "/missing", "/broken", "/orders/18")
    ask(http_server, "/upload", method="POST", body=b"x" * 100_000, headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    with socket.create_connection(("127.0.0.1", http_server)) as client:
        client.sendall(os.urandom(3000).replace(b"GET ", b"    "))

    (ours, core), (theirs, bcc) = (one.finish() for one in workers)

    assert len(ours) == 5
    assert [_timeless(one) for one in ours] == [_timeless(one) for one in theirs]
    assert core["summary"]["counts"] | {"calls": 0} == bcc["summary"]["counts"] | {"calls": 0}  # one was attached a moment longer, for the last packets of a connection
    assert core["summary"]["counts"]["identity_holds"]


def test_both_measure_the_same_times(group: Path, http_server: int) -> None:
    workers = [Worker(order(group, http_server, loader=name)) for name in BOTH]
    for one in workers:
        one.until("attached")
    ask(http_server, "/slow", "/")

    ours, theirs = (one.finish()[0] for one in workers)

    assert all(abs(first["duration"] - second["duration"]) < 20e6 for first, second in zip(ours, theirs, strict=True))
    assert all((first.get("queued") is None) == (second.get("queued") is None) for first, second in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ["syscall_errors", "process_exits", "tcp_connect", "tcp_resets"])
def test_both_tell_the_same_of_the_kernels_own_events(kernel: None, group: Path, spawn: Spawn, name: str) -> None:
    aim = Aim(str(group), inode(str(group)) or 0)
    watches = [Watch(loader_for("", loader), name, aim) for loader in BOTH]
    process = spawn(_TROUBLE, group=group, ready=False)
    process.wait(30)

    (ours, core), (theirs, bcc) = (one.finish() for one in watches)

    assert ours
    assert [_timeless(one) for one in ours] == [_timeless(one) for one in theirs]
    assert core["counts"] | {"calls": 0} == bcc["counts"] | {"calls": 0}  # of the whole machine, from when each began
    assert core["counts"]["identity_holds"]


_TROUBLE = """
import os, socket, struct
for path in ("/nowhere/a", "/nowhere/b"):
    try: os.stat(path)
    except OSError: pass
with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        other, _ = server.accept()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
try: socket.create_connection(("127.0.0.1", port))
except OSError: pass
for status in (0, 7):
    if (child := os.fork()) == 0: os._exit(status)
    os.waitpid(child, 0)
if (child := os.fork()) == 0: os.kill(os.getpid(), 15)
os.waitpid(child, 0)
"""

def _timeless(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without what each of two programs reads from the clock by itself."""
    clocks = {"start", "first", "duration", "queued", "handling", "at", "ns", "time", "lived", "connection_ms"}
    return {name: value for name, value in document.items() if name not in clocks and not name.endswith(("_ms", "_ns", "_s"))}

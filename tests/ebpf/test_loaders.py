"""Both loaders, by one suite: what is true of a loaded program is true whoever compiled it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebpf import accounting, objects
from ebpf.errors import LoadError, ProbeError, TargetError
from ebpf.kind import Aim, Options
from ebpf.loaders import bccmodule
from ebpf.loaders.bcc import BccLoader
from ebpf.loaders.core import CoreLoader
from ebpf.loaders.interface import Cgroup, Everywhere, Loaded, Loader, Sweep
from ebpf.presence import inode
from tests.ebpf.conftest import Spawn, attached_to
from tests.ebpf.test_session import Worker, ask, order
from tests.ebpf.watching import Watch

PACKETS = {"protocol": 1, "port": 0, "side": 0, "budget": 0, "slow": 0, "capture": 512}
OBJECTS = sorted(path.name.removesuffix(".bpf.c") for path in (Path(objects.__file__).parent / "bpf").glob("*.bpf.c"))


@pytest.fixture
def loader(loader_name: str) -> Loader:
    return CoreLoader() if loader_name == "core" else BccLoader()


@pytest.fixture
def loaded(loader: Loader) -> Iterator[Loaded]:
    one = loader.load("packets", PACKETS)
    yield one
    one.close()


@pytest.mark.parametrize("program", OBJECTS)
def test_every_object_of_ours_loads(loader: Loader, program: str) -> None:
    loader.load(program, {}).close()


def test_constants_are_respected(loader: Loader, group: Path, http_server: int) -> None:
    watch = Watch(loader, "http", Aim(str(group), inode(str(group)) or 0, (), http_server + 1, "server"))
    ask(http_server, "/elsewhere")

    told, summary = watch.finish()

    assert told == []
    assert summary["counts"]["calls"] == 0


@pytest.mark.parametrize(("constants", "error"), [({"colour": 1}, KeyError), ({"port": 1 << 40}, OverflowError)])
def test_a_constant_that_is_none_or_too_large_is_refused(loader: Loader, constants: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        loader.load("packets", constants)


def test_a_budget_suppresses_and_counts(loader: Loader, group: Path, http_server: int) -> None:
    watch = Watch(loader, "http", Aim(str(group), inode(str(group)) or 0, (), http_server, "server"), Options(budget=2))
    ask(http_server, *["/many"] * 300)

    told, summary = watch.finish()

    counts = summary["counts"]
    assert counts["seen"] == 300 == summary["latency"]["count"]
    assert counts["suppressed"] == 300 - len(told) > 0
    assert counts["identity_holds"]


def test_a_response_that_pauses_is_handed_out_by_a_sweep(loader: Loader, group: Path, spawn: Spawn) -> None:
    server = spawn("""
        import socket, sys
        one = socket.create_server(("127.0.0.1", 0))
        print("ready", flush=True); print(one.getsockname()[1], flush=True)
        peer, _ = one.accept()
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nhalf")
        sys.stdin.readline()
    """, group=group)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    watch = Watch(loader, "http", Aim(str(group), inode(str(group)) or 0, (), port, "server"))
    watch.loaded.put("control", 0, 1)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /half HTTP/1.1\r\n\r\n")
        client.recv(4096)
        time.sleep(0.05)
        watch.loaded.sweep()

        told, _ = watch.finish()

    assert [one["route"] for one in told] == ["/half"]


@pytest.mark.parametrize("broken", [Cgroup("outgoing", "/nowhere/at/all"), Everywhere("nothing"), Sweep("sweep", "counters")])
def test_it_attaches_to_all_places_or_to_none(loader: Loader, group: Path, broken: Any) -> None:
    loaded = loader.load("packets", PACKETS)

    with pytest.raises((LoadError, TargetError)):
        loaded.attach([Cgroup("incoming", str(group)), broken])

    assert attached_to(group) == 0
    loaded.close()


def test_only_the_programs_that_are_wanted_are_there(loader: Loader, group: Path) -> None:
    loaded = loader.load("packets", PACKETS, only=frozenset({"incoming"}))
    loaded.attach([Cgroup("incoming", str(group))])
    assert attached_to(group) == 1

    with pytest.raises(LoadError):
        loaded.attach([Cgroup("outgoing", str(group))])

    assert attached_to(group) == 0


def test_detached_it_stays_readable_and_closes_twice(loaded: Loaded, group: Path) -> None:
    loaded.attach([Cgroup("incoming", str(group))])

    loaded.detach()
    assert attached_to(group) == 0
    assert len(loaded.numbers("counters")) == len(accounting.NAMES)
    loaded.close()
    loaded.close()


def test_numbers_are_put_and_read(loaded: Loaded) -> None:
    loaded.put("control", 1, 1 << 40)

    assert loaded.numbers("control") == [0, 1 << 40]
    with pytest.raises(KeyError):
        loaded.numbers("nothing")


def test_entries_are_read_and_a_table_has_the_size_it_was_given(loader: Loader) -> None:
    loaded = loader.load("exits", {"budget": 0}, sizes={"tallies": 1})
    loaded.attach([Everywhere("ended")])
    for status in (3, 4, 5):
        subprocess.run([sys.executable, "-S", "-c", f"raise SystemExit({status})"], check=False)

    read, counted = loaded.entries("tallies"), accounting.counts(loaded.numbers("counters"))
    loaded.close()

    assert [len(key) for key in read] == [20]
    assert counted.untracked >= 2
    assert counted.holds
    with pytest.raises(KeyError):
        loader.load("exits", {}, sizes={"nothing": 1})


def test_kill_leaves_nothing(loader: Loader, group: Path, http_server: int) -> None:
    worker = Worker(order(group, http_server, loader=loader.name))
    worker.until("attached")
    assert attached_to(group) == 1

    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()

    deadline = time.monotonic() + 30
    while attached_to(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert attached_to(group) == 0


def test_without_capabilities_the_refusal_is_explained(loader: Loader) -> None:
    done = subprocess.run([sys.executable, "-c", _POWERLESS, loader.name], capture_output=True, text=True, check=True)

    assert "CAP_BPF" in done.stdout
    assert "this process lacks" in done.stdout


def test_a_table_that_the_kernel_refuses_is_named(loader: Loader) -> None:
    with pytest.raises(LoadError, match="did not make its table control"):
        loader.load("packets", {}, sizes={"control": 0})


def test_a_refusal_is_explained_also_after_bcc_was_used_in_the_process(kernel: None) -> None:
    if why := bccmodule.why_not():
        pytest.skip(why)
    BccLoader().load("packets", {}).close()

    with pytest.raises(LoadError, match="did not make its table control"):
        CoreLoader().load("packets", {}, sizes={"control": 0})


def test_an_object_that_is_not_there_is_told(loader: Loader) -> None:
    with pytest.raises(ProbeError, match="nothing_of_ours"):
        loader.load("nothing_of_ours", {})


_POWERLESS = """
import sys, os
from ebpf import privileges
from ebpf.errors import ProbeError
from ebpf.loaders.choice import loader_for
loader = loader_for("packets", sys.argv[1])
loader.load("packets", {}).close()  # imports what it needs while files can be read
privileges.drop(os.getppid())
try:
    loader.load("packets", {})
except ProbeError as error:
    print(error)
"""

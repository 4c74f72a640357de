"""Both loaders, by one suite: what is true of a loaded program is true whoever compiled it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ebpf import accounting, objects, wire
from ebpf.errors import LoadError, ProbeError, TargetError
from ebpf.kind import Aim, Options
from ebpf.kinds import kinds
from ebpf.loaders import bccmodule
from ebpf.loaders.bcc import BccLoader
from ebpf.loaders.core import CoreLoader
from ebpf.loaders.interface import Cgroup, Everywhere, Loaded, Loader, Sweep
from ebpf.presence import inode
from tests.ebpf.conftest import Spawn, attached_to
from tests.ebpf.test_session import Worker, ask, order

PACKETS = {"protocol": 1, "port": 0, "side": 0, "budget": 0, "slow": 0, "capture": 512}
OBJECTS = sorted(path.name.removesuffix(".bpf.c") for path in (Path(objects.__file__).parent / "bpf").glob("*.bpf.c"))
BOTH = ("core", "bcc")


def need(name: str) -> Loader:
    """The loader, or a skip with the reason."""
    if name == "core":
        return CoreLoader()
    if why := bccmodule.why_not():
        pytest.skip(f"bcc cannot be used here: {why}")
    return BccLoader()


@pytest.fixture(params=BOTH)
def loader(request: pytest.FixtureRequest, kernel: None) -> Loader:
    return need(str(request.param))


@pytest.fixture
def loaded(loader: Loader) -> Iterator[Loaded]:
    one = loader.load("packets", PACKETS)
    yield one
    one.close()


class Watch:
    """A kind of probe at work by one loader, in this process."""

    def __init__(self, loader: Loader, name: str, aim: Aim, options: Options | None = None) -> None:
        kind, options = kinds()[name], options or Options(budget=0)
        places = kind.places(aim, options)
        self.loaded = loader.load(kind.object, kind.constants(aim, options), only=frozenset(place.program for place in places))
        self.loaded.attach(places)
        self.reader = kind.reader(aim, options, wire.epoch())
        self.told: list[Mapping[str, Any]] = []

    def finish(self) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
        """Its documents and summary; nothing is attached any more."""
        self.loaded.detach()
        while self.loaded.poll(0, lambda data: self.told.extend(self.reader.event(data))):
            pass
        summary = self.reader.summary(self.loaded)
        self.loaded.close()
        return self.told, summary


@pytest.mark.parametrize("program", OBJECTS)
def test_every_object_of_ours_loads(loader: Loader, program: str) -> None:
    loader.load(program, {}).close()


def test_both_tell_the_same_requests(group: Path, http_server: int) -> None:
    need("bcc")
    workers = [Worker(order(group, http_server, loader=name)) for name in BOTH]
    assert [one.until("attached")["loader"] for one in workers] == list(BOTH)
    ask(http_server, "/orders/17?token=abc", "/missing", "/broken", "/orders/18")
    ask(http_server, "/upload", method="POST", body=b"x" * 100_000, headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    with socket.create_connection(("127.0.0.1", http_server)) as client:
        client.sendall(os.urandom(3000).replace(b"GET ", b"    "))

    (ours, core), (theirs, bcc) = (one.finish() for one in workers)

    assert len(ours) == 5
    assert [_timeless(one) for one in ours] == [_timeless(one) for one in theirs]
    assert core["summary"]["counts"] == bcc["summary"]["counts"]
    assert core["summary"]["counts"]["identity_holds"]


def test_both_measure_the_same_times(group: Path, http_server: int) -> None:
    need("bcc")
    workers = [Worker(order(group, http_server, loader=name)) for name in BOTH]
    for one in workers:
        one.until("attached")
    ask(http_server, "/slow", "/")

    ours, theirs = (one.finish()[0] for one in workers)

    assert all(abs(first["duration"] - second["duration"]) < 20e6 for first, second in zip(ours, theirs, strict=True))
    assert all((first.get("queued") is None) == (second.get("queued") is None) for first, second in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ["syscall_errors", "process_exits", "tcp_connect", "tcp_resets"])
def test_both_tell_the_same_of_the_kernels_own_events(kernel: None, group: Path, spawn: Spawn, name: str) -> None:
    need("bcc")
    aim = Aim(str(group), inode(str(group)) or 0)
    watches = [Watch(need(loader), name, aim) for loader in BOTH]
    process = spawn(_TROUBLE, group=group, ready=False)
    process.wait(30)

    (ours, core), (theirs, bcc) = (one.finish() for one in watches)

    assert ours
    assert [_timeless(one) for one in ours] == [_timeless(one) for one in theirs]
    assert core["counts"] | {"calls": 0} == bcc["counts"] | {"calls": 0}  # of the whole machine, from when each began
    assert core["counts"]["identity_holds"]


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
    need("bcc").load("packets", {}).close()

    with pytest.raises(LoadError, match="did not make its table control"):
        CoreLoader().load("packets", {}, sizes={"control": 0})


def test_an_object_that_is_not_there_is_told(loader: Loader) -> None:
    with pytest.raises(ProbeError, match="nothing_of_ours"):
        loader.load("nothing_of_ours", {})


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


def _timeless(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without what each of two programs reads from the clock by itself."""
    clocks = {"start", "first", "duration", "queued", "handling", "at", "ns", "time", "lived", "connection_ms"}
    return {name: value for name, value in document.items() if name not in clocks and not name.endswith(("_ms", "_ns", "_s"))}

"""A session among people and processes who mean it no good: it ends in time, and keeps quiet."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ebpf.errors import SessionError, TargetError
from ebpf.libbpf import Sample
from ebpf.loaders.feed import Feed
from ebpf.presence import started
from ebpf.spec import Target, spec_from
from ebpf.targets import mounted, resolve
from tests.ebpf.conftest import SERVER, Spawn, attached_to, free_port
from tests.ebpf.test_daemon import Daemon, daemon, run, spec_of
from tests.ebpf.test_session import Worker, ask, order

__all__ = ["daemon"]  # a fixture
BADLY_NAMED = "import ctypes\nctypes.CDLL(None).prctl(15, b'\\xff\\xfe)\\x1b[2J', 0, 0, 0)\n"
"""A process may call itself what it likes (PR_SET_NAME)."""


def until(fact: Any, seconds: float = 40.0) -> bool:
    """Whether it becomes true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if fact():
            return True
        time.sleep(0.1)
    return False


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_whose_output_nobody_reads_ends_in_time(group: Path, http_server: int) -> None:
    worker = Worker(order(group, http_server, budget=20_000, seconds=2))
    worker.until("attached")
    try:
        connection = socket.create_connection(("127.0.0.1", http_server))
        for _ in range(2000):  # more than the pipe holds
            connection.sendall(b"GET /a HTTP/1.1\r\n\r\n")
            connection.recv(4096)
        connection.close()

        assert until(lambda: attached_to(group) == 0)
    finally:
        worker.process.kill()
        worker.process.wait()


def test_a_worker_that_is_stopped_is_ended_by_its_daemon(daemon: Daemon, group: Path, http_server: int) -> None:
    def stop(_: Any) -> None:
        (worker,) = [pid for pid in children(daemon.process.pid) if b"ebpf.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(worker, signal.SIGSTOP)

    told: list[dict[str, Any]] = []
    with daemon.client() as client, pytest.raises(SessionError, match="did not end in time"):  # noqa: PT012 - it comes somewhere in the session
        for line in client.start(daemon.signed(spec_of(group, http_server, seconds=1))):
            told.append(line)
            if line["type"] == "attached":
                stop(client)

    assert attached_to(group) == 0


def test_a_client_that_reads_nothing_keeps_no_probe_and_no_session(tmp_path: Path, group: Path, http_server: int, kernel: None) -> None:
    one = Daemon(tmp_path, "--sessions", "1")
    try:
        with one.client() as deaf:
            lines = deaf.start(one.signed(spec_of(group, http_server, seconds=2)))
            assert [next(lines)["type"], next(lines)["type"]] == ["session", "attached"]
            connection = socket.create_connection(("127.0.0.1", http_server))
            for _ in range(6000):
                connection.sendall(b"GET /a HTTP/1.1\r\n\r\n")
                connection.recv(4096)
            connection.close()
            assert until(lambda: attached_to(group) == 0)
            with one.client() as other:
                assert until(lambda: other.ask("sessions")["sessions"] == [])
    finally:
        one.stop()


def test_a_daemon_that_is_stopped_keeps_nothing_attached_beyond_the_time(daemon: Daemon, group: Path, http_server: int) -> None:
    with daemon.client() as client:
        lines = client.start(daemon.signed(spec_of(group, http_server, seconds=2)))
        assert [next(lines)["type"], next(lines)["type"]] == ["session", "attached"]
        os.kill(daemon.process.pid, signal.SIGSTOP)

        assert until(lambda: attached_to(group) == 0)
        os.kill(daemon.process.pid, signal.SIGCONT)


def test_a_target_may_call_itself_what_it_likes(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    port = free_port()
    server = spawn(BADLY_NAMED + SERVER, str(port), group=group)
    spec = spec_from({"name": "http", "target": {"pid": server.pid, "port": port, "started": started(server.pid)}, "seconds": 2, "overhead": 0.2})

    with daemon.client() as client:
        words = client.ask("preview", spec=spec.model_dump(mode="json"))["target"]
    told = run(daemon, daemon.signed(spec), lambda _: time.sleep(1.5))

    assert words.startswith(f"process {server.pid} (")
    assert words.isprintable()
    assert told[-1]["type"] == "result"


def test_a_worker_may_not_write_any_file(group: Path, http_server: int, tmp_path: Path) -> None:
    source = """
import os, sys
from ebpf import privileges
try:
    privileges.drop(os.getppid(), %r)
    for how in (lambda: open(%r, "w"), lambda: os.unlink(%r), lambda: os.mkdir(%r)):
        try:
            how()
        except OSError as error:
            print(type(error).__name__)
        else:
            print("written")
finally:
    sys.stdout.flush()
"""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    mine = tmp_path / "mine"
    mine.write_text("kept")
    mine.chmod(0o666)
    done = subprocess.run([sys.executable, "-c", source % ("nobody", str(mine), str(mine), str(tmp_path / "folder"))], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["PermissionError"] * 3
    assert mine.read_text() == "kept"


def test_the_whole_node_is_called_that_however_it_is_written(daemon: Daemon) -> None:
    for path in ("/", "//", "/.", "/./"):
        with daemon.client() as client:
            assert "the whole node" in client.ask("preview", spec={"name": "http", "target": {"cgroup": path, "port": 80}})["target"], path


def test_a_group_of_groups_tells_how_many_processes_are_looked_at(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    inner = group / "inner"
    inner.mkdir()
    process = spawn("print('ready', flush=True); import time; time.sleep(60)", group=inner)
    try:
        with daemon.client() as client:
            words = client.ask("preview", spec={"name": "http", "target": {"cgroup": f"/{group.relative_to(mounted())}", "port": 80}})["target"]
    finally:
        process.kill()
        process.wait()
        until(lambda: not (inner / "cgroup.procs").read_text())
        inner.rmdir()

    assert "1 process" in words


def test_a_process_whose_group_holds_others_is_said_to_be_looked_at_with_them(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    sleeper = "print('ready', flush=True); import time; time.sleep(60)"
    inner = group / "inner"
    inner.mkdir()
    one, other = spawn(sleeper, group=group), spawn(sleeper, group=inner)
    try:
        with daemon.client() as client:
            with pytest.raises(TargetError, match="shares its control group"):
                client.ask("preview", spec={"name": "http", "target": {"pid": one.pid}})
            assert "1 other process" in client.ask("preview", spec={"name": "http", "target": {"pid": one.pid}, "side": "client"})["target"]
    finally:
        other.kill()
        other.wait()
        until(lambda: not (inner / "cgroup.procs").read_text())
        inner.rmdir()


def test_the_monitor_of_a_container_is_not_the_container(daemon: Daemon, group: Path) -> None:
    ident = os.urandom(32).hex()
    folders = [group / f"crio-conmon-{ident}.scope", group / f"crio-{ident}.scope"]
    for folder in folders:
        folder.mkdir()
    try:
        assert resolve(Target(container=ident, port=80)).aim.cgroup == str(folders[1])
    finally:
        for folder in folders:
            folder.rmdir()


def test_a_beginning_that_two_containers_have_is_refused_and_one_is_pinned(daemon: Daemon, group: Path) -> None:
    begin = os.urandom(6).hex()
    idents = [begin + os.urandom(26).hex() for _ in range(2)]
    folders = [group / f"docker-{ident}.scope" for ident in idents]
    folders[0].mkdir()
    asked = {"name": "http", "target": {"container": begin, "port": 80}}
    try:
        with daemon.client() as client:
            assert client.ask("preview", spec=asked)["spec"]["target"]["container"] == idents[0]
            folders[1].mkdir()
            with pytest.raises(TargetError, match="2 containers"):
                client.ask("preview", spec=asked)
    finally:
        for folder in folders:
            if folder.exists():
                folder.rmdir()


def test_records_that_come_without_end_leave_time_to_look_at_the_clock() -> None:
    feed, room = Feed(), ctypes.create_string_buffer(b"x", 1)
    feed.begin(lambda _: None)
    end = time.monotonic() + 60

    while feed.sample(None, ctypes.addressof(room), 1) == 0:
        assert time.monotonic() < end

    assert feed.end() > 0


def test_what_a_record_breaks_is_raised_and_not_written_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    def breaks(data: bytes) -> None:
        raise ValueError(data.decode())

    feed, room = Feed(), ctypes.create_string_buffer(b"secret", 6)
    callback = Sample(feed.sample)
    feed.begin(breaks)

    assert callback(None, ctypes.addressof(room), 6) == -1
    with pytest.raises(ValueError, match="secret"):
        feed.end()
    assert capfd.readouterr().err == ""


def test_a_defect_is_told_without_the_bytes_it_was_made_of(group: Path, http_server: int) -> None:
    source = f"""
import sys
from ebpf.parsers import http1
from ebpf import exchanges, worker
def broken(exchange):
    raise ValueError(exchange.request.decode())
exchanges.KINDS = tuple(exchanges.ExchangeKind("http", 1, lambda: broken) if one.name == "http" else one for one in exchanges.KINDS)
sys.exit(worker.main())
"""
    process = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order(group, http_server).line())
        process.stdin.flush()
        assert b"attached" in process.stdout.readline()
        ask(http_server, "/login?password=hunter2secret")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert b"a defect of the probe: ValueError" in out
    assert b"hunter2secret" not in out + err


def test_a_worker_that_dropped_everything_gets_nothing_back() -> None:
    source = """
import ctypes, os, socket, subprocess, sys
from ebpf import privileges
privileges.drop(os.getppid())
libc = ctypes.CDLL(None, use_errno=True)
def refused(name, call):
    try:
        got = call()
    except OSError as error:
        got = f"OSError {error.errno}"
    print(name, got)
refused("setuid", lambda: os.setuid(0))
refused("unshare", lambda: libc.unshare(0x10000000))
refused("fork", os.fork)
refused("exec", lambda: os.execv("/bin/true", ["true"]))
refused("socket", socket.socket)
refused("kill", lambda: os.kill(os.getppid(), 0))
refused("ptrace", lambda: libc.ptrace(16, os.getppid(), 0, 0))
print("held", privileges.held())
print("reads", len(open("/proc/self/status").read()) > 0)
sys.stdout.flush()
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split("\n")[:-1] == [
        "setuid OSError 1", "unshare -1", "fork OSError 1", "exec OSError 1", "socket OSError 1", "kill OSError 1", "ptrace -1", "held 0", "reads True"]

"""The daemon as the agent meets it: the real command, a real socket, a real kernel."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ebpf.client import Address, Client
from ebpf.errors import GrantError, SessionError, SpecError, TargetError
from ebpf.grants import grant, private_key, public_text, sign
from ebpf.presence import inode
from ebpf.spec import ProbeSpec, spec_from
from tests.ebpf.conftest import Spawn, attached_to, free_port


class Daemon:
    """``oncalm probed`` in a process of its own."""

    known: ClassVar[bytes] = b""
    """What probes cost here, as the first that measured it kept it: the next ones need not."""

    def __init__(self, folder: Path, *more: str) -> None:
        state = folder / "state"
        self._kept = state / "calibrated.json"
        if self.known and not state.exists():
            state.mkdir(mode=0o700)
            self._kept.write_bytes(self.known)
        self.folder, self.address = folder, Address("here", str(folder / "probed.sock"))
        (folder / "keys").mkdir(exist_ok=True)
        self.key = private_key(folder / "home.key")
        (folder / "keys" / "home.pem").write_text(public_text(self.key))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "probed", "--node", "here", "--socket", self.address.socket, "--state", str(state),
             "--keys", str(folder / "keys"), *more], stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert b"oncalm probed on here" in line, line

    def client(self) -> Client:
        return Client(self.address, timeout=30)

    def signed(self, spec: ProbeSpec, *, node: str = "here", key: Ed25519PrivateKey | None = None, lifetime: timedelta = timedelta(minutes=2)) -> dict[str, str]:
        return sign(grant(spec, node, "ap-1", ("ann",), datetime.now(UTC), lifetime), key or self.key)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if self._kept.exists():
            Daemon.known = self._kept.read_bytes()


@pytest.fixture
def daemon(kernel: None, tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    yield one
    one.stop()


def spec_of(group: Path, port: int, **more: Any) -> ProbeSpec:
    from ebpf.targets import mounted

    return spec_from({"name": "http", "target": {"cgroup": f"/{group.relative_to(mounted())}", "port": port}, "side": "server", "seconds": 60, "budget": 20_000, "overhead": 0.2, **more})


def run(daemon: Daemon, signed: Mapping[str, str], during: Callable[[Client], object]) -> list[dict[str, Any]]:
    """A session: ``during`` once it is attached; every line."""
    told = []
    with daemon.client() as client:
        for line in client.start(signed):
            told.append(line)
            if line["type"] == "attached":
                during(client)
                client.stop()
    return told


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline, "it did not come about in 30 s"
        time.sleep(0.1)


def test_a_granted_probe_sees_what_happens_and_tells_its_price(daemon: Daemon, group: Path, http_server: int) -> None:
    def requests(_: Client) -> None:
        for _number in range(5):
            httpx.get(f"http://127.0.0.1:{http_server}/orders/7", trust_env=False)

    told = run(daemon, daemon.signed(spec_of(group, http_server)), requests)

    assert [one["type"] for one in told[:2]] == ["session", "attached"]
    assert [one["call"]["route"] for one in told if one["type"] == "call"] == ["/orders/{id}"] * 5
    assert told[-1]["ended"] == "it was stopped"
    assert told[-1]["cpu"] > 0
    assert attached_to(group) == 0


def test_a_grant_is_used_once_also_over_a_restart(daemon: Daemon, group: Path, http_server: int, tmp_path: Path) -> None:
    signed = daemon.signed(spec_of(group, http_server))
    run(daemon, signed, lambda _: None)
    daemon.stop()

    again = Daemon(tmp_path)
    try:
        with pytest.raises(GrantError, match="it was used before"):
            run(again, signed, lambda _: None)
    finally:
        again.stop()


@pytest.mark.parametrize(("change", "told"), [
    ({"node": "there"}, "it is for node there"),
    ({"key": Ed25519PrivateKey.generate()}, "no key that this node trusts"),
    ({"lifetime": timedelta(seconds=-1)}, "it ended at"),
])
def test_a_grant_that_is_not_good_here_attaches_nothing(daemon: Daemon, group: Path, http_server: int, change: dict[str, Any], told: str) -> None:
    with pytest.raises(GrantError, match=told):
        run(daemon, daemon.signed(spec_of(group, http_server), **change), lambda _: None)

    assert attached_to(group) == 0


def test_a_price_cap_above_the_nodes_is_refused(daemon: Daemon, group: Path, http_server: int) -> None:
    with pytest.raises(SpecError, match="this node allows"):
        run(daemon, daemon.signed(spec_of(group, http_server, overhead=0.9)), lambda _: None)


def test_a_preview_pins_the_process_and_names_a_price(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    from tests.ebpf.conftest import SERVER

    port = free_port()
    server = spawn(SERVER, str(port), group=group)
    deadline = time.monotonic() + 120
    with daemon.client() as client:
        while not client.ask("hello")["calibrated"] and time.monotonic() < deadline:
            time.sleep(0.2)
        told = client.ask("preview", spec={"name": "http", "target": {"pid": server.pid}})

    assert told["spec"]["target"]["started"] > 0
    assert f"process {server.pid}" in told["target"]
    assert "of one CPU" in told["price_words"]
    assert told["price"]["ns_per_call"] > 0
    assert attached_to(group) == 0


def test_a_process_number_that_was_reused_is_refused(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    from tests.ebpf.conftest import SERVER

    server = spawn(SERVER, str(free_port()), group=group)
    spec = spec_from({"name": "http", "target": {"pid": server.pid, "started": 1}})

    with pytest.raises(TargetError, match="is another one now"):
        run(daemon, daemon.signed(spec), lambda _: None)


def test_a_process_among_others_needs_a_port_that_can_be_told(daemon: Daemon, group: Path, spawn: Spawn) -> None:
    from tests.ebpf.conftest import SERVER

    port = free_port()
    server, other = spawn(SERVER, str(port), group=group), spawn("import sys; print('ready', flush=True); sys.stdin.read()", group=group)
    with daemon.client() as client:
        assert client.ask("preview", spec={"name": "http", "target": {"pid": server.pid}})["target"].endswith(f"port {port}, with 1 other process of its control group")
        with pytest.raises(TargetError, match="name the port"):
            client.ask("preview", spec={"name": "http", "target": {"pid": other.pid}})


def test_a_container_is_found_by_its_id(daemon: Daemon, group: Path) -> None:
    ident = os.urandom(32).hex()
    pod = group / f"cri-containerd-{ident}.scope"
    pod.mkdir()
    try:
        with daemon.client() as client:
            assert client.ask("preview", spec={"name": "http", "target": {"container": ident, "port": 80}})["target"] == f"container {ident[:12]}, port 80"
            with pytest.raises(TargetError, match="no container"):
                client.ask("preview", spec={"name": "http", "target": {"container": "0" * 64, "port": 80}})
    finally:
        pod.rmdir()


def test_a_container_that_ends_ends_its_session(daemon: Daemon, group: Path, http_server: int) -> None:
    pod = group / secrets.token_hex(32)  # no other test of this node has one of this name
    pod.mkdir()
    spec = spec_from({"name": "http", "target": {"container": pod.name, "port": http_server}, "seconds": 60, "overhead": 0.2})

    with daemon.client() as client:
        told = []
        for line in client.start(daemon.signed(spec)):
            told.append(line)
            if line["type"] == "attached":
                pod.rmdir()

    assert "its control group is gone" in told[-1]["ended"]
    assert inode(str(pod)) is None


def test_a_client_that_leaves_takes_its_probe_with_it(daemon: Daemon, group: Path, http_server: int) -> None:
    client = daemon.client()
    lines = client.start(daemon.signed(spec_of(group, http_server)))
    while next(lines)["type"] != "attached":
        pass
    assert attached_to(group) == 1

    client.close()

    until(lambda: attached_to(group) == 0)
    with daemon.client() as other:
        until(lambda: other.ask("sessions")["sessions"] == [])


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_daemon_that_ends_leaves_nothing_attached(daemon: Daemon, group: Path, http_server: int, sent: signal.Signals) -> None:
    client = daemon.client()
    lines = client.start(daemon.signed(spec_of(group, http_server)))
    while next(lines)["type"] != "attached":
        pass

    daemon.process.send_signal(sent)
    daemon.process.wait(30)

    until(lambda: attached_to(group) == 0)
    with pytest.raises(SessionError, match=r"is gone|nothing is attached"):
        list(lines)
    client.close()


def test_no_more_sessions_than_the_node_allows(tmp_path: Path, group: Path, http_server: int) -> None:
    daemon = Daemon(tmp_path, "--sessions", "1")
    try:
        first = daemon.client()
        lines = first.start(daemon.signed(spec_of(group, http_server)))
        next(lines)
        with pytest.raises(SessionError, match="which is as many as may"):
            run(daemon, daemon.signed(spec_of(group, http_server)), lambda _: None)
        first.close()
    finally:
        daemon.stop()


@pytest.mark.parametrize("line", [b"garbage\n", b"[]\n", b"{}\n", b'{"op": "shell", "command": "id"}\n', b'{"op": "start"}\n', b'{"op": "preview", "spec": 7}\n', b"\xff\xfe\n",
                                  b'{"op": "start", "grant": {"content": "AAAA", "signature": "AAAA"}}\n', b"[" * 100_000 + b"\n"])
def test_what_is_no_request_gets_an_error_and_the_daemon_lives(daemon: Daemon, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(30)
        raw.connect(daemon.address.socket)
        raw.sendall(line)
        assert b'"type":"error"' in raw.recv(65536)

    with daemon.client() as client:
        assert client.ask("hello")["node"] == "here"


def test_a_second_daemon_on_the_same_socket_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "api.cli", "probed", "--node", "here", "--socket", daemon.address.socket, "--state", str(tmp_path / "other"),
                           "--keys", str(tmp_path / "keys")], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "another daemon listens there" in done.stderr
    with daemon.client() as client:
        assert client.ask("hello")["node"] == "here"


def pem(folder: Path, name: str, authority: bool = False) -> tuple[str, str]:
    """A certificate for 127.0.0.1 by the folder's authority, or the authority itself."""
    key, cert, request = folder / f"{name}.key", folder / f"{name}.pem", folder / f"{name}.csr"
    openssl = shutil.which("openssl") or "openssl"
    if authority:
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}"], check=True, capture_output=True)
        return str(cert), str(key)
    subprocess.run([openssl, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}"], check=True, capture_output=True)
    names = folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1")
    subprocess.run([openssl, "x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-out", cert, "-days", "2",
                    "-extfile", names], check=True, capture_output=True)
    return str(cert), str(key)


def test_over_tcp_only_clients_with_a_certificate_of_the_authority_are_answered(kernel: None, tmp_path: Path) -> None:
    authority, _ = pem(tmp_path, "ca", authority=True)
    cert, key = pem(tmp_path, "node")
    mine, my_key = pem(tmp_path, "agent")
    (tmp_path / "strange").mkdir()
    stranger, strange_key = pem(tmp_path / "strange", "ca", authority=True)
    port = free_port()
    daemon = Daemon(tmp_path, "--tcp", f"127.0.0.1:{port}", "--certificate", cert, "--key", key, "--authority", authority)
    try:
        with Client(Address("here", "", "127.0.0.1", port, authority, mine, my_key)) as client:
            assert client.ask("hello")["node"] == "here"
        with pytest.raises(SessionError), Client(Address("here", "", "127.0.0.1", port, authority, stranger, strange_key)) as client:
            client.ask("hello")
    finally:
        daemon.stop()


def test_a_calibration_ends_with_its_daemon(kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Daemon, "known", b"")
    daemon = Daemon(tmp_path)
    try:
        deadline = time.monotonic() + 30
        while not (measuring := psutil.Process(daemon.process.pid).children()) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        daemon.stop()

    assert measuring
    _, alive = psutil.wait_procs(measuring, timeout=30)
    assert not alive

"""``tcp_retransmits`` and ``tcp_resets``, and SYNs that get lost, on workloads with known losses."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ebpf.kind import Aim, Options
from tests.ebpf.signals.live import child, dropping, finish, group, join, start, watching

_ECHO = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    one, _ = server.accept()
    while part := one.recv(100):
        one.sendall(part)
    one.close()
"""
_TALK = """
import socket
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for _ in range(10):
    one.sendall(b"x")
    assert one.recv(10) == b"x"
one.close()
"""


@contextmanager
def echoing() -> Iterator[tuple[Path, int]]:
    """A server in a control group of its own: the group's folder and the port."""
    with group() as folder, child(_ECHO) as server:
        join(folder, server.pid)
        start(server)
        assert server.stdout is not None
        yield folder, int(server.stdout.readline())
        server.kill()
        server.wait()


def test_each_lost_segment_is_told_as_one_sent_again() -> None:
    with echoing() as (folder, port), child(_TALK, str(port)) as process, watching("tcp_retransmits", Aim(pids=(process.pid,), port=port)) as watch:
        with dropping(folder, port, 3) as dropper:
            finish(process)
            assert dropper.numbers("dropped") == [3]
        told = watch.summary()

    assert [(one["address"], one["port"], one["outgoing"], one["segments"]) for one in told["paths"]] == [("127.0.0.1", port, True, 3)]
    assert (told["counts"]["seen"], told["counts"]["events"], told["counts"]["identity_holds"]) == (3, 3, True)
    assert {(one["state"], one["remote_port"]) for one in watch.samples} == {("established", port)}
    assert told["resent"] >= 3
    assert told["sentences"][0].startswith(f"3 segments were sent again to 127.0.0.1, port {port}")


def test_without_loss_nothing_is_sent_again() -> None:
    with echoing() as (_, port), child(_TALK, str(port)) as process, watching("tcp_retransmits", Aim(pids=(process.pid,), port=port)) as watch:
        finish(process)
        told = watch.summary()

    assert told["counts"]["seen"] == 0
    assert told["sentences"] == ["No segment was sent again while this looked: no loss on these connections."]


def test_a_retransmission_is_found_by_the_control_group_of_its_socket() -> None:
    with echoing() as (folder, port), group() as other, child(_TALK, str(port)) as process:
        join(other, process.pid)
        aim = Aim(cgroup=str(other), cgroup_id=other.stat().st_ino)
        elsewhere = Aim(cgroup=str(folder), cgroup_id=folder.stat().st_ino)
        with watching("tcp_retransmits", aim) as watch, watching("tcp_retransmits", elsewhere) as beside, dropping(folder, port, 2):
            finish(process)
            assert watch.summary()["counts"]["seen"] == 2
            assert beside.summary()["counts"]["seen"] == 0


def test_connects_whose_syn_is_lost_are_told_as_retried() -> None:
    with echoing() as (folder, port), child(_TALK, str(port)) as process, watching("tcp_connect", Aim(pids=(process.pid,))) as watch:
        with dropping(folder, port, 1, syns=True):
            finish(process)
        told = watch.summary()

    row, = told["destinations"]
    assert (row["connects"], row["retried"], row["retries"]) == (1, 1, 1)
    assert row["opened"]["max_ms"] >= 900
    assert any(f"1 of 1 connect to 127.0.0.1:{port} (100 %) sent a SYN again" in line for line in told["sentences"])


def test_a_lost_syn_is_told_as_one_sent_again_while_connecting() -> None:
    with echoing() as (folder, port), watching("tcp_retransmits", Aim(port=port)) as watch, dropping(folder, port, 1, syns=True):
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
        told = watch.summary()

    assert [one["states"] for one in told["paths"]] == [{"connecting": 1}]
    assert "SYN was sent again" in told["sentences"][0]


def test_a_reset_for_a_closed_port_is_told_by_both_sides() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with watching("tcp_resets", Aim(port=port)) as watch:
        for _ in range(7):
            with socket.socket() as one:
                one.connect_ex(("127.0.0.1", port))
        told = watch.summary()

    assert (told["sent"], told["received"]) == (7, 7)
    assert {(one["sent"], one["state"], one["port"]) for one in told["paths"]} == {(True, "no socket", port), (False, "connecting", port)}
    assert told["counts"]["identity_holds"], told["counts"]
    assert any("the connect was refused" in line for line in told["sentences"])


def test_a_connection_cut_by_the_other_side_is_told_as_one_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with watching("tcp_resets", Aim(pids=(os.getpid(),), port=port)) as watch:
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", port)) as one:
                    other, _ = server.accept()
                    one.sendall(b"x")
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    other.recv(1)
                    other.close()
            told = watch.summary()

    received = [one for one in told["paths"] if not one["sent"]]
    assert sum(one["resets"] for one in received) == 5
    assert {one["state"] for one in received} == {"established"}
    assert {one["address"] for one in watch.samples} == {"127.0.0.1"}
    assert any("cut a connection that was in use" in line for line in told["sentences"])


def test_data_that_nobody_reads_is_told_as_the_reason_of_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with watching("tcp_resets", Aim(port=port)) as watch:
            with socket.create_connection(("127.0.0.1", port)) as one:
                other, _ = server.accept()
                one.sendall(b"unread")
                other.close()
                one.settimeout(5)
                with suppress(ConnectionResetError):
                    one.recv(1)
            told = watch.summary()

    sent, = (one for one in told["paths"] if one["sent"])
    assert sent["resets"] == 1
    assert sent["why"] in {"", "the process closed the socket with data unread"}  # told from kernel 6.10 on


def test_the_queue_of_a_listener_that_does_not_accept_overflows_exactly() -> None:
    with group() as folder, child(_STUCK) as server:
        join(folder, server.pid)
        start(server)
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with watching("accept_overflow", Aim(cgroup=str(folder), port=port), Options(budget=0)) as watch:
            clients = [socket.socket() for _ in range(6)]
            threads = [threading.Thread(target=_try, args=(one, port)) for one in clients]
            for one in threads:
                one.start()
            watch.until(lambda seen: len({sample["client_port"] for sample in seen.samples if not sample["handshake"]}) >= 4)
            told = watch.summary()
            for client in clients:
                client.close()
        server.kill()
        server.wait()

    row, = told["listeners"]
    dropped = {one["client_port"] for one in watch.samples if not one["handshake"]}
    assert (row["port"], row["limit"], row["longest"], len(dropped)) == (port, 1, 2, 4)
    assert row["dropped"] == sum(not one["handshake"] for one in watch.samples)
    assert row["syns"] == row["dropped"] + 2
    assert told["counts"]["identity_holds"], told["counts"]
    assert told["overflows"] >= row["dropped"]
    assert "found the accept queue full" in told["sentences"][0]


_STUCK = """
import socket, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(1)
print(server.getsockname()[1], flush=True)
time.sleep(120)
"""


def _try(one: socket.socket, port: int) -> None:
    one.settimeout(3)
    with suppress(OSError):
        one.connect(("127.0.0.1", port))

"""``tcp_connect`` on known workloads."""

from __future__ import annotations

import socket

import pytest

from ebpf.kind import Aim, Options
from tests.ebpf.signals.live import child, finish, watching

_REFUSED = """
import socket
for _ in range(25):
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", int(sys.argv[1])))
"""
_OPENED = """
import socket
for _ in range(40):
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
"""


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_connects_to_a_closed_port_are_counted_as_refused() -> None:
    port = closed_port()
    with child(_REFUSED, str(port)) as process, watching("tcp_connect", Aim(pids=(process.pid,))) as watch:
        finish(process)
        told = watch.summary()

    assert [(one["port"], one["connects"], one["failures"]) for one in told["destinations"]] == [(port, 25, {"ECONNREFUSED": 25})]
    assert (told["counts"]["seen"], told["counts"]["events"], told["counts"]["identity_holds"]) == (25, 25, True)
    assert {(one["error"], one["address"], one["pid"]) for one in watch.samples} == {("ECONNREFUSED", "127.0.0.1", process.pid)}
    assert told["sentences"][0].startswith(f"25 of 25 connects to 127.0.0.1:{port} by python")
    assert told["sentences"][0].endswith("failed with ECONNREFUSED: nothing listens there, or a firewall rejects it.")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connects_that_are_opened_are_counted_with_their_latency(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family, backlog=64) as server:
        port = server.getsockname()[1]
        with child(_OPENED.replace("127.0.0.1", host), str(port)) as process, watching("tcp_connect", Aim(pids=(process.pid,))) as watch:
            finish(process)
            told = watch.summary()

    assert [(one["address"], one["connects"], one["failures"], one["retried"]) for one in told["destinations"]] == [(host, 40, {}, 0)]
    assert told["opened"]["count"] == 40
    assert told["destinations"][0]["opened"]["count"] == 40
    assert all(one["ns"] > 0 and one["local_port"] for one in watch.samples)


def test_only_the_meant_port_is_looked_at() -> None:
    port, other = closed_port(), closed_port()
    with child(_REFUSED + _REFUSED.replace("argv[1]", "argv[2]"), str(port), str(other)) as process, watching("tcp_connect", Aim(pids=(process.pid,), port=other)) as watch:
        finish(process)
        told = watch.summary()

    assert [one["port"] for one in told["destinations"]] == [other]
    assert told["counts"]["seen"] == 25


def test_a_full_accept_queue_shows_as_syns_sent_again_and_a_connect_given_up() -> None:
    code = """
import socket, time
held = []
for _ in range(4):
    one = socket.socket()
    one.settimeout(1.5)
    one.connect_ex(("127.0.0.1", int(sys.argv[1])))
    held.append(one)
for one in held:
    one.close()
"""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        port = server.getsockname()[1]
        with child(code, str(port)) as process, watching("tcp_connect", Aim(pids=(process.pid,))) as watch:
            finish(process)
            told = watch.summary()

    row, = told["destinations"]
    assert (row["connects"], row["retried"], row["failures"]) == (4, 2, {"closed": 2})
    assert row["failed"]["max_ms"] >= 1000
    assert any("2 of 4 connects" in line and "sent a SYN again" in line for line in told["sentences"])


def test_used_up_ports_are_told_apart_from_refusals() -> None:
    code = """
import socket, struct
held = []
for port in (int(sys.argv[2]), int(sys.argv[2])):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_IP, 51, struct.pack("=I", port << 16 | port))  # IP_LOCAL_PORT_RANGE: one port alone
    print(one.connect_ex(("127.0.0.1", int(sys.argv[1]))))
    held.append(one)
"""
    spare = closed_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with child(code, str(port), str(spare)) as process, watching("tcp_connect", Aim(pids=(process.pid,))) as watch:
            results = finish(process).split()
            told = watch.summary()
    if results != ["0", "99"]:
        pytest.skip(f"this kernel has no IP_LOCAL_PORT_RANGE ({results})")

    assert told["destinations"][0]["failures"] == {"EADDRNOTAVAIL": 1}


def test_over_the_budget_connects_are_counted_and_not_shown() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        port = server.getsockname()[1]
        with child(_OPENED, str(port)) as process, watching("tcp_connect", Aim(pids=(process.pid,)), Options(budget=2)) as watch:
            finish(process)
            told = watch.summary()

    counts = told["counts"]
    assert (counts["seen"], told["opened"]["count"]) == (40, 40)
    assert counts["suppressed"] > 0
    assert counts["events"] == len(watch.samples)
    assert counts["identity_holds"]

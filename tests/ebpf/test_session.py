"""A worker on a real kernel: what it sees is what happened, and nothing stays behind."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebpf.accounting import counts
from ebpf.catalog import CATALOG
from ebpf.kind import Aim, Options
from ebpf.kinds import kind_of
from ebpf.loaders.core import CoreLoader
from ebpf.order import Order
from ebpf.presence import inode
from tests.ebpf.conftest import SERVER, Spawn, free_port

SECONDS = 20


class Worker:
    """A worker process and what it told."""

    def __init__(self, order: Order) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "ebpf.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        self.process.stdin.write(order.line())
        self.process.stdin.flush()
        self.told: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.told.append(told)
        return told

    def until(self, kind: str) -> dict[str, Any]:
        while (told := self.next())["type"] != kind:
            assert told["type"] != "error", told
        return told

    def finish(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Stop it; its calls and its result."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        result = self.until("result")
        self.process.wait(30)
        return [one["call"] for one in self.told if one["type"] == "call"], result


def order(group: Path, port: int, *, side: str = "server", budget: int = 0, name: str = "http", seconds: float = SECONDS, **more: Any) -> Order:
    aim = Aim(str(group), inode(str(group)) or 0, more.pop("pids", ()), port, side)
    return Order(name, aim, Options(budget), seconds, more.pop("overhead", 1.0), os.getpid(), **more)


@pytest.fixture
def attached(group: Path, http_server: int) -> Iterator[Worker]:
    worker = Worker(order(group, http_server))
    worker.until("attached")
    yield worker
    worker.process.kill()
    worker.process.wait()


def ask(port: int, *targets: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> list[int]:
    """One connection, these requests; the statuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    statuses = []
    for target in targets:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses


def test_every_request_is_seen_with_its_route_and_status(attached: Worker, http_server: int) -> None:
    ask(http_server, "/orders/17?token=abc", "/missing", "/broken", "/orders/18")

    calls, result = attached.finish()

    assert [(one["method"], one["route"], one["status"]) for one in calls] == [
        ("GET", "/orders/{id}", 200), ("GET", "/missing", 404), ("GET", "/broken", 500), ("GET", "/orders/{id}", 200)]
    assert result["summary"]["counts"] | {"calls": 0} == {
        "seen": 4, "events": 4, "suppressed": 0, "lost": 0, "duplicates": 0, "gaps": 0, "unparsed": 0, "untracked": 0, "calls": 0, "in_flight": 0, "identity_holds": True}


def test_the_worker_holds_no_capability_once_it_reads(attached: Worker) -> None:
    status = Path(f"/proc/{attached.process.pid}/status").read_text()

    held = {line.split(":")[0]: int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("CapPrm", "CapEff", "CapInh", "CapAmb"))}

    assert held == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0}
    assert "NoNewPrivs:\t1" in status


def test_no_query_value_header_or_cookie_leaves_the_worker(attached: Worker, http_server: int) -> None:
    ask(http_server, "/login?password=hunter2secret&user=ann", headers={"Cookie": "session=c00kievalue", "Authorization": "Bearer t0kenvalue", "X-Api-Key": "k3yvalue"})

    attached.finish()

    told = json.dumps(attached.told)
    assert "/login" in told
    assert not [secret for secret in ("hunter2secret", "c00kievalue", "t0kenvalue", "k3yvalue") if secret in told]


def test_the_callers_trace_is_told(attached: Worker, http_server: int) -> None:
    ask(http_server, "/", headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})

    calls, _ = attached.finish()

    assert calls[0]["parent"] == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "sampled": True}


def test_a_slow_answer_takes_as_long_as_it_does(attached: Worker, http_server: int) -> None:
    ask(http_server, "/slow", "/")

    calls, result = attached.finish()

    assert 0.29e9 < calls[0]["duration"] < 5e9
    assert calls[1]["duration"] < calls[0]["duration"]
    assert 290 < result["summary"]["latency"]["max_ms"] < 5000


def test_a_request_without_an_answer_is_in_flight_and_then_ended(attached: Worker, http_server: int) -> None:
    with socket.create_connection(("127.0.0.1", http_server)) as waiting:
        waiting.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        _, result = attached.finish()

    assert result["summary"]["counts"]["in_flight"] == 1
    assert result["summary"]["counts"]["identity_holds"]


def test_a_connection_that_breaks_ends_its_request(attached: Worker, http_server: int, group: Path) -> None:
    with socket.create_connection(("127.0.0.1", http_server)) as waiting:
        waiting.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset
    time.sleep(0.3)

    calls, result = attached.finish()

    assert calls[0]["notes"] == ["the connection ended before a response", "the connection ended with it"]
    assert "status" not in calls[0]
    assert result["summary"]["counts"]["identity_holds"]


@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_head_that_comes_in_pieces_is_put_together(attached: Worker, http_server: int, size: int) -> None:
    head = b"GET /pieces/and/bits HTTP/1.1\r\nHost: shop.example\r\nX-Long: " + b"y" * 100 + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", http_server)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"GET ")  # a method that is split itself is not recognised
        for at in range(4, len(head), size):
            client.sendall(head[at:at + size])
        assert client.recv(4096).startswith(b"HTTP/1.1 200")

    calls, _ = attached.finish()

    assert [(one["route"], one["host"], one["status"]) for one in calls] == [("/pieces/and/bits", "shop.example", 200)]


def test_a_body_that_comes_after_continue_belongs_to_its_request(attached: Worker, http_server: int) -> None:
    assert ask(http_server, "/upload", method="POST", body=b"x" * 200_000) == [200]

    calls, result = attached.finish()

    assert [(one["method"], one["route"], one["status"]) for one in calls] == [("POST", "/upload", 200)]
    assert calls[0]["request_size"] > 200_000
    assert result["summary"]["counts"]["gaps"] == 0


def test_garbage_on_the_port_is_counted_and_breaks_nothing(attached: Worker, http_server: int) -> None:
    with socket.create_connection(("127.0.0.1", http_server)) as client:
        client.sendall(os.urandom(9000).replace(b"GET ", b"    "))
    ask(http_server, "/after")

    calls, result = attached.finish()

    assert [one["route"] for one in calls] == ["/after"]
    assert result["summary"]["counts"]["unparsed"] > 0


def test_what_is_over_the_budget_is_counted_and_measured(group: Path, http_server: int) -> None:
    worker = Worker(order(group, http_server, budget=2))
    worker.until("attached")
    ask(http_server, *["/many"] * 500)

    calls, result = worker.finish()

    counts = result["summary"]["counts"]
    assert counts["seen"] == 500 == result["summary"]["latency"]["count"]
    assert counts["suppressed"] == 500 - len(calls) > 0
    assert counts["identity_holds"]


def test_two_sessions_on_one_target_see_the_same(group: Path, http_server: int) -> None:
    both = [Worker(order(group, http_server)) for _ in range(2)]
    for one in both:
        one.until("attached")
    ask(http_server, "/a", "/b")

    seen = [[call["route"] for call in one.finish()[0]] for one in both]

    assert seen == [["/a", "/b"], ["/a", "/b"]]


def test_a_client_sees_its_own_requests(group: Path, spawn: Spawn) -> None:
    port = free_port()
    spawn(SERVER, str(port))
    client = spawn("""
        import sys, http.client
        print("ready", flush=True)
        sys.stdin.readline()
        one = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
        one.request("GET", "/asked"); one.getresponse().read()
        print("done", flush=True)
    """, str(port), group=group)
    worker = Worker(order(group, port, side="client"))
    worker.until("attached")
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"\n")
    client.stdin.flush()
    client.stdout.readline()

    calls, _ = worker.finish()

    assert [(one["route"], one["server"], one["status"]) for one in calls] == [("/asked", False, 200)]


def test_ipv6_is_seen(group: Path, spawn: Spawn) -> None:
    port = free_port()
    spawn(SERVER.replace("127.0.0.1", "::1"), str(port), group=group)
    worker = Worker(order(group, port))
    worker.until("attached")
    connection = http.client.HTTPConnection("::1", port)
    connection.request("GET", "/six")
    connection.getresponse().read()
    connection.close()

    calls, _ = worker.finish()

    assert [(one["route"], one["peer"]) for one in calls] == [("/six", "::1")]


def test_an_order_that_is_none_is_told(kernel: None) -> None:
    done = subprocess.run([sys.executable, "-m", "ebpf.worker"], input=b'{"name": 1}\n', capture_output=True, check=False)

    assert done.returncode == 2
    assert "cannot be read" in json.loads(done.stdout)["what"]


@pytest.mark.parametrize("name", sorted(set(CATALOG) - {"https"}))
def test_every_probe_runs_in_a_worker_and_its_numbers_add_up(group: Path, http_server: int, name: str) -> None:
    worker = Worker(order(group, http_server, name=name, seconds=1))
    worker.until("attached")
    ask(http_server, *["/a"] * 20)

    result = worker.until("result")

    assert result["ended"] == "the time is over"
    assert result["summary"]["counts"]["identity_holds"]
    assert result["resident"] < 64 * 2**20


def test_a_full_ring_buffer_loses_and_counts(group: Path, http_server: int) -> None:
    kind = kind_of("http")
    aim, options = Aim(str(group), inode(str(group)) or 0, (), http_server, "server"), Options(0)
    loaded = CoreLoader().load(kind.object, kind.constants(aim, options), sizes={"ring": 1 << 14})
    try:
        loaded.attach(kind.places(aim, options))
        ask(http_server, *["/a"] * 100)
        loaded.detach()
        loaded.put("control", 0, 0)
        loaded.sweep()
        counted = counts(loaded.numbers("counters"), loaded.numbers("control")[1])
        read: list[bytes] = []
        loaded.poll(0, read.append)
    finally:
        loaded.close()

    assert (counted.seen, counted.events + counted.lost) == (100, 100)
    assert 0 < counted.events == len(read) < 20
    assert counted.holds

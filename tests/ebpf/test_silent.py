"""Commands that no MySQL server answers: what is asked after them begins by itself."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pymysql

from tests.ebpf.conftest import Spawn, free_port
from tests.ebpf.test_protocols import FORWARDER, mysql
from tests.ebpf.test_session import Worker, order

__all__ = ["mysql"]  # a fixture


def command(body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + b"\0" + body


def test_what_no_mysql_server_answers_begins_no_statement(loader_name: str, mysql: Path, group: Path, spawn: Spawn) -> None:
    port = free_port()
    spawn(FORWARDER, str(port), str(mysql), group=group)
    worker = Worker(order(group, port, name="mysql", loader=loader_name))
    worker.until("attached")
    with closing(pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True, ssl_disabled=True)) as connection:
        connection._sock.sendall(command(b"\x19\1\0\0\0") * 3)
        time.sleep(0.3)
        start = time.perf_counter_ns()
        connection.query("SELECT 41 + 1")
        first = time.perf_counter_ns() - start
        connection._sock.sendall(command(b"\x18\1\0\0\0\0\0" + b"a" * 200_000))  # of many segments
        time.sleep(0.3)
        start = time.perf_counter_ns()
        connection.query("SELECT 42 * 1.5")
        second = time.perf_counter_ns() - start

    calls, result = worker.finish()

    told = {one["query"]: one for one in calls if one.get("operation") == "SELECT"}
    assert told["SELECT ? + ?"]["duration"] <= first
    assert told["SELECT ? * ?"]["duration"] <= second
    assert all(one.get("outcome") for one in calls)
    assert result["summary"]["counts"]["identity_holds"]

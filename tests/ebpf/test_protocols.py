"""Databases, gRPC, names and TLS on a real kernel, with real servers and clients: every call, and nothing secret."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql
import pytest

from tests.agent import postgres
from tests.ebpf.conftest import SERVER, Spawn, free_port
from tests.ebpf.parsers import mariadb
from tests.ebpf.test_session import Worker, order

SECRET = "S3cretS3cretValue42"
FORWARDER = """
import asyncio, sys

async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()

async def serve(reader, writer):
    theirs, ours = await asyncio.open_unix_connection(sys.argv[2])
    await asyncio.gather(pipe(reader, ours), pipe(theirs, writer))

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Path]:
    with postgres.server() as running:
        running.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
        running.run("INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 1000) n")
        yield running.folder / ".s.PGSQL.5432"


@pytest.fixture(scope="module")
def mysql() -> Iterator[Path]:
    with mariadb.server() as path:
        yield path


def test_statements_of_postgresql_have_rows_and_codes_and_no_values(loader_name: str, postgresql: Path, group: Path, spawn: Spawn) -> None:
    port = free_port()
    spawn(FORWARDER, str(port), str(postgresql), group=group)
    worker = Worker(order(group, port, name="postgres", loader=loader_name))
    worker.until("attached")
    with psycopg.connect(f"host=127.0.0.1 port={port} dbname=postgres user=oncalm sslmode=disable", autocommit=True) as connection:
        for number in range(20):
            connection.execute("SELECT * FROM items WHERE id <= %s AND name <> %s", (number, SECRET))
        with closing(psycopg.ClientCursor(connection)) as cursor:
            cursor.execute("SELECT * FROM items ORDER BY id")
            with pytest.raises(psycopg.errors.DivisionByZero):
                cursor.execute(f"SELECT 1/0, '{SECRET}'")

    calls, result = worker.finish()

    told = [(one["query"], one.get("rows"), one.get("error")) for one in calls if one["sql_kind"] in {"query", "execute"}]
    assert ("SELECT * FROM items ORDER BY id", 1000, None) in told
    assert ("SELECT ?/?, ?", None, "22012") in told
    assert [rows for query, rows, _ in told if "WHERE" in query] == list(range(20))
    assert SECRET not in json.dumps(worker.told)
    assert result["summary"]["counts"]["identity_holds"]
    assert result["summary"]["counts"]["lost"] == 0


def test_statements_of_mariadb_have_codes_and_no_values(loader_name: str, mysql: Path, group: Path, spawn: Spawn) -> None:
    port = free_port()
    spawn(FORWARDER, str(port), str(mysql), group=group)
    worker = Worker(order(group, port, name="mysql", loader=loader_name))
    worker.until("attached")
    with closing(pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True, ssl_disabled=True)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop")
        cursor.execute("CREATE TABLE shop.items (id int, name varchar(80))")
        assert cursor.execute("INSERT INTO shop.items VALUES (1, %s), (2, %s)", (SECRET, SECRET)) == 2
        cursor.execute("SELECT * FROM shop.items WHERE name = %s", (SECRET,))
        with pytest.raises(pymysql.err.ProgrammingError):
            cursor.execute(f"SELECT '{SECRET}' FROM shop.nothing")
        cursor.execute("DROP DATABASE shop")

    calls, result = worker.finish()

    told = {one["query"]: (one.get("rows"), one.get("code")) for one in calls if one.get("query")}
    inserted = next(value for query, value in told.items() if query.startswith("INSERT"))
    assert inserted == (2, None)
    assert told["SELECT * FROM shop.items WHERE name = ?"] == (2, None)
    assert told["SELECT ? FROM shop.nothing"] == (None, 1146)
    assert SECRET not in json.dumps(worker.told)
    assert result["summary"]["counts"]["identity_holds"]


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


GRPC = """
import sys, grpc
from concurrent.futures import ThreadPoolExecutor

CODES = {"Add": grpc.StatusCode.OK, "Fail": grpc.StatusCode.NOT_FOUND, "Deny": grpc.StatusCode.PERMISSION_DENIED}

def handler(name):
    def serve(given, context):
        if CODES[name] is not grpc.StatusCode.OK:
            context.abort(CODES[name], "no")
        return given * 3
    return grpc.unary_unary_rpc_method_handler(serve)

server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Cart", {name: handler(name) for name in CODES}),))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
print("ready", flush=True)
server.wait_for_termination()
"""


def ask_grpc(channel: object, times: int) -> None:
    import grpc

    assert isinstance(channel, grpc.Channel)
    for number in range(times):
        for method in ("Add", "Fail", "Deny"):
            try:
                channel.unary_unary(f"/shop.v1.Cart/{method}")(b"abcd", metadata=(("authorization", f"Bearer {SECRET}{number}"),), timeout=30)
            except grpc.RpcError:
                continue


def test_every_grpc_call_is_told_with_its_status(loader_name: str, group: Path, spawn: Spawn) -> None:
    import grpc

    port = free_port()
    spawn(GRPC, str(port), group=group)
    worker = Worker(order(group, port, name="grpc", loader=loader_name))
    worker.until("attached")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask_grpc(channel, 100)

    calls, result = worker.finish()

    assert Counter((one["service"], one["method"], one["grpc_status"]) for one in calls) == {
        ("shop.v1.Cart", "Add", 0): 100, ("shop.v1.Cart", "Fail", 5): 100, ("shop.v1.Cart", "Deny", 7): 100}
    assert result["summary"]["counts"]["identity_holds"]
    assert result["summary"]["pieces"]["identity_holds"]
    assert SECRET not in json.dumps(worker.told)


def test_a_grpc_connection_that_is_joined_late_says_what_it_cannot_know(loader_name: str, group: Path, spawn: Spawn) -> None:
    import grpc

    port = free_port()
    spawn(GRPC, str(port), group=group)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask_grpc(channel, 5)
        worker = Worker(order(group, port, name="grpc", loader=loader_name))
        worker.until("attached")
        ask_grpc(channel, 20)

    calls, result = worker.finish()

    assert len(calls) == 60
    assert result["summary"]["parser"]["hpack_unknown"] > 0
    assert all(one.get("method") or one.get("unknown") for one in calls)
    assert "cannot be known" in " ".join(result["summary"]["sentences"])


class Names:
    """A name server: ``gone.…`` does not exist, ``silent.…`` gets no answer, all else is 192.0.2.1."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                data, asker = self.socket.recvfrom(2048)
            except OSError:
                return
            if b"silent" in data:
                continue
            gone = b"gone" in data
            answer = data[:2] + struct.pack(">HHHHH", 0x8183 if gone else 0x8180, 1, 0 if gone else 1, 0, 0) + data[12:]
            if not gone:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 1])
            self.socket.sendto(answer, asker)


ASKER = """
import socket, struct, sys
print("ready", flush=True)
sys.stdin.readline()
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.settimeout(20)
def ask(number, name):
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b"."))
    one.sendto(struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\\0\\0\\1\\0\\1", ("127.0.0.1", int(sys.argv[1])))
ask(1, b"db.shop.internal"); ask(2, b"gone.shop.internal")  # two at once
one.recv(2048); one.recv(2048)
ask(3, b"silent.shop.internal")
print("done", flush=True)
sys.stdin.readline()
"""


def test_names_are_told_with_their_codes_and_those_without_an_answer(loader_name: str, group: Path, spawn: Spawn) -> None:
    names = Names()
    asker = spawn(ASKER, str(names.port), group=group)
    worker = Worker(order(group, names.port, name="dns", loader=loader_name, side="client"))
    worker.until("attached")
    assert asker.stdin is not None
    assert asker.stdout is not None
    asker.stdin.write(b"\n")
    asker.stdin.flush()
    asker.stdout.readline()
    worker.until("progress")
    while not any(one["type"] == "call" and one["call"].get("name") == "silent.shop.internal" for one in worker.told):
        worker.next()

    calls, result = worker.finish()

    names.socket.close()
    assert {one["name"]: (one["type"], one.get("rcode"), one.get("answers")) for one in calls} == {
        "db.shop.internal": ("A", 0, 1), "gone.shop.internal": ("A", 3, 0), "silent.shop.internal": ("A", None, None)}
    assert result["summary"]["counts"]["identity_holds"]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run([shutil.which("openssl") or "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def https_server(group: Path, spawn: Spawn, tmp_path: Path) -> tuple[int, Path, int]:
    """Port, certificate and process of a server that speaks TLS."""
    cert, key = certificate(tmp_path)
    port = free_port()
    source = SERVER.replace('"127.0.0.1", int(sys.argv[1]))', '"127.0.0.1", int(sys.argv[1]), ssl=context)').replace(
        "async def main():", f"import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\ncontext.load_cert_chain({str(cert)!r}, {str(key)!r})\n\nasync def main():")
    return port, cert, spawn(source, str(port), group=group).pid


def test_requests_inside_tls_are_seen_without_a_key(loader_name: str, group: Path, https_server: tuple[int, Path, int]) -> None:
    port, cert, pid = https_server
    context = ssl.create_default_context(cafile=str(cert))
    worker = Worker(order(group, port, name="https", loader=loader_name, pids=(pid,)))
    worker.until("attached")
    for target in ("/orders/7?token=" + SECRET, "/missing", "/broken"):
        request = urllib.request.Request(f"https://127.0.0.1:{port}{target}", headers={"Cookie": SECRET})
        try:
            urllib.request.urlopen(request, context=context).read()  # noqa: S310 - our own server
        except urllib.error.HTTPError:
            continue

    calls, result = worker.finish()

    assert [(one["method"], one["route"], one["status"], one["server"]) for one in calls] == [
        ("GET", "/orders/{id}", 200, True), ("GET", "/missing", 404, True), ("GET", "/broken", 500, True)]
    assert SECRET not in json.dumps(worker.told)
    assert result["summary"]["counts"]["identity_holds"]


def test_a_target_without_libssl_says_so(loader_name: str, group: Path, spawn: Spawn) -> None:
    sleeper = spawn("import sys; print('ready', flush=True); sys.stdin.read()")
    worker = Worker(order(group, 443, name="https", loader=loader_name, pids=(sleeper.pid,)))

    told = worker.next()

    assert told["type"] == "error"
    assert "none of its processes uses OpenSSL" in told["what"]


def test_calls_with_messages_larger_than_a_piece_still_have_their_status(kernel: None, group: Path, spawn: Spawn) -> None:
    import grpc

    port = free_port()
    spawn(GRPC, str(port), group=group)
    worker = Worker(order(group, port, name="grpc"))
    worker.until("attached")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for _ in range(30):
            channel.unary_unary("/shop.v1.Cart/Add")(b"x" * 4000, timeout=30)  # the answer is three times as long

    calls, result = worker.finish()

    assert Counter((one.get("method"), one.get("grpc_status")) for one in calls) == {("Add", 0): 30}
    assert result["summary"]["counts"]["identity_holds"]

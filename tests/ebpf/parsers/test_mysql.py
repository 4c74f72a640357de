"""MySQL's protocol: real bytes of PyMySQL and a real MariaDB, prepared statements, and packets that are cut or garbage."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from ebpf.calls import SqlCall
from ebpf.parsers.mysql import Mysql
from tests.ebpf.parsers import mariadb
from tests.ebpf.parsers.exchanges import exchange
from tests.ebpf.parsers.recording import Recording, recording

SECRET = "S3cret'S3cret"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with mariadb.server() as socket:
        with pymysql.connect(unix_socket=str(socket), user="root", autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            connection.select_db("shop")
            cursor.execute("CREATE TABLE shop.items (id int PRIMARY KEY, name text)")
            cursor.execute("INSERT INTO shop.items SELECT seq, concat('item ', seq) FROM seq_1_to_1000")
            cursor.execute("CREATE PROCEDURE shop.both() BEGIN SELECT * FROM shop.items LIMIT 2; SELECT * FROM shop.items LIMIT 3; END")
        yield socket


@pytest.fixture
def wire(server: Path) -> Iterator[tuple[Recording, pymysql.connections.Connection]]:
    with recording(server) as found:
        host, port = found.address
        with pymysql.connect(host=host, port=port, user="root", database="shop", autocommit=True) as connection:
            yield found, connection


def statements(found: Recording, skip: int = 0) -> list[SqlCall]:
    parser = Mysql()
    calls = [call for one in found.exchanges()[skip:] for call in parser.calls(one)]
    return [call for call in calls if call.kind in {"query", "execute", "prepare", "copy"} and call.operation != "SET"]


def run(connection: pymysql.connections.Connection, sql: str, given: tuple[object, ...] | None = None) -> int:
    with connection.cursor() as cursor:
        return cursor.execute(sql, given)


def test_a_connection_begins_with_a_handshake(wire: tuple[Recording, object]) -> None:
    first = Mysql().calls(wire[0].exchanges()[0])

    assert [(call.kind, call.outcome, call.unknown) for call in first] == [("startup", "ok", ())]


def test_statements_are_told_with_rows_and_errors(wire: tuple[Recording, pymysql.connections.Connection]) -> None:
    found, connection = wire
    run(connection, "SELECT * FROM items WHERE id < %s AND name <> %s", (4, SECRET))
    run(connection, 'UPDATE items SET name = concat(name, "S3cret") WHERE id IN (1, 2, 3)')
    run(connection, "SELECT * FROM items WHERE id < 0")
    run(connection, f"/* S3cret */ SELECT name FROM `items` # S3cret\n WHERE id <= 100")
    with pytest.raises(pymysql.err.ProgrammingError):
        run(connection, "SELECT * FROM nowhere")
    with pytest.raises(pymysql.err.IntegrityError):
        run(connection, "INSERT INTO items VALUES (%s, %s), (%s, %s)", (5, SECRET, 6, SECRET))
    run(connection, "SELECT id FROM items")

    calls = statements(found)
    assert [(call.query, call.outcome, call.rows, call.error, call.code) for call in calls] == [
        ("SELECT * FROM items WHERE id < ? AND name <> ?", "ok", 3, "", None),
        ("UPDATE items SET name = concat(name, ?) WHERE id IN (?)", "ok", 3, "", None),
        ("SELECT * FROM items WHERE id < ?", "ok", 0, "", None),
        ("SELECT name FROM `items` WHERE id <= ?", "ok", 100, "", None),
        ("SELECT * FROM nowhere", "error", None, "42S02", 1146),
        ("INSERT INTO items VALUES (?)", "error", None, "23000", 1062),
        ("SELECT id FROM items", "ok", None, "", None),
    ]
    assert calls[-1].unknown == ("rows",)
    assert "S3cret" not in repr(calls)


def test_several_results_of_one_call_are_counted_when_all_were_seen(wire: tuple[Recording, pymysql.connections.Connection]) -> None:
    found, connection = wire
    with connection.cursor() as cursor:
        cursor.callproc("both")

    (call,) = statements(found)
    assert (call.operation, call.outcome, call.rows) == ("CALL", "ok", 5)


class Raw:
    """The prepared statements of the protocol, which PyMySQL does not know."""

    def __init__(self, connection: pymysql.connections.Connection) -> None:
        self.connection = connection

    def prepare(self, sql: str) -> int:
        self.connection._execute_command(0x16, sql)
        first = self.connection._read_packet().get_all_data()
        number, columns, given = struct.unpack("<IHH", first[1:9])
        for count in (given, columns):
            for _ in range(count + bool(count)):
                self.connection._read_packet()
        return int(number)

    def execute(self, number: int, given: int) -> int:
        self.connection._execute_command(0x17, struct.pack("<IBIBBHq", number, 0, 1, 0, 1, 8, given))
        columns = self.connection._read_packet().get_all_data()[0]
        for _ in range(columns + 1):
            self.connection._read_packet()
        rows = 0
        while not self.connection._read_packet().is_eof_packet():
            rows += 1
        return rows


def test_prepared_statements_are_remembered_by_number(wire: tuple[Recording, pymysql.connections.Connection]) -> None:
    found, connection = wire
    raw = Raw(connection)
    number = raw.prepare("SELECT id FROM items WHERE id <= ? AND name <> 'S3cret'")
    assert [raw.execute(number, most) for most in (0, 3, 20)] == [0, 3, 20]

    calls = statements(found)
    assert [(call.kind, call.query, call.rows) for call in calls] == [
        (kind, "SELECT id FROM items WHERE id <= ? AND name <> ?", rows) for kind, rows in (("prepare", None), ("execute", 0), ("execute", 3), ("execute", 20))
    ]
    late = statements(found, skip=len(found.exchanges()) - 1)
    assert [(call.query, call.unknown[:1], call.outcome) for call in late] == [("", ("statement",), "ok")]


def test_a_refused_login_has_its_code(server: Path) -> None:
    with recording(server) as found:
        host, port = found.address
        with pytest.raises(pymysql.err.OperationalError):
            pymysql.connect(host=host, port=port, user="nobody", password="S3cret")

    calls = [call for one in found.exchanges() for call in Mysql().calls(one)]
    assert [(call.kind, call.outcome, call.error, call.code) for call in calls][-1] == ("startup", "error", "28000", 1045)
    assert "S3cret" not in repr(calls)


def packet(body: bytes, number: int = 0) -> bytes:
    return len(body).to_bytes(3, "little") + bytes((number,)) + body


OK = packet(b"\0\x02\0\x02\0\0\0", 1)


@pytest.mark.parametrize(("request_", "query", "unknown"), [
    (packet(b"\x03SELECT 1"), "SELECT ?", ()),
    (packet(b"\x03\0\1SELECT 1"), "SELECT ?", ()),
    (packet(b"\x03SELECT '" + b"x" * 600 + b"'"), "SELECT ? …", ("query_cut",)),
    (packet(b"\x03SELECT 1") + packet(b"\x03SELECT 2, 3")[:3], "SELECT ?", ("messages_cut",)),
    (b"\xff\xff\xff\0\x03SELECT '" + b"x" * 600, "", ("not_mysql",)),
    (packet(b"\x03\x78\x9c\x01\x02"), "", ("statement",)),
])
def test_statements_may_be_cut(request_: bytes, query: str, unknown: tuple[str, ...]) -> None:
    call = Mysql().calls(exchange(request_, OK))[0]

    assert (call.query, call.unknown) == (query, unknown)


def test_a_command_of_more_than_one_packet_is_one_call() -> None:
    big = replace(exchange(b"\xff\xff\xff\0\x03INSERT INTO t VALUES ('" + b"x" * 600, OK), request_size=0xFFFFFF + 4 + 4 + 10)
    (call,) = Mysql().calls(big)

    assert (call.query, call.rows, call.unknown) == ("INSERT INTO t VALUES (? …", 2, ("query_cut", "messages_cut"))


def test_a_header_alone_is_no_call_that_can_be_read() -> None:
    (call,) = Mysql().calls(exchange(b"\x09\0\0\0", b""))

    assert (call.kind, call.unknown) == ("other", ("messages_cut",))


def test_statements_sent_together_have_a_call_each() -> None:
    request = packet(b"\x16SELECT * FROM t WHERE a = ?") + packet(b"\x17\xff\xff\xff\xff\0\1\0\0\0") + packet(b"\x19\1\0\0\0")
    calls = Mysql().calls(exchange(request, packet(b"\0\1\0\0\0\0\0\0\0\0\0\0", 1) + OK))

    assert [(call.kind, call.query, call.outcome) for call in calls] == [(kind, "SELECT * FROM t WHERE a = ?", "ok") for kind in ("prepare", "execute")]
    assert [(call.rows, call.unknown) for call in calls] == [(None, ("pipelined",)), (2, ("pipelined",))]


def test_compressed_and_encrypted_connections_say_so() -> None:
    parser = Mysql()
    parser.calls(exchange(packet(struct.pack("<IIB23x", 0x200 | 0x20, 0, 8) + b"root\0", 1), OK))
    (compressed,) = parser.calls(exchange(b"\x09\0\0\0\0\0\0" + packet(b"\x03SELE")))
    (tls,) = Mysql().calls(exchange(packet(struct.pack("<IIB23x", 0x200 | 0x800, 0, 8), 1)))
    (hello,) = Mysql().calls(exchange(b"\x16\x03\x01\x02\0\x01\0"))

    assert (compressed.unknown, tls.kind, hello.unknown) == (("compressed",), "ssl", ("encrypted",))


@pytest.mark.parametrize("garbage", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 99, b"\0\0\0\0\0", packet(b"\x77abc"), packet(b"x" * 40, 1)])
def test_garbage_says_it_is_not_mysql(garbage: bytes) -> None:
    assert "not_mysql" in Mysql().calls(exchange(garbage))[0].unknown


def result(columns: int, rows: int, *, deprecate: bool, more: bool = False) -> bytes:
    """A result set as a server sends it, with or without the packet between its columns and its rows."""
    status = b"\x0a\0" if more else b"\x02\0"
    bodies = [bytes((columns,)), *[b"\3def" + b"x" * 30] * columns, *([] if deprecate else [b"\xfe\0\0\x02\0"]), *[b"\1a" * columns] * rows]
    bodies.append(b"\xfe\0\0" + status + b"\0\0" if deprecate else b"\xfe\0\0" + status)
    return b"".join(packet(body, (number + 1) % 256) for number, body in enumerate(bodies))


@pytest.mark.parametrize("deprecate", [False, True])
@pytest.mark.parametrize(("columns", "rows", "counted"), [(1, 0, 0), (2, 5, 5), (1, 70, 70), (1, 200, 200), (3, 150, 150), (1, 256, 256), (1, 700, None), (1, 5000, None), (12, 0, 0), (12, 3, 3), (12, 100, 100), (12, 200, 200), (12, 600, None)])
def test_rows_are_counted_where_all_were_seen_or_no_other_number_is_possible(columns: int, rows: int, counted: int | None, deprecate: bool) -> None:
    (call,) = Mysql().calls(exchange(packet(b"\x03SELECT a FROM t"), result(columns, rows, deprecate=deprecate)))

    assert (call.outcome, call.rows, call.unknown) == ("ok", counted, () if counted is not None else ("rows",))


@pytest.mark.parametrize(("rows", "counted"), [(90, 90), (300, None)])
def test_rows_of_the_binary_protocol_may_be_short(rows: int, counted: int | None) -> None:
    row = b"\0\xfc\x3f"  # twelve times NULL
    bodies = [b"\x0c", *[b"\3def" + b"x" * 60] * 12, *[row] * rows, b"\xfe\0\0\x02\0\0\0"]
    answer = b"".join(packet(body, (number + 1) % 256) for number, body in enumerate(bodies))
    parser = Mysql()
    parser.calls(exchange(packet(b"\x16SELECT * FROM t"), packet(b"\0\1\0\0\0" + bytes(7), 1)))
    (call,) = parser.calls(exchange(packet(b"\x17\1\0\0\0\0\1\0\0\0"), answer))

    assert (call.query, call.outcome, call.rows) == ("SELECT * FROM t", "ok", counted)


@pytest.mark.parametrize("deprecate", [False, True])
def test_rows_of_several_results_add_up(deprecate: bool) -> None:
    several = result(1, 3, deprecate=deprecate, more=True) + result(2, 4, deprecate=deprecate, more=True) + OK
    (call,) = Mysql().calls(exchange(packet(b"\x03CALL both()"), several))

    assert (call.outcome, call.rows, call.unknown) == ("ok", 9, ())


def test_an_error_after_rows_is_an_error() -> None:
    broken = result(1, 3, deprecate=True)[:-11] + packet(b"\xff\x25\x05#70100interrupted", 6)
    (call,) = Mysql().calls(exchange(packet(b"\x03SELECT a FROM t"), broken))

    assert (call.outcome, call.error, call.code) == ("error", "70100", 1317)

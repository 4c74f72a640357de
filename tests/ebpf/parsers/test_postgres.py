"""PostgreSQL: real bytes of psycopg and a real server, and messages that are cut, unknown or garbage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from ebpf.calls import SqlCall
from ebpf.captures import Exchange
from ebpf.parsers.postgres import Postgres
from tests.agent import postgres
from tests.ebpf.parsers.exchanges import exchange
from tests.ebpf.parsers.recording import Recording, recording

SECRET = "S3cretS3cret"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        running.run("CREATE TABLE items (id int PRIMARY KEY, name text)")
        running.run("INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 1000) n")
        yield running


@pytest.fixture
def wire(server: postgres.Server) -> Iterator[tuple[Recording, psycopg.Connection]]:
    with recording(server.folder / ".s.PGSQL.5432") as found:
        host, port = found.address
        with psycopg.connect(f"host={host} port={port} dbname=postgres user=oncalm sslmode=disable", autocommit=True) as connection:
            yield found, connection


def statements(found: Recording, skip: int = 0) -> list[SqlCall]:
    parser = Postgres()
    calls = [call for one in found.exchanges()[skip:] for call in parser.calls(one)]
    return [call for call in calls if call.kind in {"query", "execute", "prepare", "copy"}]


def told(calls: list[SqlCall]) -> list[tuple[str, str, int | None, str]]:
    return [(call.query, call.outcome, call.rows, call.error) for call in calls]


def test_a_connection_begins_with_a_startup(wire: tuple[Recording, psycopg.Connection]) -> None:
    first = Postgres().calls(wire[0].exchanges()[0])

    assert [(call.kind, call.outcome, call.unknown) for call in first] == [("startup", "ok", ())]


def test_simple_statements_are_told_with_rows_and_errors(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    cursor = psycopg.ClientCursor(connection)
    cursor.execute("SELECT * FROM items WHERE id < %s AND name <> %s", (4, SECRET))
    cursor.execute("UPDATE items SET name = %s WHERE id IN (%s, %s, %s)", (SECRET, 1, 2, 3))
    cursor.execute("SELECT 1; SELECT * FROM items LIMIT 7")
    cursor.execute("-- " + SECRET + "\nBEGIN")
    cursor.execute("ROLLBACK")
    with pytest.raises(psycopg.errors.DivisionByZero):
        cursor.execute("SELECT 1 / 0")
    with pytest.raises(psycopg.errors.UndefinedTable):
        cursor.execute("SELECT * FROM nowhere")
    cursor.execute("SELECT * FROM items")
    cursor.execute("")

    calls = statements(found)
    assert told(calls) == [
        ("SELECT * FROM items WHERE id < ? AND name <> ?", "ok", 3, ""),
        ("UPDATE items SET name = ? WHERE id IN (?)", "ok", 3, ""),
        ("SELECT ?; SELECT * FROM items LIMIT ?", "ok", 8, ""),
        ("BEGIN", "ok", None, ""),
        ("ROLLBACK", "ok", None, ""),
        ("SELECT ? / ?", "error", None, "22012"),
        ("SELECT * FROM nowhere", "error", None, "42P01"),
        ("SELECT * FROM items", "ok", 1000, ""),
        ("", "ok", None, ""),
    ]
    assert [call.operation for call in calls] == ["SELECT", "UPDATE", "SELECT", "BEGIN", "ROLLBACK", "SELECT", "SELECT", "SELECT", ""]
    assert SECRET not in repr(calls)


def test_parameters_are_never_read(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    for number in range(3):
        connection.execute("SELECT name FROM items WHERE id = %s AND name <> %s", (number, SECRET + "x"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO items VALUES (%s, %s)", (5, SECRET))

    calls = statements(found)
    assert [(call.kind, call.query, call.outcome, call.error) for call in calls] == [
        *[("execute", "SELECT name FROM items WHERE id = ? AND name <> ?", "ok", "")] * 3,
        ("execute", "INSERT INTO items VALUES (?)", "error", "23505"),
    ]
    assert [call.rows for call in calls][:3] == [0, 1, 1]
    assert SECRET not in repr(calls)


def test_prepared_statements_are_remembered_by_name(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    for number in range(4):
        connection.execute("SELECT name FROM items WHERE id = %s", (number,), prepare=True)

    calls = statements(found)
    assert {call.query for call in calls} == {"SELECT name FROM items WHERE id = ?"}
    assert [call.outcome for call in calls] == ["ok"] * len(calls)
    late = statements(found, skip=len(found.exchanges()) - 2)
    assert {(call.query, call.unknown) for call in late} == {("", ("statement",))}


def test_statements_in_a_pipeline_have_a_call_each(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    with connection.pipeline():
        for number in range(1, 4):
            connection.execute("SELECT name FROM items WHERE id <= %s", (number,))

    assert [call.rows for call in statements(found) if call.query.startswith("SELECT name")] == [1, 2, 3]


def test_a_copy_is_said(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    with connection.cursor() as cursor:
        with cursor.copy("COPY items (id, name) FROM STDIN") as copy:
            for number in range(2000, 2005):
                copy.write_row((number, SECRET))
        with cursor.copy("COPY (SELECT * FROM items WHERE id >= 2000) TO STDOUT") as copy:
            assert len(list(copy.rows())) == 5

    calls = statements(found)
    assert [(call.operation or call.kind, call.outcome) for call in calls] == [("COPY", "ok"), ("copy", "ok"), ("COPY", "ok")]
    assert [call.rows for call in calls][1:] == [5, 5]
    assert SECRET not in repr(calls)


def test_a_statement_longer_than_the_capture_says_so(wire: tuple[Recording, psycopg.Connection]) -> None:
    found, connection = wire
    psycopg.ClientCursor(connection).execute("SELECT name FROM items WHERE id IN (" + ", ".join(map(str, range(1, 500))) + ")")

    (call,) = statements(found)
    assert (call.query, call.rows, call.unknown) == ("SELECT name FROM items WHERE id IN (?, …", None, ("query_cut", "rows"))


def test_a_refused_login_has_its_code(server: postgres.Server) -> None:
    with recording(server.folder / ".s.PGSQL.5432") as found:
        host, port = found.address
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"host={host} port={port} dbname=nowhere user=oncalm password={SECRET} sslmode=disable")

    (call,) = Postgres().calls(found.exchanges()[0])
    assert (call.kind, call.outcome, call.error) == ("startup", "error", "3D000")


def test_a_request_for_tls_is_said_and_what_follows_too() -> None:
    (call,) = Postgres().calls(exchange(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"))
    (hello,) = Postgres().calls(exchange(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\x16\x03\x03"))

    assert (call.kind, call.outcome) == ("ssl", "ok")
    assert (hello.kind, hello.unknown) == ("other", ("encrypted",))


def test_a_cancel_request_is_said() -> None:
    (call,) = Postgres().calls(exchange(b"\0\0\0\x10\x04\xd2\x16\x2e" + b"S3cret!!"))

    assert call.kind == "cancel"


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


READY = message(b"Z", b"I")
QUERY = message(b"Q", b"SELECT name FROM items\0")


@pytest.mark.parametrize(("response", "told_"), [
    (message(b"D", b"x" * 600) + message(b"C", b"SELECT 1\0") + READY, ("ok", 1, ())),
    (message(b"D", b"x" * 600) + message(b"C", b"SELECT 99\0"), ("ok", 99, ())),
    (message(b"D", b"x" * 600) + message(b"D", b"C\0\0\0\x0dSELECT 7\0") + message(b"C", b"SELECT 2\0") + READY, ("ok", 2, ())),
    (message(b"D", b"x" * 600) + message(b"E", b"SERROR\0C57014\0Mcancelled\0\0") + READY, ("error", None, ())),
    (message(b"D", b"x" * 508) + message(b"D", b"x" * 600) + message(b"C", b"SELECT 99\0") + b"Z", ("", None, ("response_cut", "outcome"))),
    (message(b"D", b"x" * 510) + message(b"D", b"C\0\0\0\x0dSELECT 7\0" * 9) + message(b"E", b"SERROR\0" * 30 + b"\0") + READY, ("", None, ("response_cut", "outcome"))),
    (b"", ("", None, ("outcome",))),
    (b"HTTP/1.1 200 OK\r\n\r\n", ("", None, ("response_cut", "outcome"))),
])
def test_the_end_of_a_response_tells_what_its_middle_does_not(response: bytes, told_: tuple[str, int | None, tuple[str, ...]]) -> None:
    (call,) = Postgres().calls(exchange(QUERY, response))

    assert (call.outcome, call.rows, call.unknown) == told_


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40, b"Q\0\0\0\x02", b"Q\xff\xff\xff\xff", b"", b"\0\0\0\x08\0\0\0\0"])
def test_garbage_says_it_is_not_postgres(request_: bytes) -> None:
    (call,) = Postgres().calls(exchange(request_))

    assert "not_postgres" in call.unknown


def test_connections_beyond_the_limit_are_forgotten_and_counted() -> None:
    parser = Postgres(connections=2)
    made: list[Exchange] = [replace(exchange(QUERY), connection=number) for number in range(5)]
    for one in made:
        parser.calls(one)

    assert parser.forgotten == 3



"""Clients of a bench's databases: connections that speak the protocol, time each statement, and note what came of it."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Protocol

from evals.bench.sql_work import DIALECTS, ITEMS, PLANTED, Dialect, Statement, prepared, statement

PAUSE = 0.001
"""Seconds between statements: everything is handed out, and some thousands a second is what a worker parses."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One exchange as the client knows it. ``kind``: ``query``, ``execute`` or ``prepare``; ``took`` in ns, from before the first byte was sent."""

    kind: str
    operation: str
    rows: int | None
    error: str | int | None
    took: int


class Link(Protocol):
    """A connection. ``server``: how the server's log names it."""

    server: str

    def prepare(self, name: str, text: str, values: int) -> int:
        """Keep a statement under a name; ns that it took."""

    def run(self, one: Statement) -> list[Noted]:
        """Run a statement: each message that it takes, with what came of it."""


def prepare_server(dialect: str, port: int, links: int) -> None:
    """The tables: one that is read, and one for each connection."""
    one = _opened(dialect, port)
    if dialect == "mysql":
        one.run(_plain("CREATE DATABASE shop"))
        one.run(_plain("USE shop"))
        source = f"SELECT seq, concat('{PLANTED} item ', seq) FROM seq_1_to_{ITEMS}"
    else:
        source = f"SELECT n, '{PLANTED} item ' || n FROM generate_series(1, {ITEMS}) n"
    one.run(_plain("CREATE TABLE items (id int PRIMARY KEY, name varchar(80))"))
    one.run(_plain(f"INSERT INTO items {source}"))
    for link in range(links):
        one.run(_plain(f"CREATE TABLE own_{link} (id int PRIMARY KEY, batch int, note varchar(80))"))


def work(dialect: str, port: int, links: range, times: int) -> dict[int, tuple[str, list[Noted]]]:
    """Run ``times`` statements on each connection, one connection after the other: per connection its name at the server and its notes.

    Raises ValueError when a server answers other than was planned: then nothing can be compared.
    """
    kind = DIALECTS[dialect]
    opened = {number: _begun(kind, port, number) for number in links}
    notes: dict[int, list[Noted]] = {number: list(begun) for number, (_, begun) in opened.items()}
    for turn in range(times):
        for number, (link, _) in opened.items():
            wanted = statement(kind, number, turn)
            got = link.run(wanted)
            if (got[-1].rows, got[-1].error) != (wanted.rows, wanted.error):
                raise ValueError(f"{dialect} answered {got[-1]} to {wanted}")
            notes[number] += got
            time.sleep(PAUSE)
    return {number: (link.server, notes[number]) for number, (link, _) in opened.items()}


def _begun(dialect: Dialect, port: int, number: int) -> tuple[Link, list[Noted]]:
    """A connection that has told its number, and prepared what it will run by name."""
    link = _opened(dialect.name, port)
    if dialect.name == "mysql":
        link.run(_plain("USE shop"))
    begun = link.run(_plain(f"SELECT 1 AS link_{number}"))
    for name, (text, values) in prepared(dialect, number).items():
        begun.append(Noted("prepare", text.split()[0], None, None, link.prepare(name, text, values)))
    return link, begun


def _opened(dialect: str, port: int) -> Link:
    return Mysql(port) if dialect == "mysql" else Postgres(port)


def _plain(text: str) -> Statement:
    return Statement("text", text, (), text.split(maxsplit=1)[0])


class Postgres:
    """libpq, as thinly as psycopg gives it: a call is one message there and one back."""

    def __init__(self, port: int) -> None:
        from psycopg import pq

        self._status = pq.ExecStatus
        self._own = pq.PGconn.connect(f"host=127.0.0.1 port={port} dbname=postgres user=oncalm sslmode=disable".encode())
        with socket.socket(fileno=self._own.socket) as one:
            self.server = f"127.0.0.1({one.getsockname()[1]})"
            one.detach()

    def prepare(self, name: str, text: str, values: int) -> int:
        """See :class:`Link`."""
        start = time.perf_counter_ns()
        self._own.prepare(name.encode(), text.encode())
        return time.perf_counter_ns() - start

    def run(self, one: Statement) -> list[Noted]:
        """See :class:`Link`."""
        text, values = one.text.encode(), [str(value).encode() for value in one.values]
        start = time.perf_counter_ns()
        if one.how == "text":
            result = self._own.exec_(text)
        elif one.how == "once":
            result = self._own.exec_params(text, values)
        else:
            result = self._own.exec_prepared(one.how.encode(), values)
        took = time.perf_counter_ns() - start
        kind = "query" if one.how == "text" else "execute"
        if result.status == self._status.FATAL_ERROR:
            return [Noted(kind, one.operation, None, (result.error_field(67) or b"").decode(), took)]  # PG_DIAG_SQLSTATE
        rows = result.ntuples if result.status == self._status.TUPLES_OK else result.command_tuples
        return [Noted(kind, one.operation, rows, None, took)]


class Timed(socket.socket):
    """A socket that notes when something was sent first, and read last."""

    sent = 0
    read = 0

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As a socket does."""
        self.sent = time.perf_counter_ns()
        super().sendall(data, flags)

    def recv_into(self, *given: Any) -> int:
        """As a socket does."""
        size = super().recv_into(*given)
        self.read = time.perf_counter_ns()
        return size


class Mysql:
    """PyMySQL, with the protocol's prepared statements (COM_STMT_PREPARE and its like), which it does not know itself."""

    def __init__(self, port: int) -> None:
        import pymysql

        self._socket = Timed(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._own: Any = pymysql.connections.Connection(host="127.0.0.1", port=port, user="root", autocommit=True, defer_connect=True, ssl_disabled=True)
        self._own.connect(self._socket)
        self._errors: type[Exception] = pymysql.err.Error
        self.server = str(self._own.thread_id())
        self._numbers: dict[str, tuple[int, int]] = {}

    def prepare(self, name: str, text: str, values: int) -> int:
        """See :class:`Link`."""
        self._own._execute_command(0x16, text)
        number, columns, given = struct.unpack("<IHH", self._own._read_packet().get_all_data()[1:9])
        self._numbers[name] = number, given
        for count in (given, columns):
            for _ in range(count + bool(count)):
                self._own._read_packet()
        return self._took()

    def run(self, one: Statement) -> list[Noted]:
        """See :class:`Link`: what is to be run once is prepared, run and closed, as many drivers do."""
        if one.how == "text":
            return [self._noted("query", one, self._query)]
        if one.how != "once":
            return [self._noted("execute", one, self._execute)]
        prepare = Noted("prepare", one.operation, None, None, self.prepare("once", one.text, len(one.values)))
        execute = self._noted("execute", one, self._execute)
        self._own._execute_command(0x19, struct.pack("<I", self._numbers["once"][0]))
        return [prepare, execute]

    def _noted(self, kind: str, one: Statement, ask: Any) -> Noted:
        rows, error = None, None
        try:
            rows = ask(one)
        except self._errors as failed:
            error = int(failed.args[0])
        return Noted(kind, one.operation, rows, error, self._took())

    def _took(self) -> int:
        return self._socket.read - self._socket.sent

    def _query(self, one: Statement) -> int:
        return int(self._own.query(one.text))

    def _execute(self, one: Statement) -> int:
        number, given = self._numbers[one.how]
        types = b"".join(b"\x08\0" if isinstance(value, int) else b"\xfd\0" for value in one.values)
        values = b"".join(struct.pack("<q", value) if isinstance(value, int) else bytes((len(value),)) + value.encode() for value in one.values)
        self._own._execute_command(0x17, struct.pack("<IBI", number, 0, 1) + bytes((given + 7) // 8) + b"\1" + types + values)
        first = self._own._read_packet()
        if first.is_ok_packet():
            return self._changed(first)
        for _ in range(first.get_all_data()[0] + 1):
            self._own._read_packet()
        rows = 0
        while not self._own._read_packet().is_eof_packet():
            rows += 1
        return rows

    @staticmethod
    def _changed(packet: Any) -> int:
        packet.advance(1)
        return int(packet.read_length_encoded_integer())

"""Records what the fuzz tests begin with: ``python -m tests.ebpf.parsers.record`` writes ``recorded.json``.

Real servers and clients speak on loopback, with planted secrets in everything that a client gives. The file is committed, so
that the fuzz tests need no server.
"""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psycopg
import pymysql

from tests.agent import postgres
from tests.ebpf.parsers import mariadb
from tests.ebpf.parsers.recording import Recording, recording
from tests.ebpf.parsers.test_grpc_recorded import CODES, record
from tests.ebpf.parsers.test_mysql import Raw
from tests.ebpf.parsers.web import nginx_server, uvicorn_server

FILE = Path(__file__).with_name("recorded.json")
SECRET = "sk_live_S3cretS3cretS3cret42"
KEPT = 2048


def main() -> None:
    found = {"http1": _http(), "postgres": _postgres(), "mysql": _mysql(), "http2": record(*CODES, size=2)}
    kept = {name: [[p.connection, p.answer, len(p.data), base64.b64encode(p.data[:KEPT]).decode()] for p in one.pieces[:80]] for name, one in found.items()}
    FILE.write_text(json.dumps(kept, indent=0) + "\n")


def _http() -> Recording:
    with ExitStack() as stack:
        behind = stack.enter_context(uvicorn_server())
        found = stack.enter_context(recording(stack.enter_context(nginx_server(behind))))
        with httpx.Client(base_url=f"http://127.0.0.1:{found.address[1]}", headers={"Authorization": SECRET, "Cookie": SECRET}, trust_env=False) as client:
            for path in ("/orders/17", "/missing", "/broken", "/empty", f"/reset/{SECRET}", "/large"):
                client.get(path, params={"token": SECRET})
                client.post(path, content=SECRET)
        return found


def _postgres() -> Recording:
    with postgres.server() as server, recording(server.folder / ".s.PGSQL.5432") as found:
        with psycopg.connect(f"host=127.0.0.1 port={found.address[1]} dbname=postgres user=oncalm sslmode=disable", autocommit=True) as connection:
            cursor = psycopg.ClientCursor(connection)
            cursor.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
            for number in range(3):
                cursor.execute("INSERT INTO items VALUES (%s, %s)", (number, f"{SECRET}'\\{number}"))
                connection.execute("SELECT * FROM items WHERE name <> %s", (SECRET,), prepare=True)
            with suppress(psycopg.Error):
                cursor.execute("INSERT INTO items VALUES (1, %s)", (SECRET,))
        return found


def _mysql() -> Recording:
    with mariadb.server() as socket, recording(socket) as found:
        with pymysql.connect(host="127.0.0.1", port=found.address[1], user="root", autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            connection.select_db("shop")
            cursor.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
            for number in range(3):
                cursor.execute("INSERT INTO items VALUES (%s, %s)", (number, f"{SECRET}'\\{number}"))
                cursor.execute("SELECT * FROM items WHERE name <> %s", (SECRET,))
            with suppress(pymysql.Error):
                cursor.execute("INSERT INTO items VALUES (1, %s)", (SECRET,))
            raw = Raw(connection)
            number = raw.prepare(f"SELECT id FROM items WHERE id <= ? AND name <> '{SECRET}'")
            raw.execute(number, 3)
        return found


if __name__ == "__main__":
    main()

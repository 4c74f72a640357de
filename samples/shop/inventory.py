"""Inventory: reservations in a SQLite database behind a pool of eight connections; Python's logging."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode

from samples.shop.http import Answer, serve
from samples.shop.telemetry import Telemetry

SKUS = ["mug-red", "mug-blue", "tee-s", "tee-m", "tee-l", "poster-a3", "cap-one", "sock-two"]
DATABASE = "inventory.db"


def run(logs: Path, telemetry: Telemetry) -> None:
    logging.basicConfig(filename=logs / "inventory.log", level=logging.INFO,
                        format="%(asctime)s - inventory.%(name)s - %(levelname)s - %(message)s")
    logging.Formatter.converter = time.gmtime
    pool, log, base = threading.Semaphore(8), logging.getLogger("stock"), logs.parent / DATABASE

    def used(_: CallbackOptions) -> list[Observation]:
        return [Observation(8 - pool._value, {"pool.name": DATABASE})]

    telemetry.meter.create_observable_gauge("db.client.connection.count", [used], unit="{connection}")

    def reserve(sku: str) -> int:
        with telemetry.spans.start_as_current_span(
            "UPDATE stock", kind=SpanKind.CLIENT,
            attributes={"db.system.name": "sqlite", "db.namespace": DATABASE, "db.operation.name": "UPDATE", "peer.service": DATABASE},
        ) as span:
            try:
                with sqlite3.connect(base, timeout=0.9) as db:
                    db.execute("BEGIN IMMEDIATE")
                    left = db.execute("SELECT left FROM stock WHERE sku = ?", (sku,)).fetchone()[0]
                    db.execute("UPDATE stock SET left = left - 1 WHERE sku = ?", (sku,))
                return left - 1
            except sqlite3.OperationalError as error:
                span.set_status(Status(StatusCode.ERROR, str(error)))
                raise

    def handle(_: BaseHTTPRequestHandler, __: str, query: dict) -> Answer:
        if not pool.acquire(timeout=1.0):
            logging.getLogger("pool").error("connection pool exhausted: 8 of 8 connections in use, waited 1000 ms")
            return 503, {"error": "connection pool exhausted"}
        begun = time.monotonic()
        try:
            left = reserve(query["sku"])
            log.info("reserved 1 of %s for order %s, %d left, took %.1f ms", query["sku"], query["order"], left,
                     (time.monotonic() - begun) * 1000)
            return 200, {"left": left}
        except sqlite3.OperationalError:
            log.exception("could not reserve %s for order %s after %.1f ms", query["sku"], query["order"],
                          (time.monotonic() - begun) * 1000)
            return 500, {"error": "database is locked"}
        finally:
            pool.release()

    log.info("opened %s with %d products, pool size 8, lock timeout 900 ms", DATABASE, len(SKUS))
    serve("inventory", handle, telemetry)


def create(base: Path) -> None:
    """The database, before anything runs."""
    with sqlite3.connect(base) as db:
        db.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, left INTEGER)")
        db.executemany("INSERT INTO stock VALUES (?, 100000)", ((s,) for s in SKUS))

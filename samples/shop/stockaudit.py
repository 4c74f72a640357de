"""The stock audit: counts the products over and over, from a snapshot or, as its configuration says, under an exclusive lock."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.trace import SpanKind

from samples.shop.http import emit
from samples.shop.inventory import DATABASE, SKUS
from samples.shop.telemetry import Telemetry


def run(logs: Path, telemetry: Telemetry) -> None:
    """Until SIGTERM. ``stockaudit.json`` beside the database is read before each pass."""
    log, base, config = logs / "stockaudit.log", logs.parent / DATABASE, logs.parent / "stockaudit.json"
    going, number, mode = [True], 0, ""
    signal.signal(signal.SIGTERM, lambda *_: going.clear())

    def say(text: str) -> None:
        emit(log, f"{datetime.now(UTC):%b %e %H:%M:%S} shop-db1 stockaudit[{os.getpid()}]: {text}")

    say("stock audit 1.4 starting")
    while going:
        number += 1
        asked = json.loads(config.read_text())["mode"]
        if asked != mode:
            say(f"configuration read: mode={asked}")
            mode = asked
        with telemetry.spans.start_as_current_span("audit pass", kind=SpanKind.INTERNAL, attributes={"audit.mode": mode}):
            total, held = _count(base, telemetry, say, mode, number)
        how = f"lock held for {held:.1f} s" if mode == "exclusive" else f"snapshot read in {held * 1000:.1f} ms"
        say(f"pass {number}: counted {total} items, {how}")
        _rest(4.8 if mode == "snapshot" else 0.8, going)
    say(f"stock audit finished after {number} passes")
    telemetry.close()


def _count(base: Path, telemetry: Telemetry, say: Callable[[str], None], mode: str, number: int) -> tuple[int, float]:
    with telemetry.spans.start_as_current_span(
        "SELECT stock", kind=SpanKind.CLIENT,
        attributes={"db.system.name": "sqlite", "db.namespace": DATABASE, "db.operation.name": "SELECT", "peer.service": DATABASE},
    ):
        db = sqlite3.connect(base, timeout=5, isolation_level=None)
        try:
            begun = time.monotonic()
            db.execute("BEGIN EXCLUSIVE" if mode == "exclusive" else "BEGIN")
            if mode == "exclusive":
                say(f"pass {number}: exclusive lock on {DATABASE} acquired, counting {len(SKUS)} products")
                time.sleep(4)
            total = db.execute("SELECT sum(left) FROM stock").fetchone()[0]
            db.execute("COMMIT")
            return total, time.monotonic() - begun
        finally:
            db.close()


def _rest(seconds: float, going: list[bool]) -> None:
    until = time.monotonic() + seconds
    while going and time.monotonic() < until:
        time.sleep(0.1)

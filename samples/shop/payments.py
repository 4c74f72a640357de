"""Payments: JSON lines, one declined card in a hundred, and a start line that holds a made-up token."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from samples.shop.http import Answer, emit, serve, trace_id
from samples.shop.telemetry import Telemetry


def run(logs: Path, telemetry: Telemetry) -> None:
    log = logs / "payments.jsonl"

    def say(level: str, message: str, **fields: object) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        emit(log, json.dumps({"time": stamp, "level": level, "msg": message, **fields}))

    def handle(_: BaseHTTPRequestHandler, __: str, query: dict) -> Answer:
        begun = time.monotonic()
        time.sleep(random.uniform(0.005, 0.03))
        if random.random() < 0.01:
            say("warn", "card declined", order=query["order"], user=query["user"], trace_id=trace_id(), reason="limit")
            return 402, {"error": "card declined"}
        say("info", "payment captured", order=query["order"], user=query["user"], trace_id=trace_id(),
            amount_eur=float(query["amount"]), latency_ms=int((time.monotonic() - begun) * 1000))
        return 200, {"ok": True}

    say("info", "payments started", version="2.8.1", gateway_auth="Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dcEXAMPLE")
    serve("payments", handle, telemetry)

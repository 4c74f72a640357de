"""The storefront: checkouts over inventory and payments, with one retry; a logback-like log with tracebacks."""

from __future__ import annotations

import random
import threading
import time
import traceback
import urllib.parse
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from samples.shop.http import Answer, call, emit, serve, trace_id
from samples.shop.inventory import SKUS
from samples.shop.telemetry import Telemetry


def run(logs: Path, telemetry: Telemetry) -> None:
    log = logs / "storefront.log"

    def say(level: str, logger: str, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        thread = threading.current_thread().name.split(" ")[0].lower()
        emit(log, f"{stamp} {level:<5} [{thread}] {logger} - {text}")

    def reserve(order: str, query: dict) -> Answer:
        path = f"/reserve?{urllib.parse.urlencode({**query, 'order': order})}"
        for attempt in (1, 2):
            try:
                status, body = call(telemetry, "inventory", path, timeout=1.5)
            except OSError as error:
                status, body = 599, {"error": str(error)}
            if status == 200 or attempt == 2:
                return status, body
            say("WARN", "shop.InventoryClient",
                f"reserve for order {order} failed with status {status}, retrying in 200 ms (attempt {attempt} of 2)")
            time.sleep(0.2)
        raise AssertionError

    def handle(_: BaseHTTPRequestHandler, path: str, query: dict) -> Answer:
        begun, order, user = time.monotonic(), f"ord-{random.randint(100000, 999999)}", query.get("user", "guest")
        if path != "/checkout":
            say("INFO", "shop.Catalog", f"Listed {len(SKUS)} products for user {user} in 2 ms")
            return 200, {"skus": SKUS}
        say("INFO", "shop.Checkout", f"Checkout of order {order} started for user {user} sku={query['sku']} trace_id={trace_id()}")
        try:
            status, body = reserve(order, query)
            if status != 200:
                raise RuntimeError(f"inventory answered {status}: {body.get('error')}")
            status, body = call(telemetry, "payments", f"/charge?order={order}&user={user}&amount={query['amount']}", timeout=2)
            if status != 200:
                raise RuntimeError(f"payment answered {status}: {body.get('error')}")
        except (RuntimeError, OSError) as error:
            spent = int((time.monotonic() - begun) * 1000)
            say("ERROR", "shop.Checkout", f"Checkout of order {order} failed for user {user} after {spent} ms: {error}\n"
                                          + traceback.format_exc().rstrip())
            return 502, {"error": "checkout failed"}
        spent = int((time.monotonic() - begun) * 1000)
        say("INFO", "shop.Checkout", f"Checkout of order {order} completed for user {user} in {spent} ms")
        return 200, {"order": order}

    say("INFO", "shop.Main", "Storefront 4.2.0 listening on port 18081")
    serve("storefront", handle, telemetry)

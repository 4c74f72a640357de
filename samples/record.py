"""Records the sample incident: five small real services on loopback, load, and a real lock on a real database.

    python samples/record.py [--out samples/incident] [--healthy 60] [--fault 75] [--recovery 45]

edge (nginx-style access log) → storefront (logback-like) → inventory (Python logging, SQLite) and
payments (JSON lines); stockaudit (year-less syslog) holds the database's write lock during the fault.
Standard library only. Every line is written by the process it is about; nothing is edited afterwards.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORTS = {"edge": 18080, "storefront": 18081, "inventory": 18082, "payments": 18083}
USERS = ["amara", "bela", "chidi", "dora", "emeka", "farah", "goran", "hana", "ivo", "jun", "kemal", "lena"]
SKUS = ["mug-red", "mug-blue", "tee-s", "tee-m", "tee-l", "poster-a3", "cap-one", "sock-two"]
WRITE = threading.Lock()


def emit(path: Path, line: str) -> None:
    with WRITE, path.open("a") as handle:
        handle.write(line + "\n")


def serve(name: str, handle) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urllib.parse.urlparse(self.path)
            status, body = handle(self, url.path, dict(urllib.parse.parse_qsl(url.query)))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", PORTS[name]), Handler).serve_forever()


def call(service: str, path: str, timeout: float) -> tuple[int, dict]:
    url = f"http://127.0.0.1:{PORTS[service]}{path}"
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def edge(out: Path) -> None:
    log = out / "edge-access.log"

    def handle(request: BaseHTTPRequestHandler, path: str, query: dict) -> tuple[int, dict]:
        begun = time.monotonic()
        try:
            status, body = call("storefront", f"{path}?{urllib.parse.urlencode(query)}", timeout=6)
        except OSError:
            status, body = 504, {"error": "upstream timed out"}
        stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        client = request.headers.get("X-Client", "127.0.0.1")
        agent = request.headers.get("User-Agent", "-")
        size = len(json.dumps(body))
        emit(log, f'{client} - - [{stamp}] "GET {path}?sku={query.get("sku", "")} HTTP/1.1" {status} {size} "-" '
                  f'"{agent}" {time.monotonic() - begun:.3f}')
        return status, body

    serve("edge", handle)


def storefront(out: Path) -> None:
    log = out / "storefront.log"

    def say(level: str, logger: str, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        thread = threading.current_thread().name.split(" ")[0].lower()
        emit(log, f"{stamp} {level:<5} [{thread}] {logger} - {text}")

    def reserve(order: str, query: dict) -> tuple[int, dict]:
        path = f"/reserve?{urllib.parse.urlencode({**query, 'order': order})}"
        for attempt in (1, 2):
            try:
                status, body = call("inventory", path, timeout=1.5)
            except OSError as error:
                status, body = 599, {"error": str(error)}
            if status == 200 or attempt == 2:
                return status, body
            say("WARN", "shop.InventoryClient",
                f"reserve for order {order} failed with status {status}, retrying in 200 ms (attempt {attempt} of 2)")
            time.sleep(0.2)
        raise AssertionError

    def handle(_: BaseHTTPRequestHandler, path: str, query: dict) -> tuple[int, dict]:
        begun, order, user = time.monotonic(), f"ord-{random.randint(100000, 999999)}", query.get("user", "guest")
        if path != "/checkout":
            say("INFO", "shop.Catalog", f"Listed {len(SKUS)} products for user {user} in 2 ms")
            return 200, {"skus": SKUS}
        say("INFO", "shop.Checkout", f"Checkout of order {order} started for user {user} sku={query['sku']}")
        try:
            status, body = reserve(order, query)
            if status != 200:
                raise RuntimeError(f"inventory answered {status}: {body.get('error')}")
            status, body = call("payments", f"/charge?order={order}&user={user}&amount={query['amount']}", timeout=2)
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
    serve("storefront", handle)


def inventory(out: Path) -> None:
    logging.basicConfig(filename=out / "inventory.log", level=logging.INFO,
                        format="%(asctime)s - inventory.%(name)s - %(levelname)s - %(message)s")
    logging.Formatter.converter = time.gmtime
    pool, log, base = threading.Semaphore(8), logging.getLogger("stock"), out.parent / "inventory.db"

    def handle(_: BaseHTTPRequestHandler, __: str, query: dict) -> tuple[int, dict]:
        if not pool.acquire(timeout=1.0):
            logging.getLogger("pool").error("connection pool exhausted: 8 of 8 connections in use, waited 1000 ms")
            return 503, {"error": "connection pool exhausted"}
        begun = time.monotonic()
        try:
            with sqlite3.connect(base, timeout=0.9) as db:
                db.execute("BEGIN IMMEDIATE")
                left = db.execute("SELECT left FROM stock WHERE sku = ?", (query["sku"],)).fetchone()[0]
                db.execute("UPDATE stock SET left = left - 1 WHERE sku = ?", (query["sku"],))
            log.info("reserved 1 of %s for order %s, %d left, took %.1f ms", query["sku"], query["order"], left - 1,
                     (time.monotonic() - begun) * 1000)
            return 200, {"left": left - 1}
        except sqlite3.OperationalError:
            log.exception("could not reserve %s for order %s after %.1f ms", query["sku"], query["order"],
                          (time.monotonic() - begun) * 1000)
            return 500, {"error": "database is locked"}
        finally:
            pool.release()

    with sqlite3.connect(base) as db:
        db.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, left INTEGER)")
        db.executemany("INSERT INTO stock VALUES (?, 100000)", ((s,) for s in SKUS))
    log.info("opened inventory.db with %d products, pool size 8, lock timeout 900 ms", len(SKUS))
    serve("inventory", handle)


def payments(out: Path) -> None:
    log = out / "payments.jsonl"

    def say(level: str, message: str, **fields: object) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        emit(log, json.dumps({"time": stamp, "level": level, "msg": message, **fields}))

    def handle(_: BaseHTTPRequestHandler, __: str, query: dict) -> tuple[int, dict]:
        time.sleep(random.uniform(0.005, 0.03))
        trace = uuid.uuid4().hex
        if random.random() < 0.01:
            say("warn", "card declined", order=query["order"], user=query["user"], trace_id=trace, reason="limit")
            return 402, {"error": "card declined"}
        say("info", "payment captured", order=query["order"], user=query["user"], trace_id=trace,
            amount_eur=float(query["amount"]), latency_ms=random.randint(5, 30))
        return 200, {"ok": True}

    say("info", "payments started", version="2.8.1", gateway_auth="Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dcEXAMPLE")
    serve("payments", handle)


def stockaudit(out: Path, seconds: float) -> None:
    log = out / "stockaudit.log"

    def say(text: str) -> None:
        emit(log, f"{datetime.now(UTC):%b %e %H:%M:%S} shop-db1 stockaudit[{pid}]: {text}")

    import os
    pid, stop, number = os.getpid(), time.monotonic() + seconds, 0
    say("nightly stock audit 1.4 starting, mode=exclusive")
    while time.monotonic() < stop:
        number += 1
        db = sqlite3.connect(out.parent / "inventory.db", timeout=5, isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        say(f"pass {number}: exclusive lock on inventory.db acquired, counting {len(SKUS)} products")
        time.sleep(4)
        total = db.execute("SELECT sum(left) FROM stock").fetchone()[0]
        db.execute("COMMIT")
        db.close()
        say(f"pass {number}: counted {total} items, lock held for 4.0 s")
        time.sleep(0.8)
    say(f"nightly stock audit finished after {number} passes")


def load(seconds: float) -> None:
    stop, threads = time.monotonic() + seconds, []

    def one(client: str) -> None:
        path = "/checkout" if random.random() < 0.6 else "/products"
        query = {"user": random.choice(USERS), "sku": random.choice(SKUS), "amount": f"{random.uniform(5, 90):.2f}"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORTS['edge']}{path}?{urllib.parse.urlencode(query)}",
            headers={"X-Client": client, "User-Agent": random.choice(["shop-ios/7.1", "shop-android/6.9", "Mozilla/5.0"])})
        try:
            urllib.request.urlopen(request, timeout=8).read()
        except OSError:
            pass

    while time.monotonic() < stop:
        client = f"10.20.{random.randint(0, 3)}.{random.randint(1, 60)}"
        threads.append(threading.Thread(target=one, args=(client,)))
        threads[-1].start()
        time.sleep(random.expovariate(12))
    for thread in threads:
        thread.join()


def record(out: Path, healthy: float, fault: float, recovery: float) -> None:
    logs = out / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    (out / "inventory.db").unlink(missing_ok=True)
    command = [sys.executable, __file__, "--out", str(out)]
    running = [subprocess.Popen([*command, "--run", name]) for name in PORTS]
    time.sleep(1.5)
    stamps = {"start": datetime.now(UTC).isoformat()}
    generator = subprocess.Popen([*command, "--run", "load", "--seconds", str(healthy + fault + recovery)])
    time.sleep(healthy)
    stamps["fault_start"] = datetime.now(UTC).isoformat()
    subprocess.run([*command, "--run", "stockaudit", "--seconds", str(fault)], check=True)
    stamps["fault_end"] = datetime.now(UTC).isoformat()
    generator.wait()
    stamps["end"] = datetime.now(UTC).isoformat()
    for process in running:
        process.terminate()
        process.wait()
    (out / "inventory.db").unlink()
    truth = {**stamps, "culprit": "stockaudit", "mechanism": "exclusive lock on inventory.db", "first_victim": "inventory"}
    (out / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")
    for name in ("edge-access.log", "payments.jsonl"):
        data = (logs / name).read_bytes()
        (logs / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        (logs / name).unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "incident")
    parser.add_argument("--healthy", type=float, default=60)
    parser.add_argument("--fault", type=float, default=75)
    parser.add_argument("--recovery", type=float, default=45)
    parser.add_argument("--run", choices=[*PORTS, "load", "stockaudit"])
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    logs = given.out / "logs"
    if given.run is None:
        record(given.out, given.healthy, given.fault, given.recovery)
    elif given.run == "load":
        load(given.seconds)
    elif given.run == "stockaudit":
        stockaudit(logs, given.seconds)
    else:
        {"edge": edge, "storefront": storefront, "inventory": inventory, "payments": payments}[given.run](logs)


if __name__ == "__main__":
    main()

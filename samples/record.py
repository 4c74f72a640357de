"""Records the sample incident: five small real services on loopback, load, and a real lock on a real database.

    python -m samples.record [--out samples/incident] [--healthy 150] [--fault 75] [--recovery 45]

edge (nginx-style access log) → storefront (logback-like) → inventory (Python logging, SQLite) and payments (JSON
lines); stockaudit (year-less syslog) reads the same database. The fault is a change of its configuration, from
``snapshot`` to ``exclusive``. Logs, spans and metrics are written by the process they are about, the feed of changes
by whoever makes the change (this script); nothing is edited afterwards, only compressed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SERVICES = {"edge": "1.9.2", "storefront": "4.2.0", "inventory": "3.0.7", "payments": "2.8.1", "stockaudit": "1.4"}


class Feed:
    """The feed of changes, as the shop's tooling writes it."""

    def __init__(self, path: Path) -> None:
        self.path, self.changes = path, []

    def tell(self, kind: str, title: str, **more: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.changes.append({"id": f"chg-{1041 + len(self.changes)}", "time": at, "kind": kind, "title": title, **more})
        self.path.write_text(json.dumps(self.changes, indent=1) + "\n")


def record(out: Path, healthy: float, fault: float, recovery: float) -> None:
    for folder in ("logs", "traces", "metrics", "changes"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    _prepare(out)
    feed, stamps = Feed(out / "changes" / "changes.json"), {"start": _now()}
    feed.tell("deploy", "storefront 4.2.0 rolled out", service="storefront", actor="deploy-bot", version="4.2.0", before="4.1.8")
    command = [sys.executable, "-m", "samples.record", "--out", str(out)]
    running = [subprocess.Popen([*command, "--run", name]) for name in SERVICES]
    time.sleep(2.5)
    generator = subprocess.Popen([*command, "--run", "load", "--seconds", str(healthy + fault + recovery)])
    time.sleep(healthy - 40)
    feed.tell("flag", "payments: receipts_by_mail on for everyone", service="payments", actor="hana", version="on", before="off")
    time.sleep(40)
    stamps["fault_start"] = _now()
    _configure(out, "exclusive")
    feed.tell("config", "stockaudit: mode snapshot -> exclusive", service="stockaudit", actor="goran", version="exclusive", before="snapshot")
    time.sleep(fault)
    stamps["fault_end"] = _now()
    _configure(out, "snapshot")
    feed.tell("config", "stockaudit: mode exclusive -> snapshot", service="stockaudit", actor="goran", version="snapshot", before="exclusive")
    generator.wait()
    stamps["end"] = _now()
    for process in running:
        process.terminate()
        process.wait()
    _finish(out, stamps)


def _prepare(out: Path) -> None:
    from samples.shop.inventory import DATABASE, create

    (out / DATABASE).unlink(missing_ok=True)
    create(out / DATABASE)
    _configure(out, "snapshot")


def _configure(out: Path, mode: str) -> None:
    partial = out / "stockaudit.json.partial"
    partial.write_text(json.dumps({"mode": mode}))
    partial.rename(out / "stockaudit.json")


def _finish(out: Path, stamps: dict[str, str]) -> None:
    from samples.shop.inventory import DATABASE

    for name in (DATABASE, "stockaudit.json"):
        (out / name).unlink()
    truth = {**stamps, "culprit": "stockaudit", "change": "stockaudit: mode snapshot -> exclusive",
             "mechanism": f"exclusive lock on {DATABASE}", "first_victim": "inventory"}
    (out / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")
    for signal in ("traces", "metrics"):
        for path in list((out / signal).iterdir()):
            _framed(path, signal)
    for path in [*(out / "traces").iterdir(), *(out / "metrics").iterdir(), out / "logs/edge.log", out / "logs/payments.jsonl"]:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


def _framed(path: Path, signal: str) -> None:
    """The same requests as length-prefixed protobuf, which is read five times as fast."""
    from telemetry.otlp.bodies import parse

    with path.with_suffix(".pb").open("wb") as stream:
        for line in path.read_bytes().splitlines():
            message = parse(signal, line, "json").SerializeToString()
            stream.write(len(message).to_bytes(4, "big") + message)
    path.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _run(name: str, out: Path, seconds: float) -> None:
    import importlib

    module = importlib.import_module(f"samples.shop.{name}")
    if name == "load":
        module.run(seconds)
        return
    from samples.shop.telemetry import Telemetry

    module.run(out / "logs", Telemetry(out, name, SERVICES[name]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "incident")
    parser.add_argument("--healthy", type=float, default=150)
    parser.add_argument("--fault", type=float, default=75)
    parser.add_argument("--recovery", type=float, default=45)
    parser.add_argument("--run", choices=[*SERVICES, "load"])
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    if given.run is None:
        record(given.out, given.healthy, given.fault, given.recovery)
    else:
        _run(given.run, given.out, given.seconds)


if __name__ == "__main__":
    main()

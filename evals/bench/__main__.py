"""``python -m evals.bench ingest FILE [--runs 5] [--json]``: whole processes, ours and the peer's in turn.

Prints lines per second, CPU seconds and peak memory of each (median of the runs) and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench")
    parser.add_argument("what", choices=("ingest", "startup", "query", "index"))
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--lines", type=int, default=1_000_000, help="query: lines of the synthetic log")
    parser.add_argument("--cache", type=Path, help="query: folder in which the log and its home are kept")
    parser.add_argument("--templates", type=int, default=1000, help="index: how many")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    if given.what == "ingest" and (given.file is None or not given.file.is_file()):
        print("ingest needs a log file", file=sys.stderr)
        return 2
    if given.what == "query":
        return _query(given)
    if given.what == "index":
        from evals.bench.index import run

        print(json.dumps(run(given.templates), indent=None if given.as_json else 1))
        return 0
    report = ingest(given.file, given.runs) if given.file and given.what == "ingest" else startup(given.runs)
    print(json.dumps(report) if given.as_json else "\n".join(f"{k}: {v}" for k, v in report.items()))
    return 0


def _query(given: argparse.Namespace) -> int:
    from evals.bench.query import run, table

    report = run(given.lines, given.cache)
    print(json.dumps(report) if given.as_json else table(report))
    return 0


def ingest(file: Path, runs: int) -> dict[str, Any]:
    """End to end, start of the interpreters included: ``oncalm ingest`` without the embedding step."""
    ours, peer = [], []
    code = ("import sys; from pathlib import Path; from api.wiring import Product; "
            "Product(Path(sys.argv[1])).ingest([sys.argv[2]])")
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(_measure([sys.executable, "-c", code, f"{folder}/home", str(file)]))
            peer.append(_measure([sys.executable, "-m", "evals.bench.peer", str(file), f"{folder}/peer.parquet"]))
    with file.open("rb") as handle:
        lines = sum(1 for _ in handle)
    ratios = [p["wall"] / o["wall"] for o, p in zip(ours, peer, strict=True)]
    return {
        "file": file.name, "lines": lines, "runs": runs,
        "oncalm": _median(ours, lines), "drain3": _median(peer, lines),
        "ratio": round(statistics.median(ratios), 2), "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def startup(runs: int) -> dict[str, Any]:
    """``oncalm --help`` as a whole process."""
    found = [_measure([sys.executable, "-m", "api.cli", "--help"]) for _ in range(runs)]
    return {"seconds": round(statistics.median(f["wall"] for f in found), 3), "runs": runs}


def _measure(command: list[str]) -> dict[str, float]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} failed with status {status}")
    return {"wall": time.perf_counter() - begun, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def _median(found: list[dict[str, float]], lines: int) -> dict[str, float]:
    wall = statistics.median(f["wall"] for f in found)
    return {"seconds": round(wall, 2), "lines_per_second": round(lines / wall),
            "cpu_seconds": round(statistics.median(f["cpu"] for f in found), 2),
            "peak_mib": round(statistics.median(f["mib"] for f in found))}


if __name__ == "__main__":
    sys.exit(main())

"""``python -m evals.bench ingest``: reading a log end to end, ours and the peer's processes in turn.

Whole processes, start of the interpreter included: read, header, mask, template id, typed parameters, Parquet.
Ours is ``Product.ingest`` (durable, resumable, secrets out), without embedding the templates. The peer is
``evals.bench.peer``: drain3 line by line. Both run once before the clock counts, so that Python's compiled
files and the page cache are there for both.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from evals.bench.inputs import LINES, ever_new, mixed

_OURS = ("import sys; from pathlib import Path; from api.wiring.product import Product; "
         "Product(Path(sys.argv[1])).ingest([sys.argv[2]])")


def run(
    path: Path | None, kind: str | None, runs: int, *, repeat: int = 1, stock: bool = False, lines: int | None = None
) -> dict[str, Any]:
    """Measure ``runs`` times each. Raises ValueError when there is nothing to read."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        log, about = _input(path, kind, place, lines or LINES.get(kind or "", 0))
        if repeat > 1:
            log, about = _repeated(log, place / "repeated.log", repeat), f"{about}, {repeat} times"
        with log.open("rb") as handle:
            count = sum(1 for _ in handle)
        ours, peer = [], []
        for number in range(runs + 1):
            home = place / "home"
            mine = _measure([sys.executable, "-c", _OURS, str(home), str(log)], place)
            shutil.rmtree(home)
            theirs = _measure(_peer(log, place), place)
            if number:
                ours.append(mine)
                peer.append(theirs)
        report = {
            "input": about, "lines": count, "mib": round(log.stat().st_size / 2**20, 1), "runs": runs,
            "oncalm": _median(ours, count), "drain3": _median(peer, count),
            "ratio_wall": _ratio(ours, peer, "wall"), "ratio_cpu": _ratio(ours, peer, "cpu"),
        }
        if stock:
            report["drain3_stock"] = _median([_measure([*_peer(log, place), "--stock"], place)], count)
        return report


def _input(path: Path | None, kind: str | None, place: Path, lines: int) -> tuple[Path, str]:
    """The log to read, and what it is."""
    target = place / f"{kind or 'file'}.log"
    if kind == "hex":
        ever_new(target, lines)
        return target, "synthetic: messages with ever-new hex words"
    if path is None or not path.exists():
        raise ValueError("ingest needs a log file, or a folder of logs with --input mixed, or --input hex")
    if path.is_dir() or kind == "mixed":
        count = mixed(path, target, lines)
        return target, f"synthetic values: the logs of {path.name}, repeated to {count:,} lines with changed digits"
    return path, path.name


def _repeated(log: Path, target: Path, times: int) -> Path:
    with target.open("wb") as out:
        for _ in range(times):
            with log.open("rb") as handle:
                shutil.copyfileobj(handle, out)
    return target


def _peer(log: Path, place: Path) -> list[str]:
    return [sys.executable, "-m", "evals.bench.peer", str(log), str(place / "peer.parquet")]


def startup(runs: int) -> dict[str, Any]:
    """``oncalm --help`` as a whole process, after one run that does not count."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "api.cli", "--help"]
        found = [_measure(command, Path(folder)) for _ in range(runs + 1)][1:]
    return {"seconds": round(statistics.median(f["wall"] for f in found), 3), "runs": runs}


def _measure(command: list[str], place: Path) -> dict[str, float]:
    """One process: seconds on the wall, CPU seconds, peak MiB. Compiled files are kept beside the input."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(place / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} failed with status {status}")
    return {"wall": time.perf_counter() - begun, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def _median(found: list[dict[str, float]], lines: int) -> dict[str, Any]:
    wall = statistics.median(f["wall"] for f in found)
    return {"seconds": round(wall, 2), "lines_per_second": round(lines / wall),
            "cpu_seconds": round(statistics.median(f["cpu"] for f in found), 2),
            "peak_mib": round(max(f["mib"] for f in found)),
            "spread": [round(min(f["wall"] for f in found), 2), round(max(f["wall"] for f in found), 2)]}


def _ratio(ours: list[dict[str, float]], peer: list[dict[str, float]], what: str) -> dict[str, Any]:
    """The peer's over ours, pair by pair: median, least and largest."""
    ratios = [theirs[what] / mine[what] for mine, theirs in zip(ours, peer, strict=True)]
    return {"median": round(statistics.median(ratios), 2), "spread": [round(min(ratios), 2), round(max(ratios), 2)]}


def table(report: dict[str, Any]) -> str:
    """The report as people read it."""
    lines = [f"{report['input']}: {report['lines']:,} lines, {report['mib']} MiB, {report['runs']} runs"]
    for name in ("oncalm", "drain3", "drain3_stock"):
        if name in report:
            one = report[name]
            lines.append(f"  {name:13}{one['seconds']:7.2f} s wall ({one['spread'][0]}-{one['spread'][1]})"
                         f"{one['cpu_seconds']:8.2f} s CPU{one['lines_per_second']:>10,} lines/s{one['peak_mib']:6} MiB")
    for name in ("wall", "cpu"):
        one = report[f"ratio_{name}"]
        lines.append(f"  ratio {name:5}{one['median']:8.2f} ({one['spread'][0]}-{one['spread'][1]})")
    return "\n".join(lines)

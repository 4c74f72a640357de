"""``python -m evals.bench investigate [--lines N] [--spans N] [--series N] [--cache DIR]``: an incident, weighed.

Two synthetic hours of six services (``evals.bench.synthetic``): log lines that name their traces, traces of ten spans,
series of a point a minute. In the last half hour ``payments`` is slow by itself and uses more CPU. Everything is in the
window that is read. Ours is ``oncalm investigate`` as a whole process. The peer is what a shell gives towards the same
question, how many lines of each service and level there are per minute (awk), in the same run; it names no cause.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.bench.synthetic import trace_id, write
from telemetry.store.frames import Row, schema
from telemetry.store.record_writer import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
SPAN, FAULT = timedelta(hours=2), timedelta(minutes=90)
CULPRIT = "payments"
_TREE = (("gateway", -1), ("auth", 0), ("orders", 0), ("payments", 2), ("storage", 3), ("storage", 3), ("orders", 0), ("worker", 6),
         ("storage", 7), ("auth", 6))
"""Service and parent of each span of a trace."""
_SERVICES, _PODS = ("gateway", "auth", "orders", "payments", "storage", "worker"), 20
_BATCH = 20_000
_AWK = r"""awk '{split($3, s, "["); n[substr($1, 1, 16) " " s[1] " " $4]++} END {for (k in n) print k, n[k]}' "$1" | sort"""


def run(lines: int, spans: int, series: int, cache: Path | None = None) -> dict[str, Any]:
    """Build or reuse a home; investigate; return seconds, CPU seconds, MiB, the first suspect and ratios."""
    if cache is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(lines, spans, series, Path(folder))
    log, home = _prepared(cache, lines, spans, series)
    command = [sys.executable, "-m", "api.cli", "--home", str(home), "investigate", "requests are slow", "--json"]
    with tempfile.TemporaryFile("w+") as out:
        ours = _measured(command, out)
        out.seek(0)
        told = json.load(out)
    with Path(os.devnull).open("w") as nothing:
        peer = _measured(["/bin/sh", "-c", _AWK, "sh", str(log)], nothing)
    first = told["suspects"][0]["entity"]["name"] if told["suspects"] else "none"
    return {
        "data": f"synthetic, {SPAN} hours: {lines:,} lines, {spans:,} spans, {series:,} series", "window": told["window"],
        "first_suspect": first, "right": first.startswith(CULPRIT), "oncalm": ours, "awk": peer,
        "ratio_wall": round(peer["wall"] / ours["wall"], 2), "ratio_cpu": round(peer["cpu"] / ours["cpu"], 2),
    }


def table(report: dict[str, Any]) -> str:
    """The report as people read it."""
    rows = [f"  {name:8} {report[name]['wall']:7.2f} s wall {report[name]['cpu']:7.2f} s CPU {report[name]['mib']:6.0f} MiB"
            for name in ("oncalm", "awk")]
    return "\n".join([report["data"], *rows, f"  first suspect {report['first_suspect']} ({'right' if report['right'] else 'WRONG'})",
                      f"  ratio wall {report['ratio_wall']}, CPU {report['ratio_cpu']} (awk only counts lines per minute)"])


def _measured(command: list[str], out: Any) -> dict[str, float]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:6]} failed with status {status}")
    return {"wall": round(time.perf_counter() - begun, 2), "cpu": round(usage.ru_utime + usage.ru_stime, 2), "mib": usage.ru_maxrss / 1024}


def _prepared(cache: Path, lines: int, spans: int, series: int) -> tuple[Path, Path]:
    name = f"incident-{lines}-{spans}-{series}"
    log, home = cache / f"{name}.log", cache / name
    done = home / "bench.done"
    if done.exists() and log.exists():
        return log, home
    cache.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        write(log, lines, span=SPAN, traces=max(1, spans // len(_TREE)))
    code = ("import sys; from pathlib import Path; from api.wiring.product import Product; p = Product(Path(sys.argv[1])); "
            "p.ingest([sys.argv[2]]); p.index()")
    subprocess.run([sys.executable, "-c", code, str(home), str(log)], check=True, stdout=subprocess.DEVNULL)
    with RecordWriter(home) as writer:
        for kind, rows in (("spans", _spans(spans)), ("points", _points(series))):
            for batch in rows:
                writer.add_rows(kind, batch)  # type: ignore[arg-type]
                writer.commit()
        writer.compact()
    done.touch()
    return log, home


def _spans(count: int) -> Iterator[list[Row]]:
    """Rows of ``count`` spans, in order of time."""
    import numpy as np

    rng = np.random.default_rng(5)
    traces = count // len(_TREE)
    step, begin = SPAN.total_seconds() * 1e6 / max(1, traces), int(BEGIN.timestamp() * 1e6)
    late = int(traces * (FAULT / SPAN))
    for first in range(0, traces, _BATCH // 4):
        rows: list[Row] = []
        for number in range(first, min(traces, first + _BATCH // 4)):
            own = np.exp(rng.normal(7.5, 0.4, len(_TREE))).astype(int)
            if number >= late:
                own[3] *= 6
            rows += _trace(number, begin + int(number * step), own.tolist())
        yield rows


def _trace(number: int, start: int, own: list[int]) -> Iterator[Row]:
    """Every span lasts its own time and, one after the other, its children's."""
    children: dict[int, list[int]] = {}
    for place, (_, parent) in enumerate(_TREE):
        children.setdefault(parent, []).append(place)
    lasts = list(own)
    for place in reversed(range(len(_TREE))):
        lasts[place] += sum(lasts[child] for child in children.get(place, ()))
    starts = [start] * len(_TREE)
    for place in range(len(_TREE)):
        at = starts[place] + own[place] // 2
        for child in children.get(place, ()):
            starts[child], at = at, at + lasts[child]
    for place, (service, parent) in enumerate(_TREE):
        made = {"trace_id": trace_id(number), "span_id": f"{number * 16 + place + 1:016x}",
                "parent_id": f"{number * 16 + parent + 1:016x}" if parent >= 0 else "", "service": service,
                "operation": f"{service} call {place}", "start": starts[place], "duration": lasts[place],
                "kind": "server", "status": "unset", "pod": f"{service}-{number % _PODS}"}
        yield [made.get(column, "") for column in schema("spans")]


def _points(count: int) -> Iterator[list[Row]]:
    """Rows of ``count`` series of a point a minute."""
    import numpy as np

    rng = np.random.default_rng(6)
    begin, minutes = int(BEGIN.timestamp() * 1e6), int(SPAN.total_seconds() // 60)
    late = int(FAULT.total_seconds() // 60)
    owners = [(service, f"{service}-{pod}") for service in _SERVICES for pod in range(_PODS)]
    rows: list[Row] = []
    for number in range(count):
        service, pod = owners[number % len(owners)]
        aspect = number // len(owners)
        values = rng.normal(50, 4, minutes)
        if service == CULPRIT and aspect == 0:
            values[late:] += 45
        for minute, value in enumerate(values.tolist()):
            made = {"metric": "cpu.usage" if aspect == 0 else f"app.gauge.{aspect}", "time": begin + minute * 60_000_000, "value": value,
                    "kind": "gauge", "monotonic": False, "service": service, "pod": pod}
            rows.append([made.get(column, None if column in _ABSENT else "") for column in schema("points")])
        if len(rows) > _BATCH * 5:
            yield rows
            rows = []
    yield rows


_ABSENT = {"started", "count", "total", "low", "high", "bounds", "counts", "quantiles"}

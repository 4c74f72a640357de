"""``python -m evals.bench query [--lines 1000000] [--cache DIR] [--json]``: questions over a large synthetic log.

The log is made up (``evals.bench.synthetic``), ingested by the real ingest and asked in one process, each question
through the whole product: open the store, read the question, run it, say the answer. The peer is what one types
instead: grep, awk and sort over the raw file, same machine, same run, page cache warm for both. Every peer answer
that can be is compared with ours. Start-up (imports and a first question) is told apart.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.bench.synthetic import write

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the shell line that answers it from the raw file ``$1``, and how to compare the two."""

    name: str
    question: str
    shell: str
    same: Callable[[Answer, str], bool] | None


def _number(answer: Answer, said: str) -> bool:
    """Equal up to interpolation between two neighbours."""
    return abs(float(answer["value"]) - float(said)) <= max(1.0, 0.002 * float(said))


def _counted(answer: Answer, said: str) -> bool:
    pairs = [line.split() for line in said.splitlines()]
    return [[str(row[0]), row[-1]] for row in answer["rows"]] == [[value, int(n)] for n, value in pairs]


def _buckets(answer: Answer, said: str) -> bool:
    found = {line.split()[1]: int(line.split()[0]) for line in said.splitlines()}
    return {row[0][:16]: row[1] for row in answer["rows"] if row[1]} == found


def _texts(answer: Answer, said: str) -> bool:
    return [line["text"] for line in answer["lines"]] == said.splitlines()


_IP = "grep -o 'from [0-9.]*' | cut -d' ' -f2"
_TOP = "sort | uniq -c | sort -k1,1nr -k2,2 | head -5"
_SERVICE = "awk '{split($3, a, \"[\"); n[a[1]]++} END {for (s in n) print n[s], s}' | sort -k1,1nr | head -5"
_P95 = "sort -n | awk '{v[NR] = $1} END {print v[int(0.95 * (NR - 1)) + 1]}'"


def cases(request: str) -> list[Case]:
    """The questions; ``request`` is an identifier that the log holds."""
    failed = "Failed password"
    hours = "between 2026-03-03 10:00 and 2026-03-03"
    return [
        Case("count", f"how many failed passwords for root {hours} 16:00",
             f"grep '^2026-03-03T1[0-5]:' \"$1\" | grep -c '{failed} for root '", _number),
        Case("count a word", "how many lines contain declined", "grep -c declined \"$1\"", _number),
        Case("top by ip", "top 5 ips of failed passwords", f"grep '{failed}' \"$1\" | {_IP} | {_TOP}", _counted),
        Case("top by service", "top 5 services", f"cat \"$1\" | {_SERVICE}", _counted),
        Case("top by service, errors", "top 5 services by errors", f"grep ': ERROR:' \"$1\" | {_SERVICE}", _counted),
        Case("distinct", "how many different ips had failed passwords on 2026-03-03",
             f"grep '^2026-03-03' \"$1\" | grep '{failed}' | {_IP} | sort -u | wc -l", _number),
        Case("percentile", "p95 duration of finished jobs",
             f"grep -o 'finished in [0-9]*' \"$1\" | cut -d' ' -f3 | {_P95}", _number),
        Case("trend", f"errors per minute {hours} 12:00",
             "grep '^2026-03-03T1[01]:.*: ERROR:' \"$1\" | cut -c1-16 | uniq -c", _buckets),
        Case("identifier", f"show me lines about {request}", f"grep -wF {request} \"$1\"", _texts),
        Case("compare", "what changed on 2026-03-03 compared with the day before",
             "awk '/^2026-03-0[23]/ {d = substr($1, 1, 10); $1 = $2 = $3 = \"\"; gsub(/[0-9]+/, \"0\"); n[d $0]++} "
             "END {for (k in n) print n[k], k}' \"$1\" | sort -k3", None),
        Case("share", "what share of logins failed",
             f"a=$(grep -c '{failed}' \"$1\"); b=$(grep -c 'Accepted password' \"$1\"); "
             "awk \"BEGIN {print $a / ($a + $b)}\"", lambda a, s: abs(a["value"] - float(s)) < 1e-4),
    ]


def run(lines: int = 1_000_000, cache: Path | None = None) -> dict[str, Any]:
    """Build or reuse a home of ``lines`` lines in ``cache``; ask; return seconds, CPU seconds, MiB and ratios."""
    if cache is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(lines, Path(folder))
    log, home, built = _prepared(cache, lines)
    with log.open(encoding="utf-8") as handle:
        request = next(line.split("request ")[1].strip() for line in handle if "ERROR: Timeout" in line)
    asked = cases(request)
    command = [sys.executable, "-m", "evals.bench.query", str(home), *(c.question for c in asked)]
    ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    subprocess.run(["/bin/cat", str(log)], check=True, stdout=subprocess.DEVNULL)
    questions = [_compared(case, log, found) for case, found in zip(asked, ours["answers"], strict=True)]
    return {
        "log": f"synthetic, {lines:,} lines, {log.stat().st_size / 2**20:.0f} MiB", "build": built,
        "peer": "grep, awk and sort over the raw file (LC_ALL=C)", "startup": ours["startup"],
        "peak_mib": ours["peak_mib"], "worst_cpu": max(q["cpu"] for q in questions), "questions": questions,
    }


def _prepared(cache: Path, lines: int) -> tuple[Path, Path, dict[str, Any]]:
    log, home = cache / f"synthetic-{lines}.log", cache / f"home-{lines}"
    done = home / "bench.done"
    if done.exists() and log.exists():
        return log, home, {"reused": str(home)}
    cache.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        write(log, lines)
    begun = time.perf_counter()
    code = ("import sys; from pathlib import Path; from api.wiring.product import Product; p = Product(Path(sys.argv[1])); "
            "p.ingest([sys.argv[2]]); p.index()")
    subprocess.run([sys.executable, "-c", code, str(home), str(log)], check=True, stdout=subprocess.DEVNULL)
    done.touch()
    return log, home, {"ingest_seconds": round(time.perf_counter() - begun, 1)}


def _compared(case: Case, log: Path, found: dict[str, Any]) -> dict[str, Any]:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    said = subprocess.run(["/bin/sh", "-c", case.shell, "sh", str(log)], check=False, capture_output=True, text=True,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout.rstrip("\n")
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "name": case.name, "question": case.question, "wall": found["wall"], "cpu": found["cpu"],
        "peer_wall": round(wall, 3), "peer_cpu": round(cpu, 3), "ratio_wall": round(wall / found["wall"], 1),
        "ratio_cpu": round(cpu / found["cpu"], 1), "same": case.same(found["result"], said) if case.same else None,
    }


def ask(home: Path, questions: list[str]) -> dict[str, Any]:
    """Ask in this process; start-up is everything up to the answer of a first question."""
    begun = time.perf_counter()
    from api.wiring.product import Product

    product = Product(home)
    product.ask("how many lines", now=NOW)
    startup = {"wall": round(time.perf_counter() - begun, 3), "cpu": round(time.process_time(), 3)}
    answers = []
    for question in questions:
        begun, used = time.perf_counter(), time.process_time()
        answer = product.ask(question, now=NOW)
        answers.append({"wall": round(time.perf_counter() - begun, 4), "cpu": round(time.process_time() - used, 4),
                        "result": answer["result"]})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"startup": startup, "peak_mib": round(peak), "answers": answers}


def table(report: dict[str, Any]) -> str:
    """The report as people read it."""
    head = f"{'question':24}{'wall s':>9}{'CPU s':>9}{'peer wall':>11}{'peer CPU':>10}{'x wall':>8}{'x CPU':>8}  same"
    rows = [
        f"{q['name']:24}{q['wall']:9.3f}{q['cpu']:9.3f}{q['peer_wall']:11.3f}{q['peer_cpu']:10.3f}"
        f"{q['ratio_wall']:8}{q['ratio_cpu']:8}  {'-' if q['same'] is None else 'yes' if q['same'] else 'NO'}"
        for q in report["questions"]
    ]
    rest = [f"{k}: {v}" for k, v in report.items() if k != "questions"]
    return "\n".join([*rest, head, *rows])


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]), sys.argv[2:])))

"""``python -m evals.foreign [--json] [--failures] [KIND ...]``: how well templates of other systems are found."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from evals.foreign.apps import ANDROID, PROXY, SPARK
from evals.foreign.draw import Kind, lines
from evals.foreign.edge import NGINX, REDIS
from evals.foreign.late import BATCH, STREAMS, WEBAPP
from evals.foreign.linux import CLUSTER, LINUX
from evals.foreign.mac import MAC, WINDOWS
from evals.foreign.more import FIRMWARE, MYSQL, RABBIT, SEARCH, SYSTEMD
from evals.foreign.servers import CASSANDRA, KUBELET, POSTGRES
from evals.parsing import METRICS, System, faults, mean, score, stock_templates, templates

SEEN = (LINUX, CLUSTER, MAC, WINDOWS, PROXY, SPARK, ANDROID, POSTGRES, KUBELET, CASSANDRA, REDIS, NGINX)
"""Kinds whose misses were looked at when rules were last changed."""
FRESH = (SEARCH, MYSQL, SYSTEMD, RABBIT, FIRMWARE)
"""Kinds drawn up after that; what their misses showed was mended once more."""
LATE = (STREAMS, BATCH, WEBAPP)
"""Kinds measured once before any rule was changed for them, and looked at after."""
KINDS = SEEN + FRESH + LATE
FAULTS = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the kinds named (all when none is) beside drain3 as it comes."""
    parser = argparse.ArgumentParser(prog="python -m evals.foreign", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="names of kinds, such as Linux")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--failures", action="store_true", help="also list the commonest wrong templates")
    given = parser.parse_args(arguments)
    chosen = [kind for kind in KINDS if not given.kinds or kind.name in given.kinds]
    report = run(chosen)
    failures = {s.name: faults(s, FAULTS) for s in map(system, chosen)} if given.failures else {}
    print(json.dumps(report | {"failures": failures}) if given.as_json else _table(report, failures))
    return 0 if chosen else 2


def run(kinds: Sequence[Kind] = KINDS) -> dict[str, Any]:
    """GA, PA, FGA and FTA of each kind and their means, and the same of the baseline."""
    begun = time.perf_counter()
    systems = [system(kind) for kind in kinds]
    ours = {s.name: score(s.labels, templates(s.lines)) for s in systems}
    stock = {s.name: score(s.labels, stock_templates(s.lines)) for s in systems}
    return {
        "suite": "foreign", "data": "invented lines", "cases": sum(len(s.labels) for s in systems), "could_not_run": 0,
        "metrics": {**mean(ours), "per_system": ours}, "baseline": {**mean(stock), "per_system": stock},
        "seconds": round(time.perf_counter() - begun, 1),
    }


def system(kind: Kind) -> System:
    """The kind's invented lines and labels as a labelled system."""
    raw, labels = lines(kind)
    return System(kind.name, tuple(line.encode() for line in raw), tuple(" ".join(each.split()) for each in labels))


def _table(report: dict[str, Any], failures: dict[str, list[str]]) -> str:
    ours, stock = report["metrics"], report["baseline"]
    rows = [("mean", ours, stock), *((n, ours["per_system"][n], stock["per_system"][n]) for n in ours["per_system"])]
    out = [f"{'':<10} {_figures(dict.fromkeys(METRICS))}   drain3 as it comes"]
    out += [f"{name:<10} {_figures(mine)}   {_figures(base)}" for name, mine, base in rows]
    return "\n".join(out + [f"{name}: {fault}" for name, listed in failures.items() for fault in listed])


def _figures(scores: dict[str, Any]) -> str:
    return "  ".join(m if scores[m] is None else f"{scores[m]:.3f}" for m in METRICS)


if __name__ == "__main__":
    sys.exit(main())

"""``TRAFFIC/ISSUE/metrics.csv`` with ``target.json``, ``TRAFFIC/noissue/metrics.csv`` and ``TRAFFIC/graph.csv`` (PetShop, AWS).

The on-caller knows the alert: its time, the node and the metric it named. The root cause is the scorer's alone. A name
ends in its type as X-Ray writes it; a ``remote`` is known only from its callers.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import columns, joined, number
from signals.observed import Entity, EntityKind, Observed, Series


def fits(folder: Path) -> bool:
    """Whether issues with a target lie two folders down, and a graph beside them."""
    return any((path.parent.parent / "graph.csv").is_file() for path in folder.glob("*/*/target.json"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    """One case for each issue."""
    found, missing = [], []
    for path in sorted(folder.glob("*/*/target.json")):
        name = f"{path.parent.parent.name}/{path.parent.name}"
        try:
            target = json.loads(path.read_text(encoding="utf-8"))
            alert, cause = target["target"], target["root_cause"]
            truth = Truth(frozenset({cause["node"]}), alert["metric"], f"{path.parent.parent.name} {alert['metric']}")
            found.append(Case(
                name, lambda home=path.parent: observe(home), truth,  # type: ignore[misc]
                int(alert["timestamp"] * 1e6), entity(alert["node"]), alert["metric"],
            ))  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            missing.append(f"{name}: {error!r}")
    return found, missing


def observe(home: Path) -> Observed:
    """The issue's rows, the traffic's healthy rows as another stretch of time, and the graph."""
    tables = [_table(path) for path in (home.parent / "noissue" / "metrics.csv", home / "metrics.csv") if path.is_file()]
    return Observed(series=joined(tables), calls=graph(home.parent / "graph.csv"))


def graph(path: Path) -> tuple[tuple[Entity, Entity], ...]:
    """The adjacency matrix as (caller, callee)."""
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    return tuple(
        (entity(row[0]), entity(callee)) for row in rows for callee, cell in zip(header[1:], row[1:], strict=True) if number(cell) > 0
    )


def entity(name: str) -> Entity:
    """The kind by the type at a name's end."""
    kind: EntityKind = "service"
    if name.endswith(("_remote", "_client")):
        kind = "external"
    elif "Database::" in name or name.endswith("::Table"):
        kind = "database"
    return Entity(kind, name)


@cache
def _table(path: Path) -> list[Series]:
    """Three header rows: service, metric, statistic."""
    with path.open(encoding="utf-8", newline="") as handle:
        names, metrics, statistics, *rows = csv.reader(handle)
    rows = [row for row in rows if row and np.isfinite(number(row[0]))]
    times = np.array([int(number(row[0]) * 1e6) for row in rows], dtype=np.int64)
    header = ["\0".join(cells) for cells in zip(names, metrics, statistics, strict=True)]

    def where(column: str) -> tuple[Entity, str] | None:
        name, metric, statistic = column.split("\0")
        return (entity(name), f"{metric} {statistic}") if column != header[0] else None

    return columns(header, rows, times, where)


LOADER = Loader("petshop", fits, cases)

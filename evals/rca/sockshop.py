"""``SERVICE-FAULT/RUN/normal.csv`` and ``anomalous.csv``: one row a second, columns ``SERVICE_METRIC`` (the layout of RCD and BARO).

The on-caller knows when the alert came: where ``anomalous.csv`` begins. There is no call graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import columns, joined, number, read
from signals.observed import Entity, Observed, Series


def fits(folder: Path) -> bool:
    """Whether runs lie two folders down, each with a table of normal and one of anomalous rows."""
    return any((path.parent / "normal.csv").is_file() for path in folder.glob("*/*/anomalous.csv"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    """One case for each run."""
    found, missing = [], []
    for path in sorted(folder.glob("*/*/anomalous.csv")):
        label, run = path.parent.parent.name, path.parent.name
        service, _, fault = label.rpartition("-")
        if not service or not (path.parent / "normal.csv").is_file():
            missing.append(f"{label}/{run}: no service and fault in its name, or no normal.csv")
            continue
        at = int(number(read(path)[1][0][0]) * 1e6)
        found.append(Case(f"{label}/{run}", lambda home=path.parent: observe(home), Truth(frozenset({service}), fault), at))  # type: ignore[misc]
    return found, missing


def observe(home: Path) -> Observed:
    """Both tables as one stretch of time each."""
    return Observed(series=joined([_table(home / "normal.csv"), _table(home / "anomalous.csv")]))


def _table(path: Path) -> list[Series]:
    header, rows = read(path)
    clock = header.index("time")
    times = np.array([int(number(row[clock]) * 1e6) for row in rows], dtype=np.int64)
    return columns(header, rows, times, _where)


def _where(column: str) -> tuple[Entity, str] | None:
    """``carts-db_lat_90`` is ``lat_90`` of ``carts-db``."""
    service, _, metric = column.partition("_")
    return (Entity("service", service), metric) if metric else None


LOADER = Loader("sockshop1", fits, cases)

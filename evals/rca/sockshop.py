"""Folders ``SERVICE-FAULT/N`` with ``normal.csv`` and ``anomalous.csv``: a column is ``SERVICE_METRIC`` (RCD's Sock Shop)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evals.rca.cases import Case, Loader, Truth
from evals.rca.tables import micros, rows_of, series_of
from signals.observed import Entity, Observed, Window, Windows

NORMAL, ANOMALOUS = "normal.csv", "anomalous.csv"


def fits(folder: Path) -> bool:
    return any(folder.glob(f"*/{NORMAL}")) or any(folder.glob(f"*/*/{NORMAL}"))


def cases(folder: Path) -> tuple[Sequence[Case], Sequence[str]]:
    found, problems = [], []
    for path in sorted({*folder.glob(f"*/{NORMAL}"), *folder.glob(f"*/*/{NORMAL}")}):
        place = path.parent
        label = place.relative_to(folder).parts[0]
        if not (place / ANOMALOUS).exists():
            problems.append(f"{place.relative_to(folder)}: there is no {ANOMALOUS}")
            continue
        service, _, fault = label.rpartition("-")
        start, end = _extent(place / ANOMALOUS)
        before = _extent(place / NORMAL)
        windows = Windows((Window(*before),), Window(start, end), "the alert")
        found.append(Case(str(place.relative_to(folder)), _observe(place), Truth(frozenset({service}), fault), at=start, windows=windows))
    return found, problems


def _observe(place: Path) -> Callable[[], Observed]:
    def read() -> Observed:
        halves = [rows_of(place / name) for name in (NORMAL, ANOMALOUS)]
        header = [name for name in halves[0][0] if name in halves[1][0]]
        columns = [dict(zip(half[0], zip(*half[1:], strict=True), strict=True)) for half in halves]
        times = [micros(text) for column in columns for text in column["time"]]
        made = []
        for name in header:
            service, _, metric = name.partition("_")
            if metric:
                made.append(series_of(Entity("service", service), metric, times, [*columns[0][name], *columns[1][name]]))
        return Observed(series=tuple(made))

    return read


def _extent(path: Path) -> tuple[int, int]:
    rows = rows_of(path)
    at = rows[0].index("time")
    times = [micros(row[at]) for row in rows[1:] if row]
    return min(times), max(times) + 1


LOADER = Loader("sockshop1", fits, cases)

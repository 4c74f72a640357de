"""CSV tables of metrics as series, for the loaders."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from signals.observed import Entity, Ints, Series

Where = Callable[[str], tuple[Entity, str] | None]
"""Which entity's which metric a column holds; nothing for a column that is no metric."""


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    return header, rows


def columns(header: Sequence[str], rows: Sequence[Sequence[str]], times: Ints, where: Where) -> list[Series]:
    """Every column that ``where`` knows, without its empty cells."""
    found = []
    for place, name in enumerate(header):
        if (known := where(name)) is None:
            continue
        values = np.array([number(row[place]) if place < len(row) else np.nan for row in rows], dtype=np.float64)
        keep = np.isfinite(values)
        found.append(Series(known[0], known[1], times[keep], values[keep]))
    return found


def number(text: str) -> float:
    """A cell's number, not a number when it is empty or a word."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def joined(parts: Sequence[Sequence[Series]]) -> tuple[Series, ...]:
    """Series of several files as one each."""
    by_key: dict[tuple[Entity, str], list[Series]] = {}
    for part in parts:
        for series in part:
            by_key.setdefault((series.entity, series.metric), []).append(series)
    return tuple(
        Series(entity, metric, np.concatenate([s.times for s in group]), np.concatenate([s.values for s in group]))
        for (entity, metric), group in by_key.items()
    )  # fmt: skip

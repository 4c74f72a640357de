"""Reading the data sets' CSV files into series: numbers only, gaps left out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from signals.observed import Entity, Series


def rows_of(path: Path) -> list[list[str]]:
    """All rows of a CSV file, its header among them."""
    with path.open(newline="") as handle:
        return list(csv.reader(handle))


def micros(text: str) -> int:
    """A time as these sets write it, in µs since 1970: ``2023-01-29 08:41:09.043078357 +0000 UTC m=+0.1``, or seconds."""
    try:
        return round(float(text) * 1e6)
    except ValueError:
        return round(datetime.fromisoformat(text[:19].replace("T", " ")).replace(tzinfo=UTC).timestamp() * 1e6)


def series_of(entity: Entity, metric: str, times: Sequence[int], texts: Sequence[str], unit: str = "") -> Series:
    """A column as a series in order of time; empty and impossible cells are gaps."""
    values = np.array([_number(text) for text in texts], np.float64)
    held = np.isfinite(values)
    at = np.array(times, np.int64)[held]
    order = np.argsort(at, kind="stable")
    return Series(entity, metric, at[order], values[held][order], unit)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


"""Counts over time, written as runs of numbers: a tenth of the tokens of one row per step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from telemetry.models import Result

CHUNK = 20
"""Steps on one line: few enough to count along."""
_ALIKE = 3
"""Equal counts in a row from which they are told as "n times"."""


def spread(held: Result) -> list[tuple[str, int]]:
    """(line, steps it tells of) for a series; [] when its rows are not evenly spaced times and counts."""
    rows = held.rows or []
    step = _step(rows)
    if step is None or (held.columns or [])[-2:] != ["time", "count"]:
        return []
    lines: list[tuple[str, int]] = []
    for group, members in groupby(rows, key=lambda row: tuple(row[:-2])):
        series = list(members)
        name = ", ".join("none" if part is None else str(part) for part in group)
        peak = max(series, key=lambda row: row[-1])
        lines.append((f"{name + ' | ' if name else ''}{sum(r[-1] for r in series)} in all, most {peak[-1]} at {peak[-2]}, one count per {step:g} s", 0))
        for at in range(0, len(series), CHUNK):
            chunk = series[at:at + CHUNK]
            lines.append((f"from {chunk[0][-2]}: {_runs([row[-1] for row in chunk])}", len(chunk)))
    return lines


def _step(rows: Sequence[Sequence[Any]]) -> float | None:
    """Seconds between the first two rows of one series. None when they are not times with whole counts."""
    try:
        if len(rows) < 2 or not all(isinstance(row[-1], int) for row in rows):
            return None
        first, second = (datetime.fromisoformat(str(row[-2])) for row in rows[:2])
        seconds = (second - first).total_seconds()
    except (ValueError, TypeError, IndexError):
        return None
    return seconds if seconds > 0 else None


def _runs(counts: Sequence[int]) -> str:
    told = []
    for count, equal in groupby(counts):
        times = len(list(equal))
        told += [f"{count} ({times} times)"] if times >= _ALIKE else [str(count)] * times
    return ", ".join(told)

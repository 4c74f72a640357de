"""Which times are normal and which are to be explained."""

from __future__ import annotations

import numpy as np

from signals.observed import Flags, Ints, Windows


def periods(times: Ints, windows: Windows) -> tuple[Flags, Flags]:
    """Which times lie in the baseline, and which in the incident."""
    base = np.zeros(len(times), dtype=bool)
    for window in windows.baseline:
        base |= (times >= window.start) & (times < window.end)
    during = (times >= windows.incident.start) & (times < windows.incident.end)
    return base & ~during, during

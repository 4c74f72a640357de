"""Numbers that count up made rates per second, over many series at once.

Counter resets as OpenTelemetry ("Resets and Gaps" of its metrics data model) and Prometheus (``rate``) see them: a
value below the one before, or a later start, says that counting began again from zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
UNKNOWN = np.iinfo(np.int64).min
"""For a start that is not known."""
SECOND = 1e6


@dataclass(frozen=True, slots=True)
class Stretch:
    """Points sorted by series and time, no two of a series at one time."""

    times: Ints
    """Microseconds."""
    started: Ints
    """Since when a point counts, ``UNKNOWN`` when it does not say."""
    first: Flags
    """Whether a point is its series' first."""

    def before(self) -> Ints:
        """The row before each, itself for a series' first."""
        rows = np.arange(len(self.times))
        return np.where(self.first, rows, rows - 1)

    def restarted(self) -> Flags:
        """Points that say themselves that counting began again since the point before."""
        begun, last = self.started, self.started[self.before()]
        known = (begun != UNKNOWN) & (last != UNKNOWN)
        again: Flags = ~self.first & known & (begun > last) & (begun >= self.times[self.before()])
        return again

    def spans(self, *, delta: Flags, reset: Flags) -> Floats:
        """Seconds that the change of each point stands for, NaN when unknown.

        Of a delta: since its start, else since the point before. Of a cumulative number: since the point before, after
        a reset since the new start, where that is known.
        """
        since = self.times[self.before()].astype(np.float64)
        since[self.first] = np.nan
        fresh = (self.started != UNKNOWN) & (self.started < self.times) & (delta | reset & (self.started >= np.nan_to_num(since)))
        since[fresh] = self.started[fresh]
        seconds = (self.times - since) / SECOND
        seconds[~(seconds > 0)] = np.nan
        return seconds


def rates(stretch: Stretch, values: Floats, *, delta: Flags, whole: Flags) -> Floats:
    """Changes per second of sums; NaN where a point has none to be compared with.

    ``delta`` points hold the change itself; ``whole`` points only count up, so that a lower value is a reset.
    """
    last = values[stretch.before()]
    reset = ~delta & ~stretch.first & (stretch.restarted() | whole & (values < last))
    change = np.where(delta | reset, values, values - last)
    change[stretch.first & ~delta] = np.nan
    found: Floats = change / stretch.spans(delta=delta, reset=reset)
    return found

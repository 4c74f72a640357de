"""Records as columns of one length: what counts and compares reads these, not records one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans in any order; times and durations in microseconds (UTC).

    From the store, whom a calling span names but who tells nothing of itself (a database, another company's API) is there
    too: as a span of that name within the calling one, as service graphs show them.
    """

    trace: Ints
    """Traces by number; equal number, same trace."""
    parent: Ints
    """The row of the parent span, -1 for none."""
    start: Ints
    duration: Ints
    service: Ints
    """Index into ``services``."""
    operation: Ints
    """Index into ``operations``."""
    pod: Ints
    """Index into ``pods``, -1 when unknown."""
    error: Flags
    services: tuple[str, ...]
    operations: tuple[str, ...]
    pods: tuple[str, ...]
    orphan: Flags | None = None
    """Whose parent is named but was not found."""
    ids: tuple[str, ...] = ()
    """``trace id/span id`` of each row, with ``:peer`` behind it for whom that span calls; may be empty."""

    def __len__(self) -> int:
        return len(self.start)

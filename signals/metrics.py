"""Which metrics changed, free of scale: one sign for each series that left its normal range."""

from __future__ import annotations

from signals.diagnosis import Sign
from signals.observed import Observed, Windows
from signals.topology import Topology


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The shifts of all series."""
    return []

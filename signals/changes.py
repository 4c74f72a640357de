"""Which changes were made just before the onset: a deploy, a setting, a flag."""

from __future__ import annotations

from signals.diagnosis import Sign
from signals.observed import Observed, Windows
from signals.topology import Topology


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """One sign for each change near the onset."""
    return []

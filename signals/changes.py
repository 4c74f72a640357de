"""Which changes were made just before the onset: a deploy, a setting, a flag."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from signals.diagnosis import Sign
from signals.observed import Entity, Observed, Windows
from signals.topology import Topology
from telemetry.records import Change

MOST = 3.0
"""Strength of a change at the very onset: most incidents follow a change (*Site Reliability Engineering*, ch. 1: 70 %)."""
HALF = 300.0
"""Seconds before the onset at which a change counts half."""
REACH = 4 * 3600.0
"""Seconds before the onset beyond which a change is not looked at."""
_GRACE = 0.1
"""Share of the incident's length by which its start may have been found too early."""


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """One sign for each change before the onset; a change that nothing else speaks of is weighed by its service's part in it."""
    start = windows.incident.start
    grace = max((windows.incident.end - start) * _GRACE, 1e6)
    found = []
    for change in observed.changes:
        early = (start - change.time) / 1e6
        if -grace / 1e6 <= early <= REACH:
            found.append(_sign(change, early, MOST * HALF / (HALF + max(early, 0.0)), topology))
    return found


def _sign(change: Change, early: float, strength: float, topology: Topology) -> Sign:
    entity = Entity("service", change.service) if change.service else Entity("change", change.title)
    when = datetime.fromtimestamp(change.time / 1e6, UTC)
    told = f"{change.kind} change {round(early)} s before the onset: {change.title}" if early >= 1 else f"{change.kind} change at the onset: {change.title}"
    who = f" by {change.actor}" if change.actor else ""
    return Sign(topology.home(entity), "change", strength, f"{told}{who} ({when:%H:%M:%S} UTC)", change.time, change.kind,
                (f"change:{change.id}",), {"seconds_before": early if math.isfinite(early) else 0.0})

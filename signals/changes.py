"""Which changes were made just before the onset: a deploy, a setting, a flag.

Most outages follow a change (about 70 % in *Site Reliability Engineering*, ch. 1), so a change shortly before the onset
is evidence for whom it touched, which halves with each quarter of an hour between.
"""

from __future__ import annotations

import math

from signals.diagnosis import Sign
from signals.observed import Entity, Observed, Windows
from signals.topology import Topology

PROOF = 3.0
"""The strength of a change in the very minute of the onset."""
HALF_LIFE = 15 * 60 * 1_000_000
LATE = 60 * 1_000_000
"""Clocks differ: a change up to a minute after the onset may still be before it."""


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """One sign for each change near the onset, on the service that was changed."""
    found, start = [], "the trouble began" if windows.begun else "the time looked at"
    for change in observed.changes:
        lead = windows.incident.start - change.time
        weight = PROOF * math.exp2(-max(0, lead) / HALF_LIFE)
        if lead < -LATE or weight < 0.25 or not change.service:
            continue
        name = f"{change.kind} of {change.service}" + (f" to {change.version}" if change.version else "")
        found.append(Sign(
            topology.home(Entity("service", change.service)), "change", weight,
            f"{name} ({change.title}) {_long(abs(lead))} {'before' if lead >= 0 else 'after'} {start}",
            at=change.time, aspect=change.kind, refs=(f"change:{change.id}",), figures={"lead_seconds": lead / 1e6},
        ))  # fmt: skip
    return found


def _long(micros: int) -> str:
    """A length of time in words: seconds below two minutes."""
    return f"{micros / 1e6:.0f} s" if micros < 120e6 else f"{micros / 60e6:.0f} min"

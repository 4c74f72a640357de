"""Which segments a query must read: by the times the manifest keeps, then by what matched in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telemetry.models import Window
from telemetry.store.manifest import Segment


@dataclass(frozen=True, slots=True)
class Matches:
    """``total`` records match, all of them in ``segments``."""

    segments: Sequence[Segment]
    total: int


def overlapping(segments: list[Segment], window: Window) -> list[Segment]:
    """The segments that may hold records of the window; undated records belong to no bounded window."""
    low, high = _bounds(window)
    if low is None and high is None:
        return segments
    return [
        s for s in segments
        if s.first is not None and s.last is not None
        and (low is None or s.last >= low) and (high is None or s.first < high)
    ]


def inside(segment: Segment, window: Window) -> bool:
    """Whether every record of the segment is in the window, so that its row count says how many."""
    low, high = _bounds(window)
    if low is None and high is None:
        return True
    if segment.undated or segment.first is None or segment.last is None:
        return False
    return (low is None or segment.first >= low) and (high is None or segment.last < high)


def micros(when: datetime) -> int:
    """Microseconds since 1970 (UTC)."""
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _bounds(window: Window) -> tuple[int | None, int | None]:
    return (micros(window.start) if window.start else None, micros(window.end) if window.end else None)

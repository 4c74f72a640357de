"""Words that every summary uses: times, lengths, lists, and texts of others made harmless. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.notifying.notice import masked
from telemetry.unseen import spelled

LONGEST = 220


def clean(text: str, longest: int = LONGEST) -> str:
    """A text of people or telemetry as one line, bounded, without secrets and characters that cannot be seen."""
    line = " ".join(spelled(masked(" ".join(text.split()))).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def stamp(when: datetime, beside: datetime | None = None) -> str:
    """``2026-03-02 14:05``, and ``14:05`` on the day of ``beside``."""
    return f"{when:%H:%M}" if beside is not None and when.date() == beside.date() else f"{when:%Y-%m-%d %H:%M}"


def span(start: datetime, end: datetime) -> str:
    """``2026-03-02 08:00 to 20:00 UTC``."""
    return f"{stamp(start)} to {stamp(end, start)} UTC"


def lasted(time: timedelta) -> str:
    """``40 s``, ``25 min``, ``3 h 10 min``, ``4 days``."""
    seconds = int(max(time.total_seconds(), 0))
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} days"


def number(count: int, noun: str, plural: str = "") -> str:
    """``1 error``, ``1,200 errors``."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def listed(names: list[str], most: int = 4) -> str:
    """``a, b and c``, ``a, b, c and 4 more``."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""

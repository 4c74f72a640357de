"""How a number compares with the one of the period before, in words that small numbers do not exaggerate. Pure."""

from __future__ import annotations

import math

from agent.summaries.facts import Counted

ENOUGH = 20
"""Below so many in both periods a ratio says little and is not said."""
SURE = 3.0
"""Standard errors of the difference of two Poisson counts from which it is told as a change."""


def z(now: int, before: int) -> float:
    """Standard errors between two counts of equally long periods: the square roots' difference, whose variance is about
    a half whatever the counts (Anscombe 1948, with his 3/8)."""
    return math.sqrt(2) * (math.sqrt(now + 0.375) - math.sqrt(before + 0.375))


def risen(count: Counted) -> bool:
    """Whether there is more than chance explains."""
    return count.before is not None and z(count.now, count.before) >= SURE


def compared(count: Counted) -> str:
    """``3.0 times as many; before: 40``; small numbers stand for themselves; empty where nothing is known of before."""
    if count.before is None:
        return ""
    if count.before == 0:
        return "none before"
    if count.now == count.before:
        return "as many as before"
    if max(count.now, count.before) < ENOUGH or abs(z(count.now, count.before)) < SURE:
        return f"before: {count.before:,}"
    ratio = count.now / count.before
    if count.now == 0:
        return f"none any more; before: {count.before:,}"
    many = f"{ratio:,.0f} times as many" if ratio >= 9.5 else f"{ratio:,.1f} times as many" if ratio >= 1.95 else f"{ratio - 1:+.0%}"
    return f"{many}; before: {count.before:,}"


def share(part: int, whole: int) -> str:
    """A share with the digits it needs: ``35%``, ``0.04%``."""
    if not whole:
        return "none"
    value = 100 * part / whole
    return "0%" if not part else "under 0.01%" if value < 0.01 else f"{value:.2g}%" if value < 10 else f"{value:.0f}%"

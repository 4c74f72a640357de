"""Whether a share (of failed requests, of slow ones, of restarts) changed, with how many it takes to say so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

SURE = 2.576
"""Standard deviations of a two-sided 99 % interval: a look is repeated, so each must be surer than the usual 95 %."""
VERY_SURE = 3.29
"""99.9 %, for what leads to a rollback or is called ill: some forty looks are taken at one action."""
NEAR = 0.02
"""Two points of a hundred: less is no difference that anybody acts on."""
RELATIVE = 0.5
"""Nor is less than half of a share."""
LEAST = 0.005
"""Half a point: a smaller rise is not worse, however sure it is."""
USUAL = 0.01
"""A share that is ill where nobody knows the healthy one: one request of a hundred, the loosest usual objective."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of``."""

    hits: int
    of: int

    @property
    def ratio(self) -> float:
        """0 to 1; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.ratio:.1%} ({self.hits} of {self.of})"


def wilson(share: Share, z: float = SURE) -> tuple[float, float]:
    """The score interval of a proportion (Wilson, JASA 1927); (0, 1) of nothing."""
    n = share.of
    if n <= 0:
        return 0.0, 1.0
    middle = (share.ratio + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share.ratio * (1 - share.ratio) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(before: Share, after: Share, z: float = SURE) -> tuple[float, float]:
    """The interval of ``after - before``: Newcombe's hybrid score interval (Statistics in Medicine 1998, method 10)."""
    low0, high0 = wilson(before, z)
    low1, high1 = wilson(after, z)
    apart = after.ratio - before.ratio
    return (apart - math.hypot(after.ratio - low1, high0 - before.ratio), apart + math.hypot(high1 - after.ratio, before.ratio - low0))


Change = Literal["rose", "fell", "same", "unclear"]


def change(before: Share, after: Share) -> Change:
    """Whether a share rose, fell, or stayed within :data:`NEAR`; ``unclear`` when there are too few to tell."""
    low, high = difference(before, after)
    if difference(before, after, VERY_SURE)[0] > 0 and after.ratio - before.ratio >= LEAST:
        return "rose"
    if high < 0:
        return "fell"
    near = max(NEAR, RELATIVE * before.ratio)
    return "same" if -near <= low and high <= near else "unclear"


def ill(share: Share, healthy: Share | None) -> bool:
    """Whether a share is surely above the healthy one, or above :data:`USUAL` where none is known."""
    if healthy is None or not healthy.of:
        return wilson(share, VERY_SURE)[0] > USUAL
    return difference(healthy, share, VERY_SURE)[0] > 0 and share.ratio - healthy.ratio >= LEAST


def well(share: Share, before: Share, healthy: Share | None) -> bool:
    """Whether a share that fell is back: near the healthy one, not surely above it, and surely less than half of what it was."""
    usual = healthy.ratio if healthy is not None and healthy.of else USUAL
    near = share.ratio <= max(2 * usual, USUAL) + NEAR and not ill(share, healthy)
    return near and wilson(share)[1] <= before.ratio * RELATIVE

"""The price while a session runs: what it costs now, and whether it has to go."""

from __future__ import annotations

from dataclasses import dataclass, field

PATIENCE = 2
"""Looks in a row above the cap until the probe is taken away: one alone may be a hiccup of the machine."""


@dataclass(slots=True)
class Governor:
    """``cap``: the most of one CPU; ``ns_per_call`` as calibrated on this node."""

    cap: float
    ns_per_call: float
    calls: int = 0
    cpu: float = 0.0
    """Seconds of CPU of the worker itself at the last look."""
    at: float = 0.0
    above: int = 0
    shares: list[float] = field(default_factory=list)
    workers: list[float] = field(default_factory=list)
    """The worker's own part of each share."""

    def begin(self, at: float, cpu: float, calls: int = 0) -> None:
        """From here on it counts: attaching is not part of the price of looking."""
        self.at, self.cpu, self.calls = at, cpu, calls

    def look(self, at: float, cpu: float, calls: int) -> float:
        """The share of one CPU since the last look, programs and worker together. ``at`` and ``cpu`` in seconds."""
        passed = max(at - self.at, 1e-6)
        share = ((calls - self.calls) * self.ns_per_call / 1e9 + cpu - self.cpu) / passed
        self.workers.append((cpu - self.cpu) / passed)
        self.at, self.cpu, self.calls = at, cpu, calls
        self.shares.append(share)
        self.above = self.above + 1 if share > self.cap else 0
        return share

    @property
    def exceeded(self) -> bool:
        """Whether the probe has to be taken away."""
        return self.above >= PATIENCE

    @property
    def mean(self) -> float | None:
        """The mean share so far; None before the first look."""
        return sum(self.shares) / len(self.shares) if self.shares else None

    @property
    def worker(self) -> float | None:
        """The worker's own part of it."""
        return sum(self.workers) / len(self.workers) if self.workers else None

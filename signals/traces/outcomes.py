"""Errors where they begin, calls that nobody answers any more, and requests that stopped coming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import poisson_fall, proportion_change
from signals.observed import Flags, Ints
from signals.traces.forest import Forest
from telemetry.numbering import distinct

SLOT = 10_000_000
"""µs: stretches of ten seconds in which anything at all was observed count as observed."""


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion that changed: counts before and during."""

    strength: float
    hits: int
    of: int
    hits_during: int
    of_during: int


def origins(forest: Forest) -> Flags:
    """Spans that failed while none of their children did."""
    spans = forest.spans
    blamed = np.zeros(len(spans), dtype=bool)
    child = np.flatnonzero((spans.parent >= 0) & spans.error)
    blamed[spans.parent[child]] = True
    return spans.error & ~blamed


def error_origins(forest: Forest, base: Flags, during: Flags) -> dict[int, Share]:
    """Services in which more traces' errors begin than before."""
    begun, spans = origins(forest), forest.spans
    size = len(spans.services)
    parts = [_traces(forest, which, size) for which in (base & begun, base, during & begun, during)]
    return _risen(parts)


def silent(forest: Forest, base: Flags, during: Flags) -> dict[int, Share]:
    """Services that take part in fewer of the requests (by root operation) that used to reach them."""
    spans = forest.spans
    roots = spans.service[forest.root] * max(len(spans.operations), 1) + spans.operation[forest.root]
    kinds, kind = np.unique(roots, return_inverse=True)
    size, out = len(spans.services), dict[int, Share]()
    for number in range(len(kinds)):
        mine = kind == number
        before, after = (_traces(forest, which & mine, size) for which in (base, during))
        n0, n1 = (len(distinct(spans.trace[which & mine])) for which in (base, during))
        strengths = proportion_change(before, np.full(size, n0), after, np.full(size, n1))
        for service in np.flatnonzero((after * n0 < before * n1) & (strengths > 0)).tolist():
            share = Share(float(strengths[service]), int(before[service]), n0, int(after[service]), n1)
            out[service] = max(share, out.get(service, share), key=lambda each: each.strength)
    return out


def collapses(forest: Forest, base: Flags, during: Flags) -> dict[int, Share]:
    """Services whose roots (requests from outside) come less often for the time observed: counts per ten seconds."""
    spans = forest.spans
    top = forest.root == np.arange(len(spans))
    slots = [len(distinct(forest.start[which] // SLOT)) for which in (base, during)]
    if not all(slots):
        return {}
    counts = [np.bincount(spans.service[which & top], minlength=len(spans.services)) for which in (base, during)]
    out = {}
    for service in np.flatnonzero(counts[0]).tolist():
        before, seen = int(counts[0][service]), int(counts[1][service])
        strength = poisson_fall(before / slots[0] * slots[1], seen)
        if strength > 0:
            out[service] = Share(strength, before, slots[0], seen, slots[1])
    return out


def _traces(forest: Forest, which: Flags, size: int) -> Ints:
    """In how many traces each service has such a span."""
    spans = forest.spans
    width = int(spans.trace.max(initial=0)) + 1
    return np.bincount(distinct(spans.service[which] * width + spans.trace[which]) // width, minlength=size)


def _risen(parts: list[Ints]) -> dict[int, Share]:
    k0, n0, k1, n1 = parts
    strengths = proportion_change(k0, n0, k1, n1)
    return {
        each: Share(float(strengths[each]), int(k0[each]), int(n0[each]), int(k1[each]), int(n1[each]))
        for each in np.flatnonzero((k1 * n0 > k0 * n1) & (strengths > 0)).tolist()
    }

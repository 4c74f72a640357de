"""Whose time it is: self time by service, time on the way between services, and mere waiting for callees.

A client's span that does nothing but wait for another service has the way there and back as its self time: that belongs
to the pair of services. A pod with a slow network is slow on all its ways, its neighbours only on the one to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import rise
from signals.observed import Flags, Floats, Ints
from signals.traces.forest import Forest

MOST = 12.0
"""A shift of times is certain at e¹²; beyond, its size counts, not its certainty."""
LEAST_SHARE = 0.02
"""A service whose self time makes up less of all extra time is not why anything is slow."""
WAY = (-2.0, 8.0)
"""What a way between two services may say against or for each of them."""


@dataclass(frozen=True, slots=True)
class Slowdown:
    """How much longer something takes in a trace, µs, and how sure that is."""

    strength: float
    before: float
    during: float


def by_service(forest: Forest, base: Flags, during: Flags) -> dict[int, Slowdown]:
    """Self time beyond its usual, of services where it rose; weighed by its share of all that rose."""
    spans, own = forest.spans, ~ways(forest)
    excess = _excess(forest, spans.service * max(len(spans.operations), 1) + spans.operation, base)
    found = _sums(excess, spans.service, spans.trace, base & own, during & own)
    extra = {key: max(0.0, float(np.mean(after) - np.mean(before))) for key, (before, after) in found.items() if len(before) and len(after)}
    whole = sum(extra.values())
    out = {}
    for key, (before, after) in found.items():
        sure = rise(before, after)[0]
        share = extra.get(key, 0.0) / whole if whole else 0.0
        if sure > 0 and share >= LEAST_SHARE:
            usual = _usual(forest, key, base & own)
            out[key] = Slowdown(min(sure, MOST) * share**0.5, usual, usual + extra[key])
    return out


def by_way(forest: Forest, base: Flags, during: Flags) -> dict[int, Slowdown]:
    """Services all of whose ways to and from others became slow: the mean of what the ways say, times √ways."""
    spans = forest.spans
    width = max(len(spans.services), 1)
    reached = _reached(forest)
    way = ways(forest)
    key = spans.service * width + np.maximum(reached, 0)
    found = _sums(forest.self_time.astype(np.float64), key, spans.trace, base & way, during & way, mean=True)
    said: dict[int, list[tuple[float, float, float]]] = {}
    for pair, (before, after) in found.items():
        if len(before) >= 3 and len(after) >= 3:
            sure = float(np.clip(rise(before, after)[0], *WAY))
            for end in {pair // width, pair % width}:
                said.setdefault(end, []).append((sure, float(np.median(before)), float(np.median(after))))
    out = {}
    for service, each in said.items():
        strength = float(np.mean([sure for sure, _, _ in each]) * len(each) ** 0.5)
        if strength > 0:
            out[service] = Slowdown(strength, float(np.mean([b for _, b, _ in each])), float(np.mean([a for _, _, a in each])))
    return out


def waiting(forest: Forest) -> Ints:
    """Of each span: the time covered by its children."""
    return forest.spans.duration - forest.self_time


def ways(forest: Forest) -> Flags:
    """Spans that only wait for another service: all their children are there."""
    spans = forest.spans
    child = np.flatnonzero(spans.parent >= 0)
    above = spans.parent[child]
    home = np.zeros(len(spans), dtype=bool)
    home[above[spans.service[child] == spans.service[above]]] = True
    return (_reached(forest) >= 0) & ~home


def _reached(forest: Forest) -> Ints:
    """The other service that a span has a child in, -1 for none."""
    spans = forest.spans
    child = np.flatnonzero(spans.parent >= 0)
    above = spans.parent[child]
    abroad = spans.service[child] != spans.service[above]
    reached = np.full(len(spans), -1, dtype=np.int64)
    reached[above[abroad]] = spans.service[child[abroad]]
    return reached


def _excess(forest: Forest, kind: Ints, base: Flags) -> Floats:
    """Self time beyond the baseline's median for the same operation; 0 for operations it has not."""
    _, place = np.unique(kind, return_inverse=True)
    rows = np.flatnonzero(base)
    order = rows[np.lexsort((forest.self_time[rows], place[rows]))]
    size = int(place.max(initial=-1)) + 1
    counts = np.bincount(place[order], minlength=size)
    starts = np.cumsum(counts) - counts
    medians = np.zeros(size)
    known = counts > 0
    medians[known] = forest.self_time[order[(starts + counts // 2)[known]]]
    return np.where(known[place], forest.self_time - medians[place], 0.0)


def _sums(
    values: Floats, key: Ints, trace: Ints, base: Flags, during: Flags, *, mean: bool = False
) -> dict[int, tuple[Floats, Floats]]:
    """Of each key: the values' sum (or mean) in each trace, before and during."""
    out: dict[int, tuple[Floats, Floats]] = {}
    width = int(trace.max(initial=0)) + 1
    parts = []
    for which in (base, during):
        code, place = np.unique(key[which] * width + trace[which], return_inverse=True)
        total = np.bincount(place, weights=values[which], minlength=len(code))
        parts.append((code // width, total / np.bincount(place, minlength=len(code)) if mean else total))
    for each in np.unique(np.concatenate([part[0] for part in parts])).tolist():
        low = [np.searchsorted(part[0], each) for part in parts]
        high = [np.searchsorted(part[0], each, side="right") for part in parts]
        out[each] = (parts[0][1][low[0] : high[0]], parts[1][1][low[1] : high[1]])
    return out


def _usual(forest: Forest, service: int, base: Flags) -> float:
    """A service's mean self time in a trace of the baseline."""
    rows = base & (forest.spans.service == service)
    traces = len(np.unique(forest.spans.trace[rows]))
    return float(forest.self_time[rows].sum() / traces) if traces else 0.0

"""Whose time it is: self time by service, time on the way between services, and mere waiting for callees.

A client's span that does nothing but wait for another service has the way there and back as its self time: that belongs
to the pair of services. A pod with a slow network is slow on all its ways, its neighbours only on the one to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import log_mean, rise, rise_in_size
from signals.observed import Flags, Floats, Ints
from signals.traces.forest import Forest
from telemetry.numbering import distinct, firsts, numbered

MOST = 12.0
"""A shift of times is certain at e¹²; beyond, its size counts, not its certainty."""
LEAST_SHARE = 0.02
"""A service whose self time makes up less of all extra time is not why anything is slow."""
ALIKE = 0.2
"""A way is slow with the others when it lost at least this part of what they lost on the average."""
MS = 1000.0
"""µs below which sizes of extra time hardly differ."""
ONSETS = (0.0, 0.25, 0.5, 0.75)
"""By which part of the incident's traces the fault may have begun."""


@dataclass(frozen=True, slots=True)
class Slowdown:
    """How much longer something takes in a trace, µs, and how sure that is."""

    strength: float
    before: float
    during: float


@dataclass(frozen=True, slots=True)
class Ways:
    """Extra time on the ways between services."""

    pairs: dict[int, _Sum]
    """By caller × services + callee."""
    inward: dict[int, _Sum]
    """By callee: all ways to it."""
    outward: dict[int, _Sum]
    """By caller: all ways from it."""
    usual: float
    """The median of a way in the baseline."""


def on_the_way(forest: Forest, base: Flags, during: Flags) -> Ways:
    """What :func:`by_service` and :func:`by_way` both weigh."""
    reached, way = _reached(forest), ways(forest)
    rows = base & way
    pair = forest.spans.service * max(len(forest.spans.services), 1) + np.maximum(reached, 0)
    excess = _excess(forest, pair, rows)
    pairs, inward, outward = (_sums(excess, key, forest, rows, during & way) for key in (pair, reached, forest.spans.service))
    return Ways(pairs, inward, outward, float(np.median(forest.self_time[rows])) if rows.any() else 0.0)


def by_service(forest: Forest, base: Flags, during: Flags, between: Ways) -> dict[int, Slowdown]:
    """Self time beyond its usual, of services where it rose; weighed by its share of all that rose."""
    spans, own = forest.spans, ~clients(forest)
    excess = _excess(forest, spans.service * max(len(spans.operations), 1) + spans.operation, base)
    found = _sums(excess, spans.service, forest, base & own, during & own)
    whole = sum(each.extra for each in found.values()) + sum(each.extra for each in between.pairs.values())
    out = {}
    for key, each in found.items():
        if each.sure > 0 and each.extra >= LEAST_SHARE * whole > 0:
            usual = _usual(forest, key, base & own)
            out[key] = Slowdown(min(each.sure, MOST) * (each.extra / whole) ** 0.5, usual, usual + each.mean)
    return out


def by_way(forest: Forest, between: Ways) -> dict[int, Slowdown]:
    """Services whose ways to (or from) others became slow: all of them alike, weighed by their share of all extra time.

    Who of two is to blame for the way between them: the one whose other ways of the same direction are slow too, the
    callee when both or neither are.
    """
    width = max(len(forest.spans.services), 1)
    pairs, usual = between.pairs, between.usual
    whole = sum(each.extra for each in pairs.values())
    out: dict[int, Slowdown] = {}
    for end, found in ((1, between.inward), (0, between.outward)):
        for service, each in found.items():
            own = [pair for key, pair in pairs.items() if (key % width if end else key // width) == service]
            alike = np.mean([pair.mean >= ALIKE * each.mean for pair in own]) if own else 0.0
            strength = min(each.sure, MOST) * float(alike) * (each.extra / whole) ** 0.5 * (1.0 if end else 0.9) if whole else 0.0
            if each.sure > 0 and each.extra >= LEAST_SHARE * whole and strength > out.get(service, Slowdown(0, 0, 0)).strength:
                out[service] = Slowdown(strength, usual, usual + each.mean)
    return out


def clients(forest: Forest) -> Flags:
    """Spans that wait for another service, or would, by their operation: most spans of it are ways."""
    spans = forest.spans
    _, kind = numbered(spans.service * max(len(spans.operations), 1) + spans.operation)
    way = ways(forest)
    mostly = np.bincount(kind, weights=way) * 2 > np.bincount(kind)
    child = np.zeros(len(spans), dtype=bool)
    child[spans.parent[spans.parent >= 0]] = True
    return way | (mostly[kind] & ~child)


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
    _, place = numbered(kind)
    rows = np.flatnonzero(base)
    order = rows[np.lexsort((forest.self_time[rows], place[rows]))]
    size = int(place.max(initial=-1)) + 1
    counts = np.bincount(place[order], minlength=size)
    starts = np.cumsum(counts) - counts
    medians = np.zeros(size)
    known = counts > 0
    medians[known] = forest.self_time[order[(starts + counts // 2)[known]]]
    return np.where(known[place], forest.self_time - medians[place], 0.0)


@dataclass(frozen=True, slots=True)
class _Sum:
    """Extra time per trace: how sure it rose, by how much on the average, and by how much in all."""

    sure: float
    mean: float
    extra: float


def _sums(values: Floats, key: Ints, forest: Forest, base: Flags, during: Flags) -> dict[int, _Sum]:
    """Of each key: whether the values' sum in a trace rose."""
    trace = forest.spans.trace
    width = int(trace.max(initial=0)) + 1
    begun = forest.begun()
    parts = []
    for which in (base, during):
        code, place = numbered(key[which] * width + trace[which])
        first = firsts(place, len(code))
        parts.append((code // width, np.bincount(place, weights=values[which], minlength=len(code)), begun[which][first]))
    (k0, v0, _), (k1, v1, t1) = parts
    onsets = np.quantile(t1, ONSETS, method="lower") if len(t1) else np.zeros(0)
    out = {}
    for each in np.intersect1d(k0, k1).tolist():
        a = np.asarray(v0[np.searchsorted(k0, each) : np.searchsorted(k0, each, side="right")], dtype=np.float64)
        span = slice(np.searchsorted(k1, each), np.searchsorted(k1, each, side="right"))
        b, t = np.asarray(v1[span], dtype=np.float64), t1[span]
        late = [b[t >= onset] for onset in onsets]
        sure = log_mean(np.array([[f for x in late for f in (rise(a, x)[0], rise_in_size(a / MS, x / MS))]]))[0]
        mean = float(np.mean(b) - np.mean(a))
        out[each] = _Sum(float(sure), mean, max(0.0, mean) * len(b))
    return out


def _usual(forest: Forest, service: int, base: Flags) -> float:
    """A service's mean self time in a trace of the baseline."""
    rows = base & (forest.spans.service == service)
    traces = len(distinct(forest.spans.trace[rows]))
    return float(forest.self_time[rows].sum() / traces) if traces else 0.0

"""What spans say: whose own time grew (not that of whom it waits for), and where errors begin along the calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals import odds
from signals.diagnosis import Sign
from signals.observed import Entity, Flags, Floats, Ints, Observed, Spans, Windows
from signals.shifts import FEW, evidence, spread_of, within
from signals.topology import Topology

FLOOR = 500.0
"""Microseconds below which a spread of durations is not believed: clocks and schedulers jitter."""
NOTABLE = 3.0
CERTAIN = 12.0
"""Deviations beyond which it counts how much time is lost, not how sure that is."""
MATTERS = 0.1
"""Share of all time that requests took from which lost time counts fully: less is no incident's cause."""
CALLING = 0.8
"""Weight of the side that calls, where both sides could be to blame."""
TAIL = 20
"""Spans on both sides from which the slowest are compared, too."""
ENOUGH = 3
"""Spans of an operation in the incident, at least."""
_REFS = 3


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """Signs of latency and errors, at services."""
    spans = observed.spans
    if spans is None or not len(spans):
        return []
    before, inside = within(spans.start, windows.baseline), within(spans.start, (windows.incident,))
    if not before.any() or not inside.any():
        return []
    own = own_time(spans)
    spent = float(spans.duration[inside & (spans.parent < 0)].sum())
    return [*_slower(spans, own, before, inside, spent), *_between(spans, own, before, inside, spent), *_failing(spans, before, inside)]


def own_time(spans: Spans) -> Ints:
    """Microseconds of each span in which none of its children ran; children that overlap count once.

    Children are cut to their parent's time, which also tames clocks that disagree between hosts.
    """
    child = np.flatnonzero(_trees(spans))
    above = spans.parent[child]
    start = np.clip(spans.start[child] - spans.start[above], 0, spans.duration[above])
    end = np.clip(start + spans.duration[child], 0, spans.duration[above])
    order = np.lexsort((start, above))
    above, start, end = above[order], start[order], end[order]
    own = spans.duration.copy()
    if not len(above):
        return own
    fresh = np.ones(len(above), np.bool_)
    fresh[1:] = above[1:] != above[:-1]
    group = np.cumsum(fresh) - 1
    apart = int(spans.duration.max(initial=0)) + 1
    reached = np.maximum.accumulate(end + group * apart)  # within a group: the latest end so far
    covered_to = np.concatenate([[0], reached[:-1]]) - group * apart
    covered = np.maximum(end - np.maximum(start, np.where(fresh, 0, covered_to)), 0)
    np.subtract.at(own, above, covered)
    return np.maximum(own, 0)


def _trees(spans: Spans) -> Flags:
    """Spans whose parent is known and is not themselves; a pair that name each other have none."""
    rows = np.arange(len(spans))
    held = (spans.parent >= 0) & (spans.parent != rows)
    grand = np.where(held, spans.parent[np.maximum(spans.parent, 0)], -1)
    return held & (grand != rows)


def _remote(spans: Spans) -> Ints:
    """Rows of spans whose parent is in another service."""
    child = np.flatnonzero(_trees(spans))
    return child[spans.service[spans.parent[child]] != spans.service[child]]


def _between(spans: Spans, own: Ints, before: Flags, inside: Flags, spent: float) -> list[Sign]:
    """Time that calls lose between caller and callee: the network, a proxy, a queue before the handler.

    It is charged to the side most of whose calls, with whomever, lose it: a slow link of one callee shows in one of
    many edges of its caller, and in all edges of its own.
    """
    child = _remote(spans)
    caller = spans.parent[child]
    edge = spans.service[caller] * len(spans.services) + spans.service[child]
    edges: dict[tuple[int, int], _Edge] = {}
    for key in np.unique(edge[inside[caller]]).tolist():
        rows = caller[edge == key]
        normal, now = own[rows[before[rows]]].astype(np.float64), own[rows[inside[rows]]].astype(np.float64)
        if len(normal) >= FEW and len(now) >= ENOUGH:
            level, level_now = float(np.median(normal)), float(np.median(now))
            spread = max(spread_of(normal, level, level_now, FLOOR), 0.1 * level)
            edges[divmod(key, len(spans.services))] = _Edge(level, level_now, (level_now - level) / spread, float(now.sum() - normal.mean() * len(now)), rows[inside[rows]])
    made = []
    for service, name in enumerate(spans.services):
        own_edges = {pair: one for pair, one in edges.items() if service in pair}
        slow = {pair: one for pair, one in own_edges.items() if one.score >= NOTABLE and one.lost > 0}
        if not slow:
            continue
        lost = sum(one.lost for one in slow.values())
        worst = max(slow, key=lambda pair: slow[pair].lost)
        share = min(lost / max(MATTERS * spent, 1.0), 1.0) * len(slow) / len(own_edges)
        side = 1.0 if any(pair[1] == service for pair in slow) else CALLING
        first, one = slow[worst].rows, slow[worst]
        told = (f"calls from {spans.services[worst[0]]} to {spans.services[worst[1]]} lose {_ms(one.during)} on the way, {_ms(one.before)} before; "
                f"{len(slow)} of {len(own_edges)} edges of {name} do, {lost / 1e6:.1f} s in all")
        refs = tuple(f"span:{spans.ids[row]}" for row in first[:_REFS].tolist()) if spans.ids else ()
        made.append(Sign(Entity("service", name), "latency_self", evidence(min(one.score, CERTAIN)) * share * side, told,
                         int(spans.start[first].min()), "network", refs, {"before": one.before, "during": one.during}))
    return made


@dataclass(frozen=True, slots=True)
class _Edge:
    """What calls from one service to another lose on the way, µs; ``rows`` are the calling spans of the incident."""

    before: float
    during: float
    score: float
    lost: float
    rows: Ints


@dataclass(frozen=True, slots=True)
class _Slow:
    """One operation whose own time grew: by how many deviations, and how much time that is in all."""

    service: int
    operation: int
    before: float
    during: float
    score: float
    lost: float
    at: int
    rows: Ints


def _slower(spans: Spans, own: Ints, before: Flags, inside: Flags, spent: float) -> list[Sign]:
    """The own time of each operation; a service counts by the share of all time (``spent``, µs) that it lost.

    What a span that calls another service spends itself lies between the two, and is told of by :func:`_between`.
    """
    local = np.ones(len(spans), np.bool_)
    local[spans.parent[_remote(spans)]] = False
    before, inside = before & local, inside & local
    code = spans.service * len(spans.operations) + spans.operation
    slow = [one for key in np.unique(code[inside]).tolist() if (one := _operation(spans, own, code == key, before, inside)) is not None]
    if not slow:
        return []
    lost: dict[int, float] = {}
    for one in slow:
        lost[one.service] = lost.get(one.service, 0.0) + one.lost
    made = []
    for service in sorted(lost):
        worst = max((one for one in slow if one.service == service), key=lambda one: one.lost)
        name = spans.services[service]
        share = min(lost[service] / max(MATTERS * spent, 1.0), 1.0)
        told = (f"{spans.operations[worst.operation]} of {name} takes {_ms(worst.during)} of its own, {_ms(worst.before)} before "
                f"({worst.score:.1f} deviations); {lost[service] / 1e6:.1f} s lost in all")
        refs = tuple(f"span:{spans.ids[row]}" for row in worst.rows[:_REFS].tolist()) if spans.ids else ()
        made.append(Sign(Entity("service", name), "latency_self", evidence(min(worst.score, CERTAIN)) * share, told, worst.at, "latency",
                         refs, {"before": worst.before, "during": worst.during}))
    return made


def _operation(spans: Spans, own: Ints, chosen: Flags, before: Flags, inside: Flags) -> _Slow | None:
    """The median and the mean of the slowest tenth are compared: a fault may meet all requests or some."""
    normal, rows = own[chosen & before].astype(np.float64), np.flatnonzero(chosen & inside)
    now = own[rows].astype(np.float64)
    if len(normal) < FEW or len(now) < ENOUGH:
        return None
    best = (0.0, 0.0, 0.0)
    levels = [(np.median(normal), np.median(now)), *([(_tail(normal), _tail(now))] if min(len(normal), len(now)) >= TAIL else [])]
    for level, level_now in levels:
        spread = max(spread_of(normal, float(level), float(level_now), FLOOR), 0.1 * float(level))
        best = max(best, (float(level_now - level) / spread, float(level), float(level_now)))
    score, level, level_now = best
    lost = float(now.sum() - np.mean(normal) * len(now))
    if score < NOTABLE or lost <= 0:
        return None
    order = rows[np.argsort(-now, kind="stable")]
    slowest = order[: max(len(order) // 10, 1)]
    row = int(rows[0])
    return _Slow(int(spans.service[row]), int(spans.operation[row]), level, level_now, score, lost, int(spans.start[slowest].min()), order)


def _tail(values: Floats) -> float:
    return float(np.percentile(values, 95))


def _failing(spans: Spans, before: Flags, inside: Flags) -> list[Sign]:
    """Errors with no failing child begin here; others are passed on."""
    passed = np.zeros(len(spans), np.bool_)
    child = np.flatnonzero(_trees(spans) & spans.error)
    passed[spans.parent[child]] = True
    origin, through = spans.error & ~passed, spans.error & passed
    made = []
    for service, name in enumerate(spans.services):
        own = spans.service == service
        trials, usual = int((own & inside).sum()), int((own & before).sum())
        for kind, which, sense in (("error_origin", origin, 1.0), ("error_ratio", through, -1.0)):
            hits, usual_hits = int((own & inside & which).sum()), int((own & before & which).sum())
            nats = odds.surprise(hits, trials, usual_hits, usual)
            if nats < NOTABLE:
                continue
            rows = np.flatnonzero(own & inside & which)
            where = "begin in" if kind == "error_origin" else "reach"
            told = f"errors {where} {name}: {hits} of {trials} spans, {usual_hits} of {usual} before"
            refs = tuple(f"span:{spans.ids[row]}" for row in rows[:_REFS].tolist()) if spans.ids else ()
            made.append(Sign(Entity("service", name), "error_origin" if kind == "error_origin" else "error_ratio", sense * odds.strength(nats),
                             told, int(spans.start[rows].min()), "errors", refs, {"now": hits, "of": trials}))
    return made


def _ms(micros: float) -> str:
    return f"{micros / 1000:.1f} ms" if micros < 1e6 else f"{micros / 1e6:.2f} s"

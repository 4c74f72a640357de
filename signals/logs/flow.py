"""Where the flow of requests first leaves its normal course: order breaks and missing calls, by span and code position.

Of every step A → B within an operation: how often B follows A, before and during (patterns as in Nezha, Yu et al.,
FSE 2023, but within one span's run, as conditional probabilities with a Bayes factor for their change). A fault far down
changes the flow of everybody above it, later in the same trace; so probabilities are taken *given that nothing in the
trace had changed before*. What a victim does once its callee has failed then counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import proportion_change
from signals.logs.events import END, FAILED, START, Steps, once
from signals.observed import Flags, Floats, Ints, Windows
from signals.traces.forest import Forest

SURE = 3.0
"""The least strength of a break: "strong" by Kass and Raftery (1995)."""
ROUNDS = 3
"""How often first deviations are sought anew with what the last round found."""


@dataclass(frozen=True, slots=True)
class Break:
    """A step that became likelier among requests that were normal so far."""

    kind: int
    """Number of the operation in the steps."""
    before: int
    after: int
    lost: int
    """What normally followed and follows less now; -1 when nothing does."""
    strength: float
    hits: int
    """Runs in which it was the first thing to go another way."""
    was: float
    now: float
    """Probabilities of the step."""
    rows: Ints
    """Its steps, those first deviations."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What deviated, strongest first, and when each trace first did (the largest integer for never)."""

    breaks: tuple[Break, ...]
    first: Ints
    """By the forest's row."""


@dataclass(frozen=True, slots=True)
class _Table:
    """Steps once a frame: code of A→B, code of A, period."""

    rows: Ints
    pair: Ints
    context: Ints
    of_pair: Ints
    """The context of each pair."""
    during: Flags
    time: Ints
    trace: Ints
    traces: int


def periods(times: Ints, windows: Windows) -> tuple[Flags, Flags]:
    """Which times lie in the baseline, and which in the incident."""
    base = np.zeros(len(times), dtype=bool)
    for window in windows.baseline:
        base |= (times >= window.start) & (times < window.end)
    during = (times >= windows.incident.start) & (times < windows.incident.end)
    return base & ~during, during


def deviations(found: Steps, forest: Forest, windows: Windows) -> Flow:
    """The breaks of the incident."""
    never = np.iinfo(np.int64).max
    base, during = periods(forest.begun(), windows)
    rows = once(found, (base | during)[found.frame])
    if not len(rows) or not np.any(during):
        return Flow((), np.full(len(forest.rows), never))
    table = _table(found, forest, rows, during)
    pairs = len(table.of_pair)
    first = np.full(table.traces, never)
    strengths = np.zeros(pairs)
    guilty = np.zeros(pairs, dtype=bool)
    for _ in range(ROUNDS):
        strengths = _strengths(table, first)
        guilty = strengths >= SURE
        hit = table.during & guilty[table.pair]
        first = np.full(table.traces, never)
        np.minimum.at(first, table.trace[hit], table.time[hit])
    final = _strengths(table, first)
    breaks = [_break(found, table, pair, float(final[pair]), first) for pair in np.flatnonzero(guilty & (final >= SURE)).tolist()]
    _, trace = np.unique(forest.spans.trace, return_inverse=True)
    return Flow(tuple(sorted(breaks, key=lambda each: (-each.strength, each.kind, each.before, each.after))), first[trace])


def _table(found: Steps, forest: Forest, rows: Ints, during: Flags) -> _Table:
    width = len(found.names)
    context = found.kind[rows] * width + found.before[rows]
    contexts, context = np.unique(context, return_inverse=True)
    codes, pair = np.unique(context * width + found.after[rows], return_inverse=True)
    values, trace = np.unique(forest.spans.trace, return_inverse=True)
    return _Table(rows, pair, context, codes // width, during[found.frame[rows]], found.time[rows], trace[found.frame[rows]], len(values))


def _strengths(table: _Table, first: Ints) -> Floats:
    """ln Bayes factors of the pairs that rose, over steps not later than their trace's first deviation."""
    clean = table.during & (table.time <= first[table.trace])
    k0, n0 = _counts(table, ~table.during)
    k1, n1 = _counts(table, clean)
    out = np.zeros(len(table.of_pair))
    rose = np.flatnonzero((n0 > 0) & (k1 * n0 > k0 * n1))
    out[rose] = proportion_change(k0[rose], n0[rose], k1[rose], n1[rose])
    return out


def _counts(table: _Table, which: Flags) -> tuple[Ints, Ints]:
    """Of each pair: the traces with such a step, and those with any step from the same event.

    A trace counts once however often it loops, for its runs of one operation are not independent.
    """
    hits = _distinct(table.pair[which], table.trace[which], len(table.of_pair), table.traces)
    of = _distinct(table.context[which], table.trace[which], int(table.context.max()) + 1, table.traces)
    return hits, of[table.of_pair]


def _distinct(keys: Ints, traces: Ints, size: int, width: int) -> Ints:
    """How many different traces each key has."""
    return np.bincount(np.unique(keys * width + traces) // width, minlength=size)


def _break(found: Steps, table: _Table, pair: int, strength: float, first: Ints) -> Break:
    clean = table.during & (table.time <= first[table.trace])
    k0, n0 = _counts(table, ~table.during)
    k1, n1 = _counts(table, clean)
    mine = table.rows[clean & (table.pair == pair)]
    step = table.rows[np.flatnonzero(table.pair == pair)[0]]
    siblings = np.flatnonzero(table.of_pair == table.of_pair[pair])
    fall = k0[siblings] / np.maximum(n0[siblings], 1) - k1[siblings] / np.maximum(n1[siblings], 1)
    lost = -1
    if fall.max() > 0:
        gone = int(siblings[np.argmax(fall)])
        lost = int(found.after[table.rows[np.flatnonzero(table.pair == gone)[0]]])
    return Break(int(found.kind[step]), int(found.before[step]), int(found.after[step]), lost, strength, len(mine),
                 float(k0[pair] / n0[pair]), float(k1[pair] / n1[pair]), mine)  # fmt: skip


def ends(symbol: int) -> bool:
    """Whether a symbol is the end of a run."""
    return symbol in (END, FAILED)


def unanswered(found: Steps, flow: Break) -> int:
    """The callee of a call that left but started nothing over there: its service, -1 when it is no such break."""
    callee = int(found.callee[flow.lost]) if flow.lost >= 0 else -1
    if flow.before != START or not ends(flow.after) or callee < 0 or callee == int(found.service[flow.kind]):
        return -1
    others = (found.kind == flow.kind) & (found.after != flow.lost) & ~np.isin(found.after, (END, FAILED))
    return -1 if np.any(others) else callee

"""Where the flow of requests first leaves its normal course: order breaks and missing calls, by span and code position.

Of every pair of events A, B that are neighbours in normal runs of an operation: how often B comes after A in a run,
before and during (patterns as in Nezha, Yu et al., FSE 2023, but within one span's run, as conditional probabilities
with a Bayes factor for their fall). A fault far down changes the flow of everybody above it, later in the same trace; so
probabilities are taken *given that nothing in the trace had changed before*: what a victim leaves out once its callee
has failed counts for nothing. What stopped being wrong is no break: runs with errors are not what normal is learned
from, where most have none, and an error that no longer follows is a recovery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import log_mean, proportion_change
from signals.logs.events import END, FAILED, UNANSWERED, Steps
from signals.observed import Flags, Floats, Ints, Windows
from signals.periods import periods
from signals.traces.forest import Forest

SURE = 3.0
"""The least strength of a break: "strong" by Kass and Raftery (1995)."""
ONSETS = (0.0, 0.25, 0.5, 0.75)
"""By which part of what happened in the incident window the fault may have begun."""
JITTER = 2000
"""µs by which spans and lines of one moment may disagree: many tracers and loggers keep milliseconds."""
SELDOM = 0.05
"""What follows an event in fewer than one of twenty runs cannot be missed."""
ROUNDS = 3
"""How often first deviations are sought anew with what the last round found."""


@dataclass(frozen=True, slots=True)
class Break:
    """A pair of events that no longer follow each other, among requests that were normal so far."""

    kind: int
    """Number of the operation in the steps."""
    before: int
    lost: int
    """What used to follow."""
    after: int
    """What mostly comes next now."""
    strength: float
    was: float
    now: float
    """In which part of the traces it followed in every run."""
    frames: Ints
    """Runs in which it did not and that was the first thing to go another way."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What deviated, strongest first, and when each row's trace first did (the largest integer for never)."""

    breaks: tuple[Break, ...]
    first: Ints


NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class _Table:
    """Each row: in one run A came, and B, its neighbour in normal runs, followed or not."""

    pair: Ints
    frame: Ints
    trace: Ints
    during: Flags
    kept: Flags
    time: Ints
    """When the event after A came."""
    pairs: int
    traces: int
    kind: Ints
    """Of each pair, as are the next two."""
    before: Ints
    lost: Ints


def deviations(found: Steps, forest: Forest, windows: Windows) -> Flow:
    """The breaks of the incident."""
    base, during = periods(forest.begun(), windows)
    failed = _failed_at(found, forest)
    normal = _normal(found, base, failed)
    table = _table(found, forest, normal, during, failed)
    if table is None:
        return Flow((), np.full(len(forest.rows), NEVER))
    first, guilty = np.full(table.traces, NEVER), np.zeros(table.pairs, dtype=bool)
    for _ in range(ROUNDS):
        guilty = _strengths(table, first)[0] >= SURE
        hit = table.during & ~table.kept & guilty[table.pair]
        first = np.full(table.traces, NEVER)
        np.minimum.at(first, table.trace[hit], table.time[hit])
    strengths, was, now = _strengths(table, first)
    breaks = [_break(found, table, pair, first, (strengths[pair], was[pair], now[pair]))
              for pair in np.flatnonzero(guilty & (strengths >= SURE)).tolist()]  # fmt: skip
    _, trace = np.unique(forest.spans.trace, return_inverse=True)
    return Flow(tuple(sorted(breaks, key=lambda each: (-each.strength, each.kind, each.before, each.lost))), first[trace])


def _failed_at(found: Steps, forest: Forest) -> Ints:
    """When each frame, or one below it, first told of an error; the largest integer for never."""
    at = np.full(len(forest.rows), NEVER)
    bad = found.failing[found.after]
    np.minimum.at(at, found.frame[bad], found.time[bad])
    for depth in range(int(forest.depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero((at < NEVER) & (forest.depth == depth))
        np.minimum.at(at, forest.spans.parent[rows], at[rows])
    return at


def _normal(found: Steps, base: Flags, failed: Ints) -> Flags:
    """Baseline frames to learn from: without errors in them or below, for kinds most of whose runs are such."""
    kinds = np.full(len(base), -1, dtype=np.int64)
    kinds[found.frame] = found.kind
    calm = np.bincount(kinds[base & (failed == NEVER)] + 1, minlength=len(found.service) + 1)
    clean = (calm * 2 >= np.bincount(kinds[base] + 1, minlength=len(found.service) + 1))[1:]
    clean = np.append(clean, False)
    return np.asarray(base & ((failed == NEVER) | ~clean[kinds]))


def _table(found: Steps, forest: Forest, normal: Flags, during: Flags, failed: Ints) -> _Table | None:
    """Join each run's events with what normally follows them."""
    width = len(found.names)
    wanted = normal[found.frame] & (found.after != END) & (found.after != FAILED) & (found.before != found.after)
    wanted &= ~found.failing[found.after]
    codes = (found.kind[wanted] * width + found.before[wanted]) * width + found.after[wanted]
    pairs, place = np.unique(codes, return_inverse=True)
    often = _often(pairs // width, np.bincount(place, minlength=len(pairs)))
    wanted[np.flatnonzero(wanted)[~often[place]]] = False
    pairs, place = pairs[often], (np.cumsum(often) - 1)[place[often[place]]]
    calm = np.bincount(place, weights=found.time[wanted] + JITTER < failed[found.frame[wanted]], minlength=len(pairs)) > 0
    heads = pairs // width
    used = np.flatnonzero((normal | during)[found.frame])
    seen, firsts = np.unique(found.frame[used] * width + found.before[used], return_index=True)
    _, lasts = np.unique((found.frame[used] * width + found.after[used])[::-1], return_index=True)
    ends, lasts = np.unique(found.frame[used] * width + found.after[used]), len(used) - 1 - lasts
    if not len(pairs) or not len(seen):
        return None
    frame, before = seen // width, seen % width
    step = used[firsts]
    head = found.kind[step] * width + before
    low, high = np.searchsorted(heads, head), np.searchsorted(heads, head, side="right")
    row = np.repeat(np.arange(len(seen)), high - low)
    pair = np.arange(len(row)) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + low[row]
    expected = calm[pair] | (failed[frame[row]] < NEVER)  # what only ever follows an error is due after one
    row, pair = row[expected], pair[expected]
    key = frame[row] * width + pairs[pair] % width
    place = np.minimum(np.searchsorted(ends, key), len(ends) - 1)
    kept = (ends[place] == key) & (lasts[place] >= firsts[row])
    values, trace = np.unique(forest.spans.trace, return_inverse=True)
    return _Table(pair, frame[row], trace[frame[row]], during[frame[row]], kept, found.time[step[row]], len(pairs),
                  len(values), heads // width, heads % width, pairs % width)  # fmt: skip


def _often(head: Ints, counts: Ints) -> Flags:
    """Which pairs make up enough of what follows their first event."""
    _, place = np.unique(head, return_inverse=True)
    return np.asarray(counts >= SELDOM * np.bincount(place, weights=counts)[place])


def _strengths(table: _Table, first: Ints) -> tuple[Floats, Floats, Floats]:
    """Of each pair: ln Bayes factor of its fall, over runs that had not deviated before; the parts kept before and during.

    The fault may have begun later than the incident window: the factor is the mean over four beginnings.
    """
    clean = table.during & (table.time <= first[table.trace])
    k0, n0 = _counts(table, ~table.during)
    k1, n1 = _counts(table, clean)
    logs = []
    for onset in np.quantile(table.time[table.during], ONSETS, method="lower") if np.any(table.during) else ():
        k, n = _counts(table, clean & (table.time >= onset))
        fell = np.flatnonzero((n0 > 0) & (k * n0 < k0 * n))
        out = np.zeros(table.pairs)
        out[fell] = proportion_change(k0[fell], n0[fell], k[fell], n[fell])
        logs.append(out)
    return log_mean(np.stack(logs, axis=1)) if logs else np.zeros(table.pairs), k0 / np.maximum(n0, 1), k1 / np.maximum(n1, 1)


def _counts(table: _Table, which: Flags) -> tuple[Ints, Ints]:
    """Of each pair: the traces in all of whose runs B followed, and all traces.

    A trace counts once however often it loops, for its runs of one operation are not independent.
    """
    code = table.pair[which] * table.traces + table.trace[which]
    of = np.bincount(np.unique(code) // table.traces, minlength=table.pairs)
    broken = np.bincount(np.unique(code[~table.kept[which]]) // table.traces, minlength=table.pairs)
    return of - broken, of


def _break(found: Steps, table: _Table, pair: int, first: Ints, figures: tuple[float, float, float]) -> Break:
    mine = np.flatnonzero((table.pair == pair) & table.during & ~table.kept & (table.time <= first[table.trace]))
    frames = table.frame[mine]
    before = int(table.before[pair])
    now = found.after[np.isin(found.frame, frames) & (found.before == before)]
    after = int(np.argmax(np.bincount(now))) if len(now) else END
    strength, was, part = (float(each) for each in figures)
    return Break(int(table.kind[pair]), before, int(table.lost[pair]), after, strength, was, part, frames)


def unanswered(found: Steps, deviation: Break) -> int:
    """The service that was called and did nothing, where the caller did call: -1 when the break is no such one."""
    callee = int(found.callee[deviation.lost])
    away = callee >= 0 and callee != int(found.service[deviation.kind])
    return callee if away and found.names[deviation.after].endswith(UNANSWERED) else -1

"""How surprising it is that a session has these templates this often.

The probability of a session's count vector is that of a Dirichlet process (Ferguson 1973): a vector that normal
sessions had is as likely as it was common; a new one shares what is left, by a base measure. The base measure is a
tree over the templates (Chow and Liu 1968), so that templates that go together are expected to go together: a new
vector that keeps the proportions is less surprising than one that breaks them. Edges that the data does not bear out
by the Bayesian information criterion are left out, which makes it a forest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals.anomaly.sessions import BUCKETS, buckets
from signals.observed import Floats, Ints

MOST_JOINED = 128
"""Templates that the tree may join; rarer ones stand alone. Bounds the pairs to look at."""
MOST_ROWS = 4096
"""Distinct vectors that the tree is learnt from, the commonest."""
CHUNK = 4096
_PRIOR = np.array([0.5**n for n in range(1, BUCKETS)] + [0.5 ** (BUCKETS - 1)])
"""Before any data a count twice as high is half as likely: a geometric distribution over buckets."""


@dataclass(frozen=True, slots=True)
class Factor:
    """What a template's count says against expectation: ``nats`` of surprise."""

    template: int
    given: int
    """The template it was expected to go with, -1 for none."""
    nats: float


class CountModel:
    """Fitted to the distinct count vectors of normal sessions, (distinct, templates), and how many sessions have each."""

    def __init__(self, vectors: Ints, weights: Ints) -> None:
        self.vectors, self.weights = vectors, weights
        self._total = float(weights.sum())
        self._known = {row.tobytes(): float(weight) for row, weight in zip(vectors, weights, strict=True)}
        self._concentration = concentration(len(self._known), self._total)
        self._floor = self._new_template()
        levels = buckets(vectors)
        self.parents = _forest(levels, weights.astype(np.float64))
        self._tables = _tables(levels, weights.astype(np.float64), self.parents)

    def nats(self, vectors: Ints, unknown: Ints) -> Floats:
        """-log p of each vector; every distinct template that no normal session had (``unknown``) adds to it."""
        seen = np.array([self._known.get(row.tobytes(), 0.0) for row in vectors]) * (unknown == 0)
        base = -self._base(vectors) - unknown * self._floor
        shared = np.log(self._concentration) + base
        known = np.log(np.maximum(seen, 1e-300))
        return np.asarray(np.log(self._total + self._concentration) - np.logaddexp(known, shared))

    def factors(self, vector: Ints, most: int = 3) -> list[Factor]:
        """The counts of one vector that are least expected, most surprising first."""
        nats = self._parts(vector[None, :])[0]
        return [Factor(int(at), int(self.parents[at]), float(nats[at])) for at in np.argsort(-nats, kind="stable")[:most]]

    def _base(self, vectors: Ints) -> Floats:
        chunks = [self._parts(vectors[at : at + CHUNK]).sum(axis=1) for at in range(0, len(vectors), CHUNK)]
        return np.concatenate(chunks) if chunks else np.zeros(0)

    def _parts(self, vectors: Ints) -> Floats:
        levels = buckets(vectors)
        given = np.where(self.parents >= 0, levels[:, np.maximum(self.parents, 0)], 0)
        return np.asarray(self._tables[np.arange(len(self.parents)), given, levels])

    def _new_template(self) -> float:
        """-log p that a session brings a template never seen: Good and Turing's estimate over sessions."""
        holders = ((self.vectors > 0) * self.weights[:, None]).sum(axis=0)
        once = float((holders == 1).sum())
        return float(-np.log((once + 0.5) / (self._total + 1.0)))


def concentration(distinct: int, total: float) -> float:
    """The Dirichlet process's concentration at which ``total`` draws are expected to bring ``distinct`` values.

    Solves E[K] = a log(1 + n / a) (Ewens 1972, large n) by bisection.
    """
    low, high = 1e-6, max(10.0 * distinct, 1.0) * 100
    for _ in range(80):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if middle * np.log1p(total / middle) < distinct else (low, middle)
    return float(low)


def _forest(levels: Ints, weights: Floats) -> Ints:
    """The parent of each template, -1 for none: the spanning forest of most information."""
    parents = np.full(levels.shape[1], -1, dtype=np.int64)
    width = min(MOST_JOINED, levels.shape[1])
    rows = np.argsort(-weights, kind="stable")[:MOST_ROWS]
    gain = _gains(levels[rows, :width], weights[rows])
    best = np.full(width, -np.inf)
    near = np.full(width, -1, dtype=np.int64)
    waiting = np.ones(width, dtype=bool)
    for _ in range(width):
        at = int(np.argmax(np.where(waiting, best, -np.inf))) if (waiting & (best > 0)).any() else int(np.argmax(waiting))
        waiting[at] = False
        parents[at] = near[at] if best[at] > 0 else -1
        closer = waiting & (gain[at] > best)
        best[closer], near[closer] = gain[at][closer], at
    return parents


def _gains(levels: Ints, weights: Floats) -> Floats:
    """For each pair of templates: mutual information in nats over all sessions, less what its parameters cost."""
    rows, width = levels.shape
    flags = np.zeros((rows, width * BUCKETS), dtype=np.float64)
    flags[np.arange(rows)[:, None], np.arange(width) * BUCKETS + levels] = 1.0
    total = weights.sum()
    joint = (flags * weights[:, None]).T @ flags / total
    single = np.diagonal(joint)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(joint > 0, joint * np.log(joint / (single[:, None] * single[None, :])), 0.0)
    information = each.reshape(width, BUCKETS, width, BUCKETS).sum(axis=(1, 3))
    freedom = (single.reshape(width, BUCKETS) > 0).sum(axis=1) - 1.0
    cost = 0.5 * freedom[:, None] * freedom[None, :] * np.log(max(total, 2.0))
    gain = information * total - cost
    np.fill_diagonal(gain, -np.inf)
    return np.asarray(gain)


def _tables(levels: Ints, weights: Floats, parents: Ints) -> Floats:
    """-log p(bucket | the parent's bucket), (templates, the parent's buckets, buckets).

    Smoothed towards p(bucket), and towards the parent's own bucket as often as the two were alike: twice the blocks,
    twice the replies is no surprise where the two always went together.
    """
    tables = np.empty((levels.shape[1], BUCKETS, BUCKETS))
    for at, parent in enumerate(parents):
        alone = _smoothed(_tally(levels[:, at], weights, BUCKETS), _PRIOR)
        if parent < 0:
            tables[at] = -np.log(alone)
            continue
        joint = _tally(levels[:, parent] * BUCKETS + levels[:, at], weights, BUCKETS**2).reshape(BUCKETS, BUCKETS)
        alike = float(np.trace(joint)) / (weights.sum() + 1.0)
        tables[at] = -np.log(_smoothed(joint, alike * np.eye(BUCKETS) + (1.0 - alike) * alone))
    return tables


def _tally(values: Ints, weights: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(values, weights, size), dtype=np.float64)


def _smoothed(counts: Floats, prior: Floats) -> Floats:
    """The mean of a Dirichlet posterior; the prior weighs one session."""
    return np.asarray((counts + prior) / (counts.sum(axis=-1, keepdims=True) + 1.0))


def merge(vectors: Ints, weights: Ints) -> tuple[Ints, Ints]:
    """Distinct rows in first-seen order, and their weights added up."""
    numbers: dict[bytes, int] = {}
    of = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in vectors], dtype=np.int64)
    first = np.unique(of, return_index=True)[1] if len(of) else of
    return vectors[first], np.bincount(of, weights, len(numbers)).astype(np.int64)


def pairs(vector: Ints) -> list[list[int]]:
    """A count vector as [template, count] of what it has, for JSON."""
    return [[int(at), int(vector[at])] for at in np.flatnonzero(vector)]


def unpaired(rows: Sequence[Sequence[Sequence[int]]], width: int) -> Ints:
    """The inverse of :func:`pairs` for many vectors."""
    vectors = np.zeros((len(rows), width), dtype=np.int64)
    for at, row in enumerate(rows):
        for template, count in row:
            vectors[at, template] = count
    return vectors

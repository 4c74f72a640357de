"""How surprising the order of a session's templates is: steps that were rare, and pairs that always came the other way.

Steps are the transitions of a Markov chain with Witten and Bell's smoothing (1991): after a template that many
different ones follow, as when things run side by side, one more follower surprises little. The start and the end of a
session are states too, so an ending that never occurred is a step. A pair's order is that of the first occurrences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from signals.observed import Floats, Ints

MOST_ORDERED = 1000
"""Templates whose order is looked at, the commonest. Bounds the two square tables."""


@dataclass(frozen=True, slots=True)
class Step:
    """The most surprising step of a session. ``before`` or ``after`` is -1 at its start or end."""

    before: int
    after: int
    nats: float
    first: bool = False
    """Not a step between neighbours: ``after`` came before ``before`` for once."""


class OrderModel:
    """How often one template followed another, and came before another, in normal sessions."""

    def __init__(self, steps: Ints, firsts: Ints) -> None:
        """``steps``: (templates + 1)² transitions, the last index being start and end. ``firsts[x, y]``: sessions with
        both in which x came first before y."""
        self.steps, self.firsts = steps, firsts
        self._step_nats = _witten_bell(steps.astype(np.float64))
        self._pair_nats = -np.log((firsts + 0.5) / (firsts + firsts.T + 1.0))

    @classmethod
    def fit(cls, sequences: Sequence[tuple[int, ...]], weights: Ints, width: int) -> OrderModel:
        """Count over distinct sequences; ``weights`` says how many sessions have each, ``width`` templates are known."""
        width = min(width, MOST_ORDERED)
        befores, afters, rows = _steps(sequences, width)
        steps = _tally(befores, afters, weights[rows], width + 1)
        firsts = np.zeros((width, width), dtype=np.int64)
        for before, after, members in _pairs(sequences, width):
            firsts += _tally(before.ravel(), after.ravel(), np.repeat(weights[members], before.shape[1]), width)
        return cls(steps, firsts)

    def __add__(self, other: OrderModel) -> OrderModel:
        """The model of the sessions of both."""
        return OrderModel(self.steps + other.steps, self.firsts + other.firsts)

    def __sub__(self, other: OrderModel) -> OrderModel:
        """The model without the sessions of the other."""
        return OrderModel(self.steps - other.steps, self.firsts - other.firsts)

    def nats(self, sequences: Sequence[tuple[int, ...]]) -> Floats:
        """The surprise of the most surprising step or pair of each sequence."""
        befores, afters, rows = _steps(sequences, len(self.firsts))
        worst = np.zeros(len(sequences))
        np.maximum.at(worst, rows, self._step_nats[befores, afters])
        for before, after, members in _pairs(sequences, len(self.firsts)):
            worst[members] = np.maximum(worst[members], self._pair_nats[before, after].max(axis=1))
        return worst

    def worst(self, sequence: tuple[int, ...]) -> Step:
        """The most surprising step or pair of one sequence."""
        width = len(self.firsts)
        befores, afters, _ = _steps([sequence], width)
        at = int(np.argmax(self._step_nats[befores, afters]))
        ends = [-1 if each == width else int(each) for each in (befores[at], afters[at])]
        found = Step(ends[0], ends[1], float(self._step_nats[befores[at], afters[at]]))
        for before, after, _ in _pairs([sequence], width):
            nats = self._pair_nats[before[0], after[0]]
            pair = int(np.argmax(nats))
            if nats[pair] > found.nats:
                found = Step(int(after[0, pair]), int(before[0, pair]), float(nats[pair]), first=True)
        return found


def _witten_bell(steps: Floats) -> Floats:
    """-log p(after | before); unseen followers share as much as there are different seen ones."""
    size = len(steps)
    after = steps.sum(axis=0)
    alone = (after + 1.0) / (after.sum() + size)
    total = steps.sum(axis=1, keepdims=True)
    kinds = np.maximum((steps > 0).sum(axis=1, keepdims=True), 1)
    return np.asarray(-np.log((steps + kinds * alone) / (total + kinds)))


def _tally(befores: Ints, afters: Ints, weights: Ints, size: int) -> Ints:
    counts = np.bincount(befores * size + afters, weights.astype(np.float64), size * size)
    return counts.reshape(size, size).astype(np.int64)


def _steps(sequences: Sequence[tuple[int, ...]], width: int) -> tuple[Ints, Ints, Ints]:
    """Transitions as (before, after, sequence); templates beyond ``width`` are left out, which is start and end."""
    known = [(width, *(n for n in sequence if 0 <= n < width)) for sequence in sequences]
    lengths = np.array([len(each) for each in known], dtype=np.int64)
    flat = np.fromiter((n for each in known for n in each), dtype=np.int64, count=int(lengths.sum()))
    after = np.empty_like(flat)
    after[:-1] = flat[1:]
    after[np.cumsum(lengths) - 1] = width
    return flat, after, np.repeat(np.arange(len(known)), lengths)


def _pairs(sequences: Sequence[tuple[int, ...]], width: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """(earlier, later, which sequences), pairs of first occurrences, in groups of as many distinct templates."""
    groups: dict[int, tuple[list[list[int]], list[int]]] = {}
    for row, sequence in enumerate(sequences):
        order = [n for n in dict.fromkeys(sequence) if 0 <= n < width]
        orders, members = groups.setdefault(len(order), ([], []))
        orders.append(order)
        members.append(row)
    for length, (orders, members) in sorted(groups.items()):
        if length > 1:
            first, second = np.triu_indices(length, 1)
            table = np.array(orders, dtype=np.int64)
            yield table[:, first], table[:, second], np.array(members, dtype=np.int64)

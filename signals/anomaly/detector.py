"""The detector of sessions unlike the normal ones: fitted to normal sessions only, its thresholds too.

Each side of a session (its counts, its order) has a surprise in nats. A side's threshold comes from normal sessions
that the model under it has not seen (cross-fitting, as in split conformal prediction: Vovk et al. 2005): so many of
them may lie above as the false-positive budget allows. No label and no abnormal session is ever needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.anomaly.counts import CountModel, merge, pairs, unpaired
from signals.anomaly.order import OrderModel
from signals.anomaly.sessions import Distinct, Session, count_vectors, encode, unknown_counts, vocabulary
from signals.observed import Flags, Floats, Ints
from telemetry.errors import UsageError

VERSION = 1
BUDGET = 0.001
"""Of normal sessions, how many may be called abnormal."""
LEAST_ABOVE = 3
"""Normal sessions that may lie above a threshold however few there are: with fewer it would be one outlier's score."""
FOLDS = 5
SIDES = ("counts", "order")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One session judged. ``score`` is how many nats it lies above the threshold; above 0 it is abnormal."""

    score: float
    reasons: tuple[str, ...] = ()
    """Why, in sentences; empty for normal sessions."""

    @property
    def abnormal(self) -> bool:
        """Whether it is unlike the normal sessions."""
        return self.score > 0.0


class SessionDetector:
    """Judges sessions. Make one with :meth:`fit` or :meth:`from_state`."""

    def __init__(self, templates: tuple[str, ...], counts: CountModel, order: OrderModel, thresholds: Mapping[str, float]) -> None:
        self.templates, self.thresholds = templates, dict(thresholds)
        self._counts, self._order = counts, order

    @classmethod
    def fit(cls, sessions: Sequence[Session], budget: float = BUDGET) -> SessionDetector:
        """Learn from normal sessions. Of ``budget`` half goes to each side. Raises :class:`UsageError` for none."""
        if not sessions:
            raise UsageError("no normal session to learn from", where="signals.anomaly", remedy="give at least one session")
        templates = vocabulary(sessions)
        distinct = encode(sessions, templates)
        held_out = _cross_fitted(distinct, len(templates))
        thresholds = {side: _threshold(held_out[side], budget / len(SIDES)) for side in SIDES}
        return cls(templates, *_models(distinct.sequences, distinct.weights(), len(templates)), thresholds)

    def scores(self, sessions: Sequence[Session]) -> Floats:
        """Nats above the threshold, of the side that lies furthest above; higher is less normal."""
        distinct = encode(sessions, self.templates)
        return self._above(distinct.sequences)[distinct.of]

    def judge(self, sessions: Sequence[Session]) -> list[Verdict]:
        """A verdict on each session, with reasons for the abnormal ones."""
        distinct = encode(sessions, self.templates)
        above = self._above(distinct.sequences)
        first = {int(which): at for at, which in reversed(list(enumerate(distinct.of)))}
        each = [
            Verdict(float(score), self._reasons(sequence, sessions[first[at]]) if score > 0 else ())
            for at, (sequence, score) in enumerate(zip(distinct.sequences, above, strict=True))
        ]
        return [each[at] for at in distinct.of]

    def state(self) -> dict[str, Any]:
        """All that was learnt, as plain JSON."""
        order = self._order
        return {
            "version": VERSION,
            "templates": list(self.templates),
            "thresholds": self.thresholds,
            "vectors": [pairs(vector) for vector in self._counts.vectors],
            "weights": self._counts.weights.tolist(),
            "steps": _sparse(order.steps),
            "firsts": _sparse(order.firsts),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SessionDetector:
        """The detector that :meth:`state` described. Raises :class:`UsageError` for what is no such state."""
        try:
            if state["version"] != VERSION:
                raise ValueError(f"version {state['version']}")
            templates = tuple(map(str, state["templates"]))
            counts = CountModel(unpaired(state["vectors"], len(templates)), np.array(state["weights"], dtype=np.int64))
            order = OrderModel(*(_dense(state[name]) for name in ("steps", "firsts")))
            return cls(templates, counts, order, {side: float(state["thresholds"][side]) for side in SIDES})
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(
                f"not a detector's state: {error!r}", where="signals.anomaly", remedy="train the detector again"
            ) from error

    def _above(self, sequences: Sequence[tuple[int, ...]]) -> Floats:
        sides = _surprises(self._counts, self._order, sequences, len(self.templates))
        return np.maximum(*(sides[side] - self.thresholds[side] for side in SIDES))

    def _reasons(self, sequence: tuple[int, ...], session: Session) -> tuple[str, ...]:
        known = set(self.templates)
        said = [f"never seen in a normal session: {template}" for template in dict.fromkeys(session) if template not in known]
        vector = count_vectors([sequence], len(self.templates))
        sides = _surprises(self._counts, self._order, [sequence], len(self.templates))
        if sides["counts"][0] > self.thresholds["counts"]:
            said += self._about_counts(vector[0])
        if sides["order"][0] > self.thresholds["order"]:
            said.append(self._about_order(sequence))
        return tuple(said)

    def _about_counts(self, vector: Ints) -> list[str]:
        said = []
        for factor in self._counts.factors(vector):
            if factor.nats > 1.0:
                beside = f" beside {vector[factor.given]} × {self.templates[factor.given]}" if factor.given >= 0 else ""
                said.append(f"unusual count: {vector[factor.template]} × {self.templates[factor.template]}{beside}")
        return said or ["an unusual combination of usual counts"]

    def _about_order(self, sequence: tuple[int, ...]) -> str:
        step = self._order.worst(sequence)
        before = self.templates[step.before] if step.before >= 0 else "the start"
        after = self.templates[step.after] if step.after >= 0 else "the end"
        if step.first:
            return f"unusual order: {after} came before {before}"
        return f"unusual step: {before}, then {after}"


def _models(sequences: Sequence[tuple[int, ...]], weights: Ints, width: int) -> tuple[CountModel, OrderModel]:
    return CountModel(*merge(count_vectors(sequences, width), weights)), OrderModel.fit(sequences, weights, width)


def _surprises(counts: CountModel, order: OrderModel, sequences: Sequence[tuple[int, ...]], width: int) -> dict[str, Floats]:
    vectors, unknown = count_vectors(sequences, width), unknown_counts(sequences)
    return {"counts": counts.nats(vectors, unknown), "order": order.nats(sequences)}


def _cross_fitted(distinct: Distinct, width: int) -> dict[str, Floats]:
    """The surprises of every session under models that were fitted without its fold."""
    folds = [distinct.of[fold::FOLDS] for fold in range(min(FOLDS, len(distinct.of)))]
    if len(folds) < 2:
        return {side: np.array([np.inf]) for side in SIDES}
    vectors = count_vectors(distinct.sequences, width)
    orders = [OrderModel.fit(*_used(distinct, fold), width) for fold in folds]
    everything = orders[0]
    for order in orders[1:]:
        everything = everything + order
    held: dict[str, list[Floats]] = {side: [] for side in SIDES}
    for fold, order in zip(folds, orders, strict=True):
        weights = distinct.weights() - np.bincount(fold, minlength=len(distinct.sequences))
        seen = np.flatnonzero(weights)
        counts = CountModel(*merge(vectors[seen], weights[seen]))
        asked, of = np.unique(fold, return_inverse=True)
        unseen: Flags = np.asarray(vectors[seen].sum(axis=0) == 0)
        sequences = [_renumbered(distinct.sequences[at], unseen) for at in asked]
        surprises = _surprises(counts, everything - order, sequences, width)
        for side in SIDES:
            held[side].append(surprises[side][of])
    return {side: np.concatenate(parts) for side, parts in held.items()}


def _renumbered(sequence: tuple[int, ...], unseen: Flags) -> tuple[int, ...]:
    """The sequence as :func:`encode` gives it when nobody has seen the ``unseen`` templates."""
    if not unseen[list(set(sequence))].any():
        return sequence
    new: dict[int, int] = {}
    return tuple(new.setdefault(at, -1 - len(new)) if unseen[at] else at for at in sequence)


def _used(distinct: Distinct, fold: Ints) -> tuple[list[tuple[int, ...]], Ints]:
    weights = np.bincount(fold, minlength=len(distinct.sequences))
    return [distinct.sequences[at] for at in np.flatnonzero(weights)], weights[weights > 0]


def _threshold(surprises: Floats, budget: float) -> float:
    """The surprise that ``budget`` of the sessions, and at least :data:`LEAST_ABOVE`, may lie above."""
    above = max(LEAST_ABOVE, int(budget * len(surprises)))
    return float(np.sort(surprises)[::-1][min(above, len(surprises) - 1)])


def _sparse(matrix: Ints) -> dict[str, Any]:
    rows, columns = np.nonzero(matrix)
    cells = [[int(row), int(column), int(matrix[row, column])] for row, column in zip(rows, columns, strict=True)]
    return {"size": len(matrix), "cells": cells}


def _dense(sparse: Mapping[str, Any]) -> Ints:
    matrix = np.zeros((int(sparse["size"]), int(sparse["size"])), dtype=np.int64)
    for row, column, count in sparse["cells"]:
        matrix[row, column] = count
    return matrix

"""Sessions as numbers: template texts become indexes, equal sessions are kept once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals.observed import Ints

UNKNOWN = -1
"""A template that no normal session had."""
EDGES = np.array([1, 2, 3, 4, 5, 9, 17, 33, 65], dtype=np.int64)
"""Where the buckets of counts begin, after bucket 0: exact up to four, then doubling."""
BUCKETS = len(EDGES) + 1

Session = Sequence[str]


@dataclass(frozen=True, slots=True)
class Distinct:
    """Distinct sequences, and which one each session is."""

    sequences: tuple[tuple[int, ...], ...]
    of: Ints
    """The sequence of each session."""

    def weights(self) -> Ints:
        """How many sessions each sequence stands for."""
        return np.bincount(self.of, minlength=len(self.sequences)).astype(np.int64)


def vocabulary(sessions: Sequence[Session]) -> tuple[str, ...]:
    """The templates of the sessions, commonest first (by sessions that have them), ties by text."""
    holders: dict[str, int] = {}
    for session in sessions:
        for template in set(session):
            holders[template] = holders.get(template, 0) + 1
    return tuple(sorted(holders, key=lambda template: (-holders[template], template)))


def encode(sessions: Sequence[Session], templates: Sequence[str]) -> Distinct:
    """Number the sessions' templates; each unseen text of a session becomes its own negative number, -1, -2 …"""
    known = {template: at for at, template in enumerate(templates)}
    numbers: dict[tuple[int, ...], int] = {}
    of = np.empty(len(sessions), dtype=np.int64)
    for at, session in enumerate(sessions):
        try:
            sequence = tuple([known[template] for template in session])
        except KeyError:
            sequence = _with_unknown(session, known)
        of[at] = numbers.setdefault(sequence, len(numbers))
    return Distinct(tuple(numbers), of)


def _with_unknown(session: Session, known: dict[str, int]) -> tuple[int, ...]:
    unseen: dict[str, int] = {}
    return tuple(
        known[template] if template in known else unseen.setdefault(template, UNKNOWN - len(unseen)) for template in session
    )


def count_vectors(sequences: Sequence[tuple[int, ...]], width: int) -> Ints:
    """How often each of ``width`` known templates occurs in each sequence: one row a sequence."""
    rows = np.repeat(np.arange(len(sequences)), [len(sequence) for sequence in sequences])
    columns = np.fromiter((at for sequence in sequences for at in sequence), dtype=np.int64, count=len(rows))
    seen = columns >= 0
    flat = np.bincount(rows[seen] * width + columns[seen], minlength=len(sequences) * width)
    return flat.reshape(len(sequences), width).astype(np.int64)


def unknown_counts(sequences: Sequence[tuple[int, ...]]) -> Ints:
    """How many distinct unseen templates each sequence has."""
    return np.array([-min(sequence, default=0) if min(sequence, default=0) < 0 else 0 for sequence in sequences], dtype=np.int64)


def buckets(counts: Ints) -> Ints:
    """The bucket of each count, 0 to :data:`BUCKETS` - 1."""
    return np.searchsorted(EDGES, counts, side="right").astype(np.int64)

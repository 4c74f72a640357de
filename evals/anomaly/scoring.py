"""Precision, recall and F1 of flags on labelled sessions; what no detector could exceed; and the baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, pstdev

import numpy as np

from evals.anomaly.data import Labelled
from signals.anomaly.detector import BUDGET, LEAST_ABOVE
from signals.anomaly.sessions import Session

Flags = Sequence[bool]
Figures = dict[str, float]


def figures(truth: Flags, flags: Flags) -> Figures:
    """F1, precision and recall of the abnormal class, and the share of normal sessions that were flagged."""
    right = sum(t and f for t, f in zip(truth, flags, strict=True))
    flagged, wanted = sum(flags), sum(truth)
    return {
        "f1": 2 * right / (flagged + wanted) if flagged + wanted else 0.0,
        "precision": right / flagged if flagged else 0.0,
        "recall": right / wanted if wanted else 0.0,
        "false_alarms": (flagged - right) / (len(truth) - wanted) if len(truth) > wanted else 0.0,
    }


def over_seeds(each: Sequence[Figures]) -> Figures:
    """The mean of every figure, and the spread (population standard deviation) of F1."""
    means = {name: round(fmean(one[name] for one in each), 4) for name in each[0]}
    return means | {"f1_spread": round(pstdev(one["f1"] for one in each), 4)}


def look_normal(sessions: Sequence[Labelled]) -> Flags:
    """Abnormal sessions whose very sequence is labelled normal at least as often: no reader of the sequence can tell.

    Uses the labels, for scoring only. Such sessions come about when a log is cut before the fault shows.
    """
    normal = Counter(tuple(one.session) for one in sessions if not one.abnormal)
    abnormal = Counter(tuple(one.session) for one in sessions if one.abnormal)
    return [one.abnormal and normal[tuple(one.session)] >= abnormal[tuple(one.session)] for one in sessions]


def ceiling(sessions: Sequence[Labelled]) -> float:
    """The best F1 that any function of the sequence could get here, by choosing with the labels in sight.

    F1 is best for flagging the sequences with the highest share of abnormal sessions, down to some share.
    """
    normal = Counter(tuple(one.session) for one in sessions if not one.abnormal)
    abnormal = Counter(tuple(one.session) for one in sessions if one.abnormal)
    wanted, right, wrong, best = sum(abnormal.values()), 0, 0, 0.0
    for sequence in sorted(abnormal, key=lambda seq: -abnormal[seq] / (abnormal[seq] + normal[seq])):
        right, wrong = right + abnormal[sequence], wrong + normal[sequence]
        best = max(best, 2 * right / (wanted + right + wrong))
    return best


def new_count_vectors(train: Sequence[Session], test: Sequence[Session]) -> Flags:
    """Baseline: abnormal is a session whose template counts no normal session had."""
    known = {frozenset(Counter(session).items()) for session in train}
    return [frozenset(Counter(session).items()) not in known for session in test]


def rarest_template(train: Sequence[Session], test: Sequence[Session], budget: float = BUDGET) -> Flags:
    """Baseline: abnormal is a session with a template that few normal sessions had; the same false-positive budget."""
    holders = Counter(template for session in train for template in set(session))
    own = sorted((_rarity(session, holders, len(train) - 1, 1) for session in train), reverse=True)
    limit = own[min(max(LEAST_ABOVE, int(budget * len(own))), len(own) - 1)]
    return [_rarity(session, holders, len(train), 0) > limit for session in test]


def _rarity(session: Session, holders: Counter[str], total: int, itself: int) -> float:
    return max((-float(np.log((holders[t] - itself + 0.5) / (total + 1))) for t in set(session)), default=0.0)

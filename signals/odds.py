"""How surprising a share is beside another: the log-likelihood ratio of two binomials (Dunning 1993), as a strength."""

from __future__ import annotations

import math

SLOPE = 0.6
"""Strength per natural logarithm of the ratio: 100 nats, which a few dozen requests give, weigh as much as a shift of 30 deviations."""


def surprise(hits: float, trials: float, usual_hits: float, usual_trials: float) -> float:
    """Nats by which two different rates explain both counts better than one; negative when the rate fell."""
    if trials <= 0 or usual_trials <= 0:
        return 0.0
    pooled = (hits + usual_hits) / (trials + usual_trials)
    rate, usual = hits / trials, usual_hits / usual_trials
    ratio = (_log(hits, trials, rate) + _log(usual_hits, usual_trials, usual)
             - _log(hits, trials, pooled) - _log(usual_hits, usual_trials, pooled))
    return math.copysign(max(ratio, 0.0), rate - usual)


def strength(nats: float) -> float:
    """The strength of a surprise."""
    return math.copysign(SLOPE * math.log1p(abs(nats)), nats)


def poisson(count: float, length: float, usual_count: float, usual_length: float) -> float:
    """The same for counts over lengths of time: given both together, each falls into a window by its share of the time."""
    whole, time = count + usual_count, length + usual_length
    if whole <= 0 or length <= 0 or usual_length <= 0:
        return 0.0
    share, expected = count / whole, length / time
    ratio = _log(count, whole, share) - _log(count, whole, expected)
    return math.copysign(max(ratio, 0.0), share - expected)


def _log(hits: float, trials: float, rate: float) -> float:
    """Log-likelihood of ``hits`` in ``trials`` at ``rate``, without the constant."""
    missed = trials - hits
    return (hits * math.log(rate) if hits > 0 and rate > 0 else 0.0) + (missed * math.log(1 - rate) if missed > 0 and rate < 1 else 0.0)

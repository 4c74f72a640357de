"""How strongly numbers speak for a change: logarithms of Bayes factors, natural, negative when they speak against one."""

from __future__ import annotations

from math import log

import numpy as np

from signals.observed import Floats, Ints

CAP = 30.0
"""No single observation says more than this: beyond it, only its model could be wrong."""
DRIFT = 50.0
"""How firmly a healthy system keeps a proportion from one window to another, as the concentration of a Beta
distribution around it: one of a half strays by .07 (who asks for what changes), one of a hundredth by .014."""
LEVELS = 60
"""Places between 0 and 1 at which a common proportion is tried."""


def proportion_change(before: Ints, of_before: Ints, during: Ints, of_during: Ints) -> Floats:
    """Two unrelated proportions against one that drifts: ln Bayes factors of Beta-binomial models, capped, one an entry.

    Both proportions have Jeffreys' prior. If nothing changed, both stray around a common one by :data:`DRIFT`, so that
    what never happened and now does says much, and what happened now and then and now does more often says little.
    Where one side has seen nothing the answer is 0. The form is Gunel and Dickey's (Biometrika 1974) with a
    hierarchical null.
    """
    k0, n0, k1, n1 = (np.asarray(each, dtype=np.float64) for each in (before, of_before, during, of_during))
    half = np.full(1, 0.5)
    apart = _beta_binomial(k0, n0, half, half)[:, 0] + _beta_binomial(k1, n1, half, half)[:, 0]
    level = np.sin((np.arange(LEVELS) + 0.5) / LEVELS * np.pi / 2) ** 2  # equal weights are Jeffreys' prior
    low, high = DRIFT * level, DRIFT * (1 - level)
    one = log_mean(_beta_binomial(k0, n0, low, high) + _beta_binomial(k1, n1, low, high))
    return np.where((n0 > 0) & (n1 > 0), np.clip(apart - one, -CAP, CAP), 0.0)


def _beta_binomial(hits: Floats, of: Floats, a: Floats, b: Floats) -> Floats:
    """ln of the probability of such a sequence under Beta(a, b): entries down, priors across."""
    k, n = hits[:, None], of[:, None]
    return (log_gamma(k + a) - log_gamma(a) + log_gamma(n - k + b) - log_gamma(b)) - (log_gamma(n + a + b) - log_gamma(a + b))


def log_mean(logs: Floats) -> Floats:
    """ln of the mean of exp, over the columns."""
    top = logs.max(axis=1)
    return np.asarray(top + np.log(np.mean(np.exp(logs - top[:, None]), axis=1)))


def log_gamma(x: Floats) -> Floats:
    """ln Γ(x) for x > 0, to 1e-10: Stirling's series after eight steps up (Abramowitz and Stegun 6.1.15, 6.1.41)."""
    steps = np.ones_like(x)
    for step in range(8):
        steps = steps * (x + step)
    y = x + 8
    series = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5)
    return np.asarray((y - 0.5) * np.log(y) - y + np.log(2 * np.pi) / 2 + series - np.log(steps))


def rise(before: Floats, during: Floats) -> tuple[float, float]:
    """Whether values rose, free of their distribution: (ln Bayes factor, probability that one during exceeds one before).

    The z of Mann and Whitney (1947), ties averaged, turned into the Bayes factor of a unit-information prior
    (Kass and Wasserman 1995): z²/2 - ln(n)/2 with the effective n. A fall speaks against a rise.
    """
    low, high = len(before), len(during)
    if low < 3 or high < 3:
        return 0.0, 0.5
    ranks, ties = _ranks(np.concatenate([before, during]))
    total = low + high
    above = (float(ranks[low:].sum()) - high * (high + 1) / 2) / (low * high)
    spread = (total + 1 - ties / (total * (total - 1))) / (12 * low * high)
    z = (above - 0.5) / np.sqrt(spread) if spread > 0 else 0.0
    penalty = log(max(2.0, low * high / total)) / 2
    factor = (z * z / 2 if z > 0 else -z * z / 2) - penalty
    return float(max(-CAP, min(CAP, factor))), above


def rise_in_size(before: Floats, during: Floats) -> float:
    """Whether signed sizes rose, on a logarithmic scale: the ln Bayes factor of Student's t with unit information.

    For few values, whose ranks cannot say much however far they moved. BIC form: Wagenmakers (2007).
    """
    low, high = len(before), len(during)
    if low < 3 or high < 3:
        return 0.0
    a, b = (np.sign(each) * np.log1p(np.abs(each)) for each in (before, during))
    apart = float(np.mean(b) - np.mean(a))
    within = float(np.sum((a - np.mean(a)) ** 2) + np.sum((b - np.mean(b)) ** 2))
    between = apart * apart * low * high / (low + high)
    factor = (low + high) / 2 * log(1 + between / max(within, 1e-9)) if apart > 0 else 0.0
    return max(-CAP, min(CAP, factor - log(low + high) / 2))


def _ranks(values: Floats) -> tuple[Floats, float]:
    """Ranks from 1, equal values sharing theirs, and the sum of t³ - t over ties of t."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place], float(np.sum(counts.astype(float) ** 3 - counts))


def poisson_fall(expected: float, seen: int) -> float:
    """How much likelier ``seen`` is at a tenth of the expected count than at it (ln, capped): a collapse."""
    return float(max(-CAP, min(CAP, expected * 0.9 + seen * log(0.1)))) if expected > 0 else 0.0


def groups(keys: Ints) -> tuple[Ints, Ints, Ints]:
    """Rows sorted by key (stable), where each group starts, and one more start at the end; then the groups' keys."""
    order = np.argsort(keys, kind="stable")
    values, starts = np.unique(keys[order], return_index=True)
    return order, np.append(starts, len(keys)), values

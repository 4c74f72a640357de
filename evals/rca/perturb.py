"""What must not change a ranking: points lost, times jittered, names replaced, columns shuffled, units rescaled."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from evals.rca.cases import Case, Truth
from signals.aspects import meaning
from signals.observed import Entity, Observed, Series

SEED = 7


@dataclass(frozen=True, slots=True)
class Perturbed:
    """A case's telemetry and what its names have become."""

    observed: Observed
    symptom: Entity | None
    truth: Truth


def dropped(observed: Observed, case: Case) -> Perturbed:
    """A tenth of all points is lost."""
    draw = np.random.default_rng(SEED)
    return _series(observed, case, lambda s: _kept(s, draw.random(len(s.times)) >= 0.1))


def jittered(observed: Observed, case: Case) -> Perturbed:
    """Times move by up to a fifth of the usual step."""
    draw = np.random.default_rng(SEED)

    def move(series: Series) -> Series:
        if len(series.times) < 3:
            return series
        step = float(np.median(np.diff(series.times)))
        times = series.times + (draw.uniform(-0.2, 0.2, len(series.times)) * step).astype(np.int64)
        return replace(series, times=times)

    return _series(observed, case, move)


def rescaled(observed: Observed, case: Case) -> Perturbed:
    """Every metric in another unit; shares, percentages and counts of requests have only one."""
    def scale(series: Series) -> Series:
        means = meaning(series.metric, series.unit)
        factor = 1.0 if means.share or means.percent or means.aspect == "traffic" else 10.0 ** random.Random(series.metric).uniform(-6, 6)
        return replace(series, values=series.values * factor)

    return _series(observed, case, scale)


def shuffled(observed: Observed, case: Case) -> Perturbed:
    """Series, calls and memberships in another order."""
    draw = random.Random(SEED)
    series, calls, belongs = list(observed.series), list(observed.calls), list(observed.belongs.items())
    for each in (series, calls, belongs):
        draw.shuffle(each)
    return Perturbed(replace(observed, series=tuple(series), calls=tuple(calls), belongs=dict(belongs)), case.symptom, case.truth)


def renamed(observed: Observed, case: Case) -> Perturbed:
    """Every entity has another, random name."""
    everyone = {s.entity for s in observed.series} | {e for pair in observed.calls for e in pair}
    everyone |= set(observed.belongs) | {e for wholes in observed.belongs.values() for e in wholes}
    draw = random.Random(SEED)
    codes = draw.sample(range(10**6), len(everyone))
    names = {e: Entity(e.kind, f"q{code}") for e, code in zip(sorted(everyone), codes, strict=True)}
    series = tuple(replace(s, entity=names[s.entity]) for s in observed.series)
    calls = tuple((names[a], names[b]) for a, b in observed.calls)
    belongs = {names[part]: tuple(names[w] for w in wholes) for part, wholes in observed.belongs.items()}
    truth = replace(case.truth, names=frozenset(new.name for old, new in names.items() if old.name in case.truth.names))
    symptom = names.get(case.symptom) if case.symptom else None
    return Perturbed(replace(observed, series=series, calls=calls, belongs=belongs), symptom, truth)


PERTURBATIONS: Mapping[str, Callable[[Observed, Case], Perturbed]] = {
    "points dropped": dropped, "times jittered": jittered, "units rescaled": rescaled, "order shuffled": shuffled, "names replaced": renamed,
}  # fmt: skip


def _series(observed: Observed, case: Case, change: Callable[[Series], Series]) -> Perturbed:
    return Perturbed(replace(observed, series=tuple(map(change, observed.series))), case.symptom, case.truth)


def _kept(series: Series, keep: np.ndarray) -> Series:
    return replace(series, times=series.times[keep], values=series.values[keep])

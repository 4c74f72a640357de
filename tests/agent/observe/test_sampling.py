"""How likely an ordinary run is kept."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.observe.sampling import AdaptiveSampler
from agent.observe.settings import Sampling


class Clock:
    """Seconds that only tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def played(traffic: dict[str, float], seconds: float, settings: Sampling, seed: int = 1) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Play runs per second by path: how many there were, how many were kept, and the count scaled from those."""
    clock, chance = Clock(), random.Random(seed)  # noqa: S311 - a seeded source
    sampler = AdaptiveSampler(settings, clock=clock, chance=chance.random)
    begun, kept, scaled = Counter[str](), Counter[str](), Counter[str]()
    events = sorted((n / rate, path) for path, rate in traffic.items() for n in range(int(seconds * rate)))
    for clock.now, path in events:
        verdict = sampler.decide(path, seconds=0.1, error=False, parent=False)
        begun[path] += 1
        kept[path] += verdict.keep
        scaled[path] += verdict.keep / verdict.probability  # type: ignore[assignment]
    return begun, kept, scaled


def test_below_the_budget_everything_is_kept() -> None:
    begun, kept, _ = played({"ask": 2.0, "investigate": 1.0}, 600, Sampling(runs_per_second=5))

    assert kept == begun


def test_busy_paths_share_the_budget_and_quiet_ones_stay_whole() -> None:
    begun, kept, _ = played({"ask": 100.0, "alert": 20.0, "audit": 0.05}, 600, Sampling(runs_per_second=2, memory_seconds=30))

    assert kept["audit"] == begun["audit"] == 30
    assert 0.7 * 1_200 < kept["ask"] + kept["alert"] < 1.5 * 1_200
    assert 0.6 < kept["alert"] / kept["ask"] < 1.6


@pytest.mark.parametrize("seed", range(3))
def test_counts_can_be_scaled_back(seed: int) -> None:
    begun, _, scaled = played({"ask": 100.0, "alert": 7.0}, 300, Sampling(runs_per_second=5, memory_seconds=30), seed)

    assert all(abs(scaled[path] / begun[path] - 1) < 0.15 for path in begun)


def test_a_path_that_falls_silent_is_seen_again() -> None:
    clock = Clock()
    sampler = AdaptiveSampler(Sampling(runs_per_second=1, memory_seconds=10), clock=clock, chance=lambda: 0.999)
    for clock.now in [n / 100 for n in range(2_000)]:
        busy = sampler.decide("ask", seconds=0, error=False, parent=False)
    clock.now += 120

    assert busy.probability < 0.05
    assert sampler.decide("ask", seconds=0, error=False, parent=False).keep


def test_errors_slow_runs_and_traces_of_others_are_certain() -> None:
    sampler = AdaptiveSampler(Sampling(slow_seconds=10), clock=Clock(), chance=lambda: 1.0)
    reasons = [sampler.decide("ask", seconds=s, error=e, parent=p) for s, e, p in ((0, True, False), (10, False, False), (0, False, True))]

    assert [(v.keep, v.probability, v.reason) for v in reasons] == [(True, 1.0, "error"), (True, 1.0, "slow"), (True, 1.0, "parent")]


@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 5), st.floats(0, 1, exclude_max=True)), max_size=300))
def test_paths_do_not_fill_the_memory_and_probabilities_are_ones(runs: list[tuple[str, float, float]]) -> None:
    clock, draws = Clock(), [draw for _, _, draw in runs]
    sampler = AdaptiveSampler(Sampling(paths=5, runs_per_second=1), clock=clock, chance=draws.pop)
    for path, pause, _ in runs:
        clock.now += pause
        verdict = sampler.decide(path, seconds=0, error=False, parent=False)

        assert 0 < verdict.probability <= 1
        assert len(sampler._rates) <= 6

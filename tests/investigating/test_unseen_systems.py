"""Small systems that no rule was made for."""

from __future__ import annotations

import numpy as np
import pytest

from signals.observed import Entity, Observed, Series
from signals.suspects import rank
from telemetry.records import Change

START, STEP = 1_788_000_000_000_000, 20_000_000


def observed(seed: int, *, broken: bool) -> Observed:
    """Four services for an hour, one of which was deployed meanwhile; a broken one eats CPU from 45 min on."""
    draw = np.random.default_rng(seed)
    times = START + np.arange(180, dtype=np.int64) * STEP
    series = []
    for name in ("ticketdesk", "seatmap", "ledgerdb", "mailroom"):
        values = 0.3 + draw.normal(0, 0.01, 180)
        values[135:] += 0.6 if broken and name == "ledgerdb" else 0
        series.append(Series(Entity("service", name), "cpu.utilization", times, values))
    deploy = Change("d1", START + 75 * STEP, "deploy", "mailroom 2.1", "mailroom")
    return Observed(series=tuple(series), changes=(deploy,))


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_system_accuses_no_deploy(seed: int) -> None:
    found = rank(observed(seed, broken=False))

    assert found.suspects == ()
    assert found.not_assessed


@pytest.mark.parametrize("seed", range(5))
def test_the_broken_one_is_named_not_the_one_that_was_deployed(seed: int) -> None:
    assert rank(observed(seed, broken=True)).suspects[0].entity.name == "ledgerdb"

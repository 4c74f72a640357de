"""The origin of an invented fault comes first; nothing comes from health."""

from __future__ import annotations

import pytest

from signals import logs, traces
from signals.suspects import rank
from signals.topology import build
from tests.signals.invented_systems import FAULTS, incident

SEEDS = range(12)


@pytest.mark.parametrize("fault", FAULTS)
def test_origin_comes_first_in_most_systems(fault: str) -> None:
    right = 0
    for seed in SEEDS:
        observed, windows, culprit = incident(seed, fault)
        suspects = rank(observed, windows=windows, at=windows.incident.start).suspects
        right += bool(suspects) and suspects[0].entity.name == culprit

    assert right >= 0.8 * len(SEEDS), right


def test_health_gives_no_strong_sign() -> None:
    for seed in SEEDS:
        observed, windows, _ = incident(seed, "")
        graph = build(observed)
        found = [*logs.signs(observed, windows, graph), *traces.signs(observed, windows, graph)]

        assert not [sign for sign in found if sign.strength > 5], found


def test_break_names_the_two_code_positions() -> None:
    observed, windows, culprit = incident(3, "return")
    number = culprit.removeprefix("service-")
    signs = [s for s in logs.signs(observed, windows, build(observed)) if s.kind == "order_break"]
    best = max(signs, key=lambda sign: sign.strength)

    assert best.entity.name == culprit
    assert best.refs[:2] == (f"code:Service{number}#0", f"code:Service{number}#1")

"""What traces show: whose time it is, where errors begin, who is no longer called. Pure; arrays in, signs out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signals.diagnosis import Sign, SignKind
from signals.observed import Entity, Observed, Windows
from signals.periods import periods
from signals.topology import Topology
from signals.traces import latency, outcomes
from signals.traces.forest import Forest, plant

__all__ = ["signs"]


def signs(observed: Observed, windows: Windows, _: Topology) -> list[Sign]:
    """The signs of all spans; none without spans in both windows."""
    if observed.spans is None or not len(observed.spans):
        return []
    forest = plant(observed.spans)
    base, during = periods(forest.begun(), windows)
    if not np.any(base) or not np.any(during):
        return []
    return [
        *_slow(forest, latency.by_service(forest, base, during), "latency", "its own work per request took"),
        *_slow(forest, latency.by_way(forest, base, during), "network", "the network between it and others took"),
        *_shares(forest, outcomes.error_origins(forest, base, during), "error_origin", "errors", "errors began in it in {} traces"),
        *_shares(forest, outcomes.silent(forest, base, during), "rate_collapse", "calls", "it took part in {} traces of one kind"),
        *_shares(forest, outcomes.collapses(forest, base, during), "rate_collapse", "traffic", "requests per ten seconds: {}"),
    ]


def _slow(forest: Forest, found: Mapping[int, latency.Slowdown], aspect: str, what: str) -> list[Sign]:
    return [
        Sign(_service(forest, number), "latency_self", each.strength,
             f"{what} {each.before / 1000:.1f} ms before, {each.during / 1000:.1f} ms during", aspect=aspect,
             figures={"before": each.before, "during": each.during})
        for number, each in sorted(found.items())
    ]  # fmt: skip


def _shares(forest: Forest, found: Mapping[int, outcomes.Share], kind: SignKind, aspect: str, what: str) -> list[Sign]:
    return [
        Sign(_service(forest, number), kind, each.strength,
             f"{what.format(f'{each.hits} of {each.of}')} before, {each.hits_during} of {each.of_during} during", aspect=aspect,
             figures={"before": each.hits / max(each.of, 1), "during": each.hits_during / max(each.of_during, 1)})
        for number, each in sorted(found.items())
    ]  # fmt: skip


def _service(forest: Forest, number: int) -> Entity:
    return Entity("service", forest.spans.services[number])

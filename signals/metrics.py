"""What metrics say: whose resources, latency, errors and traffic left their normal range, and how much of it is its own.

Latency and errors travel from callee to caller, so what the callees of an entity explain is not its own. The extra time
spent (or requests failed) is compared, not the score: mean latency times requests adds up along the calls. Use of a
resource does not travel. What grows with an entity's own traffic is load, not fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signals.aspects import PROPAGATING, RESOURCES
from signals.diagnosis import Sign, SignKind
from signals.observed import Entity, Observed, Windows
from signals.shifts import NOTABLE, Shift, evidence, shift
from signals.topology import Topology

LOAD_RATIO = 1.3
"""Traffic growth from which a resource may have grown with it; and how much more than traffic it may grow."""
COLLAPSE = 0.5
"""Share of the usual traffic below which it has collapsed."""
COUNTED = 5.0
"""Requests below which a fall is chance: their number varies by its square root."""
_MEANS = ("mean", "average", "avg")
MATTERS = 0.05
"""Share of the time that all requests of the busiest entity take, from which lost time counts fully."""
CERTAIN = 12.0
"""Deviations beyond which latency or errors are no surer: from there on it counts how much time or how many requests are lost."""
_SHARE_OF_OWN = 0.05
"""Least own part of a shift that travels: nobody is cleared entirely by arithmetic on noisy means."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Extra time or failures of one entity per second (or per request, where traffic is unknown)."""

    shift: Shift
    extra: float
    whole: float
    """All of it, the usual included."""


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """Signs of all series, at the entity that each is of."""
    shifts = [found for one in observed.series if (found := shift(one, windows)) is not None]
    by_home: dict[Entity, list[Shift]] = defaultdict(list)
    for one in shifts:
        by_home[topology.home(one.series.entity)].append(one)
    traffic = {home: _traffic(own) for home, own in by_home.items()}
    found = [sign for home, own in by_home.items() for sign in _resources(own, traffic[home])]
    for aspect in sorted(PROPAGATING):
        found += _travelling(aspect, by_home, traffic, topology)
    return [*found, *_collapsed(traffic, topology), *_silent(by_home)]


def _resources(own: Sequence[Shift], traffic: Shift | None) -> list[Sign]:
    """One sign per resource: its strongest series. Metrics that nobody knows the meaning of count half."""
    strongest: dict[tuple[Entity, str], Shift] = {}
    for one in own:
        about = one.meaning
        if about.aspect in PROPAGATING or about.aspect == "traffic" or abs(one.score) < NOTABLE:
            continue
        key = (one.series.entity, about.aspect)
        if key not in strongest or one.strength > strongest[key].strength:
            strongest[key] = one
    made = []
    for (entity, aspect), one in strongest.items():
        strength = one.strength if aspect in RESOURCES else one.strength / 2
        load = traffic is not None and traffic.before > 0 and traffic.ratio > LOAD_RATIO and one.ratio < traffic.ratio * LOAD_RATIO
        full = one.meaning.percent and one.during >= 90
        kind: SignKind = "restart" if aspect == "restart" else "saturation" if full else "metric_shift"
        told = statement(one) + (f", with its traffic ({traffic.ratio:.1f} times)" if load and traffic else "")
        made.append(_sign(one, kind, strength * (0.3 if load else 1.0) + (1.0 if full else 0.0), told, entity, aspect))
    return made


def _travelling(
    aspect: str, by_home: Mapping[Entity, Sequence[Shift]], traffic: Mapping[Entity, Shift | None], topology: Topology,
) -> list[Sign]:
    """Latency or errors: the own part, and the part that comes from below."""
    flows = {home: flow for home, own in by_home.items() if (flow := _flow(aspect, own, traffic[home])) is not None}
    most = max((flow.extra for flow in flows.values() if flow.shift.worse >= NOTABLE), default=0.0)
    whole = max((flow.whole for flow in flows.values()), default=0.0) if aspect == "latency" else 0.0
    made = []
    for home, flow in flows.items():
        if flow.shift.worse < NOTABLE:
            continue
        weight = max(flow.extra / most, 0.0) ** 0.5 * (min(flow.extra / (MATTERS * whole), 1.0) if whole else 1.0) if most > 0 else 1.0
        below = {callee: flows[callee].extra for callee in topology.callees(home) if callee in flows and flows[callee].shift.worse > 1}
        explained = min(sum(max(extra, 0.0) for extra in below.values()) / flow.extra, 1.0) if flow.extra > 0 else 0.0
        own = max(1 - explained, _SHARE_OF_OWN) if below else 1.0
        entity, strength = flow.shift.series.entity, evidence(min(flow.shift.worse, CERTAIN))
        told = statement(flow.shift)
        kinds: tuple[SignKind, SignKind] = ("latency_self", "latency_wait") if aspect == "latency" else ("error_origin", "error_ratio")
        if explained > _SHARE_OF_OWN:
            worst = max(below, key=lambda callee: below[callee])
            told += f"; {explained:.0%} of it comes from below, most from {worst.name}"
            made.append(_sign(flow.shift, kinds[1], -strength * explained, told, entity, aspect))
        if own > _SHARE_OF_OWN:
            made.append(_sign(flow.shift, kinds[0], strength * own * max(weight, _SHARE_OF_OWN), told, entity, aspect))
    return made


def _flow(aspect: str, own: Sequence[Shift], traffic: Shift | None) -> Flow | None:
    """The series that stands for an aspect of an entity, and how much it adds per second.

    Means add up along calls; of other statistics the one that moved most stands in.
    """
    fitting = [one for one in own if one.meaning.aspect == aspect and not one.meaning.outward and not one.gone]
    if not fitting:
        return None
    means = [one for one in fitting if any(word in one.series.metric.lower() for word in _MEANS)]
    chosen = max(means or fitting, key=lambda one: one.worse)
    if traffic is not None and chosen.meaning.share:
        chosen = chosen.of_so_many(traffic.during)
    counted = aspect == "errors" and not chosen.meaning.share and not chosen.meaning.percent
    rate = 1.0 if counted or traffic is None else traffic.during
    return Flow(chosen, max((chosen.during - chosen.before) * rate, 0.0), chosen.during * rate)


def _traffic(own: Sequence[Shift]) -> Shift | None:
    """The traffic series with the most of it."""
    fitting = [one for one in own if one.meaning.aspect == "traffic" and not one.gone]
    return max(fitting, key=lambda one: (one.before, one.series.metric), default=None)


def _collapsed(traffic: Mapping[Entity, Shift | None], topology: Topology) -> list[Sign]:
    """Requests that stopped coming: weak where the callers have none to send either."""
    fallen = {home: one for home, one in traffic.items() if one is not None and one.score < -NOTABLE and one.ratio < COLLAPSE and one.before >= COUNTED}
    return [
        _sign(one, "rate_collapse", min(evidence(-one.score), 2.0) * (0.15 if topology.callers.get(home, frozenset()) & set(fallen) else 0.5),
              statement(one), one.series.entity, "traffic")
        for home, one in fallen.items()
    ]


def _silent(by_home: Mapping[Entity, Sequence[Shift]]) -> list[Sign]:
    """Entities whose every series stopped."""
    made = []
    for own in by_home.values():
        parts: dict[Entity, list[Shift]] = defaultdict(list)
        for one in own:
            parts[one.series.entity].append(one)
        made += [Sign(entity, "missing_data", 3.0, f"{entity.name} stopped reporting: none of its {len(held)} series has a point in the incident",
                      None, "missing data", (ref(held[0]),)) for entity, held in parts.items() if all(one.gone for one in held)]
    return made


def _sign(one: Shift, kind: SignKind, strength: float, told: str, entity: Entity, aspect: str) -> Sign:
    figures = {"before": one.before, "during": one.during, "score": one.score}
    return Sign(entity, kind, strength, told, one.at, aspect, (ref(one),), figures)


def ref(one: Shift) -> str:
    """How a series is cited."""
    return f"series:{one.series.entity.name}/{one.series.metric}"


def statement(one: Shift) -> str:
    """A shift in one sentence."""
    word = "rose" if one.score > 0 else "fell"
    unit = f" {one.series.unit}" if one.series.unit else ""
    before, during = (f"{value:.2%} failing" if one.meaning.share else f"{number(value)}{unit}" for value in (one.before, one.during))
    return f"{one.series.metric} of {one.series.entity.name} {word} from {before} to {during} ({abs(one.score):.1f} deviations)"


def number(value: float) -> str:
    """Four significant digits, thousands marked."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"

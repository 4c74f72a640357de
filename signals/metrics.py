"""Which metrics changed, free of scale: one sign for each series that left its normal range, fell silent or hit its limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from signals.aspects import Meaning, meaning
from signals.diagnosis import Sign, SignKind
from signals.observed import Entity, Floats, Ints, Observed, Series, Window, Windows
from signals.shifts import (
    PEER_FLOOR,
    SHARE_FLOOR,
    Shift,
    clean,
    counted,
    covering,
    measure,
    middle,
    rates,
    strength,
    within,
)
from signals.topology import Topology

FULL = 0.95
"""From here on a resource with a limit makes others wait (queueing: waiting time grows with 1/(1 - utilisation))."""
SATURATED = 1.5
WRONG, NEWCOMER = 0.1, 4.0
"""A newcomer of whose calls a tenth fail is e⁴ ≈ 50 times likelier a mistake of its caller than a new feature."""
SILENT = 3.0
"""At most e³ times likelier: an exporter may also stop for reasons of its own."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A series as it is compared: cleaned, counters as rates, shares of good outcomes as shares of bad ones."""

    series: Series
    means: Meaning
    times: Ints
    values: Floats
    level: float
    """The median of its baseline."""
    rate: bool = False
    """Per second, by its name or made from a counter."""


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The signs of all series: shifts, saturation, silence."""
    ready = [prepare(series, windows) for series in observed.series]
    floors = peer_floors(ready)
    counts = {each.series.entity: each for each in ready if each.means.aspect == "traffic"}
    found = []
    for each in ready:
        floor = floors.get(each.series.metric, 0.0)
        shift = measure(each.times, each.values, windows.baseline, windows.incident, floor=floor, share=each.means.share)
        known = each.means.share or each.means.quantile is not None and not each.means.outward
        requests = _requests(counts.get(each.series.entity), windows) if known else np.inf
        if shift is not None and (sign := _sign(each, shift, requests)) is not None:
            found.append(sign)
    return found + silent(ready, windows) + newcomers(ready, windows, topology)


def prepare(series: Series, windows: Windows) -> Prepared:
    """Clean one series and read its name."""
    means = meaning(series.metric, series.unit)
    times, values = clean(series.times, series.values)
    rate = means.per_second
    if series.metric.endswith(("_total", "_count", "_sum", "_bucket")) and len(values) > 2 and np.mean(np.diff(values) >= 0) >= 0.9:  # a counter
        times, values = rates(times, values)
        rate = True
    if means.share and len(values):
        values = 1.0 - values / (100.0 if values.max() > 1.5 else 1.0)
    before = [values[within(times, window)] for window in windows.baseline]
    longest = max(before, key=len, default=values[:0])
    return Prepared(series, means, times, values, middle(longest) if len(longest) else 0.0, rate)


def peer_floors(ready: Sequence[Prepared]) -> dict[str, float]:
    """A metric's least noise, from what it usually is among three or more that have it."""
    levels: dict[str, list[float]] = defaultdict(list)
    for each in ready:
        if not each.means.share:
            levels[each.series.metric].append(abs(each.level))
    return {metric: PEER_FLOOR * middle(np.array(found)) for metric, found in levels.items() if len(found) >= 3}


def _requests(traffic: Prepared | None, windows: Windows) -> float:
    """How many requests a point of the incident stands for; endless when nobody counted."""
    if traffic is None or not len(sizes := traffic.values[within(traffic.times, windows.incident)]):
        return np.inf
    seconds = middle(np.diff(traffic.times)) / 1e6 if traffic.rate and len(traffic.times) > 1 else 1.0
    return middle(sizes) * seconds


def _sign(each: Prepared, shift: Shift, requests: float) -> Sign | None:
    """What a shift says, nothing when it is within noise or for the better.

    A share says no more than its requests can, a quantile no more than those beyond it: the p99 of thirty is one of them.
    """
    weight = strength(shift.score)
    if np.isfinite(requests):
        shares = (shift.before, shift.during) if each.means.quantile is None else (SHARE_FLOOR, 1 - each.means.quantile)
        weight = min(weight, counted(*shares, requests))
    means, series = each.means, each.series
    if weight <= 0 or (means.bad == "up" and not shift.up and means.aspect in {"latency", "errors", "restart", "saturation"}):
        return None
    kind: SignKind = "metric_shift"
    if means.outward:
        kind = "latency_wait" if means.aspect == "latency" else "metric_shift"
    elif means.aspect == "traffic" and not shift.up:
        kind = "rate_collapse"
    if means.bad == "up" and not shift.up:
        weight *= 0.3  # a resource used less: more often the effect of idling than a cause
    full = means.percent and shift.up and shift.during >= 100 * FULL and shift.before < 90
    weight += SATURATED * full
    return Sign(
        series.entity, "saturation" if full else kind, weight, _statement(each, shift), at=shift.at, aspect=means.aspect,
        refs=(f"series:{series.entity.name}/{series.metric}",),
        figures={"before": shift.before, "during": shift.during, "score": shift.score, "noise": shift.noise, "up": float(shift.up)},
    )  # fmt: skip


def _statement(each: Prepared, shift: Shift) -> str:
    """The numbers in a sentence; a share of good outcomes is told as failures."""
    what = f"failures ({each.series.metric})" if each.means.share else each.series.metric
    unit = f" {each.series.unit}" if each.series.unit and not each.means.share else ""
    word = "rose" if shift.up else "fell"
    figure = (f"{shift.before:.2%}", f"{shift.during:.2%}") if each.means.share else (f"{shift.before:.4g}{unit}", f"{shift.during:.4g}{unit}")
    return f"{what} of {each.series.entity.name} {word} from {figure[0]} to {figure[1]}, {shift.score:.1f} times its noise"


def silent(ready: Sequence[Prepared], windows: Windows) -> list[Sign]:
    """Entities all of whose regular series stopped while others go on.

    When more than half stop, it is the collection that failed and says nothing of any.
    """
    gone: dict[Entity, list[bool]] = defaultdict(list)
    expected: dict[Entity, float] = {}
    for each in ready:
        hope = _expected(each, windows)
        if hope >= 3:
            gone[each.series.entity].append(not len(each.values[within(each.times, windows.incident)]))
            expected[each.series.entity] = max(expected.get(each.series.entity, 0.0), hope)
    quiet = [entity for entity, each in gone.items() if all(each)]
    if len(quiet) * 2 > len(gone):
        return []
    return [
        Sign(entity, "missing_data", min(SILENT, 1.0 + 0.2 * expected[entity]),
             f"nothing was reported of {entity.name} during the incident, {expected[entity]:.0f} points were due",
             at=windows.incident.start, aspect="missing data", figures={"expected": expected[entity]})
        for entity in quiet
    ]  # fmt: skip


def newcomers(ready: Sequence[Prepared], windows: Windows, topology: Topology) -> list[Sign]:
    """Callees that nobody called before and that fail: their caller was told a wrong name or address.

    The blame is on who calls them, for that is what changed; on the newcomer itself when nobody knows its callers.
    """
    groups: dict[Entity, list[Prepared]] = defaultdict(list)
    for each in ready:
        groups[topology.home(each.series.entity)].append(each)
    found = []
    for entity, group in sorted(groups.items()):
        failing = max((_failing(each, windows) for each in group if each.means.share), default=0.0)
        if failing < WRONG or any(_known_before(each, windows) for each in group):
            continue
        found += [
            Sign(blamed, "error_origin", NEWCOMER, f"calls to {entity.name}, which nobody called before, fail ({failing:.0%})",
                 at=windows.incident.start, aspect="config", figures={"during": failing, "before": 0.0})
            for blamed in sorted(topology.callers.get(entity, ())) or [entity]
        ]  # fmt: skip
    return found


def _failing(each: Prepared, windows: Windows) -> float:
    during = each.values[within(each.times, windows.incident)]
    return middle(during) if len(during) else 0.0


def _known_before(each: Prepared, windows: Windows) -> bool:
    """Whether there was anything but zeros before the incident and the point that may belong to it."""
    incident = covering(each.times, windows.incident, windows.baseline)
    before = [each.values[within(each.times, window)] for window in windows.baseline if window.start >= incident.end]
    before += [each.values[within(each.times, Window(window.start, min(window.end, incident.start)))]
               for window in windows.baseline if window.start < incident.start]  # fmt: skip
    return any(len(part) > 0 and (each.means.share or float(np.max(np.abs(part))) > 0) for part in before)


def _expected(each: Prepared, windows: Windows) -> float:
    """How many points were due in the incident, by the usual interval of the baseline."""
    return _due(each.times.tobytes(), windows)


@lru_cache(maxsize=16)
def _due(ascending: bytes, windows: Windows) -> float:
    """The same for all series that were scraped together."""
    times = np.frombuffer(ascending, np.int64)
    longest = max((times[within(times, window)] for window in windows.baseline), key=len, default=times[:0])
    if len(longest) < 4:
        return 0.0
    return float((windows.incident.end - windows.incident.start) / middle(np.diff(longest)))


"""Numbers that are drawn beside a diagnosis: services before and during an incident, and when templates burst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals.observed import Flags, Ints, Observed, Windows
from signals.periods import periods

STEPS = 120
"""Buckets of a drawn stretch of time."""


@dataclass(frozen=True, slots=True)
class Load:
    """How a service was in one window: spans per second, share of failed ones, quantiles of duration in µs."""

    count: int
    rate: float
    errors: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """One service's spans that others asked for (or that begin a trace), before and during."""

    service: str
    before: Load | None
    during: Load | None


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls per second of one service to another, before and during; ``caller`` is empty for what comes from outside."""

    caller: str
    callee: str
    before: float
    during: float


@dataclass(frozen=True, slots=True)
class Burst:
    """Records of one template per bucket; ``start`` and ``step`` in µs."""

    template: int
    start: int
    step: int
    counts: Ints


def service_figures(observed: Observed, windows: Windows) -> list[ServiceFigures]:
    """Every service with spans in either window, by name. Spans within a service count once, by their outermost."""
    length = sum(one.end - one.start for one in windows.baseline), windows.incident.end - windows.incident.start
    found = []
    for name, sides in service_requests(observed, windows).items():
        loads = [_load(*side, micros) for side, micros in zip(sides, length, strict=True)]
        if any(loads):
            found.append(ServiceFigures(name, *loads))
    return found


Requests = tuple[Ints, Flags]
"""Durations in µs, and which failed."""


def service_requests(observed: Observed, windows: Windows) -> dict[str, tuple[Requests, Requests]]:
    """The same spans one by one, before and during, by service name in its order."""
    spans = observed.spans
    if spans is None or not len(spans):
        return {}
    parent = np.maximum(spans.parent, 0)
    outer = (spans.parent < 0) | (spans.service[parent] != spans.service)
    before, during = (side & outer for side in periods(spans.start, windows))
    found: dict[str, tuple[Requests, Requests]] = {}
    for number, name in sorted(enumerate(spans.services), key=lambda pair: pair[1]):
        own = spans.service == number
        found[name] = ((spans.duration[own & before], spans.error[own & before]), (spans.duration[own & during], spans.error[own & during]))
    return found


def call_figures(observed: Observed, windows: Windows) -> list[CallFigures]:
    """Every pair of services between which there are calls in either window, by callee and caller; what begins a trace has no caller."""
    spans = observed.spans
    if spans is None or not len(spans):
        return []
    known = spans.parent >= 0
    caller = np.where(known, spans.service[np.maximum(spans.parent, 0)], -1)
    outer = caller != spans.service if spans.orphan is None else (caller != spans.service) & ~spans.orphan  # an orphan's caller is not known
    seconds = [max(micros / 1e6, 1e-6) for micros in (sum(one.end - one.start for one in windows.baseline), windows.incident.end - windows.incident.start)]
    size = len(spans.services) + 1
    pair = spans.service * size + caller + 1
    counts = [np.bincount(pair[outer & side], minlength=len(spans.services) * size) for side in periods(spans.start, windows)]
    found = [CallFigures("" if number % size == 0 else spans.services[number % size - 1], spans.services[number // size],
                         *(float(count[number]) / length for count, length in zip(counts, seconds, strict=True)))
             for number in np.flatnonzero(counts[0] + counts[1]).tolist()]
    return sorted(found, key=lambda one: (one.callee, one.caller))


def _load(duration: Ints, error: Flags, micros: int) -> Load | None:
    if not len(duration):
        return None
    p50, p95 = np.percentile(duration, [50, 95])
    return Load(len(duration), len(duration) / max(micros / 1e6, 1e-6), float(error.mean()), float(p50), float(p95))


def bursts(observed: Observed, windows: Windows, templates: Sequence[int]) -> list[Burst]:
    """Counts of these templates (indexes) over both windows, in the order given."""
    logs = observed.logs
    if logs is None or not len(logs):
        return []
    start = min([windows.incident.start, *(one.start for one in windows.baseline)])
    end = max(windows.incident.end, int(logs.time.max()) + 1)
    step = max((end - start) // STEPS, 1)
    found = []
    for template in templates:
        places = (logs.time[logs.template == template] - start) // step
        counts = np.bincount(places[(places >= 0) & (places <= STEPS)], minlength=STEPS + 1)
        found.append(Burst(template, start, step, counts.astype(np.int64)))
    return found

"""Errors and latency as metrics tell them, for those whose spans do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.verification.checks import Check, Kind
from agent.verification.load import Times
from signals import shifts
from signals.aspects import PROPAGATING, meaning
from signals.observed import Entity, Observed, Series, Window
from signals.shifts import Shift

MOVED = 6.0
"""Noises: where a shift is some e^2.7 times likelier than chance (:func:`signals.shifts.strength`)."""
POINTS = 4
"""Fewer points on a side have no noise."""


def metrics(observed: Observed, times: Times, services: Sequence[str]) -> list[Check]:
    """The metrics of errors and latency of each service (or of its pods) that moved, or one check that says that none did."""
    found: list[Check] = []
    for service in dict.fromkeys(services):
        looked: dict[Kind, list[Check]] = {}
        for one, kind, up in _series(observed, service):
            if (check := _moved(service, one, kind, times, bad_up=up)) is not None:
                looked.setdefault(kind, []).append(check)
        for checks in looked.values():
            found += [check for check in checks if check.result in {"worse", "confirmed"} or check.ill] or checks[:1]
    return found


def _series(observed: Observed, service: str) -> Iterator[tuple[Series, Kind, bool]]:
    whole = Entity("service", service)
    for one in observed.series:
        means = meaning(one.metric, one.unit)
        mine = one.entity == whole or whole in observed.belongs.get(one.entity, ())
        if mine and means.aspect in PROPAGATING and not means.outward:
            yield one, "errors" if means.aspect == "errors" else "latency", means.bad != "down" and not means.share


def _moved(service: str, one: Series, kind: Kind, times: Times, *, bad_up: bool) -> Check | None:
    when, values = shifts.clean(one.times, one.values)
    if min(_points(when, times.before), _points(when, times.after)) < POINTS:
        return None
    moved = shifts.measure(when, values, (times.before,), times.after)
    if moved is None:
        return None
    ill = times.healthy is not None and _worse(shifts.measure(when, values, (times.healthy,), times.before), bad_up=bad_up)
    still = times.healthy is not None and _worse(shifts.measure(when, values, (times.healthy,), times.after), bad_up=bad_up)
    told = f"{service}: {one.metric} {moved.during:.4g}{one.unit and ' ' + one.unit}, before {moved.before:.4g} ({moved.score:.0f} times its noise)"
    if _worse(moved, bad_up=bad_up) and (still or times.healthy is None):
        return Check(kind, service, "worse", told, moved.before, moved.during, ill=ill)
    better = moved.score >= MOVED and moved.up != bad_up
    if ill and better:
        return Check(kind, service, "unchanged" if still else "confirmed", told, moved.before, moved.during, ill=True, partly=still)
    return Check(kind, service, "unchanged", told, moved.before, moved.during, ill=ill)


def _worse(shift: Shift | None, *, bad_up: bool) -> bool:
    return shift is not None and shift.score >= MOVED and shift.up == bad_up


def _points(when: object, window: Window) -> int:
    import numpy as np

    low, high = np.searchsorted(np.asarray(when), (window.start, window.end))
    return int(high - low)

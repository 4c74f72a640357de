"""Lines that report errors: templates of the target and its victims that came up, burst or fell silent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.verification.checks import Check
from agent.verification.load import Times
from signals.logs.events import ERRORS
from signals.logs.templates import Change, changes
from signals.observed import Entity, LogEvents, Observed, Windows

SURELY = 3.0
"""ln Bayes factor, 20 to 1: "strong" by Kass and Raftery (JASA 1995)."""
UNITS = 6
"""Traces, or steps of ten seconds, that a writer must have been heard in on each side."""
SHOWN = 3


def templates(observed: Observed, times: Times, services: Sequence[str]) -> list[Check]:
    """One check a service: its error templates that became more or less frequent."""
    logs = observed.logs
    if logs is None or not len(logs):
        return [Check("templates", one, "not_assessed", f"{one}: no log records") for one in dict.fromkeys(services)]
    clean = np.ones(len(logs), dtype=bool)
    moved = changes(logs, times.windows(), clean)
    risen = changes(logs, Windows((times.healthy,), times.before), clean) if times.healthy else None
    return [_service(observed, logs, service, times, moved, risen) for service in dict.fromkeys(services)]


def _service(observed: Observed, logs: LogEvents, service: str, times: Times, moved: Sequence[Change], risen: Sequence[Change] | None) -> Check:
    whole = Entity("service", service)
    mine = {n for n, one in enumerate(logs.entities) if one == whole or whole in observed.belongs.get(one, ())}
    heard = [_heard(logs, mine, window.start, window.end) for window in (times.before, times.after)]
    if min(heard) < UNITS:
        told = f"{service}: it logged in {heard[0]} steps of ten seconds before and {heard[1]} after the action, too few"
        return Check("templates", service, "not_assessed", told)
    errors = [one for one in moved if one.entity in mine and one.template >= 0 and logs.levels[one.template].upper() in ERRORS]
    sure = [one for one in errors if one.strength >= SURELY]
    up, down = [one for one in sure if one.rose], [one for one in sure if not one.rose]
    ill = {(one.entity, one.template) for one in (risen if risen is not None else down) if one.strength >= SURELY and (one.rose or risen is None)}
    if up:
        return Check("templates", service, "worse", f"{service}: {_told(logs, up)}", *_ratios(up), ill=bool(ill & {*map(_key, errors)}))
    cured = [one for one in down if _key(one) in ill]
    open_ = len(ill & {(e, t) for e in mine for t in range(len(logs.templates)) if logs.levels[t].upper() in ERRORS}) - len(cured)
    if cured:
        return Check("templates", service, "confirmed" if not open_ else "unchanged", f"{service}: {_told(logs, cured)}", *_ratios(cured), ill=True, partly=open_ > 0)
    return Check("templates", service, "unchanged", f"{service}: no error template became more or less frequent", ill=open_ > 0)


def _heard(logs: LogEvents, mine: set[int], start: int, end: int) -> int:
    keep = np.isin(logs.entity, sorted(mine)) & (logs.time >= start) & (logs.time < end)
    return len(np.unique(logs.time[keep] // 10_000_000))


def _key(one: Change) -> tuple[int, int]:
    return one.entity, one.template


def _told(logs: LogEvents, found: Sequence[Change]) -> str:
    ordered = sorted(found, key=lambda one: -one.strength)
    return "; ".join(f"'{logs.templates[one.template][:100]}' in {one.hits_during} of {one.of_during} units, before {one.hits} of {one.of}"
                     for one in ordered[:SHOWN])


def _ratios(found: Sequence[Change]) -> tuple[float, float]:
    first = max(found, key=lambda one: one.strength)
    return first.hits / max(first.of, 1), first.hits_during / max(first.of_during, 1)

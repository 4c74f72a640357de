"""What log records say: templates that are new, burst or vanish, and how much of what a service says is trouble."""

from __future__ import annotations

import numpy as np

from signals import odds
from signals.diagnosis import Sign, SignKind
from signals.observed import Flags, LogEvents, Observed, Windows
from signals.shifts import within
from signals.topology import Topology

SEVERE = frozenset({"error", "fatal"})
LOUD = {"error": 1.0, "fatal": 1.0, "warn": 0.5}
"""Weight of a template by its level; one that is no complaint may be new for any reason."""
QUIET = 0.25
LEAST = 3
"""Records of a template in the incident, or due in it, below which nothing is said."""
REQUESTS = 20
"""Requests on both sides from which rates are per request."""
STEPS = 24
"""Steps of an incident: records cover the steps in which there is one."""
NOTABLE = 3.0
"""Nats from which a change of its rate is told."""
_TOLD = 90


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """One sign for each template of each service whose rate changed; and the share of errors of each service."""
    logs = observed.logs
    if logs is None or not len(logs):
        return []
    before, inside = within(logs.time, windows.baseline), within(logs.time, (windows.incident,))
    if not before.any():
        return []
    length, usual = exposure(logs, inside, before, windows)
    pairs, at = np.unique(np.stack([logs.entity, logs.template]), axis=1, return_inverse=True)
    now = np.bincount(at.ravel(), weights=inside, minlength=pairs.shape[1])
    then = np.bincount(at.ravel(), weights=before, minlength=pairs.shape[1])
    first = np.full(pairs.shape[1], np.iinfo(np.int64).max)
    np.minimum.at(first, at.ravel()[inside], logs.time[inside])
    made = []
    for place, (entity, template) in enumerate(pairs.T.tolist()):
        sign = _changed(logs, entity, template, now[place], then[place], length, usual, int(first[place]))
        if sign is not None:
            made.append(sign)
    return made


def _changed(
    logs: LogEvents, entity: int, template: int, now: float, then: float, length: float, usual: float, first: int,
) -> Sign | None:
    nats = odds.poisson(now, length, then, usual)
    due = then * length / usual if usual else 0.0
    if abs(nats) < NOTABLE or max(now, due) < LEAST:
        return None
    kind: SignKind = "template_gone" if now == 0 else "template_new" if then == 0 else "template_burst"
    level, owner = logs.levels[template], logs.entities[entity]
    if nats < 0 and now:
        return None  # fewer of something: load, or the other side of a burst
    said = logs.templates[template].split("\n", 1)[0][:_TOLD]
    told = {"template_gone": f'{owner.name} no longer says "{said}": {due:.0f} were due',
            "template_new": f'{owner.name} says something new, {now:.0f} times: "{said}"',
            "template_burst": f'{owner.name} says "{said}" {now:.0f} times, {due:.1f} were due'}[kind]
    weight = LOUD.get(level, QUIET) * (0.5 if kind == "template_gone" else 1.0)
    refs = (f"template:{logs.ids[template]}", *((f"code:{logs.positions[template]}",) if logs.positions[template] else ()))
    return Sign(owner, kind, odds.strength(abs(nats)) * weight, told, first if now else None, "errors" if level in SEVERE else "logs",
                refs, {"now": now, "before": then})


def exposure(logs: LogEvents, inside: Flags, before: Flags, windows: Windows) -> tuple[float, float]:
    """How much could have been said, during and before: requests where records name them, else the time that records cover.

    By requests, more load is no burst; by covered time, hours that were not recorded are not silence.
    """
    requests = [len(np.unique(logs.trace[side & (logs.trace >= 0)])) for side in (inside, before)]
    if min(requests) >= REQUESTS:
        return float(requests[0]), float(requests[1])
    step = max((windows.incident.end - windows.incident.start) // STEPS, 1)
    during, usual = (len(np.unique(logs.time[side] // step)) * step for side in (inside, before))
    return float(during), float(usual)

"""What logs show, alone and inside traces: order breaks, missing calls, templates that are new, burst or vanish."""

from __future__ import annotations

import numpy as np

from signals.diagnosis import Sign, SignKind
from signals.logs.events import ERRORS, START, Steps, frames_of, steps
from signals.logs.flow import NEVER, Break, Flow, deviations, unanswered
from signals.logs.templates import Change, changes
from signals.observed import Entity, Flags, Ints, LogEvents, Observed, Spans, Windows
from signals.sampling import sampled
from signals.topology import Topology
from signals.traces.forest import Forest, plant
from telemetry.numbering import distinct

TRACES = 800
"""Traces of the baseline, and of the incident, whose flow is followed; of more, a sample."""
LEAST = 1.0
"""Weaker signs are not told."""
PLAIN = 0.3
"""A template that reports no error says a third as much: code says new things for many reasons."""

__all__ = ["signs"]


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The signs of the flow of requests and of the templates."""
    found: list[Sign] = []
    clean: Flags | None = None
    some = sampled(observed, windows, TRACES)
    if some.spans is not None and len(some.spans):
        forest = plant(some.spans)
        frames = _frames(some.logs, forest, topology) if some.logs is not None else None
        steps_ = steps(forest, some.logs, frames)
        flow = deviations(steps_, forest, windows)
        found += [_broken(each, steps_, forest, topology) for each in flow.breaks]
        if observed.logs is not None and some is observed:
            clean = _clean(observed.logs, forest, flow, frames)
    if observed.logs is not None and len(observed.logs):
        keep = clean if clean is not None else np.ones(len(observed.logs), dtype=bool)
        found += _templates(observed.logs, changes(observed.logs, windows, keep))
    return found


def _templates(logs: LogEvents, found: list[Change]) -> list[Sign]:
    """The signs of templates: none of a writer whose errors became fewer but errors, for it does now what it could not."""
    better = {each.entity for each in found if each.template < 0 and each.strength >= LEAST and not each.rose}
    told, traced = [], set(distinct(logs.entity[logs.trace >= 0]).tolist())
    for each in found:
        bad = each.template < 0 or logs.levels[each.template].upper() in ERRORS
        if each.strength >= LEAST and (each.rose if bad else each.entity not in better):
            told.append(_changed(each, logs, "requests" if each.entity in traced else "ten-second steps"))
    return told


def _frames(logs: LogEvents, forest: Forest, topology: Topology) -> Ints:
    services = forest.spans.services
    place = {name: number for number, name in enumerate(services)}
    homes = np.array([place.get(topology.home(entity).name, -1) for entity in logs.entities], dtype=np.int64)
    return frames_of(logs, forest, services, homes[logs.entity] if len(homes) else np.zeros(0, np.int64))


def _clean(logs: LogEvents, forest: Forest, flow: Flow, frames: Ints | None) -> Flags:
    """Records not later than the first deviation of their trace."""
    traces, place = np.unique(forest.spans.trace, return_index=True)
    at = np.minimum(np.searchsorted(traces, logs.trace), len(traces) - 1)
    first = np.where(traces[at] == logs.trace, flow.first[place[at]], NEVER)
    skew = np.where(frames >= 0, forest.skew[np.maximum(frames, 0)], 0) if frames is not None else 0
    return logs.time + skew <= first


def _broken(each: Break, found: Steps, forest: Forest, topology: Topology) -> Sign:
    """An order break of the one whose flow it is; a missing call of the one who no longer answers."""
    spans = forest.spans
    operation = spans.operations[int(found.operation[each.kind])]
    callee = unanswered(found, each)
    names = [_position(symbol, operation, found) for symbol in (each.before, each.lost)]
    owner = _owner(spans, each.frames, int(found.service[each.kind]), topology) if callee < 0 else Entity("service", spans.services[callee])
    kind: SignKind = "order_break" if callee < 0 else "missing_call"
    after = _position(each.after, operation, found)
    ids = tuple(f"span:{spans.ids[row]}" for row in each.frames[:3].tolist()) if spans.ids else ()
    return Sign(
        owner, kind, each.strength,
        f"in {operation}, {names[1]} followed {names[0]} in {each.was:.0%} of requests before and in {each.now:.0%} during; "
        f"now {after} comes next",
        at=int(forest.start[each.frames].min()) if len(each.frames) else None, aspect="flow",
        refs=(*(f"code:{name}" for name in names), *ids), figures={"before": each.was, "during": each.now, "runs": float(len(each.frames))},
    )  # fmt: skip


def _position(symbol: int, operation: str, found: Steps) -> str:
    """What to call an event: where it is in the code, or the operation's start or end."""
    return f"{operation} start" if symbol == START else f"{operation} {found.names[symbol]}" if symbol < 3 else found.names[symbol]


def _owner(spans: Spans, frames: Ints, service: int, topology: Topology) -> Entity:
    """The pod in which it happened, when it is one and known to be part of the service; else the service."""
    whole = Entity("service", spans.services[service])
    pods = np.unique(spans.pod[frames])
    if len(pods) == 1 and pods[0] >= 0:
        pod = Entity("pod", spans.pods[int(pods[0])])
        return pod if topology.home(pod) == whole else whole
    return whole


def _changed(each: Change, logs: LogEvents, units: str) -> Sign:
    """The sign of a template, or of the share of errors."""
    rate = f"{each.hits} of {each.of} {units} before, {each.hits_during} of {each.of_during} during"
    figures = {"before": each.hits / max(each.of, 1), "during": each.hits_during / max(each.of_during, 1)}
    entity, at = logs.entities[each.entity], each.at or None
    if each.template < 0:
        return Sign(entity, "error_ratio", each.strength, f"errors logged in {rate}", at=at, aspect="errors", figures=figures)
    rose = figures["during"] > figures["before"]
    kind: SignKind = ("template_burst" if each.hits else "template_new") if rose else "template_gone"
    bad = rose and logs.levels[each.template].upper() in ERRORS
    strength = each.strength if bad else each.strength * PLAIN
    where = (f"code:{logs.positions[each.template]}",) if logs.positions[each.template] else ()
    return Sign(entity, kind, strength, f"'{logs.templates[each.template][:120]}' in {rate}", at=at,
                aspect="errors" if bad else "logs", refs=(f"template:{logs.ids[each.template]}", *where), figures=figures)  # fmt: skip

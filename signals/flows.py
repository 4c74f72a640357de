"""Where requests leave their usual path: the last event after which what always followed no longer does.

Nezha (Yu et al., FSE 2023) compares how often pairs of events occur; here the events of each request are followed in
time within each service, and a request is charged to the one place where it first went another way, judged by when the
usual next event was due. A caller that waits for a broken callee is due later than the callee's own next step, so the
origin is charged and not whoever caught its exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals import odds
from signals.diagnosis import Sign
from signals.observed import Entity, Flags, Ints, Observed, Spans, Windows
from signals.shifts import within
from signals.topology import Topology

ODD = 2.0
"""Nats from which a step is taken more often than before."""
ALWAYS = 0.9
"""Share of an operation's spans that come with a record, from which that is expected."""
KNOWN = 4
"""Times that an event must have been seen before, so that what follows it can be called usual."""
LEAST = 2.5
"""Nats below which a break is not told."""
FEWEST = 2
"""Requests that leave their path at one place, at least."""
_END = -1


@dataclass(frozen=True, slots=True)
class Events:
    """Events of requests in order of (trace, home, time). ``symbol`` says what happened: a template, or a span that began."""

    trace: Ints
    home: Ints
    """Index into ``homes``: a service's records, or its spans."""
    visit: Ints
    """Records of one request in one service are one visit, spans one for each time that the service was called."""
    time: Ints
    symbol: Ints
    homes: tuple[Entity, ...]
    names: tuple[str, ...]
    """What each symbol is, to be told."""
    refs: tuple[tuple[str, ...], ...]
    """What each symbol is cited by."""
    records: int
    """Symbols below this number are records, the others spans."""


@dataclass(frozen=True, slots=True)
class Break:
    """Requests that left their path after ``after``, where ``usual`` followed."""

    home: Entity
    after: int
    usual: int
    now: int
    of: int
    before: int
    of_before: int
    at: int
    """When it first happened, µs."""


def signs(observed: Observed, windows: Windows, topology: Topology) -> list[Sign]:
    """The places where requests of the incident left their path more often than before."""
    events = collect(observed, topology)
    if events is None:
        return []
    made = []
    for one in breaks(events, windows):
        nats = odds.surprise(one.now, one.of, one.before, one.of_before)
        if nats < LEAST or one.now < FEWEST:
            continue
        before = f"; before, {one.before} of {one.of_before}" if one.before else "; before, none did"
        then = events.names[one.usual] if one.usual != _END else "the end"
        told = (f"{one.now} of {one.of} requests in {one.home.name} went another way after {events.names[one.after]}, "
                f"where {then} follows{before}")
        refs = (*events.refs[one.after], *(events.refs[one.usual] if one.usual != _END else ()))
        made.append(Sign(one.home, "order_break", odds.strength(nats), told, one.at, "code path", refs,
                         {"now": one.now, "of": one.of, "before": one.before, "of_before": one.of_before}))
    return made


def collect(observed: Observed, topology: Topology) -> Events | None:
    """Log records and beginnings of spans of the same requests; None without any.

    They are two paths through a service, not one: which of a record and a span comes first is chance.
    """
    parts: list[tuple[Ints, Ints, Ints, Ints, Ints]] = []
    homes: dict[tuple[Entity, str], int] = {}
    names: list[str] = []
    refs: list[tuple[str, ...]] = []
    logs, spans = observed.logs, observed.spans
    if logs is not None and len(logs):
        held = logs.trace >= 0
        own = np.array([homes.setdefault((topology.home(e), "logs"), len(homes)) for e in logs.entities], np.int64)[logs.entity]
        parts.append((logs.trace[held], own[held], np.full(int(held.sum()), -1, np.int64), logs.time[held], logs.template[held]))
        names += [f'"{position or pattern}"' for position, pattern in zip(logs.positions, logs.templates, strict=True)]
        refs += [(f"template:{ident}", *((f"code:{position}",) if position else ())) for ident, position in
                 zip(logs.ids, logs.positions, strict=True)]
    records = len(names)
    if spans is not None and len(spans):
        own = np.array([homes.setdefault((topology.home(Entity("service", s)), "spans"), len(homes)) for s in spans.services], np.int64)[spans.service]
        parts.append((spans.trace, own, visits(spans), spans.start, spans.operation + len(names)))
        names += [f"span {operation}" for operation in spans.operations]
        refs += [(f"operation:{operation}",) for operation in spans.operations]
    if not parts:
        return None
    trace, home, visit, time, symbol = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((symbol, time, visit, home, trace))
    return Events(trace[order], home[order], visit[order], time[order], symbol[order], tuple(entity for entity, _ in homes), tuple(names), tuple(refs), records)


def breaks(events: Events, windows: Windows) -> list[Break]:
    """Every place that is charged with a request of the incident: of each request, where the usual next event was due first."""
    begun = _begun(events)
    before, inside = within(begun, windows.baseline), within(begun, (windows.incident,))
    parts = [_steps(events, before, inside), _silences(events, before, inside)]
    row, due, expected = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((due, events.trace[row]))
    row, expected = row[order], expected[order]
    fresh = np.ones(len(row), np.bool_)
    fresh[1:] = events.trace[row][1:] != events.trace[row][:-1]
    row, expected = row[fresh], expected[fresh]
    code = events.home * (int(events.symbol.max(initial=0)) + 2) + events.symbol
    found = []
    for place in np.unique(code[row[inside[row]]]).tolist():
        own, charged = code == place, code[row] == place
        now, then = row[charged & inside[row]], row[charged & before[row]]
        usual = np.bincount(expected[charged & inside[row]] + 1).argmax() - 1
        found.append(Break(events.homes[int(events.home[now[0]])], int(events.symbol[now[0]]), int(usual), len(now),
                           _traces(events.trace, own & inside), len(then), _traces(events.trace, own & before), int(events.time[now].min())))
    return found


def _steps(events: Events, before: Flags, inside: Flags) -> tuple[Ints, Ints, Ints]:
    """Events (rows) after which another one came than usual and oftener than before, when the usual one was due, and which."""
    code = events.home * (int(events.symbol.max(initial=0)) + 2) + events.symbol
    odd, due, expected = _Steps(code, _followers(events), _gap(events), before, inside).judge(events.time)
    rows = np.flatnonzero(odd)
    return rows, due[rows], expected[rows]


def _silences(events: Events, before: Flags, inside: Flags) -> tuple[Ints, Ints, Ints]:
    """The same for spans whose service writes a record with (nearly) every one of them, and did not."""
    entity = {home: number for number, home in enumerate(dict.fromkeys(events.homes))}
    owner = np.array([entity[home] for home in events.homes], np.int64)[events.home]
    logged = events.symbol < events.records
    group = np.unique(np.stack([events.trace, owner]), axis=1, return_inverse=True)[1].ravel()
    held: dict[int, dict[int, int]] = {}
    rows_of: dict[tuple[int, int], list[int]] = {}
    for at in range(len(events.time)):
        if before[at] or inside[at]:
            if logged[at]:
                held.setdefault(int(group[at]), {}).setdefault(int(events.symbol[at]), int(events.time[at]))
            else:
                rows_of.setdefault((int(owner[at]), int(events.symbol[at])), []).append(at)
    found: list[tuple[int, int, int]] = []
    for rows in rows_of.values():
        found += _silent(events, rows, before, group, held)
    columns = np.array(found, np.int64).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


def _silent(events: Events, rows: list[int], before: Flags, group: Ints, held: dict[int, dict[int, int]]) -> list[tuple[int, int, int]]:
    """(row, due, expected record) for each span of one operation without the record that goes with it."""
    normal = [row for row in rows if before[row]]
    if len(normal) < KNOWN:
        return []
    said: dict[int, list[int]] = {}
    for row in normal:
        for symbol, time in held.get(int(group[row]), {}).items():
            said.setdefault(symbol, []).append(time - int(events.time[row]))
    found = []
    for symbol, waits in said.items():
        missing = [row for row in rows if symbol not in held.get(int(group[row]), {})]
        absent, then = sum(not before[row] for row in missing), sum(bool(before[row]) for row in missing)
        if len(waits) < ALWAYS * len(normal) or odds.surprise(absent, len(rows) - len(normal), then, len(normal)) < ODD:
            continue
        wait = int(np.median(waits))
        found += [(row, int(events.time[row]) + max(wait, 0), symbol) for row in missing]
    return found


def _followers(events: Events) -> Ints:
    """The next symbol in the same request and service; the end for the last."""
    follower = np.full(len(events.time), _END, np.int64)
    same = _together(events)
    follower[:-1][same] = events.symbol[1:][same]
    return follower


def _together(events: Events) -> Flags:
    """Which events are followed by another of the same visit."""
    parts = (events.trace, events.home, events.visit)
    return np.logical_and.reduce([part[1:] == part[:-1] for part in parts])


def visits(spans: Spans) -> Ints:
    """For each span the row of the one by which its service was entered (itself, for such a one)."""
    rows = np.arange(len(spans))
    above = np.maximum(spans.parent, 0)
    entered = np.where((spans.parent >= 0) & (spans.service[above] == spans.service), above, rows)
    for _ in range(len(spans).bit_length()):  # each round doubles how far up is seen; a cycle only goes round
        entered = entered[entered]
    return entered


def _gap(events: Events) -> Ints:
    gap = np.zeros(len(events.time), np.int64)
    same = _together(events)
    gap[:-1][same] = (events.time[1:] - events.time[:-1])[same]
    return gap


def _begun(events: Events) -> Ints:
    """When the request of each event began."""
    _, at = np.unique(events.trace, return_inverse=True)
    begun = np.full(int(at.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(begun, at, events.time)
    return begun[at]


def _traces(trace: Ints, chosen: Flags) -> int:
    return len(np.unique(trace[chosen]))


class _Steps:
    """Every step (an event and what followed it) with how often requests took it, before and during."""

    def __init__(self, code: Ints, follower: Ints, gap: Ints, before: Flags, inside: Flags) -> None:
        self.steps, at = np.unique(np.stack([code, follower]), axis=1, return_inverse=True)
        self.row = at.ravel()
        size = self.steps.shape[1]
        then, now = (np.bincount(self.row, weights=side, minlength=size) for side in (before, inside))
        _, head = np.unique(self.steps[0], return_inverse=True)
        head = head.ravel()
        all_then, all_now = (np.bincount(head, weights=counts)[head] for counts in (then, now))
        wait = np.bincount(self.row, weights=np.where(before, gap, 0), minlength=size) / np.maximum(then, 1)
        order = np.lexsort((-then, head))  # of each event its commonest step first
        firsts = order[np.unique(head[order], return_index=True)[1]]
        self.expected, self.wait = self.steps[1][firsts][head], wait[firsts][head]
        self.odd = np.array([
            of_then >= KNOWN and follow != usual and odds.surprise(n, of_now, t, of_then) >= ODD
            for n, of_now, t, of_then, follow, usual in zip(now, all_now, then, all_then, self.steps[1], self.expected, strict=True)
        ], np.bool_)

    def judge(self, time: Ints) -> tuple[Flags, Ints, Ints]:
        """For each event whether a step was taken that became commoner, when the usual one was due, and which that is."""
        return self.odd[self.row], time + self.wait[self.row].astype(np.int64), self.expected[self.row]


__all__: Sequence[str] = ["Break", "Events", "breaks", "collect", "signs"]

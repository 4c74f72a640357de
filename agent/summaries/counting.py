"""Counts of a period and of the one before, from the store: records and errors by service, templates, silences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from agent.summaries.facts import Chart, Counted, Gap, Period, Service, Template, TemplateChange
from signals.logs.events import ERRORS
from signals.logs.templates import changes
from signals.observed import Entity, Flags, Ints, LogEvents
from signals.observed import Window as Stretch
from signals.observed import Windows as Stretches
from telemetry.models import Window
from telemetry.numbering import numbered
from telemetry.store.events import EventColumns, event_columns
from tools.observing import log_events, micros

if TYPE_CHECKING:
    from telemetry.columns import Spans
    from telemetry.store.reader import Reader

STEPS = 48
"""Steps of a period in a chart."""
CHARTED = 30
"""Templates whose counts over time are taken."""
LEAST = 1.0
"""Weaker changes of templates are not told; the same bar as that of signs (:mod:`signals.logs`)."""
SELDOM = 20
"""Records below which a source has no usual pace."""
SILENT = 3.0
"""How many times its longest silence so far a source must be silent to have stopped."""
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Logs:
    """The records of the period and of the one before, and which of them are of whom."""

    columns: EventColumns
    events: LogEvents
    now: Flags
    error: Flags
    owner: Ints
    """Index into ``events.entities``."""
    whole_before: bool
    """Whether the store's records go back to the start of the period before."""

    def __len__(self) -> int:
        return len(self.columns)


def read(reader: Reader, period: Period, services: Collection[str]) -> Logs | None:
    """Those records, of ``services`` only if any are given; None when there are none. Raises QueryError, StoreError."""
    columns = event_columns(reader, Window(start=period.before.start, end=period.end))
    if services:
        columns = _only(columns, frozenset(services))
    if not len(columns):
        return None
    bad = np.array([one.level.upper() in ERRORS for one in columns.authors], dtype=bool)
    events = log_events(reader, columns)
    first = reader.catalog.first
    return Logs(columns, events, columns.time >= micros(period.start), bad[columns.author], events.entity,
                first is not None and first <= period.before.start + (period.end - period.start) / 20)


def _only(columns: EventColumns, services: Collection[str]) -> EventColumns:
    mine = np.array([one.service in services for one in columns.authors], dtype=bool)
    keep = mine[columns.author] if len(columns) else np.zeros(0, dtype=bool)
    return replace(columns, time=columns.time[keep], template=columns.template[keep], author=columns.author[keep], trace=columns.trace[keep])


def services(logs: Logs | None, spans: tuple[Spans | None, int, bool], only: Collection[str]) -> list[Service]:
    """What each service wrote and answered, most errors first. ``spans``: columns, the period's start, and whether those
    before it are on record."""
    found: dict[str, Service] = {}
    if logs is not None:
        size = len(logs.events.entities)
        told = [np.bincount(logs.owner[which], minlength=size) for which in (
            logs.now, ~logs.now, logs.now & logs.error, ~logs.now & logs.error)]
        for at, entity in enumerate(logs.events.entities):
            rows, rows0, bad, bad0 = (int(one[at]) for one in told)
            if rows + rows0:
                found[entity.name] = Service(name=entity.name, records=_counted(rows, rows0, whole=logs.whole_before),
                                             errors=_counted(bad, bad0, whole=logs.whole_before))
    columns, start, whole = spans
    for name, counts in requests(columns, start).items() if columns is not None else ():
        if only and name not in only:
            continue
        held = found.get(name, Service(name=name))
        found[name] = held.model_copy(update={"requests": _counted(counts[0], counts[1], whole=whole), "failed": _counted(counts[2], counts[3], whole=whole)})
    return sorted(found.values(), key=lambda one: (-one.errors.now - one.failed.now, -one.records.now, one.name))


def _counted(now: int, before: int, *, whole: bool) -> Counted:
    return Counted(now=now, before=before if whole else None)


def entries(spans: Spans) -> Flags:
    """Spans that begin a service's work: whose caller is another service, or nobody. Those of callees that tell nothing
    of themselves are not among them."""
    calls = spans.parent < 0
    above = spans.service[np.maximum(spans.parent, 0)]
    found: Flags = calls | (above != spans.service)
    if spans.ids:
        found &= ~np.array([name.endswith(":peer") for name in spans.ids], dtype=bool)
    return found


def requests(spans: Spans, start: int) -> dict[str, tuple[int, int, int, int]]:
    """By service: requests since ``start`` and before it, and those of them that failed."""
    entry, size = entries(spans), len(spans.services)
    now = spans.start >= start
    told = [np.bincount(spans.service[entry & which], minlength=size) for which in (now, ~now, now & spans.error, ~now & spans.error)]
    return {name: (int(told[0][at]), int(told[1][at]), int(told[2][at]), int(told[3][at]))
            for at, name in enumerate(spans.services) if told[0][at] + told[1][at]}


def templates(reader: Reader, logs: Logs, period: Period) -> list[Template]:
    """Templates that are new, back, bursting or vanished: what reports errors first, then what changed most.

    The statistics are those of investigations (:func:`signals.logs.templates.changes`); a template is *new* when the
    store never saw it before the period.
    """
    before, now = period.before, period
    stretches = Stretches((Stretch(micros(before.start), micros(before.end)),), Stretch(micros(now.start), micros(now.end)))
    known = {one.id: one for one in reader.catalog.templates}
    counts = _by_template(logs)
    strength: dict[tuple[int, int], float] = {}
    if logs.whole_before:
        told = changes(logs.events, stretches, np.ones(len(logs), dtype=bool))
        strength = {(one.entity, one.template): one.strength for one in told if one.template >= 0}
    found = []
    for (entity, at), (mine, earlier) in counts.items():
        held = known.get(logs.events.ids[at])
        first = held.first_seen if held else None
        change = _change(mine, earlier, strength.get((entity, at), 0.0), first, period)
        if change is not None:
            made = Template(id=logs.events.ids[at], pattern=held.display if held else logs.events.templates[at], change=change,
                            count=_counted(mine, earlier, whole=logs.whole_before), service=logs.events.entities[entity].name,
                            bad=logs.events.levels[at].upper() in ERRORS, first=first)
            found.append((strength.get((entity, at), 0.0), (entity, at), made))
    found.sort(key=lambda one: (not one[2].bad, -one[0], -one[2].count.now, one[2].pattern, one[2].service))
    return [one.model_copy(update={"counts": _over_time(logs, place[1], place[0], period)}) if at < CHARTED and one.count.now else one
            for at, (_, place, one) in enumerate(found)]


def _by_template(logs: Logs) -> Mapping[tuple[int, int], tuple[int, int]]:
    """Records by (writer, template): of the period, and before."""
    width = max(1, len(logs.events.templates))
    pairs, place = numbered(logs.owner * width + logs.events.template)
    now, before = np.bincount(place[logs.now], minlength=len(pairs)), np.bincount(place[~logs.now], minlength=len(pairs))
    return {(pair // width, pair % width): (int(now[at]), int(before[at])) for at, pair in enumerate(pairs.tolist())}


def _change(now: int, before: int, strength: float, first: datetime | None, period: Period) -> TemplateChange | None:
    if now and not before and first is not None and first >= period.start:
        return "new"
    if strength < LEAST:
        return None
    return "vanished" if not now else "back" if not before else "burst" if now > before else None


def _over_time(logs: Logs, template: int, entity: int, period: Period) -> tuple[int, ...]:
    return _steps(logs.columns.time[logs.now & (logs.events.template == template) & (logs.owner == entity)], period)


def _steps(times: Ints, period: Period) -> tuple[int, ...]:
    start, end = micros(period.start), micros(period.end)
    at = np.minimum((times - start) * STEPS // max(end - start, 1), STEPS - 1)
    return tuple(np.bincount(at, minlength=STEPS).tolist())


def chart(logs: Logs, period: Period, most: int = 8) -> Chart:
    """Errors over time of the services that have most of them."""
    bad = logs.now & logs.error
    counts = np.bincount(logs.owner[bad], minlength=len(logs.events.entities))
    order = [int(at) for at in np.argsort(-counts, kind="stable")[:most] if counts[at]]
    series = {logs.events.entities[at].name: _steps(logs.columns.time[bad & (logs.owner == at)], period) for at in order}
    return Chart(start=period.start, step=(period.end - period.start).total_seconds() / STEPS, errors=series)


def gaps(logs: Logs, period: Period, newest: datetime | None) -> list[Gap]:
    """Sources that were silent at the period's end for much longer than ever before. When everything ended at once that
    is one gap, of everything."""
    last_of_all = int(logs.columns.time.max())
    end = min(micros(period.end), micros(newest) if newest else last_of_all)
    found = [gap for at, entity in enumerate(logs.events.entities) if (gap := _gap(entity, np.sort(logs.columns.time[logs.owner == at]), end))]
    whole = _gap(Entity("external", "everything"), np.sort(logs.columns.time), micros(period.end))
    return [whole] if whole is not None else found


def _gap(entity: Entity, times: Ints, end: int) -> Gap | None:
    if len(times) < SELDOM:
        return None
    usual, silence = max(int(np.diff(times).max()), _MICRO), end - int(times[-1])
    if silence <= max(SILENT * usual, 60 * _MICRO):
        return None
    last = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(times[-1]))
    return Gap(what=entity.name, kind="log records", last=last, usual=usual / _MICRO)

"""What the store knows of a stretch of time, as the arrays that :mod:`signals` reads."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from signals.kube.incident import joined
from signals.observed import Entity, EntityKind, Ints, LogEvents, Observed, Series, Spans
from telemetry.models import Window
from telemetry.numbering import distinct, firsts, numbered
from telemetry.store.events import EventColumns, event_columns
from tools.cluster.seen import Seen

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader, SeriesColumns
    from telemetry.store.reader import Reader

_POSITION = re.compile(r"\S+[#:]\d+")
_OF_POINTS = ("otel.scope.", "service.name", "service.version", "service.namespace", "service.instance.id", "telemetry.")
"""Attributes that say who speaks, not what is measured."""


LookAt = Callable[[Window], Seen]
"""The cluster, for an incident within a window."""


def observe(logs: Reader, records: RecordReader, window: Window, look: LookAt | None = None) -> Observed:
    """Everything of a window. What there is no record of is named as not assessed. Raises QueryError, StoreError.

    ``look`` reads the cluster that the window's system runs in.
    """
    columns, held, changes = records.span_columns(window), records.series(window), records.changes(window)
    events = event_columns(logs, window, _trace_ids(columns))
    series = tuple(_series(one) for one in held if len(one.times))
    missing = [said for there, said in (
        (len(events), "logs: no records are kept for this window"), (len(columns), "traces: no spans are kept for this window"),
        (len(series), "metrics: no series are kept for this window"),
        (len(changes), "changes: no deploy, setting or flag is on record for this window; none may have been sent"),
    ) if not there]
    found = Observed(
        series=series, spans=columns if len(columns) else None, logs=log_events(logs, events) if len(events) else None,
        changes=tuple(changes), belongs=_belongs(columns, held), not_assessed=tuple(missing),
    )
    return found if look is None else _beside(found, look(window))


def _beside(found: Observed, seen: Seen) -> Observed:
    """What telemetry tells, with what the cluster adds. Changes that are on record already stay as they are."""
    known = {change.id for change in found.changes}
    changes = (*found.changes, *(change for change in seen.changes if change.id not in known))
    missing = tuple(one for one in found.not_assessed if not (changes and one.startswith("changes:")))
    found = replace(found, changes=changes, not_assessed=(*missing, *seen.not_assessed))
    if seen.state is None:
        return found
    look, parts, calls = joined(seen.state, seen.at, _services(found), found.belongs)
    belongs = {part: tuple(dict.fromkeys((*found.belongs.get(part, ()), *wholes))) for part, wholes in parts.items()}
    return replace(found, cluster=look, belongs={**found.belongs, **belongs}, calls=(*found.calls, *calls))


def _services(found: Observed) -> set[str]:
    """Every service that a record names."""
    entities = [*(series.entity for series in found.series), *(found.logs.entities if found.logs is not None else ())]
    told = {entity.name for entity in entities if entity.kind == "service"}
    told |= {whole.name for wholes in found.belongs.values() for whole in wholes if whole.kind == "service"}
    return told | set(found.spans.services if found.spans is not None else ())


def _trace_ids(columns: Spans) -> list[str]:
    """The trace ids in the order of their numbers."""
    numbers, place = numbered(columns.trace)
    rows = firsts(place, len(numbers))
    named = {int(number): columns.ids[row].split("/", 1)[0] for number, row in zip(numbers, rows.tolist(), strict=True)}
    return [named.get(number, "") for number in range(int(numbers.max(initial=-1)) + 1)]


def micros(when: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return round(when.timestamp() * 1_000_000)


def _series(one: SeriesColumns) -> Series:
    told = ", ".join(f"{key}={value}" for key, value in sorted(one.attributes.items()) if not key.startswith(_OF_POINTS))
    return Series(_owner(one), f"{one.metric}{{{told}}}" if told else one.metric, one.times, one.values, one.unit)


def _owner(one: SeriesColumns) -> Entity:
    kinds: tuple[tuple[EntityKind, str], ...] = (("pod", one.pod), ("service", one.service), ("node", one.node))
    return next((Entity(kind, name) for kind, name in kinds if name), Entity("external", "unknown"))


def _belongs(columns: Spans, held: Sequence[SeriesColumns]) -> Mapping[Entity, tuple[Entity, ...]]:
    """The service and node of each pod."""
    found: dict[Entity, dict[Entity, None]] = defaultdict(dict)
    width = max(1, len(columns.services))
    for pair in distinct((columns.pod * width + columns.service)[columns.pod >= 0]).tolist():
        found[Entity("pod", columns.pods[pair // width])][Entity("service", columns.services[pair % width])] = None
    for one in held:
        if one.pod:
            whole: tuple[tuple[EntityKind, str], ...] = (("service", one.service), ("node", one.node))
            found[Entity("pod", one.pod)].update({Entity(kind, name): None for kind, name in whole if name})
    return {pod: tuple(wholes) for pod, wholes in found.items()}


def log_events(reader: Reader, events: EventColumns) -> LogEvents:
    """Records of the store as signals read them: with patterns, the usual levels, and who wrote them."""
    entities, entity = _entities(events)
    counts = _counts(events)
    levels, loggers = _commonest(events, counts, "level"), _commonest(events, counts, "logger")
    return LogEvents(
        time=events.time, template=events.template, entity=entity, trace=events.trace,
        templates=tuple(reader.pattern_of(ident) for ident in events.templates), ids=events.templates, levels=levels,
        positions=tuple(said if _POSITION.fullmatch(said) else "" for said in loggers), entities=entities,
    )


def _entities(events: EventColumns) -> tuple[tuple[Entity, ...], Ints]:
    owners = [Entity("service", one.service) if one.service else Entity("node", one.host or "unknown") for one in events.authors]
    distinct = sorted(set(owners))
    place = {owner: number for number, owner in enumerate(distinct)}
    return tuple(distinct), np.array([place[owner] for owner in owners], np.int64)[events.author]


def _counts(events: EventColumns) -> list[tuple[int, int, int]]:
    """(template, author, records) of all pairs that occur."""
    width = max(1, len(events.authors))
    pairs, place = numbered(events.template * width + events.author)
    return [(pair // width, pair % width, count) for pair, count in zip(pairs.tolist(), np.bincount(place).tolist(), strict=True)]


def _commonest(events: EventColumns, counts: Sequence[tuple[int, int, int]], part: str) -> tuple[str, ...]:
    """What most records of each template say their ``level`` or ``logger`` is."""
    said: dict[int, Counter[str]] = defaultdict(Counter)
    for template, author, count in counts:
        said[template][getattr(events.authors[author], part)] += count
    return tuple(said[at].most_common(1)[0][0] if at in said else "" for at in range(len(events.templates)))

"""The catalog of a store, added up from its tallies: no segment is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from telemetry.models import Catalog, FieldInfo, Param, Template
from telemetry.store.manifest import KeyRow, Segment, SourceRow, TemplateRow

NUMERIC = frozenset({"number", "size", "duration", "percent", "port"})
FIELDS = ("level", "service", "host", "logger")


class Snapshot(Protocol):
    """What the catalog needs of a reader."""

    @property
    def segments(self) -> Sequence[Segment]: ...
    @property
    def missing(self) -> Sequence[Segment]: ...
    @property
    def sources(self) -> Mapping[int, SourceRow]: ...
    @property
    def stored_templates(self) -> Mapping[str, TemplateRow]: ...


class Cataloguer:
    """Adds up tallies into templates and fields."""

    def __init__(self, keys: dict[int, KeyRow], tallies: list[tuple[Any, ...]]) -> None:
        self.keys = keys
        self.tallies = tallies

    def build(self, reader: Snapshot) -> Catalog:
        facets: tuple[dict[str | None, int], ...] = tuple(defaultdict(int) for _ in FIELDS)
        by_key: dict[int, int] = defaultdict(int)
        parts: dict[str, _Parts] = defaultdict(_Parts)
        for key, level, service, host, logger, rows, first, last in self.tallies:
            by_key[key] += rows
            facets[0][level] += rows
            facets[1][service] += rows
            facets[2][host] += rows
            facets[3][logger] += rows
            part = parts[self.keys[key].template]
            part.levels[level] += rows
            part.services[service] += rows
            if first is not None:
                part.times.append(first)
                part.times.append(last)
        commonest = sorted(by_key, key=by_key.__getitem__, reverse=True)
        times = [t for s in reader.segments for t in (s.first, s.last) if t is not None]
        return Catalog(
            templates=self._templates(reader, by_key, commonest, parts),
            fields=(*_facet_fields(facets), *self._param_fields(by_key)),
            records=sum(s.rows for s in reader.segments),
            undated=sum(s.undated for s in reader.segments),
            first=moment(min(times, default=None)),
            last=moment(max(times, default=None)),
            notes=_notes(reader),
        )

    def _templates(
        self, reader: Snapshot, by_key: Mapping[int, int], commonest: Sequence[int], parts: Mapping[str, _Parts]
    ) -> tuple[Template, ...]:
        members: dict[str, list[int]] = defaultdict(list)
        for key in commonest:
            members[self.keys[key].template].append(key)
        found = []
        for ident, keys in members.items():
            row = reader.stored_templates.get(ident)
            if row is None:
                continue
            part = parts[ident]
            found.append(Template(
                id=ident, pattern=row.pattern, display=row.display, params=_params(row.params, keys, self.keys),
                count=sum(by_key[k] for k in keys), first_seen=moment(min(part.times, default=None)),
                last_seen=moment(max(part.times, default=None)),
                examples=tuple(self.keys[k].example for k in keys[:3]),
                levels=_commonest(part.levels), services=_commonest(part.services)[:8],
            ))
        return tuple(sorted(found, key=lambda t: (-t.count, t.id)))

    def _param_fields(self, by_key: Mapping[int, int]) -> list[FieldInfo]:
        values: dict[str, Counter[str]] = defaultdict(Counter)
        types: dict[str, Counter[str]] = defaultdict(Counter)
        owners: dict[str, dict[str, None]] = defaultdict(dict)
        for ident, rows in by_key.items():
            key = self.keys[ident]
            for kind, name in key.slots:
                types[name][kind] += rows
                owners[name][key.template] = None
            for name, value in key.words:
                types[name]["word"] += rows
                if not value.startswith("\x1f"):
                    values[name][value] += rows
                owners[name][key.template] = None
        return [
            FieldInfo(f"param:{name}", kinds.most_common(1)[0][0], len(values[name]),
                      tuple(values[name].most_common(300)), tuple(owners[name]))
            for name, kinds in sorted(types.items())
        ]


class _Parts:
    """What the tallies of one template add up to."""

    __slots__ = ("levels", "services", "times")

    def __init__(self) -> None:
        self.levels: dict[str | None, int] = defaultdict(int)
        self.services: dict[str | None, int] = defaultdict(int)
        self.times: list[int] = []


def _commonest(counts: Mapping[str | None, int]) -> tuple[str, ...]:
    if len(counts) == 1:
        return tuple(x for x in counts if x)
    return tuple(x for x in sorted(counts, key=counts.__getitem__, reverse=True) if x)


def _params(
    params: tuple[tuple[str, str], ...], keys: list[int], known: dict[int, KeyRow]
) -> tuple[Param, ...]:
    examples: dict[str, dict[str, None]] = {}
    for ident in keys[:50]:
        for name, value in known[ident].words:
            examples.setdefault(name, {})[value] = None
    return tuple(Param(n, t, t in NUMERIC, tuple(examples.get(n, ()))[:5]) for n, t in params)


def _facet_fields(facets: Sequence[Mapping[str | None, int]]) -> list[FieldInfo]:
    found = []
    for name, counts in zip(FIELDS, facets, strict=True):
        known = Counter({value: rows for value, rows in counts.items() if value is not None})
        if known:
            found.append(FieldInfo(name, "word", len(known), tuple(known.most_common(300))))
    return found


def _notes(reader: Snapshot) -> tuple[str, ...]:
    notes: dict[str, None] = {}
    for source in reader.sources.values():
        for note in source.state.get("notes", ()):
            notes[str(note)] = None
    for segment in reader.missing:
        notes[f"a segment of {segment.rows} records is missing: {segment.path}; they are not part of answers"] = None
    return tuple(notes)


def moment(micros: int | None) -> datetime | None:
    """Microseconds since 1970 as a time."""
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)

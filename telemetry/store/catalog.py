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
        by_key: Counter[int] = Counter()
        facets: dict[str, Counter[str]] = {name: Counter() for name in FIELDS}
        spans: dict[str, list[int]] = defaultdict(list)
        levels: dict[str, Counter[str]] = defaultdict(Counter)
        services: dict[str, Counter[str]] = defaultdict(Counter)
        for key, level, service, host, logger, rows, first, last in self.tallies:
            template = self.keys[key].template
            by_key[key] += rows
            for name, value in zip(FIELDS, (level, service, host, logger), strict=True):
                if value is not None:
                    facets[name][value] += rows
            spans[template] += [t for t in (first, last) if t is not None]
            if level:
                levels[template][level] += rows
            if service:
                services[template][service] += rows
        templates = self._templates(reader, by_key, spans, levels, services)
        times = [t for s in reader.segments for t in (s.first, s.last) if t is not None]
        return Catalog(
            templates=templates,
            fields=(*_facet_fields(facets), *self._param_fields(by_key)),
            records=sum(s.rows for s in reader.segments),
            undated=sum(s.undated for s in reader.segments),
            first=moment(min(times, default=None)),
            last=moment(max(times, default=None)),
            notes=_notes(reader),
        )

    def _templates(
        self, reader: Snapshot, by_key: Counter[int], spans: dict[str, list[int]],
        levels: dict[str, Counter[str]], services: dict[str, Counter[str]],
    ) -> tuple[Template, ...]:
        members: dict[str, list[int]] = defaultdict(list)
        for key, _ in by_key.most_common():
            members[self.keys[key].template].append(key)
        found = []
        for ident, keys in members.items():
            row = reader.stored_templates.get(ident)
            if row is None:
                continue
            found.append(Template(
                id=ident, pattern=row.pattern, display=row.display, params=_params(row.params, keys, self.keys),
                count=sum(by_key[k] for k in keys), first_seen=moment(min(spans[ident], default=None)),
                last_seen=moment(max(spans[ident], default=None)),
                examples=tuple(self.keys[k].example for k in keys[:3]),
                levels=tuple(x for x, _ in levels[ident].most_common()),
                services=tuple(x for x, _ in services[ident].most_common(8)),
            ))
        return tuple(sorted(found, key=lambda t: (-t.count, t.id)))

    def _param_fields(self, by_key: Counter[int]) -> list[FieldInfo]:
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


def _params(
    params: tuple[tuple[str, str], ...], keys: list[int], known: dict[int, KeyRow]
) -> tuple[Param, ...]:
    examples: dict[str, dict[str, None]] = defaultdict(dict)
    for ident in keys[:50]:
        for name, value in known[ident].words:
            examples[name][value] = None
    return tuple(Param(n, t, t in NUMERIC, tuple(examples[n])[:5]) for n, t in params)


def _facet_fields(facets: dict[str, Counter[str]]) -> list[FieldInfo]:
    return [
        FieldInfo(name, "word", len(counts), tuple(counts.most_common(300)))
        for name, counts in facets.items() if counts
    ]


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

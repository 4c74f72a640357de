"""Reading the store: a snapshot of the manifest, DuckDB over its segments, the catalog, lines and context."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from telemetry.errors import StoreError
from telemetry.models import Catalog, FieldInfo, Filter, Found, Line, Param, Query, Result, Template, Window
from telemetry.store.conditions import Conditions
from telemetry.store.manifest import KeyRow, Manifest, Segment
from telemetry.store.operations import OPERATIONS, _micros
from telemetry.store.variants import name_variants

_COLUMNS = "id, epoch_us(ts), level, service, host, key_id, source, line_no, line"
_NUMERIC = frozenset({"number", "size", "duration", "percent", "port"})
_FIELDS = ("level", "service", "host", "logger")
EXCERPT = 5


class Reader:
    """A consistent view of the store as it was when opened. Many readers may run beside one writer."""

    def __init__(self, home: Path, *, memory: str = "700MB") -> None:
        import duckdb

        self.home = home
        manifest = Manifest(home)
        try:
            with _read_transaction(manifest):
                self.segments = [s for _, s in manifest.segments()]
                self.sources = {s.id: s for s in manifest.sources()}
                self.keys: dict[int, KeyRow] = name_variants(manifest.keys())
                self.stored_templates = {t.id: t for t in manifest.templates()}
                self._tallies = manifest.db.execute(
                    "SELECT key, level, service, host, logger, sum(rows), min(first), max(last) "
                    "FROM tallies GROUP BY 1, 2, 3, 4, 5"
                ).fetchall()
        finally:
            manifest.close()
        self._missing = [s for s in self.segments if not (home / s.path).exists()]
        self.segments = [s for s in self.segments if s not in self._missing]
        self.width = max((s.slots for s in self.segments), default=0)
        self.conditions = Conditions(self.keys, list(self.sources.values()), self.width)
        self.db = duckdb.connect(":memory:", config={"memory_limit": memory, "threads": 2, "autoinstall_known_extensions": False})

    def close(self) -> None:
        self.db.close()

    def run(self, query: Query) -> Found:
        """Answer a query exactly. The excerpt holds up to five lines that the result rests on."""
        if not self._pruned(query.window):
            return Found(result=Result(kind="none"), total=0, searched=0, window=query.window, excerpt=[])
        bare = f"{self.source(query)} WHERE {self.conditions.where(query.window, ())}"
        searched = int(self.rows(f"SELECT count(*) FROM {bare}")[0][0])
        total = searched
        if query.filters:
            total = int(self.rows(f"SELECT count(*) FROM {self.source(query)} WHERE {self.condition(query)}")[0][0])
        excerpt = self._lines(query, min(EXCERPT, query.limit), newest=query.operation == "last") if total else []
        if query.operation in {"lines", "first", "last"}:
            lines = self._lines(query, query.limit, newest=query.operation == "last") if total else []
            result = Result(kind="lines", lines=lines) if lines else Result(kind="none")
        elif total == 0 and query.operation not in {"count", "distinct", "compare", "share"}:
            result = Result(kind="none")
        else:
            result = OPERATIONS[query.operation](self, query)
        return Found(result=result, total=total, searched=searched, window=query.window, excerpt=excerpt)

    def holds(self, filters: tuple[Filter, ...]) -> bool:
        """Whether any record meets all ``filters``."""
        query = Query(operation="count", filters=filters)
        return bool(self.rows(f"SELECT 1 FROM {self.source(query)} WHERE {self.condition(query)} LIMIT 1"))

    def context(self, line: Line, before: int = 5, after: int = 5) -> list[Line]:
        """The lines around one line in its own source."""
        source = next((s.id for s in self.sources.values() if s.path == line.source), -1)
        where = f"source = {source} AND line_no BETWEEN {line.line_no - before} AND {line.line_no + after}"
        sql = f"SELECT {_COLUMNS} FROM {self._scan(self.segments)} WHERE {where} ORDER BY line_no"
        return [self._line(row) for row in self.rows(sql)]

    @cached_property
    def catalog(self) -> Catalog:
        """Templates, fields and extent, from the tallies alone: no segment is read."""
        return _Cataloguer(self.keys, self._tallies).build(self)

    # What the operations need -------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            return self.db.execute(sql).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise self._damage(error) from error

    def source(self, query: Query, *, base: bool = False) -> str:
        return self._scan(self._pruned(query.window))

    def condition(self, query: Query, *, base: bool = False) -> str:
        return self.conditions.where(query.window, query.base_filters if base else query.filters)

    def values(self, ref: str) -> list[str]:
        return self.conditions.values(ref)

    def template_of(self, key: int) -> str:
        return self.keys[key].template if key in self.keys else "unknown"

    def pattern_of(self, template: str) -> str:
        row = self.stored_templates.get(template)
        return row.pattern if row else template

    # --------------------------------------------------------------------------------------

    def _pruned(self, window: Window) -> list[Segment]:
        low = _micros(window.start) if window.start else None
        high = _micros(window.end) if window.end else None
        if low is None and high is None:
            return self.segments
        return [
            s for s in self.segments
            if s.first is not None and s.last is not None
            and (low is None or s.last >= low) and (high is None or s.first < high)
        ]

    def _scan(self, segments: list[Segment]) -> str:
        if not segments:
            columns = "NULL::BIGINT id, NULL::TIMESTAMPTZ ts, NULL::INT key_id, '' \"level\", '' service, "
            return f"(SELECT {columns} '' host, '' logger, 0 source, 0 line_no, '' line WHERE false)"
        files = ", ".join("'" + str(self.home / s.path).replace("'", "''") + "'" for s in segments)
        return f"read_parquet([{files}], union_by_name=true, hive_partitioning=false)"

    def _lines(self, query: Query, limit: int, *, newest: bool) -> list[Line]:
        way = "DESC" if newest else "ASC"
        order = f"ts {way} NULLS LAST, id {way}"
        if query.rank:
            score = " + ".join(self.conditions.one(Filter(field="text", op="word", value=w)).join(
                ("CAST((", ") AS INT)")) for w in query.rank)
            order = f"({score}) DESC, {order}"
        sql = f"SELECT {_COLUMNS} FROM {self.source(query)} WHERE {self.condition(query)} ORDER BY {order} LIMIT {limit}"
        return [self._line(row) for row in self.rows(sql)]

    def _line(self, row: tuple[Any, ...]) -> Line:
        ident, micros, level, service, host, key, source, line_no, text = row
        path = self.sources[source].path if source in self.sources else "?"
        return Line(
            id=ident, time=_when(micros), level=level, service=service, host=host,
            template=self.template_of(key), source=path, line_no=line_no, text=text,
        )

    def _damage(self, error: Exception) -> StoreError:
        import polars as pl

        for segment in self.segments:
            try:
                pl.read_parquet(self.home / segment.path, n_rows=1)
            except (pl.exceptions.PolarsError, OSError):
                return StoreError(
                    f"a segment is damaged: {error}", where=str(self.home / segment.path),
                    remedy="run: oncalm doctor --repair (sets the segment aside so that the rest can be read; "
                    "ingest its sources again into a new home to get the lines back)",
                )
        return StoreError(f"the query failed: {error}", where=str(self.home), remedy="run: oncalm doctor")


class _Cataloguer:
    """Adds up tallies into templates and fields."""

    def __init__(self, keys: dict[int, KeyRow], tallies: list[tuple[Any, ...]]) -> None:
        self.keys = keys
        self.tallies = tallies

    def build(self, reader: Reader) -> Catalog:
        by_key: Counter[int] = Counter()
        facets: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
        spans: dict[str, list[int]] = defaultdict(list)
        levels: dict[str, Counter[str]] = defaultdict(Counter)
        services: dict[str, Counter[str]] = defaultdict(Counter)
        for key, level, service, host, logger, rows, first, last in self.tallies:
            template = self.keys[key].template
            by_key[key] += rows
            for name, value in zip(_FIELDS, (level, service, host, logger), strict=True):
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
            first=_when(min(times, default=None)),
            last=_when(max(times, default=None)),
            notes=_notes(reader),
        )

    def _templates(
        self, reader: Reader, by_key: Counter[int], spans: dict[str, list[int]],
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
                count=sum(by_key[k] for k in keys), first_seen=_when(min(spans[ident], default=None)),
                last_seen=_when(max(spans[ident], default=None)),
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
    return tuple(Param(n, t, t in _NUMERIC, tuple(examples[n])[:5]) for n, t in params)


def _facet_fields(facets: dict[str, Counter[str]]) -> list[FieldInfo]:
    return [
        FieldInfo(name, "word", len(counts), tuple(counts.most_common(300)))
        for name, counts in facets.items() if counts
    ]


def _notes(reader: Reader) -> tuple[str, ...]:
    notes: dict[str, None] = {}
    for source in reader.sources.values():
        for note in source.state.get("notes", ()):
            notes[str(note)] = None
    for segment in reader._missing:
        notes[f"a segment of {segment.rows} records is missing: {segment.path}; they are not part of answers"] = None
    return tuple(notes)


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


class _read_transaction:  # noqa: N801 - used as a function
    """One snapshot for several reads."""

    def __init__(self, manifest: Manifest) -> None:
        self.db = manifest.db

    def __enter__(self) -> None:
        self.db.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        self.db.execute("ROLLBACK")

"""Reading the store: a snapshot of the manifest, DuckDB over its segments, the catalog, lines and context."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from threading import RLock
from typing import TYPE_CHECKING, Any

from telemetry.errors import QueryError, StoreError
from telemetry.interrupt import CURRENT
from telemetry.models import Catalog, Filter, Found, Line, Query, Result, Window
from telemetry.store.catalog import Cataloguer, moment
from telemetry.store.conditions import CONSTANTS, Conditions
from telemetry.store.excerpts import COLUMNS, Excerpts
from telemetry.store.manifest import KeyRow, Manifest, Segment
from telemetry.store.operations import OPERATIONS
from telemetry.store.profiles import Profile, profile
from telemetry.store.selection import Matches, inside, overlapping
from telemetry.store.variants import name_variants

if TYPE_CHECKING:
    import duckdb

EXCERPT = 5
_SHOWN = frozenset({"lines", "first", "last"})
_NEVER_NONE = frozenset({"count", "distinct", "compare", "share"})


class Reader:
    """A consistent view of the store as it was when opened. Many readers may run beside one writer.

    Threads may share one reader: every statement has a cursor of its own, which the interrupt in force
    (:data:`telemetry.interrupt.CURRENT`) can stop.
    """

    def __init__(self, home: Path, *, memory: str = "700MB") -> None:
        import duckdb

        self.home = home
        manifest = Manifest(home)
        try:
            with _read_transaction(manifest):
                listed = [s for _, s in manifest.segments()]
                self.sources = {s.id: s for s in manifest.sources()}
                self.keys: dict[int, KeyRow] = name_variants(manifest.keys())
                self.stored_templates = {t.id: t for t in manifest.templates()}
                self._totals = manifest.totals()
        finally:
            manifest.close()
        self.missing = [s for s in listed if not (home / s.path).exists()]
        gone = {s.path for s in self.missing}
        self.segments = [s for s in listed if s.path not in gone]
        self.width = max((s.slots for s in self.segments), default=0)
        self.conditions = Conditions(self.keys, list(self.sources.values()), self.width)
        self.db = duckdb.connect(":memory:", config={
            "memory_limit": memory, "threads": 2, "autoinstall_known_extensions": False,
            "temp_directory": tempfile.gettempdir(),
        })
        self._lock = RLock()
        self._held: dict[tuple[Filter, ...], bool] = {}
        self._matched: dict[tuple[Window, tuple[Filter, ...]], Matches] = {}

    def close(self) -> None:
        self.db.close()
        if "_temporary" in self.__dict__:
            self._temporary.cleanup()

    def run(self, query: Query) -> Found:
        """Answer a query exactly. The excerpt holds up to five lines that the result rests on."""
        windows = [query.window, *([query.baseline] if query.operation == "compare" and query.baseline else [])]
        if not any(overlapping(self.segments, window) for window in windows):
            return Found(result=Result(kind="none"), total=0, searched=0, window=query.window, excerpt=[])
        query = _holding(query)
        searched = self.matches(query.window, ()).total
        found = self.matches(query.window, query.filters)
        shown = query.operation in _SHOWN
        lines = self._lines(_proving(query), found, query.limit if shown else min(EXCERPT, query.limit))
        if shown:
            result = Result(kind="lines", lines=lines) if lines else Result(kind="none")
        elif found.total == 0 and query.operation not in _NEVER_NONE:
            result = Result(kind="none")
        else:
            result = OPERATIONS[query.operation](self, query)
        return Found(result=result, total=found.total, searched=searched, window=query.window,
                     excerpt=lines[:EXCERPT])

    def holds(self, filters: tuple[Filter, ...]) -> bool:
        """Whether any record meets all ``filters``."""
        if filters not in self._held:
            where = self.conditions.where(Window(), filters)
            self._held[filters] = bool(self.rows(f"SELECT 1 FROM {self._scan(self.segments)} WHERE {where} LIMIT 1"))
        return self._held[filters]

    def context(self, line: Line, before: int = 5, after: int = 5) -> list[Line]:
        """The lines around one line in its own source."""
        source = next((s.id for s in self.sources.values() if s.path == line.source), -1)
        where = f"source = {source} AND line_no BETWEEN {line.line_no - before} AND {line.line_no + after}"
        sql = f"SELECT {COLUMNS} FROM {self._scan(self.segments)} WHERE {where} ORDER BY line_no"
        return [self._line(row) for row in self.rows(sql)]

    def profile(self, query: Query, *, most: int = 12) -> list[Profile]:
        """The templates of all records that ``query`` selects, whatever its operation and limit; commonest first.

        Every template is counted; the ``most`` commonest come with what is known of their parameters' values.
        """
        if not overlapping(self.segments, query.window):
            return []
        return profile(self, _holding(query), self.catalog, most=most)

    def knows(self, ref: str) -> bool:
        """Whether some record can have a value for a field reference: ``host``, ``param:user``, ``param:ip``."""
        if not ref.startswith("param:"):
            return ref in CONSTANTS or ref in {"source", "template", "text", "message"}
        return bool(self.conditions.binding(ref.removeprefix("param:")).keys)

    @property
    def catalog(self) -> Catalog:
        """Templates, fields and extent, from the tallies alone: no segment is read."""
        with self._lock:
            return self._catalog

    @cached_property
    def _catalog(self) -> Catalog:
        return Cataloguer(self.keys, self._totals).build(self)

    # What the operations need -------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._told(), self._cursor() as cursor:
            return cursor.execute(sql).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """DuckDB's errors as those of a store."""
        import duckdb

        try:
            yield
        except duckdb.InterruptException as error:
            raise _stopped() from error
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise self._damage(error) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryError(f"the answer needs too much memory: {error}", where="query",
                             remedy="ask about a shorter time or fewer records") from error

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own to the same database: one connection serves one statement at a time."""
        interrupt = CURRENT.get()
        if interrupt is not None and interrupt.fired:
            raise _stopped()
        with self._lock:
            cursor = self.db.cursor()
        # Closed last: an interrupt of a closed connection is an error.
        with closing(cursor), interrupt.stopping(cursor.interrupt) if interrupt else nullcontext():
            yield cursor

    def columns(self, sql: str) -> dict[str, Any]:
        """The columns of a statement's result as numpy arrays, by name; the statement leaves no NULL in them."""
        with self._told(), self._cursor() as cursor:
            return dict(cursor.execute(sql).fetchnumpy())

    @contextmanager
    def naming(self, table: str, names: Sequence[str]) -> Iterator[str]:
        """A table (name, number) of ``names`` in their order, for as long as it is used."""
        table = f"{table}_{token_hex(6)}"
        with self._lock:
            self.db.execute(f"CREATE TABLE {table} AS SELECT unnest(?::VARCHAR[]) AS name, unnest(range(?)) AS number",
                            [list(names), len(names)])
        try:
            yield table
        finally:
            with self._lock:
                self.db.execute(f"DROP TABLE {table}")

    def matches(self, window: Window, filters: tuple[Filter, ...]) -> Matches:
        """How many records of the window the filters select, and the segments that hold them."""
        key = (window, filters)
        if key not in self._matched:
            self._matched[key] = self._matches(window, filters)
        return self._matched[key]

    def total(self, query: Query, *, base: bool = False) -> int:
        return self.matches(query.window, query.base_filters if base else query.filters).total

    def source(self, query: Query) -> str:
        known = self._matched.get((query.window, query.filters))
        segments = known.segments if known else overlapping(self.segments, query.window)
        return self._scan(segments, templates="template" in {query.field, *query.group_by})

    def condition(self, query: Query) -> str:
        return self.conditions.where(query.window, query.filters)

    def values(self, ref: str) -> list[str]:
        return self.conditions.values(ref)

    def template_of(self, key: int) -> str:
        return self.keys[key].template if key in self.keys else "unknown"

    def pattern_of(self, template: str) -> str:
        row = self.stored_templates.get(template)
        return row.pattern if row else template

    def extent(self) -> tuple[int, int] | None:
        """First and last known time of the whole store, µs since 1970."""
        times = [t for s in self.segments for t in (s.first, s.last) if t is not None]
        return (min(times), max(times)) if times else None

    # --------------------------------------------------------------------------------------

    def _scan(self, segments: Sequence[Segment], *, templates: bool = False) -> str:
        """``FROM`` text over segments; with ``templates`` a column ``template`` is joined."""
        if not segments:
            columns = "NULL::BIGINT id, NULL::TIMESTAMPTZ ts, NULL::INT key_id, '' \"level\", '' service, "
            slots = "".join(f", NULL::VARCHAR p{i}" for i in range(self.width))
            rest = f"'' host, '' logger, '' pid, '' thread, '' trace_id, 0 source, 0 line_no, '' line, '' words{slots}"
            return f"(SELECT {columns}{rest}, 0 file_index, '' template WHERE false)"
        files = ", ".join("'" + str(self.home / s.path).replace("'", "''") + "'" for s in segments)
        scan = f"read_parquet([{files}{self._slots()}], union_by_name=true, hive_partitioning=false)"
        if not templates:
            return scan
        with self._lock:
            joined = self._key_templates
        return f"({scan} LEFT JOIN {joined} USING (key_id))"

    def _slots(self) -> str:
        """One more file, of no rows, with every slot column: a segment's has only those that its records fill."""
        with self._lock:
            return self._slots_file if self.width else ""

    @cached_property
    def _slots_file(self) -> str:
        path = Path(self._temporary.name).as_posix().replace("'", "''") + "/slots.parquet"
        slots = ", ".join(f"NULL::VARCHAR p{i}" for i in range(self.width))
        self.db.execute(f"COPY (SELECT {slots} WHERE false) TO '{path}' (FORMAT parquet)")
        return f", '{path}'"

    @cached_property
    def _temporary(self) -> tempfile.TemporaryDirectory[str]:
        """Gone with the reader."""
        return tempfile.TemporaryDirectory(prefix="oncalm-")

    @cached_property
    def _key_templates(self) -> str:
        """Made once, by one thread: the callers hold the lock."""
        self.db.execute("CREATE TABLE key_templates (key_id INTEGER, template VARCHAR)")
        self.db.execute("INSERT INTO key_templates SELECT unnest(?), unnest(?)",
                        [list(self.keys), [k.template for k in self.keys.values()]])
        return "key_templates"

    def _matches(self, window: Window, filters: tuple[Filter, ...]) -> Matches:
        segments = overlapping(self.segments, window)
        if not filters:
            partial = [s for s in segments if not inside(s, window)]
            whole = sum(s.rows for s in segments) - sum(s.rows for s in partial)
            return Matches(segments, whole + sum(self._counts(partial, window, ()).values()))
        counts = self._counts(segments, window, filters)
        return Matches([s for s in segments if s.path in counts], sum(counts.values()))

    def _counts(self, segments: list[Segment], window: Window, filters: tuple[Filter, ...]) -> dict[str, int]:
        """Matching records per segment that has some."""
        if not segments:
            return {}
        where = self.conditions.where(window, filters)
        rows = self.rows(f"SELECT file_index, count(*) FROM {self._scan(segments)} WHERE {where} GROUP BY 1")
        return {segments[at].path: int(n) for at, n in rows}

    def _lines(self, query: Query, found: Matches, limit: int) -> list[Line]:
        if not found.total or limit <= 0:
            return []
        rows = Excerpts(self.rows, self._scan, self.conditions, found.segments).rows(query, limit)
        return [self._line(row) for row in rows]

    def _line(self, row: tuple[Any, ...]) -> Line:
        ident, micros, level, service, host, key, source, line_no, text = row
        path = self.sources[source].path if source in self.sources else "?"
        return Line(
            id=ident, time=moment(micros), level=level, service=service, host=host,
            template=self.template_of(key), source=path, line_no=line_no, text=text,
        )

    def _damage(self, error: Exception) -> StoreError:
        import polars as pl

        said = str(error).split("\n\nLINE")[0]
        for segment in self.segments:
            try:
                pl.read_parquet(self.home / segment.path, n_rows=1)
            except (pl.exceptions.PolarsError, OSError):
                return StoreError(
                    f"a segment is damaged: {said}", where=str(self.home / segment.path),
                    remedy="run: oncalm doctor --repair (sets the segment aside so that the rest can be read; "
                    "ingest its sources again into a new home to get the lines back)",
                )
        return StoreError(f"the query failed: {said}", where=str(self.home), remedy="run: oncalm doctor")


def _proving(query: Query) -> Query:
    """Which lines show the result: for a greatest or smallest number those that have it, else the earliest."""
    if query.operation != "stats" or query.group_by or query.field is None or query.order_by or tuple(query.stats) not in {("max",), ("min",)}:
        return query
    return query.model_copy(update={"order_by": query.field, "order": "desc" if query.stats[0] == "max" else "asc"})


def _holding(query: Query) -> Query:
    """Lines ordered by a number are those that have it."""
    if not query.order_by:
        return query
    return query.model_copy(update={"filters": (*query.filters, Filter(field=query.order_by, op="exists"))})


def _stopped() -> QueryError:
    return QueryError("the query was stopped before it ended", where="query",
                      remedy="ask about a shorter time or fewer records")


@contextmanager
def _read_transaction(manifest: Manifest) -> Iterator[None]:
    """One snapshot for several reads."""
    manifest.db.execute("BEGIN")
    try:
        yield
    finally:
        manifest.db.execute("ROLLBACK")

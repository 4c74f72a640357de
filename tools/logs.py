"""Log tools over one reader of the store: one exact query, and small ones that a model fills well."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePath
from threading import Lock
from typing import Any, Protocol

from telemetry.errors import QueryError
from telemetry.models import Filter, Found, Line, Query, Result, Window
from telemetry.store.profiles import Profile
from telemetry.store.reader import Reader
from tools import log_inputs as inputs
from tools.fields import Fields
from tools.registry import Freshness, Registry, Tool
from tools.result import NotAssessed, Outcome, ParamValues, TemplateCount

LINES = ("lines", "first", "last")
MOST_LINES = 5_000
"""Lines that one exact query of a model may bring: they are kept in the run's state."""
SECONDS = 60.0
EXACT_SECONDS = 300.0
_SERIES = 5


class TemplateSearch(Protocol):
    """Templates by meaning: the index of :mod:`vectorstore.index`, or anything that answers like it."""

    @property
    def lexical(self) -> bool: ...

    def search(self, text: str, k: int = 10) -> list[tuple[str, float]]:
        """The ``k`` nearest templates as (id, likeness up to 1), best first; called by one thread at a time."""
        ...


def log_tools(reader: Reader, search: TemplateSearch | None = None, *, model: bool = False) -> Registry:
    """The read-only log tools. Without ``search`` looking for templates by meaning is not assessed.

    With ``model`` the lines of an exact query come with the templates of all records it selects, which costs one
    or two scans more, and are at most :data:`MOST_LINES`.
    """
    tools = LogTools(reader, search, model=model)
    return Registry([
        _tool("logs.summary", "What happened in a window: templates by severity and count. A good first look.",
              inputs.SummaryInput, tools.summary),
        _tool("logs.search_templates", "Find the kinds of messages (templates) nearest in meaning to some words, with their counts "
              "in the window. The nearest are shown even if nothing fits: read the patterns.", inputs.SearchInput, tools.search_templates, fresh="never"),
        _tool("logs.count", "Count records exactly, also split by fields.", inputs.CountInput, tools.count),
        _tool("logs.top", "The commonest (or rarest) values of one field, with counts.", inputs.TopInput, tools.top),
        _tool("logs.trend", "Counts over time: when something began, peaked or stopped.", inputs.TrendInput, tools.trend),
        _tool("logs.compare", "Which templates became more or less frequent, new or gone in a window against a baseline. Use it to "
              "see what changed at an incident.", inputs.CompareInput, tools.compare),
        _tool("logs.lines", "Show some lines, with the templates of all that match. To count, use logs.count.",
              inputs.LinesInput, tools.lines),
        _tool("logs.context", "Show the lines around one line of a source.", inputs.ContextInput, tools.context),
        _tool("logs.fields", "Which fields and parameters records have and which values occur. Use it before filtering by a name that "
              "no result has shown.", inputs.FieldsInput, tools.fields),
        _tool("logs.query", "Run one exact query over the stored log records. Only for what the other logs tools cannot say: "
              "statistics, shares, gaps, distinct, cooccurrence, regular expressions.", inputs.ExactQuery, tools.query, EXACT_SECONDS),
    ])


def _tool(
    name: str, purpose: str, given: type[Any], call: Any, seconds: float = SECONDS, *, fresh: Freshness = "closed_window"
) -> Tool[Any]:
    """``fresh``: the index of templates is brought up to date apart from the records, so what it finds is not kept."""
    return Tool(name, purpose, "read", given, call, timeout=seconds, freshness=fresh, tags=("logs",))


class LogTools:
    """The calls themselves; each builds a query, runs it, and says exactly what ran."""

    def __init__(self, reader: Reader, search: TemplateSearch | None, *, model: bool) -> None:
        self.reader = reader
        self.search = search
        self.model = model
        self.names = Fields(reader)
        self._searching = Lock()

    def query(self, given: inputs.ExactQuery) -> Outcome:
        try:
            query = given.query()
        except ValueError as error:
            raise QueryError("a statistic is none of min, max, mean, sum, count, p50, p95 …", where="stats") from error
        self.names.check(query)
        notes = []
        if self.model and query.operation in LINES and query.limit > MOST_LINES:
            query = query.model_copy(update={"limit": MOST_LINES})
            notes.append(f"at most {MOST_LINES} lines are read at once")
        return self._run(query, notes=tuple(notes), profiled=self.model and query.operation in LINES)

    def count(self, given: inputs.CountInput) -> Outcome:
        groups = tuple(self.names.ref(name) for name in given.by)
        return self._select(given, operation="count", group_by=groups)

    def top(self, given: inputs.TopInput) -> Outcome:
        order = "asc" if given.rarest else "desc"
        return self._select(given, operation="top", field=self.names.ref(given.field), limit=given.limit, order=order)

    def trend(self, given: inputs.TrendInput) -> Outcome:
        groups = (self.names.ref(given.by),) if given.by else ()
        return self._select(given, operation="trend", bucket=given.bucket_seconds, group_by=groups, limit=_SERIES)

    def lines(self, given: inputs.LinesInput) -> Outcome:
        query = Query(operation="last" if given.newest else "lines", window=given.window(), filters=self.names.filters(given), limit=given.limit)
        return self._run(query, notes=self.names.notes(given), profiled=True)

    def summary(self, given: inputs.SummaryInput) -> Outcome:
        selection = inputs.Selection(start=given.start, end=given.end, services=given.services)
        return self._select(selection, operation="summary", limit=given.limit)

    def compare(self, given: inputs.CompareInput) -> Outcome:
        window, baseline = given.window(), self._baseline(given)
        query = Query(operation="compare", window=window, baseline=baseline, filters=self.names.filters(given), limit=given.limit)
        found = self.reader.run(query)
        # What is gone from the window is a finding, too: both sides are what the result rests on.
        before = self.reader.matches(baseline, query.filters).total
        total, searched = found.total + before, found.searched + self.reader.matches(baseline, ()).total
        told = self.names.notes(given)
        whole = found.model_copy(update={"total": total, "searched": searched})
        for side, count in (("window", found.searched), ("baseline", searched - found.searched)):
            if not count:
                told += (f"the {side} holds no records at all: nothing can be compared",)
        return Outcome(whole, query=_said(query), notes=told, reason=self._why(whole))

    def context(self, given: inputs.ContextInput) -> Outcome:
        source = self._source(given.source)
        line = Line(id=0, time=None, level=None, service=None, host=None, template="", source=source,
                    line_no=given.line_no, text="")
        before, after = min(given.before, 50), min(given.after, 50)
        lines = self.reader.context(line, before, after)
        result = Result(kind="lines", lines=lines) if lines else Result(kind="none")
        found = Found(result=result, total=len(lines), searched=len(lines), window=Window(), excerpt=lines[:5])
        query = {"source": source, "line_no": given.line_no, "before": before, "after": after}
        return Outcome(found, query=query, reason=None if lines else "the source has no line there")

    def _source(self, name: str) -> str:
        """The source's full path for a path or a file name that only one source has."""
        paths = [s.path for s in self.reader.sources.values()]
        named = [path for path in paths if path == name] or [path for path in paths if PurePath(path).name == name]
        if len(named) == 1:
            return named[0]
        raise QueryError(f"there are {len(named) or 'no'} sources {name[:200]!r}", where="source",
                         remedy="give it as a result shows it; logs.top with field source lists them")

    def fields(self, given: inputs.FieldsInput) -> Outcome:
        if given.field is not None:
            ref = self.names.ref(given.field)
            return self._run(Query(operation="top", field=ref, limit=given.limit))
        catalog = self.names.catalog
        rows: list[list[Any]] = [["template", "id", len(catalog.templates), ""]]
        fields = sorted(catalog.fields, key=lambda f: (f.ref.startswith("param:"), -len(f.templates), f.ref))
        for field in fields:
            values = ", ".join(f"{value} {count}" for value, count in field.values[:5])
            rows.append([field.ref.removeprefix("param:"), field.type, field.distinct or None, values])
        result = Result(kind="table", columns=["field", "type", "values known", "commonest"], rows=rows[: given.limit])
        window = Window(start=catalog.first, end=catalog.last + timedelta(microseconds=1) if catalog.last else None)
        found = Found(result=result, total=catalog.records, searched=catalog.records, window=window, excerpt=[])
        cut = (f"{len(rows) - given.limit} more fields: ask with a larger limit",) if len(rows) > given.limit else ()
        return Outcome(found, query={"field": None, "limit": given.limit}, notes=(*cut, *catalog.notes))

    def search_templates(self, given: inputs.SearchInput) -> Outcome:
        near = self._near(given.words, given.limit)
        ids = tuple(ident for ident, _ in near)
        query = Query(operation="templates", window=given.window(), limit=len(ids) or 1,
                      filters=(Filter(field="template", op="in", value=ids),))
        found = self.reader.run(query)
        seen = {row[0]: row[2:] for row in found.result.rows or []}
        rows = [[ident, self._display(ident), round(score, 2), *seen.get(ident, [0, None, None])] for ident, score in near]
        columns = ["template", "pattern", "likeness", "count", "first", "last"]
        found = found.model_copy(update={"result": Result(kind="table", columns=columns, rows=rows)})
        notes = ("compared by spelling, not by meaning: no sentence model is at hand",) if self.search and self.search.lexical else ()
        said = {"words": given.words, **_said(query)}
        reason = "none of the nearest templates occurs in the window: " + "; ".join(r[1][:80] for r in rows[:3])
        return Outcome(found, query=said, notes=notes, reason=None if found.total else self._why(found) or reason)

    def _near(self, words: str, limit: int) -> list[tuple[str, float]]:
        if self.search is None:
            raise NotAssessed("there is no index of templates to search", where="logs.search_templates",
                              remedy="use logs.summary, or logs.lines with contains")
        known = {t.id for t in self.names.catalog.templates}
        with self._searching:  # the index and its embedder are loaded on first use, by one thread
            near = [(ident, score) for ident, score in self.search.search(words, limit) if ident in known]
        if not near:
            raise NotAssessed("the index of templates is empty or of another store", where="logs.search_templates",
                              remedy="run: oncalm doctor --repair; until then use logs.summary, or logs.lines with contains")
        return near

    def _display(self, ident: str) -> str:
        return next((t.display for t in self.names.catalog.templates if t.id == ident), ident)

    def _select(self, given: inputs.Selection, **rest: Any) -> Outcome:
        query = Query(window=given.window(), filters=self.names.filters(given), **rest)
        return self._run(query, notes=self.names.notes(given))

    def _run(self, query: Query, *, notes: tuple[str, ...] = (), profiled: bool = False) -> Outcome:
        found = self.reader.run(query)
        templates = tuple(map(_shown, self.reader.profile(query))) if profiled and found.total else ()
        return Outcome(found, query=_said(query), templates=templates, notes=notes, reason=self._why(found))

    def _why(self, found: Found) -> str | None:
        """Why nothing was found; an empty window is another thing than a window without matches."""
        if found.total:
            return None
        if found.searched:
            return f"{found.searched} records were searched and none matches"
        catalog = self.names.catalog
        held = f"{catalog.first:%Y-%m-%dT%H:%M:%SZ} to {catalog.last:%Y-%m-%dT%H:%M:%SZ}" if catalog.first and catalog.last else "no time"
        return f"the window holds no records at all, so nothing was searched; {catalog.records} records are kept, from {held}"

    def _baseline(self, given: inputs.CompareInput) -> Window:
        last = self.names.catalog.last
        end = given.baseline_end or given.start
        if end is None:
            raise QueryError("a comparison needs a start or a baseline", where="start", remedy="give start, or baseline_end")
        start = given.baseline_start
        if start is None and given.start is not None:
            until = given.end or (last + timedelta(microseconds=1) if last else given.start)
            start = end - max(until - given.start, timedelta(seconds=1))
        if start is not None and start >= end:
            raise QueryError("the baseline ends before it starts", where="baseline_start", remedy="give an earlier start")
        return Window(start=start, end=end)


def _said(query: Query) -> dict[str, Any]:
    return query.model_dump(mode="json")


def _shown(one: Profile) -> TemplateCount:
    params = tuple(ParamValues(name=s.name, type=s.type, distinct=s.distinct, values=s.values, low=s.low, high=s.high)
                   for s in one.spreads)
    return TemplateCount(id=one.template, pattern=one.pattern, count=one.count, params=params)

"""Tools over live sources: logs, traces and metrics where they are, bounded, with how each source answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from telemetry.errors import QueryError, SourceError
from telemetry.masks import masked
from telemetry.models import Found, Line, Result, Window
from telemetry.sources.protocols import (
    Answer,
    LogLine,
    LogQuery,
    LogSource,
    MetricQuery,
    MetricSource,
    TraceQuery,
    TraceSource,
)
from tools import source_inputs as inputs
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome, TemplateCount
from tools.source_tables import by_series, over_time, spans_table, traces_table

T = TypeVar("T")
S = TypeVar("S", LogSource, TraceSource, MetricSource)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = 100.0
_EXCERPT = 5
Pattern = Callable[[str], tuple[str, str]]
"""(id, pattern) of the template that a text is of."""


class Held(Protocol):
    """The configured sources (:class:`telemetry.sources.opening.Sources`)."""

    @property
    def logs(self) -> Sequence[LogSource]: ...

    @property
    def traces(self) -> Sequence[TraceSource]: ...

    @property
    def metrics(self) -> Sequence[MetricSource]: ...


def source_tools(sources: Held, pattern: Pattern | None = None) -> Registry:
    """The tools for which a source is configured; each names its sources in its purpose."""
    from tools.live_patterns import LivePatterns

    tools = SourceTools(sources, pattern or LivePatterns())
    found = []
    for kind, held, given, call, purpose in (
        ("logs", sources.logs, inputs.LiveLogs, tools.logs, "Log lines of a live log server, when the store does not have the window or service. "
         "For counts and trends fetch the window first; logs.* tools read the store."),
        ("traces", sources.traces, inputs.LiveTraces, tools.traces, "Traces of a live trace server: a list by service, operation, duration, failure; or all spans of one trace."),
        ("metrics", sources.metrics, inputs.LiveMetrics, tools.metrics, "A metric of a live metrics server by series, or names of metrics."),
    ):
        if held:
            names = ", ".join(f"{one.name} ({one.kind})" for one in held)
            found.append(Tool(f"sources.{kind}", f"{purpose} Sources: {names}", "read", given, call, timeout=_SECONDS, freshness="live",  # type: ignore[arg-type] # each call takes its own input
                              tags=("sources", kind)))
    return Registry(found)


class SourceTools:
    """The calls."""

    def __init__(self, sources: Held, pattern: Pattern) -> None:
        self.sources = sources
        self.pattern = pattern

    def logs(self, given: inputs.LiveLogs) -> Outcome:
        low, high = given.bounds()
        query = LogQuery(low, high, given.service, given.namespace, given.pod, given.contains, tuple(given.levels), given.trace_id.lower(),
                         limit=given.limit, newest=given.newest)
        answers = _asked(self.sources.logs, given.source, lambda one: one.lines(query))
        pairs = sorted(((answer.source, line) for answer in answers for line in answer.records), key=lambda pair: pair[1].time)
        chosen = pairs[-given.limit:] if given.newest else pairs[:given.limit]
        patterns = [self.pattern(masked(line.text)) for _, line in chosen]
        lines = [_line(at, source, line, ident) for at, ((source, line), (ident, _)) in enumerate(zip(chosen, patterns, strict=True), 1)]
        result = Result(kind="lines", lines=lines) if lines else Result(kind="none")
        counts = Counter(patterns)
        templates = tuple(TemplateCount(id=ident, pattern=text, count=count) for (ident, text), count in counts.most_common(50))
        return _outcome(result, len(lines), given, answers, templates=templates, excerpt=lines[:_EXCERPT])

    def traces(self, given: inputs.LiveTraces) -> Outcome:
        if given.trace_id:
            answers = _asked(self.sources.traces, given.source, lambda one: one.trace(given.trace_id))
            spans = [span for answer in answers for span in answer.records]
            return _outcome(spans_table(spans), len(spans), given, answers)
        low, high = given.bounds()
        query = TraceQuery(low, high, given.service, given.operation, {one.name: one.value for one in given.attributes},
                           None if given.min_ms is None else round(given.min_ms * 1000), failed=given.failed, limit=given.limit)
        answers = _asked(self.sources.traces, given.source, lambda one: one.traces(query))
        table = traces_table([span for answer in answers for span in answer.records], given.limit)
        return _outcome(table, len(table.rows or ()), given, answers)

    def metrics(self, given: inputs.LiveMetrics) -> Outcome:
        low, high = given.bounds()
        if not given.metric:
            named = _asked(self.sources.metrics, given.source, lambda one: one.metrics(low, high, given.words))
            rows: list[list[Any]] = [[masked(one.name), one.kind, one.unit, masked(one.about)] for answer in named for one in answer.records]
            table = Result(kind="table", columns=["metric", "kind", "unit", "about"], rows=rows[:given.limit]) if rows else Result(kind="none")
            more = (f"{len(rows) - given.limit} more names: give words, or a larger limit",) if len(rows) > given.limit else ()
            return _outcome(table, len(rows), given, named, notes=more)
        query = MetricQuery(low, high, given.metric, given.service, {one.name: one.value for one in given.labels}, given.view, given.quantile,
                            limit=given.limit)
        answers = _asked(self.sources.metrics, given.source, lambda one: one.series(query))
        series = [one for answer in answers for one in answer.records][:given.limit]
        return _outcome((over_time if given.points else by_series)(series), len(series), given, answers)


def _asked(held: Sequence[S], name: str | None, ask: Callable[[S], Answer[T]]) -> list[Answer[T]]:
    """The answers of the sources that are meant. Raises when none of them can be used: that is no evidence."""
    chosen = [one for one in held if name is None or one.name == name]
    if not chosen:
        raise QueryError(f"there is no such source {(name or '')[:60]!r}", where="source", remedy=f"it is one of {', '.join(one.name for one in held)}")
    answers = [ask(one) for one in chosen]
    # An answer that is partial and empty may lack exactly what was looked for.
    usable = [one for one in answers if one.status == "complete" or one.records]
    if usable:
        return answers
    why = "; ".join(_told(one) for one in answers)
    remedy = next((one.remedy for one in answers if one.remedy), "")
    if all(one.status == "failed" for one in answers):
        raise SourceError(why, where="sources", remedy=remedy)
    raise NotAssessed(why, where="sources", remedy=remedy)


def _told(answer: Answer[Any]) -> str:
    return f"{answer.source} {answer.status.replace('_', ' ')}: {masked(answer.reason)}"


def _outcome(
    result: Result, total: int, given: inputs.Live, answers: Sequence[Answer[Any]], *, notes: tuple[str, ...] = (),
    templates: tuple[TemplateCount, ...] = (), excerpt: list[Line] | None = None,
) -> Outcome:
    window = Window(start=given.start, end=given.end)
    found = Found(result=result, total=total, searched=total, window=window, excerpt=excerpt or [])
    short = tuple(_told(one) for one in answers if one.status != "complete")
    hows = tuple(dict.fromkeys(f"{one.source}: {masked(note)}" for one in answers for note in one.notes))
    query = {**given.model_dump(mode="json"), "asked": [f"{one.source}: {masked(said)[:300]}" for one in answers for said in one.asked[:3]]}
    why = None if total else "asked: " + ", ".join(one.source for one in answers if one.status == "complete") + "; nothing there meets this"
    return Outcome(found, query=query, window=window, templates=templates, notes=(*short, *notes, *hows[:5]), reason=why)


def _line(number: int, source: str, line: LogLine, template: str) -> Line:
    time = _EPOCH + timedelta(microseconds=line.time)
    return Line(id=number, time=time, level=line.level or None, service=masked(line.service) or None, host=masked(line.pod or line.host) or None,
                template=template, source=source, line_no=number, text=masked(line.text))

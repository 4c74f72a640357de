"""Trace lookup over the store: spans by what they are, one trace as a tree with its log records, operations before and during."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from telemetry.errors import QueryError
from telemetry.models import Filter, Found, Query, Result, Window
from telemetry.records import Span as Recorded
from telemetry.store.catalog import moment
from tools.incident import iso
from tools.log_inputs import Closed, Span
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome, Passage, Passages
from tools.trace_tree import drawn

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader

COLUMNS = ["time", "service", "operation", "ms", "status", "message", "trace", "span"]
BESIDE = 3_600_000_000
"""µs before a trace in which others are looked for that are its normal."""
_LOGS = 40


class FindInput(Span):
    """Which spans: all conditions hold together."""

    service: str | None = Field(default=None, description="Exact service name; null: any")
    operation: str | None = Field(default=None, description="Exact name of the span; null: any")
    errors_only: bool = Field(default=False, description="Whether only failed spans count")
    min_ms: float | None = Field(default=None, ge=0, description="At least so long; null: any")
    max_ms: float | None = Field(default=None, ge=0, description="At most so long; null: any")
    attributes: tuple[str, ...] = Field(default=(), description="name=value pairs (all)")
    order: Literal["slowest", "time"] = Field(default="slowest", description="slowest first, or earliest first")
    limit: int = Field(default=20, ge=1, le=200, description="1 to 200; null: 20")


class ShowInput(Closed):
    """One trace."""

    trace_id: str = Field(min_length=1, max_length=64, description="As a result or a log line shows it; its beginning is enough")
    span_id: str | None = Field(default=None, max_length=32, description="Only log lines that name this span; null: all of the trace")


class OperationsInput(Span):
    """Which operations, and what to hold them against."""

    service: str | None = Field(default=None, description="Exact service name; null: all")
    baseline_start: datetime | None = Field(default=None, description="Null: as long before start as the window is")
    baseline_end: datetime | None = Field(default=None, description="Null: start")
    limit: int = Field(default=20, ge=1, le=100, description="1 to 100, those that lost most time first; null: 20")


def trace_tools(records: RecordReader, logs: Reader) -> Registry:
    """The read-only trace tools. Without any span on record they are not assessed."""
    tools = TraceTools(records, logs)
    return Registry([
        _tool("traces.find", "Find spans by service, operation, attributes, duration or failure, the slowest or the earliest first.",
              FindInput, tools.find),
        _tool("traces.show", "Show one trace as a tree: who called whom, how long, own time, the critical path; beside what is normal for "
              "its kind; with its log lines.",
              ShowInput, tools.show, output=Passages),
        _tool("traces.operations", "Compare operations with their normal: calls, failures, median and p95 before and during, who lost "
              "most time. Use it to see where time went.", OperationsInput, tools.operations),
    ])


def _tool(name: str, purpose: str, given: type[Any], call: Callable[[Any], Outcome], *, output: Any = Found) -> Tool[Any]:
    return Tool(name, purpose, "read", given, call, output=output, timeout=60.0, freshness="closed_window", tags=("traces",))


class TraceTools:
    """The calls themselves."""

    def __init__(self, records: RecordReader, logs: Reader) -> None:
        self.records = records
        self.logs = logs

    def find(self, given: FindInput) -> Outcome:
        self._there()
        attributes = dict(_pair(text) for text in given.attributes)
        found = self.records.spans(
            given.window(), [given.service] if given.service else [], given.operation, None,
            _micros(given.min_ms), _micros(given.max_ms), given.errors_only, attributes, None, given.order)
        rows = [_row(span) for span in found[: given.limit]]
        result = Result(kind="table", columns=COLUMNS, rows=rows) if rows else Result(kind="none")
        searched = self.records.count("spans")
        held = Found(result=result, total=len(found), searched=searched, window=given.window(), excerpt=[])
        return Outcome(held, query=given.model_dump(mode="json"), reason=None if rows else f"{searched:,} spans are kept and none matches")

    def show(self, given: ShowInput) -> Outcome:
        self._there()
        ident = given.trace_id.strip().lower()
        spans = self.records.spans(Window(), trace_id=ident)
        if not spans:
            raise QueryError(f"no trace has the id {given.trace_id[:64]!r}", where="trace_id", remedy="traces.find lists some")
        first, last = min(s.start for s in spans), max(s.start + s.duration for s in spans)
        around = Window(start=moment(first - BESIDE), end=moment(last + 1))
        passages = [Passage(title=title, text="\n".join(lines)) for title, lines in drawn(self.records.span_columns(around), ident, spans)]
        passages[0] = passages[0].model_copy(update={"text": f"{len(spans)} spans, {(last - first) / 1000:.1f} ms from {iso(first)}\n{passages[0].text}"})
        if lines := self._lines(ident, (given.span_id or "").strip().lower()):
            passages.append(Passage(title=f"log lines of span {given.span_id}" if given.span_id else "its log lines", text="\n".join(lines)))
        return Outcome(Passages(total=len(spans), searched=len(spans), passages=passages), query=given.model_dump(mode="json"))

    def operations(self, given: OperationsInput) -> Outcome:
        self._there()
        window = given.window()
        baseline = _baseline(given, window)
        rows = sorted(self._compared(window, baseline, given.service), key=lambda row: -float(row[-1]))
        columns = ["service", "operation", "calls before", "calls", "failed before", "failed", "p50 ms before", "p50 ms", "p95 ms before",
                   "p95 ms", "seconds lost"]
        result = Result(kind="table", columns=columns, rows=rows[: given.limit]) if rows else Result(kind="none")
        found = Found(result=result, total=len(rows), searched=self.records.count("spans"), window=window, excerpt=[])
        query = {**given.model_dump(mode="json"), "baseline": baseline.model_dump(mode="json")}
        return Outcome(found, query=query, reason=None if rows else "no span lies in the window")

    def _compared(self, window: Window, baseline: Window, service: str | None) -> list[list[Any]]:
        rows = []
        sides = [self.records.span_columns(one, ids=False) for one in (baseline, window)]
        held: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [None, None])
        for side, spans in enumerate(sides):
            code = spans.service * max(len(spans.operations), 1) + spans.operation
            for key in np.unique(code).tolist():
                chosen = code == key
                name = spans.services[key // max(len(spans.operations), 1)], spans.operations[key % max(len(spans.operations), 1)]
                held[name][side] = (spans.duration[chosen] / 1000, int(spans.error[chosen].sum()))
        for (owner, operation), (before, during) in held.items():
            if during is None or (service and owner != service):
                continue
            usual = float(np.mean(before[0])) if before else 0.0
            p50, p95 = (np.percentile(before[0], [50, 95]) if before else (None, None))
            now50, now95 = np.percentile(during[0], [50, 95])
            lost = float(during[0].sum() - usual * len(during[0])) / 1000 if before else 0.0
            rows.append([owner, operation, len(before[0]) if before else 0, len(during[0]), before[1] if before else 0, during[1],
                         _rounded(p50), _rounded(now50), _rounded(p95), _rounded(now95), round(lost, 3)])
        return rows

    def _lines(self, trace_id: str, span_id: str = "") -> list[str]:
        """The log records that name the trace, and the span when one is given."""
        named = tuple(Filter(field="text", op="contains", value=one) for one in (trace_id, span_id) if one)
        query = Query(operation="lines", filters=named, limit=_LOGS)
        lines = self.logs.run(query).result.lines or []
        return [f"{iso(_at(line.time))} {line.service or ''} {line.text.splitlines()[0][:300]}" for line in lines]

    def _there(self) -> None:
        if not self.records.count("spans"):
            raise NotAssessed("no traces are kept here", where="traces", remedy="send them: oncalm receive, or read them: oncalm import")


def _row(span: Recorded) -> list[Any]:
    return [iso(span.start), span.service, span.operation, _rounded(span.duration / 1000), span.status, span.message[:120], span.trace_id, span.span_id]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise QueryError(f"{text[:80]!r} is no name=value", where="attributes", remedy="write as http.route=/checkout")
    return name.strip(), value.strip()


def _micros(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)


def _at(when: datetime | None) -> int | None:
    return None if when is None else round(when.timestamp() * 1_000_000)


def _baseline(given: OperationsInput, window: Window) -> Window:
    end = given.baseline_end or window.start
    if end is None:
        raise QueryError("a comparison needs a start or a baseline", where="start", remedy="give start, or baseline_end")
    start = given.baseline_start or (end - ((window.end or end + timedelta(hours=1)) - window.start) if window.start else None)
    if start is not None and start >= end:
        raise QueryError("the baseline ends before it starts", where="baseline_start", remedy="give an earlier start")
    return Window(start=start.astimezone(UTC) if start and start.tzinfo else start, end=end)

"""Trace lookup over the store: spans by what they are, one trace as a tree with its log records, operations before and during."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from telemetry.errors import QueryError
from telemetry.models import Filter, Found, Query, Result, Window
from telemetry.records import Span as Recorded
from tools.incident import iso
from tools.log_inputs import Closed, Span
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome, Passage, Passages

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader

COLUMNS = ["time", "service", "operation", "ms", "status", "message", "trace", "span"]
_SPANS = 400
"""Spans of one trace that are shown."""
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
        _tool("traces.show", "Show one trace as a tree: who called whom, how long, own time, the critical path, its log lines.",
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
        tree = Tree(spans)
        lines = self._lines(ident)
        first, last = min(s.start for s in spans), max(s.start + s.duration for s in spans)
        head = f"{len(spans)} spans of {len({s.service for s in spans})} services, {(last - first) / 1000:.1f} ms from {iso(first)}"
        passages = [Passage(title=f"trace {ident}", text="\n".join([head, *tree.lines()]))]
        if lines:
            passages.append(Passage(title="its log lines", text="\n".join(lines)))
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

    def _lines(self, trace_id: str) -> list[str]:
        """The log records that name the trace."""
        query = Query(operation="lines", filters=(Filter(field="text", op="contains", value=trace_id),), limit=_LOGS)
        lines = self.logs.run(query).result.lines or []
        return [f"{iso(_at(line.time))} {line.service or ''} {line.text.splitlines()[0][:300]}" for line in lines]

    def _there(self) -> None:
        if not self.records.count("spans"):
            raise NotAssessed("no traces are kept here", where="traces", remedy="send them: oncalm receive, or read them: oncalm import")


class Tree:
    """The spans of one trace as a tree. Spans whose parent is missing stand at the top; a cycle is cut where it closes."""

    def __init__(self, spans: Sequence[Recorded]) -> None:
        self.spans = {span.span_id: span for span in spans}
        self.children: dict[str, list[Recorded]] = defaultdict(list)
        self.tops: list[Recorded] = []
        for span in sorted(self.spans.values(), key=lambda one: (one.start, one.span_id)):
            above = self.spans.get(span.parent_id)
            if above is None or self._reaches(above, span):
                self.tops.append(span)
            else:
                self.children[above.span_id].append(span)

    def _reaches(self, span: Recorded, wanted: Recorded) -> bool:
        """Whether ``wanted`` is above (or is) a span."""
        seen: set[str] = set()
        at: Recorded | None = span
        while at is not None and at.span_id not in seen:
            if at.span_id == wanted.span_id:
                return True
            seen.add(at.span_id)
            at = self.spans.get(at.parent_id)
        return False

    def own(self, span: Recorded) -> int:
        """Microseconds in which no child ran."""
        covered, until, end = 0, span.start, span.start + span.duration
        for child in self.children[span.span_id]:
            low, high = max(child.start, until), min(child.start + child.duration, end)
            if high > low:
                covered += high - low
                until = high
        return max(span.duration - covered, 0)

    def critical(self) -> set[str]:
        """Ids of the spans that the trace waited for: from its longest top, always the child that ended last before what follows."""
        path: set[str] = set()
        waiting = [(max(self.tops, key=lambda one: one.duration), 2**62)] if self.tops else []
        while waiting:
            span, before = waiting.pop()
            path.add(span.span_id)
            edge = min(before, span.start + span.duration)
            for child in sorted(self.children[span.span_id], key=lambda one: -(one.start + one.duration)):
                if child.start + child.duration <= edge + 1000:  # a millisecond: clocks of two hosts
                    waiting.append((child, edge))
                    edge = child.start
        return path

    def lines(self) -> list[str]:
        """One line a span: time from the beginning, indentation, who, how long, own time, ``*`` on the critical path."""
        critical, begun = self.critical(), min(span.start for span in self.spans.values())
        lines: list[str] = []
        waiting = [(span, 0) for span in reversed(self.tops)]
        while waiting and len(lines) < _SPANS:
            span, depth = waiting.pop()
            failed = f" FAILED {span.message}".rstrip() if span.status == "error" else ""
            mark = "*" if span.span_id in critical else " "
            lines.append(f"{mark} +{(span.start - begun) / 1000:.1f} ms {'  ' * depth}{span.service} {span.operation}: "
                         f"{span.duration / 1000:.1f} ms, own {self.own(span) / 1000:.1f} ms{failed}")
            waiting += [(child, depth + 1) for child in reversed(self.children[span.span_id])]
        if waiting:
            lines.append(f"… {len(self.spans) - len(lines)} more spans")
        return lines


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

"""``logs.anomalies``: sessions of a window that are unlike those of the time before it. A session is a trace's log records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from signals.anomaly.detector import SessionDetector
from telemetry.errors import QueryError
from telemetry.models import Found, Result, Window
from telemetry.store.events import EventColumns, event_columns
from tools.incident import iso
from tools.log_inputs import Span
from tools.registry import Registry, Tool
from tools.result import NotAssessed, Outcome

if TYPE_CHECKING:
    from telemetry.store.reader import Reader

LEAST = 20
"""Sessions of the baseline below which none is called usual."""
MOST = 200_000
"""Sessions of one side that are looked at, the earliest first."""
LONGEST = 2000
"""Records of one session that are looked at."""
_REASONS = 3


class AnomaliesInput(Span):
    """Which sessions to judge, and by which."""

    baseline_start: datetime | None = Field(default=None, description="Null: the first record")
    baseline_end: datetime | None = Field(default=None, description="Null: start")
    limit: int = Field(default=20, ge=1, le=200, description="1 to 200, the strangest first; null: 20")


def session_tools(logs: Reader) -> Registry:
    """``logs.anomalies`` over the store's log records."""

    def anomalies(given: AnomaliesInput) -> Outcome:
        window, baseline = given.window(), _baseline(given)
        usual, _, _ = _sessions(logs, baseline)
        judged, alone, cut = _sessions(logs, window)
        if not judged:
            raise NotAssessed(f"no record of the window names a trace ({alone} name none), so there are no sessions", where="logs.anomalies",
                              remedy="log the trace id, or use logs.compare over templates")
        if len(usual) < LEAST:
            raise NotAssessed(f"the baseline holds {len(usual)} sessions, and fewer than {LEAST} do not tell what is usual", where="baseline_start",
                              remedy="give an earlier baseline_start, or a later start")
        verdicts = SessionDetector.fit([session for _, _, session in usual]).judge([session for _, _, session in judged])
        odd = sorted(((verdict, *one) for verdict, one in zip(verdicts, judged, strict=True) if verdict.abnormal), key=lambda row: (-row[0].score, row[1]))
        rows = [[ident, iso(at), len(session), round(verdict.score, 2), "; ".join(verdict.reasons[:_REASONS])] for verdict, at, ident, session in odd]
        result = Result(kind="table", columns=["trace", "begins", "records", "nats above", "why"], rows=rows[: given.limit]) if rows else Result(kind="none")
        found = Found(result=result, total=len(rows), searched=len(judged), window=window, excerpt=[])
        notes = [f"grouped by trace id: {len(judged)} sessions, held against {len(usual)} of the baseline; records without one, not judged: {alone}",
                 "a session that crosses the start or end of a window is cut there and may look short"]
        notes += [f"cut: at most {MOST} sessions and {LONGEST} records of each are looked at"] if cut else []
        query = {**given.model_dump(mode="json"), "baseline": baseline.model_dump(mode="json")}
        return Outcome(found, query=query, notes=tuple(notes), reason=None if rows else f"{len(judged)} sessions were judged and all are like those before")

    return Registry([Tool(
        "logs.anomalies", "Sessions (the log records of one trace) that are unlike those of the time before: templates never seen, unusual counts or "
        "order. Use it for which requests went strangely.", "read", AnomaliesInput, anomalies, timeout=120.0, freshness="closed_window", tags=("logs",))])


def _baseline(given: AnomaliesInput) -> Window:
    end = given.baseline_end or given.start
    if end is None:
        raise QueryError("what is usual needs a time before the window", where="start", remedy="give start, or baseline_end")
    if given.baseline_start is not None and given.baseline_start >= end:
        raise QueryError("the baseline ends before it starts", where="baseline_start", remedy="give an earlier start")
    return Window(start=given.baseline_start, end=end)


def _sessions(logs: Reader, window: Window) -> tuple[list[tuple[int, str, tuple[str, ...]]], int, bool]:
    """(begin, trace id, templates in order of time) of each session; how many records are in none; whether some were cut."""
    events = event_columns(logs, window)
    patterns = [logs.pattern_of(ident) for ident in events.templates]
    found = list(_grouped(events, patterns))
    cut = len(found) > MOST or any(len(session) > LONGEST for _, _, session in found)
    return [(at, ident, session[:LONGEST]) for at, ident, session in found[:MOST]], int((events.trace < 0).sum()), cut


def _grouped(events: EventColumns, patterns: list[str]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    order = np.lexsort((events.time, events.trace))
    order = order[events.trace[order] >= 0]
    _, starts = np.unique(events.trace[order], return_index=True)
    groups = np.split(order, starts[1:]) if len(order) else []
    for rows in sorted(groups, key=lambda rows: int(events.time[rows[0]])):
        yield int(events.time[rows[0]]), events.traces[int(events.trace[rows[0]])], tuple(patterns[at] for at in events.template[rows].tolist())

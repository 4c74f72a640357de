"""Error budgets (Google, The Site Reliability Workbook, chapters 2 and 5): how much of what a target allows is used, how fast."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agent.summaries.configured import Objective
from agent.summaries.counting import requests
from agent.summaries.facts import Budget, Period
from signals.logs.events import ERRORS
from telemetry.models import Filter, Query, Window

if TYPE_CHECKING:
    from telemetry.store.beyond import RecordReader
    from telemetry.store.reader import Reader

Tally = Callable[[str, Period], tuple[int, int]]
"""(bad, all) of a service in a period."""


def budget(objective: Objective, period: Period, tally: Tally, first: datetime | None) -> Budget:
    """One budget at the period's end. ``first``: since when there are records of that kind."""
    window = Period(start=period.end - objective.window, end=period.end)
    base = Budget(name=objective.name or f"{objective.service}, {objective.target * 100:.6g}% of {objective.of}", service=objective.service, target=objective.target,
                  of=objective.of, window=window, covered=_covered(window, first))
    bad, total = tally(objective.service, window)
    if not total:
        what = "spans" if objective.of == "requests" else "log records"
        return base.model_copy(update={"reason": f"there are no {what} of {objective.service} in the last {objective.window.days} days"})
    allowed = 1 - objective.target
    lately, lately_total = tally(objective.service, period)
    return base.model_copy(update={
        "bad": bad, "total": total, "used": bad / (allowed * total),
        "burn": lately / lately_total / allowed if lately_total else None})


def _covered(window: Period, first: datetime | None) -> float:
    if first is None or first >= window.end:
        return 0.0
    return (window.end - max(first, window.start)) / (window.end - window.start)


def of_requests(records: RecordReader) -> Tally:
    """From spans: requests are spans that begin a service's work."""
    def tally(service: str, period: Period) -> tuple[int, int]:
        columns = records.span_columns(Window(start=period.start, end=period.end))
        total, _, bad, _ = requests(columns, 0).get(service, (0, 0, 0, 0)) if len(columns) else (0, 0, 0, 0)
        return bad, total

    return tally


def of_records(reader: Reader) -> Tally:
    """From log records: those of error level are bad. A service that no record names is that of the files of its name."""
    def tally(service: str, period: Period) -> tuple[int, int]:
        files = Filter(field="source", op="regex", value=rf"(^|/){re.escape(service)}(\.[^/]*)?$")
        for chosen in (Filter(field="service", op="eq", value=service), files):
            query = Query(operation="count", window=Window(start=period.start, end=period.end), group_by=("level",), limit=1_000, filters=(chosen,))
            found = reader.run(query)
            if found.total:
                return sum(int(count) for level, count in found.result.rows or [] if str(level).upper() in ERRORS), found.total
        return 0, 0

    return tally

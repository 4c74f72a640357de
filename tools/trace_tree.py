"""One trace in words: its tree with the critical path, and its operations beside what is normal for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from signals.observed import Spans
from signals.traces.forest import Forest, plant
from signals.traces.lookup import beside_normal, critical_path, rows_of
from telemetry.records import Span

MOST = 400
"""Spans of one trace that are shown."""
_BESIDE = 8
_APART = 1000
"""µs of own time (all calls together) below which an operation is as it always is."""


def drawn(spans: Spans, ident: str, records: Sequence[Span]) -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of a trace among ``spans``: its tree, then what is unlike the normal traces of its kind, if there are any.

    ``records`` are its spans as kept: they say why they failed.
    """
    forest = plant(spans)
    trace = next(number for number, name in zip(forest.spans.trace.tolist(), forest.spans.ids, strict=True) if name.startswith(f"{ident}/"))
    said = {f"{one.trace_id}/{one.span_id}": one.message for one in records}
    yield f"trace {ident}", list(_tree(forest, trace, said))
    if unlike := list(_unlike(forest, trace)):
        yield "beside its normal", unlike


def _tree(forest: Forest, trace: int, said: dict[str, str]) -> Iterator[str]:
    """One line a span: time from the beginning, who, how long, own time; ``*`` on the critical path of the longest root."""
    rows = rows_of(forest, trace)
    tops = [row for row in rows.tolist() if forest.depth[row] == 0]
    longest = max(tops, key=lambda row: int(forest.spans.duration[row]))
    critical = {stretch.row for stretch in critical_path(forest, longest)}
    begun = int(forest.start[rows].min())
    below: dict[int, list[int]] = {}
    for row in rows.tolist():
        below.setdefault(int(forest.spans.parent[row]), []).append(row)
    waiting, shown = list(reversed(tops)), 0
    while waiting and shown < MOST:
        row = waiting.pop()
        yield f"{'*' if row in critical else ' '} +{(int(forest.start[row]) - begun) / 1000:.1f} ms {'  ' * int(forest.depth[row])}{_line(forest, row, said)}"
        waiting += reversed(below.get(row, []))
        shown += 1
    if len(rows) > shown:
        yield f"… {len(rows) - shown} more spans"


def _line(forest: Forest, row: int, said: dict[str, str]) -> str:
    spans = forest.spans
    failed = f" FAILED {said.get(spans.ids[row], '')}".rstrip() if spans.error[row] else ""
    moved = f" (clock {int(forest.skew[row]) / 1000:+.1f} ms)" if forest.skew[row] else ""
    return (f"{spans.services[spans.service[row]]} {spans.operations[spans.operation[row]]}: {int(spans.duration[row]) / 1000:.1f} ms, "
            f"own {int(forest.self_time[row]) / 1000:.1f} ms{moved}{failed}")


def _unlike(forest: Forest, trace: int) -> Iterator[str]:
    """Operations that take another time, or are called another number of times, than in traces without errors."""
    failed = np.unique(forest.spans.trace[forest.spans.error])
    normal = ~np.isin(forest.spans.trace, failed)
    lines = beside_normal(forest, trace, normal)
    if not any(line.usual_calls for line in lines):
        return
    apart = [line for line in lines if abs(line.self_time - line.usual_self_time) >= _APART or line.calls != round(line.usual_calls)]
    for line in apart[:_BESIDE]:
        yield (f"{line.service} {line.operation}: {line.calls} calls, usually {line.usual_calls:.1f}; own {line.self_time / 1000:.1f} ms, "
               f"usually {line.usual_self_time / 1000:.1f} ms")

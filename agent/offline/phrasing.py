"""Answers as a person would say them; numbers come from the typed result and nowhere else."""

from __future__ import annotations

import re
from typing import Any

from agent.offline.moments import describe
from agent.offline.understanding import Reading
from telemetry.models import Found, Query

_STAT = {"mean": "average", "p50": "median", "p90": "90th percentile", "p95": "95th percentile",
         "p99": "99th percentile", "max": "maximum", "min": "minimum", "sum": "sum", "count": "count"}


def _stat(name: str) -> str:
    """``p95`` as people say it."""
    return _STAT.get(name) or (f"{name[1:]}th percentile" if name[0] == "p" else name)


def phrase(reading: Reading, query: Query, found: Found, target: str, unit: str = "") -> str:
    """One or two sentences for a result; ``unit`` is what the messages write after the number asked about."""
    when = describe(query.window)
    if found.total == 0 and query.operation != "compare":
        none = "No" if reading.yes_no else "Nothing found"
        about = f" ({target.rstrip('.')})" if target else ""
        return f"{none}: I searched {_n(found.searched, 'record')} {when}{about} and none matched."
    said = _stats(query, found, when, unit) if query.operation == "stats" else _SAID[query.operation](reading, query, found, when)
    return f"{said} {_capital(target)}" if target else said


def interpretation(query: Query) -> str:
    """The query in one line: operation, filters, window."""
    parts: list[str] = [query.operation]
    if query.stats:
        parts.append(",".join(query.stats))
    if query.order_by:
        parts.append(f"with the {'smallest' if query.order == 'asc' else 'largest'} {_name(query.order_by)} first")
    elif query.field:
        parts.append(f"of {_name(query.field)}")
    if query.group_by:
        parts.append("by " + ", ".join(_name(g) for g in query.group_by))
    if query.bucket:
        parts.append(f"per {query.bucket} s")
    for item in query.filters:
        value = ", ".join(item.value) if isinstance(item.value, tuple) else item.value
        if item.field == "template":
            kinds = len(item.value) if isinstance(item.value, tuple) else 1
            parts.append(f"· {'not ' if item.op in {'ne', 'not_in'} else ''}{_n(kinds, 'kind')} of message")
            continue
        parts.append(f"· {_name(item.field)} {item.op} {value}")
    return " ".join(parts) + f" · {describe(query.window)}" + (
        f" against {describe(query.baseline)}" if query.baseline else "")


def _count(reading: Reading, query: Query, found: Found, when: str) -> str:
    if query.group_by:
        rows = found.result.rows or []
        best = rows[0] if rows else ["-", 0]
        by = ", ".join(_name(g) for g in query.group_by)
        return f"{_n(found.total, 'record')} {when}, by {by}: most at {_join(best[:-1])} with {best[-1]:,}."
    if reading.yes_no:
        return f"Yes: {_n(found.total, 'record')} {when}."
    return f"{_n(int(found.result.value or 0), 'record')} {when}."


def _distinct(reading: Reading, query: Query, found: Found, when: str) -> str:
    return f"{int(found.result.value or 0):,} different values of {_name(query.field)} in " \
           f"{_n(found.total, 'record')} {when}."


def _top(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    if not rows:
        return f"{_n(found.total, 'record')} {when} match, but none carries {_name(query.field)}."
    kind = "rarest" if query.order == "asc" else "commonest"
    named = "; ".join(f"{r[0] if query.field != 'template' else r[1]} ({r[-1]:,})" for r in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    if len(rows) == 1:
        return f"{_capital(_name(query.field))}: {named}, {when}."
    return f"The {kind} of {_name(query.field)} {when}: {named}{more}."


def _share(reading: Reading, query: Query, found: Found, when: str) -> str:
    if found.result.kind == "scalar":
        value = found.result.value
        if value is None:
            return f"There is nothing to take a share of {when}."
        return f"{float(value):.2%} ({_n(found.total, 'record')}) {when}."
    rows = found.result.rows or []
    named = "; ".join(f"{r[0]} {r[-1]:.1%}" for r in rows[:5])
    return f"Shares of {_name(query.field)} {when}: {named}."


def _stats(query: Query, found: Found, when: str, unit: str) -> str:
    name = _name(query.field)
    if found.result.kind == "scalar":
        return f"The {_stat(query.stats[0])} of {name} is {_measure(name, found.result.value, unit)} over " \
               f"{_n(found.total, 'record')} {when}."
    rows = found.result.rows or []
    if query.group_by:
        return f"{_capital(_stat(query.stats[0]))} of {name} by {_name(query.group_by[0])} {when}: " + "; ".join(
            f"{r[0]} {_measure(name, r[1], unit)}" for r in rows[:5]) + "."
    return f"{_capital(name)} over {_n(found.total, 'record')} {when}: " + ", ".join(
        f"{_stat(r[0])} "
        f"{_number(r[1]) if r[0] == 'count' else _measure(name, r[1], unit)}" for r in rows) + "."


def _edge(reading: Reading, query: Query, found: Found, when: str) -> str:
    lines = found.result.lines or []
    which = "last" if query.operation == "last" else "first"
    if not lines:
        return f"Nothing found {when}."
    time = lines[0].time
    at = f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "an unknown time"
    if query.limit > 1:
        return f"The {which} {len(lines)} of {_n(found.total, 'record')} {when}; the {which} at {at}."
    return f"The {which} of {_n(found.total, 'record')} {when} was at {at}."


def _trend(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    if not rows:
        return f"{_n(found.total, 'record')} {when}, none with a known time."
    peak = max(rows, key=lambda r: r[1])
    return f"{_n(found.total, 'record')} {when}; peaked at {peak[0]} with {peak[1]:,}."


def _gaps(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    if not rows:
        return f"There is no gap {when}: fewer than two different times."
    start, end, seconds = rows[0]
    return f"The longest silence {when} was {_duration(seconds)}: nothing between {start} and {end}."


def _compare(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    base = describe(query.baseline) if query.baseline else "before"
    if not rows:
        return f"Nothing changed {when} against {base}."
    new = [r for r in rows if r[4] == "new"]
    gone = [r for r in rows if r[4] == "gone"]
    parts = [f"{len(new)} new", f"{len(gone)} gone", f"{len(rows) - len(new) - len(gone)} more or less frequent"]
    return f"{_capital(when)} against {base}: {', '.join(parts)} templates; most changed: {rows[0][1]} ({rows[0][4]})."


def _cooccur(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    if not rows:
        return f"Nothing else was logged in the same minutes {when}."
    named = "; ".join(f"{r[1]} ({r[2]:,}, {r[3]:.1f} times the usual share)" for r in rows[:3])
    return f"In the same minutes as the {_n(found.total, 'record')} {when}: {named}."


def _templates(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    named = "; ".join(f"{r[1]} ({r[2]:,})" for r in rows[:3])
    return f"{len(rows)} templates hold the {_n(found.total, 'record')} {when}: {named}."


def _summary(reading: Reading, query: Query, found: Found, when: str) -> str:
    rows = found.result.rows or []
    named = "; ".join(f"{r[1]} ({r[2] or 'no level'}, {r[3]:,})" for r in rows[:3])
    return f"{_n(found.total, 'record')} {when} in {len(rows)} kinds; first of all: {named}."


def _lines(reading: Reading, query: Query, found: Found, when: str) -> str:
    shown = len(found.result.lines or [])
    if query.order_by:
        way = "smallest" if query.order == "asc" else "largest"
        return f"The {_n(shown, 'line')} with the {way} {_name(query.order_by)} of {found.total:,} {when}."
    rest = f", the {'best' if query.rank else 'first'} {shown} shown" if shown < found.total else ""
    return f"{_n(found.total, 'line')} {when}{rest}."


_SAID = {
    "count": _count, "distinct": _distinct, "top": _top, "share": _share, "first": _edge,
    "last": _edge, "trend": _trend, "gaps": _gaps, "compare": _compare, "cooccur": _cooccur,
    "templates": _templates, "summary": _summary, "lines": _lines,
}


def _name(ref: str | None) -> str:
    return (ref or "records").removeprefix("param:")


def _n(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _number(value: Any) -> str:
    if value is None:
        return "unknown"
    number = float(value)
    return f"{number:,.0f}" if number.is_integer() or abs(number) >= 10_000 else f"{number:,.4g}"


def _measure(name: str, value: Any, unit: str = "") -> str:
    """A number with its unit, or a readable form beside it when the field's name says what it measures."""
    text = _number(value)
    if value is None:
        return text
    if unit in {"s", "bytes"} and abs(float(value)) >= 120:
        longer = _duration(float(value)) if unit == "s" else _bytes(float(value)) if abs(float(value)) >= 1024 else ""
        return f"{text} {unit} ({longer})" if longer else f"{text} {unit}"
    if unit:
        return f"{text} {unit}"
    if re.search(r"_(?:ms|us|ns|msec|millis)$", name):
        return f"{text} {name.rsplit('_', 1)[1]}"
    number = float(value)
    if re.search(r"size|bytes|length$", name, re.I) and abs(number) >= 1024:
        return f"{text} ({_bytes(number)})"
    if re.search(r"duration|elapsed|latency$|request_time|delay|took", name, re.I) and abs(number) >= 120:
        return f"{text} ({_duration(number)})"
    return text


def _bytes(number: float) -> str:
    for unit in ("KB", "MB", "GB"):
        number /= 1024
        if abs(number) < 1024:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} TB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _join(values: list[Any]) -> str:
    return ", ".join("none" if v is None else str(v) for v in values)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

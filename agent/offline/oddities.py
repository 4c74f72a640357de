"""Questions for what is unusual: templates that are new, more or less frequent than the time before would have it, and strange sessions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from agent.analyst import ToolCall
from agent.offline.draft import Draft, written
from agent.offline.moments import describe
from telemetry.models import Catalog, Found, Query, Window
from tools.registry import ToolResult

SESSIONS = "logs.anomalies"
NEWEST = timedelta(hours=1)
"""What is looked at when no time is said."""
BASELINE = timedelta(days=7)
"""How much of the time before is held against it, at most."""
_FAR = 1.5
"""Counts whose square roots differ by more are no chance: that of a Poisson count has a deviation of a half, so three of them.
What is to be expected is such a count itself, scaled: from a time before that is short, little follows (its variance grows with the scale)."""
_SHOWN = 6
_ODD = r"(?:unusual|strange|odd|weird|abnormal|anomal(?:y|ies|ous)|out of the ordinary|suspicious|unexpected|peculiar|fishy|not normal)"
_ASKS = re.compile(
    rf"\b(?:(?:is|are|was|were|did|do|does|has|have|can|could)\s+)?(?:(?:there|you|we|i|anybody|anyone)\s+)?(?:(?:been|see|seen|notice[ds]?|show(?: me)?|list|find|tell me)\s+)?"
    rf"(?:what(?:ever)?|any(?:thing)?|something|some|all|the|which|show(?: me)?|list|find)\b(?:\s+\w+){{0,3}}?\s*\b(?P<odd>{_ODD})\b(?:\s+(?:thing|things|going on|happening|happened|lines?|messages?|events?|behaviou?r|activity|here))*",
    re.IGNORECASE)


def odd(draft: Draft) -> bool:
    """"what is unusual", "anything strange in checkout", "any anomalies?"; not where the logs themselves write the word."""
    match = _ASKS.search(draft.text)
    if not match or written(draft, match["odd"].split()[-1]):
        return False
    draft.cut(*match.span())
    draft.operation, draft.limit, draft.unusual, draft.newest = "compare", 1000, True, True
    return True


def sides(window: Window, catalog: Catalog) -> tuple[Window, Window | None, str]:
    """The time to judge, the time before it to judge by, and what was assumed."""
    first, last = catalog.first, catalog.last
    if first is None or last is None:
        return window, None, ""
    said, start = "", window.start
    if start is None:
        end = min(window.end or last, last) + timedelta(microseconds=1)
        start = max(end - NEWEST, first + (end - first) / 2)
        window, said = Window(start=start, end=end), "no time was said: the newest hour was looked at" if end - start == NEWEST else ""
    return window, Window(start=max(start - BASELINE, min(first, start - timedelta(microseconds=1))), end=start), said


def sessions(query: Query) -> ToolCall:
    """The look at sessions of the same times."""
    window, before = query.window, query.baseline or Window()
    times = {"start": window.start, "end": window.end, "baseline_start": before.start, "baseline_end": before.end}
    return ToolCall(tool=SESSIONS, arguments={name: time.isoformat() if time else None for name, time in times.items()})


def told(query: Query, found: Found, catalog: Catalog) -> str:
    """What stands out of a comparison, each with how often it came and how often it was to be expected."""
    when, before = describe(query.window), describe(query.baseline) if query.baseline else "the time before"
    scale = _seconds(query.window, catalog) / max(_seconds(query.baseline or Window(), catalog), 1.0)
    services = {template.id: template for template in catalog.templates}
    out = [row for row in found.result.rows or [] if _stands_out(row, scale)]
    if not out:
        return f"Nothing stands out {when}: each kind of message came about as often as {before} would have it ({found.total:,} records looked at)."
    out.sort(key=lambda row: (row[4] != "new", not set(services[row[0]].levels) & {"error", "fatal", "warn"} if row[0] in services else True))
    shown = [f"{number}. {_row(row, scale, services)}" for number, row in enumerate(out[:_SHOWN], start=1)]
    more = [f"and {len(out) - _SHOWN} more"] if len(out) > _SHOWN else []
    kinds = "1 kind of message stands out" if len(out) == 1 else f"{len(out)} kinds of message stand out"
    return "\n".join([f"{kinds} {when}, against {before}:", *shown, *more])


def _stands_out(row: Sequence[Any], scale: float) -> bool:
    return row[4] == "new" or abs(math.sqrt(row[3]) - math.sqrt(row[2] * scale)) >= _FAR * math.sqrt(1 + scale)


def _row(row: Sequence[Any], scale: float, templates: Mapping[str, Any]) -> str:
    info = templates.get(row[0])
    who = ", ".join([*info.services[:2], *info.levels[:1]]) if info is not None else ""
    told = f"'{row[1]}'" + (f" ({who})" if who else "")
    if row[4] == "new":
        return f"{told} is new: {row[3]:,} records, none before"
    return f"{told} {row[4].replace(' x', ' by a factor of ')}: {row[3]:,} records where {row[2] * scale:,.1f} were to be expected"


def _seconds(window: Window, catalog: Catalog) -> float:
    start, end = window.start or catalog.first, window.end or catalog.last
    if start is None or end is None or catalog.last is None or catalog.first is None:
        return 1.0
    return max((min(end, catalog.last) - max(start, catalog.first)).total_seconds(), 1.0)


def strange(result: ToolResult | None) -> str:
    """What the look at sessions gave, in a sentence; nothing when it was not made."""
    if result is None:
        return ""
    if result.found is None:
        return f"Not assessed: sessions; {result.error or result.reason}."
    rows = result.found.result.rows or []
    if not rows:
        return f"Sessions: all {result.found.searched:,} are like those before."
    shown = "; ".join(f"{row[0]} at {_clock(row[1])} ({row[4]})" for row in rows[:3])
    return f"Sessions: {result.found.total:,} of {result.found.searched:,} are unlike those before: {shown}."


def _clock(text: Any) -> str:
    return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M:%S} UTC"

"""Questions about the course of time: trends and peaks, first and last."""

from __future__ import annotations

import re

from agent.offline.draft import (
    ALL,
    NUMBER,
    Draft,
    buckets,
    groups,
    limit,
    number,
    written,
)
from telemetry.units import SECONDS

_UNIT = r"(?:second|minute|hour|day|time of (?:the )?day|time)"
_PEAK = re.compile(
    rf"\b(?:(?:when|at (?:what|which) (?:time|hour|minute))\b(?=.*\b(?:peak(?:ed|s)?|spike[ds]?|busiest|at (?:its|their) (?:highest|worst|most)|the most|most(?! recent)|worst|maximum|highest))"
    rf"(?: (?:did|was|were|is|do|does|are))?(?: there| we (?:see|have|get))?(?: the)?|peak (?:{_UNIT}s?|of|in|traffic|load|rate)|(?:busiest|noisiest|worst|peak|quietest|calmest) (?P<unit1>{_UNIT})|"
    rf"(?:which|what) (?P<unit2>{_UNIT})s? (?:had|has|have|saw|was|were|got|with|is|shows?|did)(?: the)?(?=.*\b(?:most|busiest|worst|highest|peak|noisiest|max(?:imum)?)\b)|spikes?\b|peaks?\b)", re.I)
_TREND = re.compile(
    r"\b(?:over time|trend(?:s|ing)?|timeline|histogram|time series|evolution|course of time|as a function of time|"
    r"how (?:did|has|have|do|does|is|are|was|were) .*?\b(?:develop(?:ed|ing)?|evolv(?:e|ed|ing)|change over|chang(?:e|ed|ing)(?: over time)?|progress(?:ed)?|trend(?:ing)?)|"
    r"(?:plot|graph|chart|draw)(?: me)?(?: the| a)?(?=.*))\b", re.I)


def trend(draft: Draft) -> bool:
    """"errors per minute", "when did failures peak", "plot logins over time"."""
    peak, course = _PEAK.search(draft.text), _TREND.search(draft.text)
    if peak and re.search(r"\bmost recent\b", draft.text, re.I) and not re.search(r"peak|spike|busiest", draft.text, re.I):
        peak = None
    if not (peak or course) and not _bucketed(draft):
        return False
    if not (peak or course):
        _leave_time(draft)
        return True
    unit = ""
    if peak:
        unit = (peak["unit1"] or peak["unit2"] or "").lower()
        explicit = re.search(r"\b(minute|hour|day|second)\b", peak[0], re.I)
        unit = unit if unit in SECONDS else explicit[1].lower() if explicit else ""
    groups(draft)
    draft.drop(_PEAK.pattern)
    draft.drop(r"\b(?:over time|trend(?:s|ing)?|timeline|histogram|time series|evolution|course of time|develop(?:ed|ing)?|evolv(?:e|ed|ing)|progress(?:ed)?|chang(?:e|ed|ing)|plot|graph|chart|draw)\b")
    draft.bucket = draft.bucket or (int(SECONDS[unit]) if unit else None)
    _leave_time(draft)
    return True


def _bucketed(draft: Draft) -> bool:
    if draft.group_by or not buckets(draft):
        return False
    draft.group_by.append("time")
    groups(draft)
    return True


def _leave_time(draft: Draft) -> None:
    draft.drop(r"\b(?:how (?:many|often|did|has|have|do|does)|number of|count(?: of)?|rate(?: of)?|show(?: me)?|give me|list|display|break(?:down)?|"
               r"most|peak(?:s|ed|ing)?|spikes?|spiked|busiest|noisiest|highest|worst|maximum|quietest|with|when|what|was|is|the|at its|at their|volume(?: of)?|frequency(?: of)?|happen(?:ed|ing)?|occur(?:red)?|"
               r"we (?:see|have|get)|there)\b")
    others = [g for g in draft.group_by if g != "time"]
    draft.limit = ALL
    if others:
        draft.operation = "count"
    else:
        draft.operation, draft.group_by = "trend", []


_EDGE = r"(?:first|last|earliest|latest|most recent(?:ly)?|newest|oldest|final|initial)"
_WHEN = re.compile(r"\bwhen (?:did|was|were|is|are|does|do|has|have|had)\b|\bsince when\b|\bwhen\b(?=.*\b(?:first|last|start|began|begin|latest|earliest|recent(?:ly)?)\b)|^when\b|\b(?:at )?what time\b|\bhow long ago\b|^(?:the )?times? of (?:the )?(?=first|last|latest|most recent|earliest)|\bwhat (?:was|is) the time of\b", re.I)
_OCCURRENCE = re.compile(
    rf"\b(?:the )?{_EDGE} (?:time|occurrence|occurence|seen|instance|appearance|sighting|sign)s?(?: (?:of|that|when|we saw|a|an))?\b", re.I)
_EDGE_HEAD = re.compile(
    rf"^(?:(?:and )?(?:show|give|list|get|print|find|display|fetch|tell|what (?:is|was|were|are)|which (?:is|was|were|are)|who (?:is|was))(?: me| us)?(?: about)? )?(?:the |our |its )?(?:very )?(?P<edge>{_EDGE})\b", re.I)


def first_last(draft: Draft) -> bool:
    """"when did X first happen", "last occurrence of X", "latest 3 errors"."""
    edge, when = _EDGE_HEAD.search(draft.text), _WHEN.search(draft.text)
    occurrence = _OCCURRENCE.search(draft.text)
    if not (edge or when or occurrence):
        return False
    late = re.search(r"\b(?:last|latest|most recent(?:ly)?|newest|final|recently|end(?:ed)?|finish(?:ed)?|stop(?:ped)?)\b", draft.text, re.I)
    early = re.search(r"\b(?:first|earliest|oldest|initial(?:ly)?|start(?:ed|s)?|beg[iau]n|since when)\b", draft.text, re.I)
    said_last = re.search(r"\b(?:last|latest|most recent(?:ly)?|newest|final|recently)\b", draft.text, re.I)
    n = limit(draft)
    counted = re.search(rf"\b{_EDGE} (?P<n>{NUMBER})\b", draft.text, re.I)
    if counted and not n:
        n = number(counted["n"])
        draft.cut(counted.start("n"), counted.end("n"))
    draft.drop(_WHEN.pattern)
    draft.drop(_OCCURRENCE.pattern)
    draft.drop(rf"^(?:show|give|list|get|print|find|display|fetch|tell|what (?:is|was|were|are)|which (?:is|was|were|are))(?: me| us)?(?= .*{_EDGE})|\b(?:for|at) the {_EDGE} time\b|\b{_EDGE}\b|\b(?:happen(?:ed|s)?|occur(?:red)?|appear(?:ed)?|show(?:ed)? up|time|recent(?:ly)?|seen|first|did)\b")
    if early:
        draft.drop(r"\b(?:start(?:ed|s)?|beg[iau]n(?:ning)?)\s+(?:to\s+)?(?=\w)|\b(?:start(?:ed|s)?|beg[iau]n)$" if not draft.bare else r"^$")
    draft.operation = "last" if said_last or (late and not early) else "first"
    if late and not said_last and not early:
        stopped = re.sub(r"\b(?:end(?:ed)?|finish(?:ed)?|stop(?:ped)?)\b", " ", draft.text, flags=re.I)
        draft.text = stopped if not written(draft, late[0]) else draft.text
        draft.operation = "last" if not written(draft, late[0]) else "first"
    draft.limit = n or 1
    return True

"""Claims that turn round what is shown: a rise for a fall, a later moment for the earlier, the bucket beside the peak.

Only the clear cases are judged: what the claim itself contradicts, or what one row, one series or one line of the
evidence contradicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from agent.evidence.figures import Figure, figures, shows
from agent.evidence.instants import Instant, instants
from agent.evidence.instants import shows as shows_instant
from agent.evidence.names import names, quotes
from agent.evidence.shown import Row, Shown, fold
from agent.evidence.statements import blank
from tools.registry import ToolResult

_UP = r"(?:ris(?:e|es|en|ing)|rose|increas\w*|grew|grow(?:s|n|ing)?|climb\w*|jump\w*|surg\w*|spik\w*|went up|going up|doubl\w*|tripl\w*|quadrupl\w*)"
_DOWN = r"(?:fall(?:s|en|ing)?|fell|decreas\w*|drop\w*|declin\w*|shr[aiu]nk\w*|went down|going down|halv\w*|plummet\w*|sank)"
_WAY = re.compile(rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|no|never|nor|neither|without|instead of|rather than)\b|n['’]t\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:[a-z]+\s+){0,3}(?:to|→|->|=>|until reaching)\s*(?:[a-z]+\s+){0,2}$", re.IGNORECASE)
_CLAUSE = re.compile(r"[;\n]|,(?!\d{3})|\.(?=\s|$)|\b(?:while|but|whereas|and)\b", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:before|preceded|precedes|preceding|earlier than|prior to|ahead of|followed by|led to)\b", re.IGNORECASE)
_SECOND = re.compile(r"\b(?:after|followed(?! by)|follows|following|later than|as a result of|once|since)\b", re.IGNORECASE)
_CUT = re.compile(r"[;\n]|\.(?=\s|$)")
_RANGE = re.compile(r"(?:\s*(?:-|–|—|to|and|until|till)\s*)$", re.IGNORECASE)
_PEAK = re.compile(r"\b(?:peak(?:s|ed|ing)?|highest|spik(?:e|ed|es)|maximum|busiest|worst)\b", re.IGNORECASE)
_EDGE = re.compile(r"\b(?:by|until|till|before|after|since|up to|past|earlier|later|from before)\s*$", re.IGNORECASE)


def reversed_change(text: str, evidence: Shown) -> str | None:
    """Why a change goes the other way than the claim says; None when it does not, or none is claimed."""
    for clause in _CLAUSE.split(text):
        way = _WAY.search(clause)
        up = None if way is None or _NOT.search(clause[: way.start()]) else bool(way["up"])
        for first, second in _from_to(clause):
            if up is not None and first.kind == second.kind and _size(first) != _size(second) and (_size(first) < _size(second)) != up:
                return f"{first.text} to {second.text} is no {'rise' if up else 'fall'}"
            if _only_backwards(first, second, evidence):
                return f"the cited evidence shows {second.text} first and then {first.text}"
        if up is not None and (row := _changed(clause, evidence)):
            before, after = row
            if before.value != after.value and (before.value < after.value) != up:
                return f"the cited evidence shows {before.text} before and {after.text} after"
    return None


def reversed_order(text: str, results: Sequence[ToolResult]) -> str | None:
    """Why what the claim puts first came later; by moments in the claim, or by the lines that it quotes or names."""
    for sentence in _CUT.split(text):
        for pattern, earlier in ((_FIRST, True), (_SECOND, False)):
            found = list(pattern.finditer(sentence))
            if len(found) != 1 or _NOT.search(sentence[: found[0].start()]):
                continue
            left, right = sentence[: found[0].start()], sentence[found[0].end() :]
            if not left.strip() or not right.strip():
                continue
            first, second = (left, right) if earlier else (right, left)
            if _claimed_later(first, second):
                return "its own moments are in the other order"
            if _lines_later(first, second, results):
                return "the cited lines are in the other order"
    return None


def misplaced_moment(text: str, evidence: Shown) -> str | None:
    """A figure of a series given to another bucket than its own, or a peak put where it is not."""
    for clause in _CLAUSE.split(_without_ends(text)):
        moments = instants(clause)
        if len(moments) != 1 or _EDGE.search(clause[: moments[0][1][0]]):
            continue
        moment, span = moments[0]
        said = [f for f, _ in figures(blank(clause, [span])) if f.kind in {"plain", "count"} and f.value > 1 and not f.bound]
        for table in evidence.tables:
            if why := _elsewhere(moment, said, table, evidence, peak=bool(_PEAK.search(clause))):
                return why
    return None


def _from_to(clause: str) -> Iterator[tuple[Figure, Figure]]:
    rest = blank(clause, [span for _, span in (*instants(clause), *quotes(clause))])
    found = figures(rest)
    for (first, (_, end)), (second, (start, _)) in zip(found, found[1:], strict=False):
        if _TO.fullmatch(rest[end:start]):
            yield first, second


def _size(figure: Figure) -> float:
    return figure.value * figure.scale


def _only_backwards(first: Figure, second: Figure, evidence: Shown) -> bool:
    """Whether a comparison or a series has both figures, and never in the order of the claim."""
    if first.value == second.value:
        return False
    right = wrong = False
    for table in evidence.tables:
        changes = [row.change for row in table if row.change]
        right |= any(shows(a, first) and shows(b, second) for a, b in changes)
        wrong |= any(shows(a, second) and shows(b, first) for a, b in changes)
        if not changes and len(table) > 1 and all(row.instants for row in table):
            one, other = (_rows_of(figure, table) for figure in (first, second))
            right |= bool(one and other) and min(one) < max(other)
            wrong |= bool(one and other) and min(other) < max(one)
    return wrong and not right


def _rows_of(figure: Figure, table: list[Row]) -> list[int]:
    return [at for at, row in enumerate(table) if any(shows(cell, figure) for _, cell in row.figures)]


def _changed(clause: str, evidence: Shown) -> tuple[Figure, Figure] | None:
    """Before and after of the one row of a comparison that the clause names by its label."""
    low = fold(clause)
    named = [row.change for table in evidence.tables for row in table
             if row.change and any(len(label) > 3 and re.search(rf"(?<![\w.-]){re.escape(label)}(?![\w-])", low) for label in row.labels)]
    return named[0] if len(named) == 1 else None


def _claimed_later(first: str, second: str) -> bool:
    one, other = instants(first), instants(second)
    if len(one) != 1 or len(other) != 1:
        return False
    a, b = one[0][0], other[0][0]
    if a.hour is None or b.hour is None or (a.day is None) != (b.day is None) or (a.zone or 0) != (b.zone or 0):
        return False
    start, end = a.at(), b.at()
    return start is not None and end is not None and start > end


def _lines_later(first: str, second: str, results: Sequence[ToolResult]) -> bool:
    marks = [_marks(part) for part in (first, second)]
    if not all(marks):
        return False
    lines = [(fold(line.text), line.time) for result in results if result.found
             for line in (*(result.found.result.lines or ()), *result.found.excerpt) if line.time]
    times: list[list[datetime]] = [[at for said, at in lines if all(mark in said for mark in wanted)] for wanted in marks]
    both = any(all(mark in said for wanted in marks for mark in wanted) for said, _ in lines)
    return bool(times[0] and times[1]) and not both and min(times[0]) > max(times[1])


def _marks(text: str) -> list[str]:
    """What tells the lines that a part of a claim speaks of: its quotes and names."""
    quoted = quotes(text)
    rest = blank(text, [span for _, span in quoted])
    named = [name.text for name, _ in names(rest) if name.hard or not name.text.islower()]
    return [fold(mark) for mark in (*(quote for quote, _ in quoted), *named)]


def _without_ends(text: str) -> str:
    """Ranges of time by their beginnings alone: a bucket is named by its first moment."""
    found = instants(text)
    ends = [(first[1], second[1]) for (_, first), (_, second) in zip(found, found[1:], strict=False)
            if _RANGE.fullmatch(text[first[1] : second[0]])]
    return "".join(part for part in _pieces(text, ends))


def _pieces(text: str, gone: list[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for start, end in gone:
        if start >= at:
            yield text[at:start]
            at = end
    yield text[at:]


def _elsewhere(moment: Instant, said: list[Figure], table: list[Row], evidence: Shown, *, peak: bool) -> str | None:
    if len(table) < 2 or not all(len(row.instants) == 1 for row in table):
        return None
    own = [row for row in table if shows_instant(row.instants[0], moment)]
    if len(own) != 1:
        return None
    others = [row for row in table if row is not own[0]]
    for figure in said:
        mine = any(shows(cell, figure) for _, cell in own[0].figures)
        theirs = [row for row in others if any(shows(cell, figure) for _, cell in row.figures)]
        if not mine and theirs and not any(shows(total, figure) for total in evidence.main):
            return f"the cited evidence shows {figure.text} at {theirs[0].instants[0].text} and not at {moment.text.strip()}"
    columns = {at for row in table for at, _ in row.figures}
    if peak and len(columns) == 1:
        best = max(row.figures[0][1].value for row in table if row.figures)
        if own[0].figures and own[0].figures[0][1].value < best:
            return f"the cited evidence does not show the peak at {moment.text.strip()}"
    return None

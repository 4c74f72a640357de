"""Two windows in one question: "compared with the hour before", "4 Dec against 5 Dec", "before and after 10:00"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from agent.offline.moments import COUNT, FAR, UNIT, TimeReader, length_of
from telemetry.models import Window

_BEFORE = re.compile(
    rf"\b(?:compared?\s+(?:with|to|against)\s+|(?:than|versus|vs\.?|against)\s+|and\s+)?(?:in\s+)?the\s+(?:(?:(?P<n>{COUNT})\s+)?(?P<u>{UNIT})\s+(?:before|earlier|prior)|previous\s+(?P<u2>hour|day|minute|week))(?:\s+(?:that|it|then))?\b", re.I)
_VERSUS_DAY = re.compile(r"\b(?:compared?\s+(?:with|to|against)\s+|(?:than|versus|vs\.?)\s+)(?P<d>yesterday|today|last week)\b", re.I)
_BOTH_SIDES = re.compile(r"\bbefore and after\s+", re.I)
_COMPARES = re.compile(r"\b(?:compar\w+|versus|vs|against|differ\w*|chang\w+|more|fewer|less|than)\b", re.I)
_EARLIER = re.compile(rf"\s*(?:in\s+|on\s+)?the\s+(?:(?:{COUNT}\s+)?{UNIT}\s+(?:before|earlier|prior)|previous)\b(?!\s+yesterday)", re.I)
"""A second side that is told from the first: :func:`baseline` reads it."""
_SPLIT = re.compile(r"\b(?:compared? (?:with|to|against)|versus|vs\.?|against|with(?: that of)?|than(?: on| in| between)?|to|and|from)\s", re.I)


def two_windows(reader: TimeReader, close: Callable[[TimeReader], None]) -> None:
    """"between 9:00 and 10:00 compared with 10:00 to 11:00", "today versus yesterday": each side read by ``close``."""
    if not _COMPARES.search(reader.text):
        return
    for match in _SPLIT.finditer(reader.text):
        if _EARLIER.match(reader.text, match.end()):
            return
        sides = [_side(reader, part, close) for part in (reader.text[: match.start()], reader.text[match.end():])]
        if any(side is None for side in sides):
            continue
        one, two = (side for side in sides if side is not None)
        joint = match[0].strip().lower()
        if joint in {"and", "to", "from"}:
            if joint == "to" and re.search(r"\bfrom\b|\bbetween\b", reader.text[: match.start()], re.I) and not re.search(r"\bchang", reader.text, re.I):
                continue
            later_first = (one.out.window.start or reader.anchor) < (two.out.window.start or reader.anchor)
            if not _whole_days(one) or not _whole_days(two):
                continue
            window, baseline = (two, one) if later_first else (one, two)
        else:
            window, baseline = one, two
        reader.out.window, reader.out.baseline = window.out.window, baseline.out.window
        reader.out.spans = [*one.out.spans, match.span(), *((a + match.end(), b + match.end()) for a, b in two.out.spans)]
        reader.notes += [*one.notes, *two.notes]
        return


def _whole_days(side: TimeReader) -> bool:
    window = side.out.window
    return bool(window.start and window.end and window.end - window.start == FAR)


def _side(reader: TimeReader, part: str, close: Callable[[TimeReader], None]) -> TimeReader | None:
    """A reader of one side that found a closed window, else None."""
    side = TimeReader(part, reader.now, reader.newest, reader.first)
    close(side)
    return side if side.out.window.start and side.out.window.end else None


def both_sides(reader: TimeReader) -> None:
    """"before and after 10:00": an hour on each side."""
    match = _BOTH_SIDES.search(reader.text)
    if not match:
        return
    points = reader.points(reader.text[match.end():], match.end())
    if points and points[0].start - match.end() < 8:
        at = points[0].at
        reader.out.window = Window(start=at, end=at + timedelta(hours=1))
        reader.out.baseline = Window(start=at - timedelta(hours=1), end=at)
        reader.out.spans.append((match.start(), points[0].end))
        reader.notes.append("an hour on each side was taken")


def baseline(reader: TimeReader) -> None:
    """"compared with the hour before", "versus yesterday"."""
    if match := _VERSUS_DAY.search(reader.text):
        low = reader.day(match["d"]) if "week" not in match["d"] else reader.anchor - timedelta(days=14)
        reader.out.baseline = Window(start=low, end=low + timedelta(days=7 if "week" in match["d"] else 1))
        if not reader.free(*match.span()):
            today = reader.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
            reader.out.window = Window(start=today, end=reader.anchor + timedelta(microseconds=1))
        reader.out.spans.append(match.span())
        return
    for match in _BEFORE.finditer(reader.text):
        if not reader.free(*match.span()):
            continue
        length = length_of(match["n"] or "1", match["u"] or match["u2"])
        window = reader.out.window
        if window.start is None:
            end = reader.recent(length) + timedelta(microseconds=1)
            window = Window(start=end - length, end=end)
        start = window.start or reader.anchor
        if window.end is not None and window.end - start < length and not match["n"]:
            window = Window(start=start, end=window.end)
        reader.out.window = window
        reader.out.baseline = Window(start=start - length, end=start)
        reader.out.spans.append(match.span())
        return



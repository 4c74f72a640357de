"""Time as people say it: "last 2 hours", "yesterday between 2 and 3 pm", "around 10:15", "on 10 Nov".

Pure; the clock is passed in. Old data anchors relative words on its newest record, and the statement says so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from agent.numerals import MONTH
from agent.offline import baselines
from agent.offline.moments import (
    COUNT,
    DATE,
    FAR,
    PARTS,
    UNIT,
    TimeReader,
    TimeReading,
    clock_of,
    date_of,
    describe,
    length_of,
    spoken,
    spoken_spans,
    time_of,
)
from telemetry.models import Window
from telemetry.times import month_of

_LAST = re.compile(rf"\b(?:in |over |for |during |within |of )?(?:the )?(?:last|past|previous|recent)\s+(?:(?P<n>{COUNT})\s*)?(?P<u>{UNIT})(?: of (?:the )?(?:logs?|data))?", re.I)
_FIRST = re.compile(rf"\b(?:in |during )?(?:the )?first\s+(?:(?P<n>{COUNT})\s*)?(?P<u>{UNIT})(?: of (?:the )?(?:logs?|data))?", re.I)
_AGO = re.compile(rf"\b(?P<rel>since|from|after|before|until)?\s*(?P<n>{COUNT})\s*(?P<u>{UNIT})\s+ago\b", re.I)
_SPAN_HEAD = r"(?:between|from)\s+(?:the\s+)?"
_BARE = r"(?P<h1>\d{1,2})(?P<m1>:\d{2}(?::\d{2})?)?\s?(?P<ap1>am|pm)?\s*(?:and|to|until|till|-|–)\s*(?P<h2>\d{1,2})(?P<m2>:\d{2}(?::\d{2})?)?\s?(?P<ap2>am|pm)?"
_NO_UNIT = r"(?!\s?(?:[kmg]i?b|bytes|[munµ]?s|millis\w*|secs?|seconds?|mins?|minutes?|%|percent)\b)"
"""After a number that tells no time of day: "between 1 and 2 MB"."""
_BETWEEN_CLOCKS = re.compile(rf"\b(?:between|from)\s+{_BARE}(?=\W|$)(?!-\d){_NO_UNIT}|(?<![\w.:]){_BARE.replace('h1','h3').replace('m1','m3').replace('ap1','ap3').replace('h2','h4').replace('m2','m4').replace('ap2','ap4')}(?=\W|$)(?!-\d){_NO_UNIT}", re.I)
_PART = re.compile(r"\b(?P<since>since\s+)?(?:(?P<day>yesterday|today|this|last|that|in the|during the|at|overnight)\s+)(?P<part>morning|afternoon|evening|night)\b|\b(?P<tonight>tonight)(?P<late>,? after midnight)?\b", re.I)
_IN_MONTH = re.compile(rf"\b(?:in|during)\s+(?P<m>{MONTH})(?:\s+(?P<y>\d{{4}}))?\b(?!\s+\d)", re.I)
_IN_YEAR = re.compile(r"\b(?:in|during)\s+(?P<y>(?:19|20)\d{2})\b")
_THIS = re.compile(r"\b(?:in |during )?(?P<w>this|last)\s+(?P<u>week|month|hour|year)\b", re.I)
_SLASHED = re.compile(r"\b(?:on\s+)(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<y>\d{4}))?\b(?![/.])", re.I)
_OFFSET = re.compile(
    rf"\b(?:in |within |during )?(?:the )?(?:first )?(?:(?P<n>{COUNT})\s*)?(?P<u>{UNIT})\s+"
    r"(?P<w>before|after|of|around|either side of|leading up to|following)\s+(?:about )?(?=\d|noon|midnight)", re.I)
_EARLIER = re.compile(rf"\b(?P<n>{COUNT})\s*(?P<u>{UNIT})\s+(?:earlier|before)\b", re.I)


def find_window(text: str, now: datetime, newest: datetime | None, first: datetime | None) -> TimeReading:
    """Find what ``text`` says of time. ``newest`` and ``first`` are the extent of the data."""
    plain = spoken(text)
    reader = TimeReader(plain, now, newest, first)
    baselines.two_windows(reader, closed_window)
    for rule in (baselines.both_sides, _slashed, _offset, _after_before, _between_clocks, _between_points, _ago, _last, _first,
                 _parts, _relation, _around, _months, _plain, baselines.baseline, _earlier, _sweep):
        rule(reader)
    out = reader.out
    rewritten = spoken_spans(text)
    out.spans = [(low, max([high, *(end for start, end in rewritten if start < high < end)])) for low, high in out.spans]
    out.ambiguities = tuple(reader.doubts)
    out.dated = "no day was said" not in " ".join(reader.notes)
    if out.window.start and out.window.end and out.window.end <= out.window.start:
        out.window = Window(start=out.window.start, end=out.window.end + timedelta(days=1))
        if out.window.end and out.window.start and out.window.end <= out.window.start:
            out.window = Window(start=out.window.end, end=out.window.start)
    if out.window.start or out.window.end:
        out.statement = "; ".join([describe(out.window), *dict.fromkeys(reader.notes)])
    return out


def closed_window(reader: TimeReader) -> None:
    """Read a stretch with both ends, or a whole day."""
    for rule in (_between_clocks, _between_points, _last, _parts, _plain):
        rule(reader)


def _sweep(reader: TimeReader) -> None:
    """Once the window is known, other words about the same time ("around 11:00, say 10:55 until 11:05") are read too."""
    if not reader.out.settled:
        return
    loose = r"(?:on|at|around|about|near|of|in|from|during|by|the|day|evening|morning|afternoon|night)"
    for match in re.finditer(rf"(?:\b{loose}\s+)*(?:{DATE}|(?<![\w.:/-])\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?![\w:]))|\b(?:on|in|during) the (?:morning|afternoon|evening|night)(?: of)?\b", reader.text, re.I):
        if reader.free(*match.span()):
            reader.out.spans.append(match.span())


def _slashed(reader: TimeReader) -> None:
    """"on 10/11": day and month, in the order that falls inside the data."""
    match = _SLASHED.search(reader.text)
    if not match or reader.out.settled:
        return
    a, b = int(match["a"]), int(match["b"])
    year = int(match["y"]) if match["y"] else None
    days = []
    for month, number in ((b, a), (a, b)):
        if 1 <= month <= 12 and 1 <= number <= 31 and (year is None or date_of(year, month, number)):
            days.append(reader.dated(year, month, number))
    if not days:
        return
    held = [d for d in days if reader.first and reader.newest
            and reader.first - FAR < d <= reader.newest]
    chosen = (held or days)[0]
    if len(days) > 1 and days[0] != days[1]:
        other = days[1] if chosen == days[0] else days[0]
        reader.doubts.append(f"{match['a']}/{match['b']} was read as {chosen:%d %B}; it could be {other:%d %B}")
    reader.settle(chosen, chosen + FAR, match.span())


def _offset(reader: TimeReader) -> None:
    """"30 minutes before 10:15", "within 5 minutes of 10:15", "the hour after 14:00"."""
    match = _OFFSET.search(reader.text)
    if not match or reader.out.settled:
        return
    points = reader.points(reader.text[match.end():], match.end())
    if not points or points[0].start > match.end():
        return
    at, length = points[0].at, length_of(match["n"] or "1", match["u"])
    word = match["w"].lower()
    low = at if word in {"after", "following", "from"} else at - length
    high = at if word in {"before", "leading up to", "to"} else at + length
    reader.settle(low, high, (match.start(), points[0].end))


def _after_before(reader: TimeReader) -> None:
    """"after 14:00 and before 15:00"."""
    if reader.out.settled:
        return
    points = reader.points(reader.text)
    for a, b in zip(points, points[1:], strict=False):
        head = re.search(r"\b(?:after|since|from)\s+$", reader.text[:a.start], re.I)
        joint = reader.text[a.end:b.start].strip().lower()
        if head and re.fullmatch(r"(?:and|but)\s+(?:before|until|till)", joint):
            reader.settle(a.at, b.at, (head.start(), b.end))
            return


def _earlier(reader: TimeReader) -> None:
    """"an hour earlier", said alone: the stretch before the newest one."""
    match = _EARLIER.search(reader.text)
    if match and not reader.out.settled:
        length = length_of(match["n"], match["u"])
        anchor = reader.recent(length)
        reader.settle(anchor - 2 * length, anchor - length, match.span())


def _between_clocks(reader: TimeReader) -> None:
    """"between 2 and 3 pm", "from 09:00 to 09:30 on Dec 10"."""
    for match in _BETWEEN_CLOCKS.finditer(reader.text):
        groups = match.groupdict()
        one, two = ("1", "2") if groups["h1"] else ("3", "4")
        worded = groups["h1"] is not None
        marked = groups[f"m{one}"] or groups[f"ap{one}"], groups[f"m{two}"] or groups[f"ap{two}"]
        halved = groups[f"ap{two}"] is not None
        if not (marked[0] and marked[1]) and not ((worded or halved) and marked[1]) and not (worded and _o_clock(match)):
            continue
        half = groups[f"ap{one}"] or groups[f"ap{two}"] or ""
        try:
            low, _ = clock_of(groups[f"h{one}"] + (groups[f"m{one}"] or ":00") + half)
            high, _ = clock_of(groups[f"h{two}"] + (groups[f"m{two}"] or ":00") + (groups[f"ap{two}"] or half))
            if not groups[f"ap{one}"] and half and low > high:
                low, _ = clock_of(groups[f"h{one}"] + (groups[f"m{one}"] or ":00") + ("am" if half == "pm" else "pm"))
        except ValueError:
            continue
        rest = reader.text[:match.start()] + " " * (match.end() - match.start()) + reader.text[match.end():]
        dates = [p for p in reader.points(rest) if p.length == timedelta(days=1)]
        span = match.span()
        if dates:
            base = dates[0].at
            reader.out.spans.append((dates[0].start, dates[0].end))
            reader.out.window = Window()
        else:
            base = reader.clock_day(low)
        if high <= low:
            high += timedelta(days=1)
        reader.out.window = Window(start=base + low, end=base + high)
        reader.out.spans.append(span)
        return


def _o_clock(match: re.Match[str]) -> bool:
    hours = [int(h) for h in (match["h1"], match["h2"]) if h]
    return len(hours) == 2 and all(h <= 24 for h in hours) and hours[0] < hours[1]


def _between_points(reader: TimeReader) -> None:
    if reader.out.settled:
        return
    points = reader.points(reader.text)
    for a, b in zip(points, points[1:], strict=False):
        joint = reader.text[a.end:b.start].strip().lower()
        if joint in {"and", "to", "until", "till", "-", "–", "through"}:
            head = re.search(rf"{_SPAN_HEAD}$", reader.text[:a.start], re.I)
            low, high = a.at, b.at + (b.length if b.length == timedelta(days=1) else timedelta(0))
            if not b.dated and a.dated:
                high = a.at.replace(hour=0, minute=0, second=0, microsecond=0) + time_of(b.at)
            if not a.dated and b.dated:
                low = b.at.replace(hour=0, minute=0, second=0, microsecond=0) + time_of(a.at)
            reader.settle(low, high, (head.start() if head else a.start, b.end))
            return


def _ago(reader: TimeReader) -> None:
    for match in _AGO.finditer(reader.text):
        if reader.out.settled:
            return
        at = reader.recent(length_of(match["n"], match["u"])) - length_of(match["n"], match["u"])
        relation = (match["rel"] or "").lower()
        if relation in {"before", "until"}:
            reader.settle(None, at, match.span())
        else:
            reader.settle(at, None if relation else at + length_of(match["n"], match["u"]) / 4, match.span())


def _last(reader: TimeReader) -> None:
    for match in _LAST.finditer(reader.text):
        if reader.out.settled or not reader.free(*match.span()):
            return
        if re.match(r"previous", match[0].split()[-2] if match["n"] is None else "", re.I) and "compare" in reader.text:
            continue
        length = length_of(match["n"] or "1", match["u"])
        end = reader.recent(length)
        reader.settle(end - length, end + timedelta(microseconds=1), match.span())


def _first(reader: TimeReader) -> None:
    match = _FIRST.search(reader.text)
    if match and not reader.out.settled and reader.first:
        reader.settle(reader.first, reader.first + length_of(match["n"] or "1", match["u"]), match.span())


def _parts(reader: TimeReader) -> None:
    if reader.out.settled or _part_of_day(reader):
        return
    match = _PART.search(reader.text)
    if not match:
        return
    reader.relative()
    midnight = reader.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["tonight"]:
        evening = midnight - timedelta(hours=6 if reader.anchor.hour < 12 else -18)
        reader.settle(evening + timedelta(hours=6 if match["late"] else 0), evening + timedelta(hours=12), match.span())
        return
    part, day = match["part"].lower(), (match["day"] or "").lower()
    if part == "night":
        start = midnight - timedelta(hours=4) if day != "this" else midnight + timedelta(hours=20)
        reader.settle(start, start + timedelta(hours=10), match.span())
        return
    low, high = PARTS[part]
    if match["since"]:
        low_day = midnight - timedelta(days=1 if day in {"yesterday", "last"} else 0)
        reader.settle(low_day + timedelta(hours=low), None, match.span())
        return
    base = midnight - timedelta(days=1 if day in {"yesterday", "last"} else 0)
    reader.settle(base + timedelta(hours=low), base + timedelta(hours=high), match.span())


def _part_of_day(reader: TimeReader) -> bool:
    """"the evening of 9 Nov", "Monday morning", "on 5 Dec in the afternoon"."""
    for match in re.finditer(r"\b(?:on |in |during )?(?:the )?(?P<part>morning|afternoon|evening|night)\b(?: of| on)?", reader.text, re.I):
        day = reader.hint()
        if day is None:
            return False
        low, high = PARTS[match["part"].lower()]
        if match["part"].lower() == "night":
            low, high = 20, 30
        reader.settle(day + timedelta(hours=low), day + timedelta(hours=high), match.span())
        return True
    return False


def _relation(reader: TimeReader) -> None:
    """since, after, from, until, before, by a point."""
    if reader.out.settled:
        return
    for point in reader.points(reader.text):
        head = re.search(r"\b(since|after|from|starting(?: at| from)?|until|till|before|up to|prior to|by)\s+(?:about\s+)?(?:on\s+)?$",
                         reader.text[:point.start], re.I)
        if not head:
            continue
        word = head[1].lower()
        day = reader.hint() if not point.dated else None
        if day is not None and word in {"since", "from", "after"}:
            reader.settle(point.at, day + FAR, (head.start(), point.end))
        elif day is not None and word in {"before", "until", "till", "up to", "prior to", "by"}:
            reader.settle(day, point.at, (head.start(), point.end))
        elif word in {"since", "from"} or word.startswith("starting"):
            reader.settle(point.at, None, (head.start(), point.end))
        elif word == "after":
            whole = point.length == timedelta(days=1)
            reader.settle(point.at + (point.length if whole else timedelta(0)), None, (head.start(), point.end))
        else:
            reader.settle(None, point.at, (head.start(), point.end))
        return


def _around(reader: TimeReader) -> None:
    if reader.out.settled:
        return
    for point in reader.points(reader.text):
        head = re.search(r"\b(around|about|near|circa|at|by|~)\s*$", reader.text[:point.start], re.I)
        if point.length == timedelta(days=1) or not head:
            continue
        if head[1].lower() in {"at", "by"}:
            clock = reader.text[point.start:point.end]
            hour = re.fullmatch(r"(?:.*\s)?(?:\d{1,2}\s?(?:am|pm)|\d{1,2}:00)", clock, re.I)
            length = timedelta(hours=1) if hour and ":" not in clock else point.length
            reader.settle(point.at, point.at + length, (head.start(), point.end))
        else:
            reader.notes.append('"around" was taken as 5 minutes on each side')
            reader.settle(point.at - timedelta(minutes=5), point.at + timedelta(minutes=5), (head.start(), point.end))
        return


def _months(reader: TimeReader) -> None:
    if reader.out.settled:
        return
    if match := _IN_MONTH.search(reader.text):
        month = month_of(match["m"])
        low = reader.dated(int(match["y"]) if match["y"] else None, month, 1)
        reader.settle(low, (low + timedelta(days=32)).replace(day=1), match.span())
    elif match := _IN_YEAR.search(reader.text):
        year = int(match["y"])
        reader.settle(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), match.span())
    elif match := _THIS.search(reader.text):
        reader.relative()
        _calendar(reader, match["w"].lower(), match["u"].lower(), match.span())


def _calendar(reader: TimeReader, which: str, unit: str, span: tuple[int, int]) -> None:
    """"this week" begins on Monday, "this month" on the first; "last" is the one before."""
    midnight = reader.midnight
    starts = {"hour": reader.anchor.replace(minute=0, second=0, microsecond=0), "week": midnight - timedelta(days=midnight.weekday()),
              "month": midnight.replace(day=1), "year": midnight.replace(month=1, day=1)}
    start = starts[unit]
    if which == "this":
        reader.settle(start, reader.anchor + timedelta(microseconds=1), span)
        return
    before = start - timedelta(seconds=1)
    first = {"hour": start - timedelta(hours=1), "week": start - timedelta(days=7), "month": before.replace(day=1, hour=0, minute=0, second=0),
             "year": before.replace(month=1, day=1, hour=0, minute=0, second=0)}
    reader.settle(first[unit], start, span)


def _plain(reader: TimeReader) -> None:
    if reader.out.settled:
        return
    for point in reader.points(reader.text):
        reader.settle(point.at, point.at + point.length, (point.start, point.end))
        return

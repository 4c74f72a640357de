"""Time as people say it: "last 2 hours", "yesterday between 2 and 3 pm", "around 10:15", "on 10 Nov".

Pure; the clock is passed in. Old data anchors relative words on its newest record, and the statement says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from telemetry.models import Window

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600,
          "d": 86400, "day": 86400, "w": 604800, "week": 604800, "month": 2592000, "year": 31536000}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10,
            "fifteen": 15, "twenty": 20, "thirty": 30, "half": 0.5, "couple of": 2, "few": 3}
_PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (0, 6), "noon": (12, 12)}
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|[smhdw])\b"
_COUNT = r"(?:\d+(?:\.\d+)?|(?:half an?|an?|one|two|three|four|five|six|ten|fifteen|twenty|thirty|couple of|few)\b)"
_CLOCK = r"(?:\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?(?:am|pm))?|\d{1,2}\s?(?:am|pm)|noon|midnight)\b"
_DATE = (
    r"(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH}(?:,?\s+\d{{4}})?\b"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,?\s+\d{{4}}\b)?"
    rf"|(?:earlier\s+)?today|yesterday|(?:last\s+|on\s+)?{_DAY}|the day before|the\s+\d{{1,2}}(?:st|nd|rd|th)\b)"
)
_ZONE = r"(?:\s?(?:z|utc|gmt|[+-]\d{2}:?\d{2}))?"
_POINT = re.compile(
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}}[t ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?{_ZONE})"
    rf"|(?:on\s+)?(?P<date1>{_DATE}),?(?:\s+(?:at\s+)?(?P<clock1>{_CLOCK}))?"
    rf"|(?P<clock2>{_CLOCK})(?:\s+(?:on\s+)?(?P<date2>{_DATE}))?", re.IGNORECASE)
_LAST = re.compile(rf"\b(?:in |over |for |during |within |of )?(?:the )?(?:last|past|previous|recent)\s+(?:(?P<n>{_COUNT})\s*)?(?P<u>{_UNIT})(?: of (?:the )?(?:logs?|data))?", re.I)
_FIRST = re.compile(rf"\b(?:in |during )?(?:the )?first\s+(?:(?P<n>{_COUNT})\s*)?(?P<u>{_UNIT})(?: of (?:the )?(?:logs?|data))?", re.I)
_AGO = re.compile(rf"\b(?P<rel>since|from|after|before|until)?\s*(?P<n>{_COUNT})\s*(?P<u>{_UNIT})\s+ago\b", re.I)
_SPAN_HEAD = r"(?:between|from)\s+(?:the\s+)?"
_BARE = r"(?P<h1>\d{1,2})(?P<m1>:\d{2}(?::\d{2})?)?\s?(?P<ap1>am|pm)?\s*(?:and|to|until|till|-|–)\s*(?P<h2>\d{1,2})(?P<m2>:\d{2}(?::\d{2})?)?\s?(?P<ap2>am|pm)?"
_BETWEEN_CLOCKS = re.compile(rf"\b(?:between|from)\s+{_BARE}(?=\W|$)(?!-\d)|(?<![\w.:]){_BARE.replace('h1','h3').replace('m1','m3').replace('ap1','ap3').replace('h2','h4').replace('m2','m4').replace('ap2','ap4')}(?=\W|$)(?!-\d)", re.I)
_PART = re.compile(r"\b(?P<since>since\s+)?(?:(?P<day>yesterday|today|this|last|that|in the|during the|at|overnight)\s+)(?P<part>morning|afternoon|evening|night)\b|\b(?P<tonight>tonight)\b", re.I)
_BEFORE = re.compile(
    rf"\b(?:compared?\s+(?:with|to|against)\s+|(?:than|versus|vs\.?|against)\s+|and\s+)?(?:in\s+)?the\s+(?:(?:(?P<n>{_COUNT})\s+)?(?P<u>{_UNIT})\s+(?:before|earlier|prior)|previous\s+(?P<u2>hour|day|minute|week))(?:\s+(?:that|it|then))?\b", re.I)
_VERSUS_DAY = re.compile(r"\b(?:compared?\s+(?:with|to|against)\s+|(?:than|versus|vs\.?)\s+)(?P<d>yesterday|today|last week)\b", re.I)
_BOTH_SIDES = re.compile(r"\bbefore and after\s+", re.I)
_IN_MONTH = re.compile(rf"\b(?:in|during)\s+(?P<m>{_MONTH})(?:\s+(?P<y>\d{{4}}))?\b(?!\s+\d)", re.I)
_IN_YEAR = re.compile(r"\b(?:in|during)\s+(?P<y>(?:19|20)\d{2})\b")
_THIS = re.compile(r"\b(?:in |during )?(?P<w>this|last)\s+(?P<u>week|month|hour|year)\b", re.I)
_SLASHED = re.compile(r"\b(?:on\s+)(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<y>\d{4}))?\b(?![/.])", re.I)
_OFFSET = re.compile(
    rf"\b(?:in |within |during )?(?:the )?(?:first )?(?:(?P<n>{_COUNT})\s*)?(?P<u>{_UNIT})\s+"
    r"(?P<w>before|after|of|around|either side of|leading up to|following)\s+(?:about )?(?=\d|noon|midnight)", re.I)
_EARLIER = re.compile(rf"\b(?P<n>{_COUNT})\s*(?P<u>{_UNIT})\s+(?:earlier|before)\b", re.I)
_FAR = timedelta(days=1)


@dataclass(slots=True)
class TimeReading:
    """``spans`` are the (start, end) ranges of text that speak of time."""

    window: Window = field(default_factory=Window)
    baseline: Window | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    statement: str = ""
    ambiguities: tuple[str, ...] = ()

    @property
    def said(self) -> bool:
        return bool(self.spans)

    def rest(self, text: str) -> str:
        """``text`` without the words about time."""
        for start, end in sorted(self.spans, reverse=True):
            text = f"{text[:start]} {text[end:]}"
        return re.sub(r"\s+", " ", text).strip()


@dataclass(frozen=True, slots=True)
class _Point:
    at: datetime
    length: timedelta
    start: int
    end: int
    dated: bool


class _Reader:
    def __init__(self, text: str, now: datetime, newest: datetime | None, first: datetime | None) -> None:
        self.text, self.now, self.newest, self.first = text, now.astimezone(UTC), newest, first
        old = newest is not None and (now - newest > _FAR or newest > now)
        self.anchor = newest if old and newest is not None else self.now
        self.notes: list[str] = []
        self.doubts: list[str] = []
        self.old = old
        self.out = TimeReading()

    def relative(self) -> None:
        if self.old:
            note = f"the newest record is of {_say(self.anchor)}, so relative times count from there"
            if note not in self.notes:
                self.notes.append(note)

    def day(self, word: str) -> datetime:
        """Midnight of a day named by ``word``."""
        word = word.lower().removeprefix("on ").removeprefix("earlier ").strip()
        midnight = self.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
        if found := re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", word):
            return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
        if word in {"today", "yesterday", "the day before"}:
            self.relative()
            return midnight - timedelta(days=0 if word == "today" else 1)
        if found := re.search(_DAY, word):
            self.relative()
            back = (midnight.weekday() - DAYS.index(found[0])) % 7
            return midnight - timedelta(days=back or (7 if "last" in word else 0))
        if found := re.fullmatch(r"the\s+(\d{1,2})\w\w", word):
            self.relative()
            this = _date(midnight.year, midnight.month, int(found[1]))
            if this and this <= self.anchor:
                return this
            before = midnight.replace(day=1) - timedelta(days=1)
            return before.replace(day=int(found[1]))
        month = next(i for i, m in enumerate(MONTHS, 1) if re.search(rf"\b{m}", word))
        number = int(re.search(r"\d{1,2}(?!\d)", re.sub(r"\b\d{4}\b", "", word))[0])  # type: ignore[index]
        year = re.search(r"\b\d{4}\b", word)
        return self.dated(int(year[0]) if year else None, month, number)

    def dated(self, year: int | None, month: int, number: int) -> datetime:
        if year is not None:
            return datetime(year, month, number, tzinfo=UTC)
        years = range(self.anchor.year, (self.first or self.anchor).year - 1, -1)
        fitting = [d for y in years if (d := _date(y, month, number)) and d <= self.anchor]
        chosen = fitting[0] if fitting else datetime(self.anchor.year, month, number, tzinfo=UTC)
        self.notes.append(f"no year was said: {chosen.year} was taken")
        return chosen

    def clock_day(self, clock: timedelta) -> datetime:
        """The newest day of the data at which this clock time has passed."""
        midnight = self.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
        chosen = midnight if midnight + clock <= self.anchor else midnight - timedelta(days=1)
        if self.first and chosen + clock < self.first.replace(minute=0, second=0, microsecond=0):
            later = chosen + timedelta(days=1)
            chosen = later if later <= self.anchor else chosen
        self.notes.append(f"no day was said: {chosen:%Y-%m-%d} was taken")
        return chosen

    def points(self, text: str, offset: int = 0) -> list[_Point]:
        found = []
        for match in _POINT.finditer(text):
            try:
                point = self.point(match, offset)
            except (ValueError, TypeError, StopIteration):
                continue
            found.append(point)
        return found

    def point(self, match: re.Match[str], offset: int) -> _Point:
        low, high = match.start() + offset, match.end() + offset
        if match["iso"]:
            text = re.sub(r"\s?(?:z|utc|gmt)$", "+00:00", match["iso"].lower().replace(" ", "t", 1))
            at = datetime.fromisoformat(text.upper())
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
            return _Point(at, timedelta(seconds=1 if text.count(":") > 1 else 60), low, high, dated=True)
        date, clock = match["date1"] or match["date2"], match["clock1"] or match["clock2"]
        if clock is None:
            return _Point(self.day(date), timedelta(days=1), low, high, dated=True)
        time, length = _clock(clock)
        base = self.day(date) if date else self.clock_day(time)
        return _Point(base + time, length, low, high, dated=bool(date))


def find_window(text: str, now: datetime, newest: datetime | None, first: datetime | None) -> TimeReading:
    """Find what ``text`` says of time. ``newest`` and ``first`` are the extent of the data."""
    # Same length on both sides, so that spans hold in the text that was asked.
    plain = re.sub(r"\s?o'clock", lambda m: ":00".rjust(3) + "\0" * (len(m[0]) - 3), text, flags=re.I)
    reader = _Reader(plain, now, newest, first)
    for rule in (_two_windows, _both_sides, _slashed, _offset, _after_before, _between_clocks, _between_points, _ago, _last, _first, _parts, _relation, _around,
                 _months, _plain, _baseline):
        rule(reader)
    _earlier(reader)
    out = reader.out
    out.spans = [(low, high + len(plain[high:]) - len(plain[high:].lstrip("\0"))) for low, high in out.spans]
    out.ambiguities = tuple(reader.doubts)
    if out.window.start and out.window.end and out.window.end <= out.window.start:
        out.window = Window(start=out.window.start, end=out.window.end + timedelta(days=1))
        if out.window.end and out.window.start and out.window.end <= out.window.start:
            out.window = Window(start=out.window.end, end=out.window.start)
    if out.window.start or out.window.end:
        out.statement = "; ".join([describe(out.window), *dict.fromkeys(reader.notes)])
    return out


def describe(window: Window) -> str:
    """A window in words."""
    if window.start and window.end:
        same = window.start.date() == window.end.date()
        return f"from {_say(window.start)} to {window.end:%H:%M:%S} UTC" if same else \
            f"from {_say(window.start)} to {_say(window.end)} UTC"
    if window.start:
        return f"since {_say(window.start)} UTC"
    return f"before {_say(window.end)} UTC" if window.end else "in all the logs"


def _say(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _set(reader: _Reader, low: datetime | None, high: datetime | None, span: tuple[int, int]) -> None:
    if reader.out.said and (reader.out.window.start or reader.out.window.end):
        return
    reader.out.window = Window(start=low, end=high)
    reader.out.spans.append(span)


def _free(reader: _Reader, start: int, end: int) -> bool:
    return all(end <= a or start >= b for a, b in reader.out.spans)


def _two_windows(reader: _Reader) -> None:
    """"between 9:00 and 10:00 compared with 10:00 to 11:00": each side read on its own."""
    match = re.search(r"\b(?:compared? (?:with|to|against)|versus|vs\.?|against)\s", reader.text, re.I)
    if not match:
        return
    sides = []
    for part in (reader.text[:match.start()], reader.text[match.end():]):
        side = _Reader(part, reader.now, reader.newest, reader.first)
        for rule in (_between_clocks, _between_points):
            if not side.out.said:
                rule(side)
        if not (side.out.window.start and side.out.window.end):
            return
        sides.append(side)
    one, two = sides
    reader.out.window, reader.out.baseline = one.out.window, two.out.window
    reader.out.spans = [*one.out.spans, match.span(),
                        *((a + match.end(), b + match.end()) for a, b in two.out.spans)]
    reader.notes += [*one.notes, *two.notes]


def _slashed(reader: _Reader) -> None:
    """"on 10/11": day and month, in the order that falls inside the data."""
    match = _SLASHED.search(reader.text)
    if not match or reader.out.said:
        return
    a, b = int(match["a"]), int(match["b"])
    year = int(match["y"]) if match["y"] else None
    days = []
    for month, number in ((b, a), (a, b)):
        if 1 <= month <= 12 and 1 <= number <= 31 and (year is None or _date(year, month, number)):
            days.append(reader.dated(year, month, number))
    if not days:
        return
    held = [d for d in days if reader.first and reader.newest
            and reader.first - _FAR < d <= reader.newest]
    chosen = (held or days)[0]
    if len(days) > 1 and days[0] != days[1]:
        other = days[1] if chosen == days[0] else days[0]
        reader.doubts.append(f"{match['a']}/{match['b']} was read as {chosen:%d %B}; it could be {other:%d %B}")
    _set(reader, chosen, chosen + _FAR, match.span())


def _offset(reader: _Reader) -> None:
    """"30 minutes before 10:15", "within 5 minutes of 10:15", "the hour after 14:00"."""
    match = _OFFSET.search(reader.text)
    if not match or reader.out.said:
        return
    points = reader.points(reader.text[match.end():], match.end())
    if not points or points[0].start > match.end():
        return
    at, length = points[0].at, _length(match["n"] or "1", match["u"])
    word = match["w"].lower()
    low = at if word in {"after", "following", "from"} else at - length
    high = at if word in {"before", "leading up to", "to"} else at + length
    _set(reader, low, high, (match.start(), points[0].end))


def _after_before(reader: _Reader) -> None:
    """"after 14:00 and before 15:00"."""
    if reader.out.said:
        return
    points = reader.points(reader.text)
    for a, b in zip(points, points[1:], strict=False):
        head = re.search(r"\b(?:after|since|from)\s+$", reader.text[:a.start], re.I)
        joint = reader.text[a.end:b.start].strip().lower()
        if head and re.fullmatch(r"(?:and|but)\s+(?:before|until|till)", joint):
            _set(reader, a.at, b.at, (head.start(), b.end))
            return


def _earlier(reader: _Reader) -> None:
    """"an hour earlier", said alone: the stretch before the newest one."""
    match = _EARLIER.search(reader.text)
    if match and not reader.out.said:
        reader.relative()
        length = _length(match["n"], match["u"])
        _set(reader, reader.anchor - 2 * length, reader.anchor - length, match.span())


def _both_sides(reader: _Reader) -> None:
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


def _between_clocks(reader: _Reader) -> None:
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
            low, _ = _clock(groups[f"h{one}"] + (groups[f"m{one}"] or ":00") + half)
            high, _ = _clock(groups[f"h{two}"] + (groups[f"m{two}"] or ":00") + (groups[f"ap{two}"] or half))
            if not groups[f"ap{one}"] and half and low > high:
                low, _ = _clock(groups[f"h{one}"] + (groups[f"m{one}"] or ":00") + ("am" if half == "pm" else "pm"))
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


def _between_points(reader: _Reader) -> None:
    if reader.out.said:
        return
    points = reader.points(reader.text)
    for a, b in zip(points, points[1:], strict=False):
        joint = reader.text[a.end:b.start].strip().lower()
        if joint in {"and", "to", "until", "till", "-", "–", "through"}:
            head = re.search(rf"{_SPAN_HEAD}$", reader.text[:a.start], re.I)
            low, high = a.at, b.at + (b.length if b.length == timedelta(days=1) else timedelta(0))
            if not b.dated and a.dated:
                high = a.at.replace(hour=0, minute=0, second=0, microsecond=0) + _time_of(b.at)
            if not a.dated and b.dated:
                low = b.at.replace(hour=0, minute=0, second=0, microsecond=0) + _time_of(a.at)
            _set(reader, low, high, (head.start() if head else a.start, b.end))
            return


def _ago(reader: _Reader) -> None:
    for match in _AGO.finditer(reader.text):
        if reader.out.said:
            return
        reader.relative()
        at = reader.anchor - _length(match["n"], match["u"])
        relation = (match["rel"] or "").lower()
        if relation in {"before", "until"}:
            _set(reader, None, at, match.span())
        else:
            _set(reader, at, None if relation else at + _length(match["n"], match["u"]) / 4, match.span())


def _last(reader: _Reader) -> None:
    for match in _LAST.finditer(reader.text):
        if reader.out.said or not _free(reader, *match.span()):
            return
        if re.match(r"previous", match[0].split()[-2] if match["n"] is None else "", re.I) and "compare" in reader.text:
            continue
        reader.relative()
        end = reader.anchor + timedelta(microseconds=1)
        _set(reader, reader.anchor - _length(match["n"] or "1", match["u"]), end, match.span())


def _first(reader: _Reader) -> None:
    match = _FIRST.search(reader.text)
    if match and not reader.out.said and reader.first:
        _set(reader, reader.first, reader.first + _length(match["n"] or "1", match["u"]), match.span())


def _parts(reader: _Reader) -> None:
    match = _PART.search(reader.text)
    if not match or reader.out.said:
        return
    reader.relative()
    midnight = reader.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["tonight"]:
        _set(reader, midnight + timedelta(hours=18), midnight + timedelta(hours=30), match.span())
        return
    part, day = match["part"].lower(), (match["day"] or "").lower()
    if part == "night":
        start = midnight - timedelta(hours=4) if day != "this" else midnight + timedelta(hours=20)
        _set(reader, start, start + timedelta(hours=10), match.span())
        return
    low, high = _PARTS[part]
    if match["since"]:
        low_day = midnight - timedelta(days=1 if day in {"yesterday", "last"} else 0)
        _set(reader, low_day + timedelta(hours=low), None, match.span())
        return
    base = midnight - timedelta(days=1 if day in {"yesterday", "last"} else 0)
    _set(reader, base + timedelta(hours=low), base + timedelta(hours=high), match.span())


def _relation(reader: _Reader) -> None:
    """since, after, from, until, before, by a point."""
    if reader.out.said:
        return
    for point in reader.points(reader.text):
        head = re.search(r"\b(since|after|from|starting(?: at| from)?|until|till|before|up to|prior to|by)\s+(?:about\s+)?(?:on\s+)?$",
                         reader.text[:point.start], re.I)
        if not head:
            continue
        word = head[1].lower()
        if word in {"since", "from"} or word.startswith("starting"):
            _set(reader, point.at, None, (head.start(), point.end))
        elif word == "after":
            whole = point.length == timedelta(days=1)
            _set(reader, point.at + (point.length if whole else timedelta(0)), None, (head.start(), point.end))
        else:
            _set(reader, None, point.at, (head.start(), point.end))
        return


def _around(reader: _Reader) -> None:
    if reader.out.said:
        return
    for point in reader.points(reader.text):
        head = re.search(r"\b(around|about|near|circa|at|by|~)\s*$", reader.text[:point.start], re.I)
        if point.length == timedelta(days=1) or not head:
            continue
        if head[1].lower() in {"at", "by"}:
            clock = reader.text[point.start:point.end]
            hour = re.fullmatch(r"(?:.*\s)?(?:\d{1,2}\s?(?:am|pm)|\d{1,2}:00)", clock, re.I)
            length = timedelta(hours=1) if hour and ":" not in clock else point.length
            _set(reader, point.at, point.at + length, (head.start(), point.end))
        else:
            reader.notes.append('"around" was taken as 5 minutes on each side')
            _set(reader, point.at - timedelta(minutes=5), point.at + timedelta(minutes=5), (head.start(), point.end))
        return


def _months(reader: _Reader) -> None:
    if reader.out.said:
        return
    if match := _IN_MONTH.search(reader.text):
        month = next(i for i, m in enumerate(MONTHS, 1) if match["m"].lower().startswith(m))
        low = reader.dated(int(match["y"]) if match["y"] else None, month, 1)
        _set(reader, low, (low + timedelta(days=32)).replace(day=1), match.span())
    elif match := _IN_YEAR.search(reader.text):
        year = int(match["y"])
        _set(reader, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), match.span())
    elif match := _THIS.search(reader.text):
        reader.relative()
        length = _length("1", match["u"])
        end = reader.anchor + timedelta(microseconds=1) if match["w"].lower() == "this" else reader.anchor - length
        _set(reader, end - length, end, match.span())


def _plain(reader: _Reader) -> None:
    if reader.out.said:
        return
    for point in reader.points(reader.text):
        _set(reader, point.at, point.at + point.length, (point.start, point.end))
        return


def _baseline(reader: _Reader) -> None:
    """"compared with the hour before", "versus yesterday"."""
    if match := _VERSUS_DAY.search(reader.text):
        low = reader.day(match["d"]) if "week" not in match["d"] else reader.anchor - timedelta(days=14)
        reader.out.baseline = Window(start=low, end=low + timedelta(days=7 if "week" in match["d"] else 1))
        if not _free(reader, *match.span()):
            today = reader.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
            reader.out.window = Window(start=today, end=reader.anchor + timedelta(microseconds=1))
        reader.out.spans.append(match.span())
        return
    for match in _BEFORE.finditer(reader.text):
        if not _free(reader, *match.span()):
            continue
        length = _length(match["n"] or "1", match["u"] or match["u2"])
        window = reader.out.window
        if window.start is None:
            reader.relative()
            end = reader.anchor + timedelta(microseconds=1)
            window = Window(start=end - length, end=end)
        start = window.start or reader.anchor
        if window.end is not None and window.end - start < length and not match["n"]:
            window = Window(start=start, end=window.end)
        reader.out.window = window
        reader.out.baseline = Window(start=start - length, end=start)
        reader.out.spans.append(match.span())
        return


def _clock(text: str) -> tuple[timedelta, timedelta]:
    """A clock time since midnight, and how long the unit it names lasts. Raises ValueError."""
    text = text.lower().strip()
    if text in {"noon", "midnight"}:
        return timedelta(hours=12 if text == "noon" else 0), timedelta(hours=1)
    found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2})(?:\.\d+)?)?\s?(am|pm)?", text)
    if not found:
        raise ValueError(text)
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if found[4]:
        if hour > 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if found[4] == "pm" else 0)
    if hour > 24 or minute > 59 or second > 59:
        raise ValueError(text)
    length = timedelta(seconds=1) if found[3] else timedelta(minutes=1) if found[2] else timedelta(hours=1)
    return timedelta(hours=hour, minutes=minute, seconds=second), length


def _time_of(when: datetime) -> timedelta:
    return timedelta(hours=when.hour, minutes=when.minute, seconds=when.second, microseconds=when.microsecond)


def _length(count: str, unit: str) -> timedelta:
    word = re.sub(r"^half an?$", "half", count.lower())
    number = _NUMBERS.get(word)
    seconds = _UNITS.get(unit.lower()) or _UNITS[unit.lower().rstrip("s")]
    return timedelta(seconds=min((number if number is not None else float(word)) * seconds, 3e9))


def _date(year: int, month: int, number: int) -> datetime | None:
    try:
        return datetime(year, month, number, tzinfo=UTC)
    except ValueError:
        return None

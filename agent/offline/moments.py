"""Moments as people name them: days, clock times, lengths; the clock and the extent of the data are passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agent.numerals import MONTH, NUMERALS
from telemetry.models import Window
from telemetry.times import month_of
from telemetry.units import CALENDAR, SECONDS

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTS = NUMERALS | {"a": 1, "an": 1, "half": 0.5, "couple of": 2, "few": 3}
PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (0, 6), "noon": (12, 12)}
DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|[smhdw])\b"
COUNT = rf"(?:\d+(?:\.\d+)?|(?:half an?|half(?=\s+(?:hour|minute|day))|an?|{'|'.join(NUMERALS)}|couple of|few)\b)"
CLOCK = r"(?:\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?(?:am|pm))?|\d{1,2}\s?(?:am|pm)|noon|midnight)\b"
DATE = (
    r"(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?\s+{MONTH}(?:,?\s+\d{{4}})?\b"
    rf"|{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,?\s+\d{{4}}\b)?"
    rf"|(?:earlier\s+)?today|yesterday|tomorrow|the day before yesterday|(?:last\s+|on\s+)?{DAY}|the day before|the\s+\d{{1,2}}(?:st|nd|rd|th)\b)"
)
ZONE = r"(?:\s?(?:z|utc|gmt|[+-]\d{2}:?\d{2}))?"
POINT = re.compile(
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}}[t ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?{ZONE})"
    rf"|(?:on\s+)?(?P<date1>{DATE}),?(?:\s+(?:at\s+)?(?P<clock1>{CLOCK}))?"
    rf"|(?P<clock2>{CLOCK})(?:\s+(?:on\s+)?(?P<date2>{DATE}))?", re.IGNORECASE)
FAR = timedelta(days=1)
_RELATIVE_DAYS = {"today": 0, "yesterday": -1, "the day before": -1, "the day before yesterday": -2, "tomorrow": 1}
_HOURS = {word: n for word, n in NUMERALS.items() if n <= 12}
_HOUR = rf"(?:\d{{1,2}}|{'|'.join(_HOURS)})"
_SPOKEN = re.compile(
    rf"\b(?P<part>half|quarter) (?P<way>past|to|after|before) (?P<h>{_HOUR})\b(?!:)(?:\s?(?P<noon>am|pm|in the morning|in the afternoon|in the evening|at night)\b)?|\b(?P<m>\d{{1,2}}|five|ten|twenty) (?:minutes? )?(?P<way2>past) (?P<h2>{_HOUR})\b(?!:)"
    rf"|\b(?P<h3>{_HOUR})(?P<m3>:\d\d)?\s?(?:o['’]?clock )?(?P<day>in the morning|in the afternoon|in the evening|at night)\b|\b(?P<h4>{_HOUR})\s?(?P<ap>a\.?m\.?|p\.?m\.?|o['’]?clock)(?!\w)"
    r"|\b(?P<h5>\d{1,2})h(?P<m5>\d{2})\b", re.IGNORECASE)


def spoken(text: str) -> str:
    """``text`` with clock times as people say them ("half past ten", "3 in the morning") written as a clock shows them.

    Of the same length, padded with spaces, so that offsets hold in the text that was asked.
    """
    return _SPOKEN.sub(_written, text)


def spoken_spans(text: str) -> list[tuple[int, int]]:
    """Where :func:`spoken` rewrote."""
    return [match.span() for match in _SPOKEN.finditer(text)]


def _written(match: re.Match[str]) -> str:
    found = match.groupdict()
    hour = next(found[g] for g in ("h", "h2", "h3", "h4", "h5") if found[g]).lower()
    at = _HOURS.get(hour) or int(hour)
    minute, suffix = 0, ""
    if found["part"]:
        minute = 30 if found["part"].lower() == "half" else 15
        if found["way"].lower() in {"to", "before"}:
            at, minute = (at - 1) % 24, 60 - minute
        suffix = _half(found["noon"], at) if found["noon"] else ""
    elif found["m"]:
        minute = {"five": 5, "ten": 10, "twenty": 20}.get(found["m"].lower()) or int(found["m"])
    elif found["day"]:
        minute = int((found["m3"] or ":0")[1:])
        suffix = _half(found["day"], at)
        if suffix and not found["m3"]:
            return f"{at}{suffix}".ljust(len(match[0]))
    elif found["ap"]:
        low = found["ap"].lower()
        suffix = "" if low.startswith("o") else f" {low[0]}m"
        if suffix and hour.isdigit():
            return f"{hour}{suffix[1:] if match[0][len(hour)] != ' ' else suffix}".ljust(len(match[0]))
    elif found["m5"]:
        minute = int(found["m5"])
    text = f"{at}:{minute:02d}{suffix}"
    return text.ljust(len(match[0])) if len(text) <= len(match[0]) else match[0]


def _half(said: str, hour: int) -> str:
    """The half of the day that "pm" or "in the evening" puts an hour into, as a clock shows it."""
    low = said.lower()
    early = low in {"am", "in the morning"} or (low == "at night" and hour < 6)
    return " am" if early else " pm" if hour <= 12 else ""


@dataclass(slots=True)
class TimeReading:
    """``spans`` are the (start, end) ranges of text that speak of time."""

    window: Window = field(default_factory=Window)
    baseline: Window | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)
    statement: str = ""
    ambiguities: tuple[str, ...] = ()
    dated: bool = False
    """Whether a day was named, not only a clock time."""

    @property
    def said(self) -> bool:
        return bool(self.spans)

    @property
    def settled(self) -> bool:
        """Whether the window is known."""
        return bool(self.window.start or self.window.end)

    def rest(self, text: str) -> str:
        """``text`` without the words about time."""
        shown = "".join(" " if any(start <= at < end for start, end in self.spans) else char for at, char in enumerate(text))
        return re.sub(r"\s+", " ", shown).strip()


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    length: timedelta
    start: int
    end: int
    dated: bool


class TimeReader:
    def __init__(self, text: str, now: datetime, newest: datetime | None, first: datetime | None) -> None:
        self.text, self.now, self.newest, self.first = text, now.astimezone(UTC), newest, first
        old = newest is not None and (now - newest > FAR or newest > now)
        self.anchor = newest if old and newest is not None else self.now
        self.notes: list[str] = []
        self.doubts: list[str] = []
        self.old = old
        self.out = TimeReading()
        self._hint = self._find_hint()

    def _find_hint(self) -> tuple[str, int, int] | None:
        """A day named apart from the clock times of the same question: "on 5 Dec before noon"."""
        found = [m for m in POINT.finditer(self.text) if (m["date1"] and not m["clock1"])]
        found = [m for m in found if not re.search(r"\b(?:since|after|before|until|till|against|versus|with|to|and|than)\s+(?:on\s+)?$", self.text[: m.start()], re.I)]
        return (found[0]["date1"], found[0].start(), found[0].end()) if len(found) == 1 else None

    def hint(self) -> datetime | None:
        """Midnight of the one day named apart from clock times; its words count as read."""
        if self._hint is None:
            return None
        word, start, end = self._hint
        try:
            day = self.day(word)
        except (ValueError, TypeError, StopIteration):
            return None
        if (start, end) not in self.out.spans:
            self.out.spans.append((start, end))
        return day

    def settle(self, low: datetime | None, high: datetime | None, span: tuple[int, int]) -> None:
        """Take the window, unless one was found before."""
        if not self.out.settled:
            self.out.window = Window(start=low, end=high)
            self.out.spans.append(span)

    def free(self, start: int, end: int) -> bool:
        """Whether a stretch of the text was not read as time yet."""
        return all(end <= a or start >= b for a, b in self.out.spans)

    @property
    def midnight(self) -> datetime:
        """The start of the anchor's day."""
        return self.anchor.replace(hour=0, minute=0, second=0, microsecond=0)

    def recent(self, length: timedelta) -> datetime:
        """The end of "the last ``length``": now, or the newest record when that is far older than what is asked."""
        if self.old or self.newest is None or self.now - self.newest <= max(timedelta(hours=1), 2 * length):
            self.relative()
            return self.anchor
        note = f"the newest record is of {say(self.newest)}, so relative times count from there"
        if note not in self.notes:
            self.notes.append(note)
        return self.newest

    def relative(self) -> None:
        if self.old:
            note = f"the newest record is of {say(self.anchor)}, so relative times count from there"
            if note not in self.notes:
                self.notes.append(note)

    def day(self, word: str) -> datetime:
        """Midnight of a day named by ``word``."""
        word = word.lower().removeprefix("on ").removeprefix("earlier ").strip()
        midnight = self.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
        if found := re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", word):
            return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
        if word in _RELATIVE_DAYS:
            self.relative()
            return midnight + timedelta(days=_RELATIVE_DAYS[word])
        if found := re.search(DAY, word):
            self.relative()
            back = (midnight.weekday() - DAYS.index(found[0])) % 7
            return midnight - timedelta(days=back or (7 if "last" in word else 0))
        if found := re.fullmatch(r"the\s+(\d{1,2})\w\w", word):
            self.relative()
            this = date_of(midnight.year, midnight.month, int(found[1]))
            if this and this <= self.anchor:
                return this
            before = midnight.replace(day=1) - timedelta(days=1)
            return before.replace(day=int(found[1]))
        month = month_of(re.search(MONTH, word)[0])  # type: ignore[index]
        number = int(re.search(r"\d{1,2}(?!\d)", re.sub(r"\b\d{4}\b", "", word))[0])  # type: ignore[index]
        year = re.search(r"\b\d{4}\b", word)
        return self.dated(int(year[0]) if year else None, month, number)

    def dated(self, year: int | None, month: int, number: int) -> datetime:
        if year is not None:
            return datetime(year, month, number, tzinfo=UTC)
        years = range(self.anchor.year, (self.first or self.anchor).year - 1, -1)
        fitting = [d for y in years if (d := date_of(y, month, number)) and d <= self.anchor]
        chosen = fitting[0] if fitting else datetime(self.anchor.year, month, number, tzinfo=UTC)
        self.notes.append(f"no year was said: {chosen.year} was taken")
        return chosen

    def clock_day(self, clock: timedelta) -> datetime:
        """The newest day of the data at which this clock time has passed."""
        if self._hint is not None and (day := self.hint()) is not None:
            return day
        midnight = self.anchor.replace(hour=0, minute=0, second=0, microsecond=0)
        chosen = midnight if midnight + clock <= self.anchor else midnight - timedelta(days=1)
        if self.first and chosen + clock < self.first.replace(minute=0, second=0, microsecond=0):
            later = chosen + timedelta(days=1)
            chosen = later if later <= self.anchor else chosen
        self.notes.append(f"no day was said: {chosen:%Y-%m-%d} was taken")
        return chosen

    def points(self, text: str, offset: int = 0) -> list[Point]:
        found = []
        for match in POINT.finditer(text):
            try:
                point = self.point(match, offset)
            except (ValueError, TypeError, StopIteration):
                continue
            found.append(point)
        return found

    def point(self, match: re.Match[str], offset: int) -> Point:
        low, high = match.start() + offset, match.end() + offset
        if match["iso"]:
            text = re.sub(r"\s?(?:z|utc|gmt)$", "+00:00", match["iso"].lower().replace(" ", "t", 1))
            at = datetime.fromisoformat(text.upper())
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
            return Point(at, timedelta(seconds=1 if text.count(":") > 1 else 60), low, high, dated=True)
        date, clock = match["date1"] or match["date2"], match["clock1"] or match["clock2"]
        if clock is None:
            return Point(self.day(date), timedelta(days=1), low, high, dated=True)
        time, length = clock_of(clock)
        base = self.day(date) if date else self.clock_day(time)
        return Point(base + time, length, low, high, dated=bool(date))


def describe(window: Window) -> str:
    """A window in words."""
    if window.start and window.end:
        same = window.start.date() == window.end.date()
        return f"from {say(window.start)} to {window.end:%H:%M:%S} UTC" if same else \
            f"from {say(window.start)} to {say(window.end)} UTC"
    if window.start:
        return f"since {say(window.start)} UTC"
    return f"before {say(window.end)} UTC" if window.end else "in all the logs"


def say(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def clock_of(text: str) -> tuple[timedelta, timedelta]:
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


def time_of(when: datetime) -> timedelta:
    return timedelta(hours=when.hour, minutes=when.minute, seconds=when.second, microseconds=when.microsecond)


def length_of(count: str, unit: str) -> timedelta:
    word = re.sub(r"^half an?$", "half", count.lower())
    seconds = SECONDS.get(unit.lower()) or CALENDAR[unit.lower()]
    return timedelta(seconds=min((_COUNTS.get(word) or float(word)) * seconds, 3e9))


def date_of(year: int, month: int, number: int) -> datetime | None:
    try:
        return datetime(year, month, number, tzinfo=UTC)
    except ValueError:
        return None

"""Dates and clock times in a text, as partly known moments, and whether one shows another."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from agent.numerals import MONTH
from telemetry.times import month_of

_MONTH = MONTH.replace("may", "(?-i:May|MAY)")
"""In a claim "may" is no month."""
_NAMED = r"\s?(?:z(?![a-z])|utc|gmt)(?:[+-]\d{1,2}(?::?\d{2})?)?"
_OFFSET = r"\s?[+-]\d{2}:?\d{2}(?![\d:])"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"


def _clock(n: int) -> str:
    return (rf"(?P<h{n}>\d{{1,2}}):(?P<mi{n}>\d{{2}})(?::(?P<s{n}>\d{{2}})(?:[.,](?P<f{n}>\d{{1,9}}))?)?(?!\d)(?!:\w)"
            # Only after seconds is a number a zone: "09:00-09:15" is a range.
            rf"(?:\s?(?P<ap{n}>[ap])\.?m\b\.?)?(?P<z{n}>{_NAMED}|(?(s{n}){_OFFSET}|(?!)))?")


_JOIN = r"(?:\s*[T_,]\s*|\s+(?:at\s+|around\s+|about\s+)?|:)"
_PATTERN = re.compile(
    rf"(?<![\w./-])(?P<y1>\d{{4}})[-/](?P<mo1>\d{{1,2}})[-/](?P<d1>\d{{1,2}})(?!\d)(?:{_JOIN}{_clock(1)})?"
    rf"|(?<![\w./])(?P<d2>{_DAY})[\s/-]+(?:of\s+)?(?P<mn2>{_MONTH})\b\.?(?:[,\s/-]+(?P<y2>\d{{4}})(?![\d-]))?(?:{_JOIN}{_clock(2)})?"
    rf"|(?<![\w./])(?P<mn3>{_MONTH})\b\.?\s+(?P<d3>{_DAY})(?![\w:])(?:,?\s+(?P<y3>\d{{4}})(?![\d:-]))?(?:{_JOIN}{_clock(3)})?"
    rf"|(?<![\w:.]){_clock(4)}(?:\s+on\s+(?P<d4>{_DAY})\s+(?P<mn4>{_MONTH})\b(?:\s+(?P<y4>\d{{4}})(?!\d))?)?"
    r"|(?<![\w:.])(?P<h5>\d{1,2})\s?(?P<ap5>[ap])\.?m\b\.?",
    re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment as far as a text gives it; ``zone`` is minutes east of UTC, None when unsaid."""

    text: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    micro: int = 0
    digits: int = 0
    """Written digits of the fraction of a second."""
    zone: int | None = None

    def at(self) -> datetime | None:
        """As a date and time, what is unsaid filled in; None when there is no such moment."""
        try:
            return datetime(self.year or 2000, self.month or 1, self.day or 1, self.hour or 0, self.minute or 0,
                            self.second or 0, self.micro, tzinfo=UTC)
        except ValueError:
            return None

    @property
    def whole(self) -> bool:
        """Whether the day and the clock time are both known."""
        return self.day is not None and self.hour is not None

    def moved(self, step: timedelta) -> Instant:
        """The moment ``step`` later, with the same parts known."""
        at = self.at()
        try:
            at = at + step if at else None
        except OverflowError:
            at = None
        if at is None:
            return self
        dated, seconds = self.day is not None, self.second is not None
        return replace(
            self, year=at.year if self.year is not None else None, month=at.month if dated else self.month,
            day=at.day if dated else None, hour=at.hour, minute=at.minute, second=at.second if seconds else None,
            micro=at.microsecond)

    def utc(self) -> Instant:
        """The same moment in UTC; a text that names no zone is taken for UTC."""
        return replace(self.moved(-timedelta(minutes=self.zone)), zone=0) if self.zone else replace(self, zone=0)


def instants(text: str) -> list[tuple[Instant, tuple[int, int]]]:
    """All moments in ``text`` with where they stand. A port (``10.0.0.1:80``) or a ratio is none."""
    found = []
    for match in _PATTERN.finditer(text):
        instant = _read(match)
        if instant is not None and instant.at() is not None:
            found.append((instant, match.span()))
    return found


def of_datetime(at: datetime) -> Instant:
    """A known moment as an instant."""
    at = at.astimezone(UTC)
    return Instant(at.isoformat(), at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, 6, 0)


def _read(match: re.Match[str]) -> Instant | None:
    got: dict[str, str] = {}
    for key, value in match.groupdict().items():
        if value is not None:
            got[key.rstrip("12345")] = value
    month = int(got["mo"]) if "mo" in got else month_of(got["mn"]) if "mn" in got else None
    day = int(re.sub(r"\D", "", got["d"])) if "d" in got else None
    year = int(got["y"]) if "y" in got else None
    if "h" not in got:
        return Instant(match[0], year, month, day)
    hour = int(got["h"])
    if "ap" in got:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if got["ap"].lower() == "p" else 0)
    fraction = got.get("f", "")
    return Instant(
        match[0], year, month, day, hour, int(got.get("mi", 0)), int(got["s"]) if "s" in got else None,
        int(fraction[:6].ljust(6, "0")) if fraction else 0, min(len(fraction), 6), _zone(got.get("z")))


def _zone(text: str | None) -> int | None:
    if text is None:
        return None
    offset = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", text)
    if not offset:
        return 0
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    return -minutes if offset[1] == "-" else minutes


def shows(shown: Instant, claimed: Instant) -> bool:
    """Whether evidence that says ``shown`` proves a claim that says ``claimed``.

    All parts the claim gives must agree, in UTC; without a zone in the claim also as the text writes them. A
    claim may cut or round to its own precision: 09:00:31 shows "09:00" and "09:01", not "09:00:30".
    """
    written = [shown.utc()] if claimed.zone is not None else [shown.utc(), shown]
    wanted = claimed.utc() if claimed.zone is not None else claimed
    return any(_agree(form, wanted) for base in written for form in (base, *_rounded(base, wanted)))


def _rounded(shown: Instant, claimed: Instant) -> list[Instant]:
    if claimed.hour is None or shown.hour is None:
        return []
    if claimed.second is None:
        return [shown.moved(timedelta(minutes=1))] if (shown.second or 0) >= 30 else []
    step = 10 ** (6 - claimed.digits)
    rest = shown.micro % step
    return [shown.moved(timedelta(microseconds=step - rest))] if rest * 2 >= step and rest else []


def _agree(shown: Instant, claimed: Instant) -> bool:
    for part in ("year", "month", "day", "hour", "minute"):
        wanted = getattr(claimed, part)
        if wanted is not None and getattr(shown, part) != wanted:
            return False
    if claimed.second is None:
        return True
    step = 10 ** (6 - claimed.digits)
    return (shown.second or 0) == claimed.second and shown.micro // step == claimed.micro // step

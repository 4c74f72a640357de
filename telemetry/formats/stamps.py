"""Timestamps at a place in a line: which style, how long, and how to read it.

Styles are told apart by separators, letters and field widths alone, never by what the digits say. Where the
order of day, month and year cannot be told (``03/04/24``), a sample of lines decides (:func:`choose`).
"""


from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from telemetry.times import MONTHS, ZONES, TimeFormat

MONTH = rf"(?:{'|'.join(month.title() for month in MONTHS)})[a-z]{{0,6}}"
WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
"""Names as logs write them, in full or cut short."""
_MONTH = rf"(?P<b>{MONTH})"
_WEEKDAY = rf"(?:{WEEKDAY},? +)"
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{1,2}):(?P<S>\d{1,2})"
_FRACTION = r"(?:[.,](?P<f>\d{1,12})|:(?P<n>\d{1,3}))?"
_AMPM = r"(?: ?(?P<p>[AaPp][Mm]))?"
_NAMED = "|".join(sorted((z for z in ZONES if z != "Z"), key=len, reverse=True))
_ZONE = rf"(?: ?(?P<z>Z|[+-]\d\d:?\d\d|[+-]\d\d|{_NAMED}))?"
_TIME = _CLOCK + _FRACTION + _AMPM + _ZONE
_END = r"(?![0-9])"


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    pattern: str
    orders: tuple[str, ...] = ()
    """Possible meanings of the groups ``a``, ``b``, ``c``, likeliest first."""
    first: str = "0"
    """What the style starts with: ``0`` a digit, ``A`` a letter."""


_STYLES = (
    _Style("iso", r"(?P<Y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?: - |, |[T_ :-]| {2,3})" + _TIME),
    _Style("iso-dots", r"(?P<Y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})[-T_ ](?P<H>\d{1,2})[.-](?P<M>\d{1,2})[.-]"
           r"(?P<S>\d{1,2})(?:[.,](?P<f>\d{1,12}))?" + _ZONE),
    _Style("month-day", r"(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[ T_-]{1,2}" + _TIME, ("md", "dm")),
    _Style("two-digit-year", r"(?P<a>\d{2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{2})[ T,_:-]{1,3}" + _TIME,
           ("ymd", "mdy", "dmy")),
    _Style("numeric", r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{4})[ T,_:-]{1,3}" + _TIME,
           ("mdY", "dmY")),
    _Style("day-month", r"(?P<d>\d{1,2})[-/ ]" + _MONTH + r"[-/, ]{1,2}(?P<Y>\d{4})[ :T,_-]{1,3}" + _TIME),
    _Style("compact", r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[-T_ ]{1,2}" + _TIME),
    _Style("compact-6", r"(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{2})[-T_ ]{1,2}(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})"
           r"(?:[.,](?P<f>\d{1,12}))?", ("ymd", "dmy", "mdy")),
    _Style("compact-6-clock", r"(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{2})[-T_ ]{1,2}" + _TIME, ("ymd", "dmy", "mdy")),
    _Style("compact-14", r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[-T_ ]?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})"
           r"(?:[.,](?P<f>\d{1,12}))?" + _ZONE),
    _Style("weekday-day-month", _WEEKDAY + r"(?P<d>\d{1,2})[- ]" + _MONTH + r"[- ](?P<Y>\d{4}) " + _TIME, first="A"),
    _Style("asctime", _WEEKDAY + "?" + _MONTH + r" +(?P<d>\d{1,2}) " + _CLOCK + r"(?:[.,](?P<f>\d{1,12}))?"
           + _ZONE + r" (?P<Y>\d{4})", first="A"),
    _Style("month-name", _WEEKDAY + "?" + _MONTH + r" +(?P<d>\d{1,2}),? +(?P<Y>\d{4}),? +" + _TIME, first="A"),
    _Style("syslog", _WEEKDAY + "?" + _MONTH + r" +(?P<d>\d{1,2}) " + _TIME, first="A"),
    _Style("epoch", ""),
    _Style("clock", _CLOCK + r"(?:[.,](?P<f>\d{1,12}))?" + _AMPM),
)
_COMPILED = [(s, re.compile(s.pattern + _END)) for s in _STYLES if s.pattern]
_DIGITS = [c for c in _COMPILED if c[0].first == "0"]
_LETTERS = [c for c in _COMPILED if c[0].first == "A"]
_EPOCH = re.compile(r"(?P<e>\d+)(?:\.(?P<ef>\d+))?" + _END)
_UNITS = {10: "s", 13: "ms", 16: "us", 19: "ns"}
_NAMES = {"y": "year", "Y": "year", "m": "month", "d": "day"}
_STYLE = {s.name: s for s in _STYLES}

Orders = Mapping[str, str]
"""Style name to chosen order."""


@lru_cache(maxsize=256)
def _format(name: str, order: str) -> TimeFormat:
    style = _STYLE[name]
    pattern, assumed = style.pattern, ""
    if name == "month-day":
        pattern = pattern if order == "md" else pattern.replace("<m>", "<x>").replace("<d>", "<m>").replace("<x>", "<d>")
    else:
        for group, meaning in zip("abc", order, strict=False):
            pattern = pattern.replace(f"(?P<{group}>", f"(?P<{meaning}>", 1)
    if style.orders and order[:3].lower() != "ymd":
        assumed = f"Dates are read as {'/'.join(_NAMES[c] for c in order)}."
    return TimeFormat(f"{name}:{order}" if order else name, pattern, assumed=assumed)


@lru_cache(maxsize=16)
def epoch_format(unit: str) -> TimeFormat:
    """Return the format of an epoch in ``s``, ``ms``, ``us`` or ``ns``, with or without a fraction."""
    return TimeFormat(f"epoch:{unit}", r"(?P<e>-?\d+)(?:\.(?P<ef>\d+))?", epoch=unit)


def at(line: str, place: int, orders: Orders) -> tuple[int, TimeFormat] | None:
    """Return the end and format of the timestamp that starts at ``place``; epochs and bare clocks excepted."""
    head = line[place:place + 1]
    for style, compiled in _DIGITS if head.isdigit() else _LETTERS if head.isalpha() else ():
        if style.name == "clock":
            continue
        match = compiled.match(line, place)
        if match:
            order = orders.get(style.name) or (style.orders[0] if style.orders else "")
            return match.end(), _format(style.name, order)
    return None


def epoch_at(line: str, place: int) -> tuple[int, TimeFormat] | None:
    """Return the end and format of the epoch that starts at ``place``, told by its length."""
    match = _EPOCH.match(line, place)
    unit = _UNITS.get(len(match["e"])) if match else None
    return (match.end(), epoch_format(unit)) if match and unit else None


def clock_at(line: str, place: int) -> tuple[int, TimeFormat] | None:
    """Return the end and format of a time of day without a date."""
    match = _COMPILED[-1][1].match(line, place)
    return (match.end(), _format("clock", "")) if match else None


def whole(text: str, orders: Orders) -> TimeFormat | None:
    """Return the format of a text that is one timestamp and nothing else."""
    for found in (at(text, 0, orders), epoch_at(text, 0)):
        if found and found[0] == len(text):
            return found[1]
    return None


def choose(samples: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Choose the order per ambiguous style from (style name, text) pairs.

    The order under which the most texts are dates wins; among equals the one whose dates lie closest
    together (a log covers days, not decades), then the usual one.
    """
    texts: dict[str, list[str]] = {}
    for name, text in samples:
        if _STYLE[name].orders:
            texts.setdefault(name, []).append(text)
    return {name: min(_STYLE[name].orders, key=lambda o, n=name: _badness(texts[n], n, o)) for name in texts}  # type: ignore[misc]


def is_style(name: str) -> bool:
    """Whether a style of this table has that name."""
    return name in _STYLE


def style_name(fmt: TimeFormat) -> str:
    """Return the name of the style a format belongs to."""
    return fmt.name.partition(":")[0]


def _badness(texts: list[str], name: str, order: str) -> tuple[int, int, int]:
    compiled = re.compile(_format(name, order).pattern)
    dates = []
    for text in texts:
        match = compiled.match(text)
        found = _date(match.groupdict()) if match else None
        if found:
            dates.append(found)
    spread = (max(dates) - min(dates)).days if dates else 10**9
    return len(texts) - len(dates), spread, _STYLE[name].orders.index(order)


def _date(groups: dict[str, str | None]) -> date | None:
    year = int(groups.get("Y") or 0) or 2000 + int(groups.get("y") or 0)
    try:
        return date(year, int(groups.get("m") or 0), int(groups.get("d") or 0))
    except ValueError:
        return None

"""Times as logs write them, read by the column.

A :class:`TimeFormat` is a regular expression with named groups; a :class:`Clock` turns a column of texts
into UTC times, supplying the year, the day or the zone where the log leaves them out and saying so.
Groups: ``Y`` year, ``y`` two-digit year, ``m`` month, ``b`` month name, ``d`` day, ``H M S``, ``f`` decimal
fraction, ``n`` milliseconds as a number, ``p`` AM or PM, ``z`` zone, ``e`` and ``ef`` an epoch and its fraction.
"""


from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from telemetry.native import Kernel, kernel
from telemetry.texts import NULL, Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Octets = NDArray[np.uint8]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MET": 60, "CEST": 120,
    "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
    "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}
"""Zone abbreviations with one usual meaning, in minutes east of UTC (CST and IST have several)."""
_SCALE = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0}
_DAY = 86_400_000_000
_MINUTE = 60_000_000
_LONGEST = 200
"""No time takes more characters."""
_LONGEST_EPOCH = 19
UNKNOWN = -(2**63)
"""A time that could not be read, among microseconds since 1970."""
HALF_YEAR = 186


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How a time is written. Equal formats read equal texts equally."""

    name: str
    pattern: str
    epoch: str = ""
    """Unit of an epoch: ``s``, ``ms``, ``us`` or ``ns``."""
    assumed: str = ""
    """What was assumed to read it so (the order of day and month), as a sentence."""

    @property
    def dated(self) -> bool:
        """Whether it has a day."""
        return bool(self.epoch) or "<d>" in self.pattern

    @property
    def has_year(self) -> bool:
        """Whether it has a year."""
        return bool(self.epoch) or "<Y>" in self.pattern or "<y>" in self.pattern


@dataclass(slots=True)
class Clock:
    """Reads the times of one source, in the order of its lines.

    ``reference`` is when the source was last written; no inferred time lies over a day after it.
    ``zone`` (a name or an offset) applies where the text has none; without it UTC is assumed.
    """

    reference: datetime
    zone: str | None = None
    _year: int | None = None
    _day: int | None = None
    _notes: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reference.tzinfo is None:
            raise ValueError("a clock needs a timezone-aware reference")
        self.reference = self.reference.astimezone(UTC)
        if self.zone is not None and _minutes(self.zone) is None:
            ZoneInfo(self.zone)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was inferred so far, one sentence each."""
        return tuple(self._notes)

    def state(self) -> dict[str, Any]:
        """Everything :meth:`restore` needs to go on, as JSON values."""
        return {
            "reference": self.reference.isoformat(), "zone": self.zone, "year": self._year,
            "day": self._day, "notes": list(self._notes),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Clock:
        """Go on from a :meth:`state`."""
        clock = cls(datetime.fromisoformat(state["reference"]), state["zone"])
        clock._year, clock._day = state["year"], state["day"]
        clock._notes = dict.fromkeys(state["notes"])
        return clock

    def read(self, texts: Texts, fmt: TimeFormat) -> Ints:
        """Read a column of texts as microseconds since 1970 (UTC); what does not fit ``fmt`` is ``UNKNOWN``."""
        fields = _fields(texts, fmt)
        days, known = fields.day, fields.ok
        if fmt.assumed:
            self._note(fmt.assumed)
        if not fmt.has_year and fmt.dated:
            days, known = self._with_year(days, fields.time, known)
        elif not fmt.dated and known.any():
            days = self._with_day(fields.time, known)
        return self._zoned(days * _DAY + fields.time, fields.shift, known)

    def _zoned(self, local: Ints, shift: Ints, known: Flags) -> Ints:
        """Subtract the zone: the text's own, else the declared one, else UTC."""
        import numpy as np

        bare = shift == UNKNOWN
        moved = local - np.where(bare, 0, shift)
        if (bare & known).any():
            self._note(f"Times without a zone are taken as {self.zone or 'UTC'}.")
            if self.zone:
                moved = np.where(bare, _utc(local, self.zone, bare & known), moved)
        return np.where(known, moved, UNKNOWN)

    def _with_year(self, months: Ints, times: Ints, known: Flags) -> tuple[Ints, Flags]:
        """Turn month x 32 + day into days since 1970, the year rolling over as the lines go on."""
        import numpy as np

        index = np.flatnonzero(known)
        if not len(index):
            return months, known
        month, day = months[index] // 32, months[index] % 32
        order = (month - 1) * 31 + day
        before = np.concatenate(([order[0] if self._day is None else self._day], order[:-1]))
        steps = order - before
        turns = np.cumsum((steps < -HALF_YEAR).astype(np.int64) - (steps > HALF_YEAR))
        year = self._anchor(month, day, times[index], turns)
        days, valid = _civil(year + turns, month, day)
        self._year, self._day = int(year + turns[-1]), int(order[-1])
        self._note(f"The year is not written; {int(year + turns[-1])} was taken for the last times read.")
        result, fine = months.copy(), known.copy()
        result[index], fine[index] = days, valid
        return result, fine

    def _anchor(self, month: Ints, day: Ints, times: Ints, turns: Ints) -> int:
        """Return the latest year of turn 0 with which no time lies in the future and all days exist."""
        latest = self.reference + timedelta(days=1)
        into = latest - latest.replace(hour=0, minute=0, second=0, microsecond=0)
        limit = (latest.month * 32 + latest.day) * _DAY + into // timedelta(microseconds=1)
        top = int(turns.max())
        last = ((month * 32 + day) * _DAY + times)[turns == top].max()
        fit = latest.year - top - (1 if last > limit else 0)
        year = fit if self._year is None else min(fit, self._year)
        if self._year is not None and fit < self._year:
            self._note("Later times proved the assumed year too late; earlier times of this source are a year off.")
        leaps = turns[(month == 2) & (day == 29)]
        for back in range(9):
            if all(_leap(year - back + int(turn)) for turn in set(leaps.tolist())):
                return year - back
        return year

    def _with_day(self, times: Ints, known: Flags) -> Ints:
        """Give times without a day the day of the reference, going back over midnights."""
        import numpy as np

        index = np.flatnonzero(known)
        steps = np.diff(times[index], prepend=times[index][0])
        turns = np.cumsum((steps < -_DAY // 2).astype(np.int64) - (steps > _DAY // 2))
        first = self.reference.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
        self._note(f"The day is not written; {self.reference.date()} was taken for the last times read.")
        days = np.zeros(len(times), dtype=np.int64)
        days[index] = first + turns - turns[-1]
        return days

    def _note(self, sentence: str) -> None:
        if sentence.startswith("The year is not written"):
            for old in [n for n in self._notes if n.startswith("The year is not written")]:
                del self._notes[old]
        self._notes[sentence] = None


def _utc(local: Ints, zone: str, rows: Flags) -> Ints:
    """Turn local times of ``rows`` to UTC. Of an hour that comes twice the first one is meant; in the hour that
    clocks skip, they are read as if they had not been set yet."""
    import numpy as np

    fixed = _minutes(zone)
    if fixed is not None:
        return local - fixed * _MINUTE
    there = ZoneInfo(zone)
    minutes, places = np.unique(local[rows] // _MINUTE, return_inverse=True)
    shifts = []
    for minute in minutes.tolist():
        offset = (datetime(1970, 1, 1) + timedelta(minutes=minute)).replace(tzinfo=there).utcoffset()  # noqa: DTZ001
        shifts.append((offset or timedelta()) // timedelta(microseconds=1))
    moved = local.copy()
    moved[rows] -= np.array(shifts, dtype=np.int64)[places]
    return moved


@dataclass(frozen=True, slots=True)
class _Fields:
    """What times say: ``day`` (since 1970, or month x 32 + day), ``time`` and ``shift`` (east of UTC, ``UNKNOWN``
    without a zone) in microseconds, and whether each could be read."""

    day: Ints
    time: Ints
    shift: Ints
    ok: Flags


def _fields(texts: Texts, fmt: TimeFormat) -> _Fields:
    """Read texts shape by shape: those that differ in nothing but the values of their digits."""
    import numpy as np

    size = len(texts)
    found = _Fields(np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64),
                    np.full(size, UNKNOWN, dtype=np.int64), np.zeros(size, dtype=bool))
    native = kernel()
    for shape in (native and _shapes(native, texts)) or _shapes_of(texts):
        _read_shape(shape, fmt, found)
    return found


@dataclass(frozen=True, slots=True)
class _Shape:
    """Texts of one shape: the first of them, their rows, and themselves."""

    text: str
    rows: Ints
    texts: Texts

    def number(self, start: int, end: int) -> Ints:
        """The digits between two places, as one number per text."""
        import numpy as np

        native = kernel()
        found = native.numbers(self.texts.data, self.texts.starts, start, end) if native else None
        if found is not None:
            return found
        octets, value = np.frombuffer(self.texts.data, dtype=np.uint8), np.zeros(len(self.rows), dtype=np.int64)
        for place in range(start, end):
            value = value * 10 + (octets[self.texts.starts + place] - 48)
        return value


def _shapes(native: Kernel, texts: Texts) -> list[_Shape] | None:
    """Part the texts by shape."""
    import numpy as np

    found = native.shapes(texts.data, texts.starts, texts.lengths, _LONGEST)
    if found is None:
        return None
    ids, first = found
    shapes = []
    for number, row in enumerate(first.tolist()):
        start = int(texts.starts[row])
        text = texts.data[start : start + int(texts.lengths[row])].decode("latin-1")
        rows = np.flatnonzero(ids == number)
        shapes.append(_Shape(text, rows, texts.take(rows)))
    return shapes


def _shapes_of(texts: Texts) -> Iterator[_Shape]:
    """The same without the kernel."""
    import numpy as np

    octets = np.frombuffer(texts.data or b" ", dtype=np.uint8)
    lengths = texts.lengths
    for length in np.flatnonzero(np.bincount(lengths - NULL)).tolist():
        width = length + NULL
        if not 0 < width < _LONGEST:
            continue
        rows = np.flatnonzero(lengths == width)
        matrix = octets[texts.starts[rows] + np.arange(width)[:, None]]
        shapes = np.where(matrix - np.uint8(48) < 10, np.uint8(48), matrix)
        while len(rows):
            same = (shapes == shapes[:, :1]).all(axis=0)
            those = rows if same.all() else rows[same]
            yield _Shape(matrix[:, 0].tobytes().decode("latin-1"), those, texts.take(those))
            rows, matrix, shapes = rows[~same], matrix[:, ~same], shapes[:, ~same]


def _read_shape(shape: _Shape, fmt: TimeFormat, found: _Fields) -> None:
    """Read texts of one shape."""
    import numpy as np

    match = _compiled(fmt.pattern).fullmatch(shape.text)
    if not match:
        return
    native = kernel()
    if native and not fmt.epoch and _read_natively(native, shape, match, fmt, found):
        return
    rows, size = shape.rows, len(shape.rows)

    def number(name: str, longest: int = 18) -> Ints:
        start, end = match.span(name) if match.re.groupindex.get(name) else (-1, -1)
        negative = end > start and shape.text[start] == "-"
        value = shape.number(start + negative, min(end, start + longest)) if end > start else np.zeros(size, dtype=np.int64)
        return -value if negative else value

    def fraction(name: str) -> Ints:
        start, end = match.span(name) if match.re.groupindex.get(name) else (-1, -1)
        millionths: Ints = number(name, 6) * 10 ** max(0, 6 - (end - start))
        return millionths

    if fmt.epoch:
        found.time[rows], found.ok[rows] = _epoch(number("e", 20), fraction("ef"), fmt.epoch, match["e"])
        found.shift[rows] = 0
        return
    groups = match.groupdict()
    month = number("m") if not groups.get("b") else np.full(size, month_of(groups["b"]))
    day, minute, second = number("d"), number("M"), number("S")
    year = number("Y") if "Y" in groups else (short := number("y")) + 1900 + 100 * (short < 70)
    hour = _hour(number("H"), (groups.get("p") or "").lower())
    found.time[rows] = (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction("f") + number("n") * 1000
    ok = (hour < 24) & (minute < 60) & (second <= 60)
    if fmt.has_year:
        found.day[rows], valid = _days(year, month, day)
        ok &= valid
    else:
        found.day[rows] = month * 32 + day
        if fmt.dated:
            ok &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    found.shift[rows] = _shifts(shape, match)
    found.ok[rows] = ok


def _read_natively(native: Kernel, shape: _Shape, match: re.Match[str], fmt: TimeFormat, found: _Fields) -> bool:
    """The same in one pass; False when the kernel refuses."""
    groups = match.groupdict()

    def place(name: str, longest: int = 18) -> tuple[int, int]:
        start, end = match.span(name) if name in groups else (-1, -1)
        return (start, min(end, start + longest)) if end > start else (-1, -1)

    fraction, month = place("f"), month_of(groups.get("b") or "")
    parts = (place("Y" if "Y" in groups else "y"), place("m"), *map(place, "dHMS"), place("f", 6), place("n"))
    half = ("", "am", "pm").index((groups.get("p") or "").lower())
    form = (*(at for part in parts for at in part), month, "Y" not in groups, 10 ** max(0, 6 - (fraction[1] - fraction[0])),
            half, fmt.has_year, fmt.dated)
    if groups.get("b") and not month or not native.times(
            shape.texts.data, shape.texts.starts, form, shape.rows, (found.day, found.time, found.ok)):
        return False
    found.shift[shape.rows] = _shifts(shape, match)
    return True


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern})")


def _epoch(whole: Ints, fraction: Ints, unit: str, shown: str) -> tuple[Ints, Flags]:
    import numpy as np

    if len(shown) > _LONGEST_EPOCH:
        return np.zeros(len(whole), dtype=np.int64), np.zeros(len(whole), dtype=bool)
    largest = 2**62 // max(1, _SCALE[unit])
    fits = np.abs(whole) < largest
    scaled = whole // 1000 if unit == "ns" else np.where(fits, whole, 0) * _SCALE[unit]
    return scaled + fraction * _SCALE[unit] // 1_000_000, fits if unit != "ns" else np.abs(scaled) < 2**62


def _hour(hour: Ints, half: str) -> Ints:
    if half == "pm":
        return hour % 12 + 12
    return hour % 12 if half == "am" else hour


def month_of(name: str) -> int:
    """The number of a month by its first three letters, 0 for another word."""
    short = name[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Flags]:
    """The civil date per row; lines come in runs of one day, so it is worked out once a run."""
    import numpy as np

    date = (year * 16 + month % 16) * 128 + day + (month // 16) * 2**40
    first = np.flatnonzero(np.diff(date, prepend=date[0] - 1))
    days, fine = _civil(year[first], month[first], day[first])
    runs = np.diff(first, append=len(date))
    return np.repeat(days, runs), np.repeat(fine, runs)


def _shifts(shape: _Shape, match: re.Match[str]) -> Ints | int:
    """Read the zones, in microseconds east of UTC; ``UNKNOWN`` where there is none or no such one."""
    import numpy as np

    start, end = match.span("z") if match.re.groupindex.get("z") else (-1, -1)
    if start == end:
        return UNKNOWN
    texts = shape.texts
    places, zones = Texts(texts.data, texts.starts + start, np.full(len(texts), end - start)).distinct()
    minutes = [_minutes(zone.decode("latin-1")) for zone in zones]
    return np.array([UNKNOWN if m is None else m * _MINUTE for m in minutes], dtype=np.int64)[places]


def _minutes(zone: str) -> int | None:
    """Read ``Z``, ``+02:00``, ``-0800``, ``+02`` or an abbreviation, in minutes east of UTC."""
    match = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?", zone)
    if not match:
        return ZONES.get(zone)
    size = int(match[2]) * 60 + int(match[3] or 0)
    return -size if match[1] == "-" else size


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _civil(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Flags]:
    """Return days since 1970-01-01 and which dates exist (Hinnant's days_from_civil)."""
    import numpy as np

    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    fine = (month >= 1) & (month <= 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)) & (month == 2)
    fine &= (day >= 1) & (day <= lengths[np.where(fine, month, 0)] + leap) & (year >= 1) & (year < 10000)
    shifted = year - (month <= 2)
    era = shifted // 400
    within = shifted - era * 400
    since = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return era * 146097 + within * 365 + within // 4 - within // 100 + since - 719468, fine

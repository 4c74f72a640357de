"""Times as logs write them, read by the column.

A :class:`TimeFormat` is a regular expression with named groups; a :class:`Clock` turns a column of texts
into UTC times, supplying the year, the day or the zone where the log leaves them out and saying so.
Groups: ``Y`` year, ``y`` two-digit year, ``m`` month, ``b`` month name, ``d`` day, ``H M S``, ``f`` decimal
fraction, ``n`` milliseconds as a number, ``p`` AM or PM, ``z`` zone, ``e`` and ``ef`` an epoch and its fraction.
"""


from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MET": 60, "CEST": 120,
    "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
    "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}
"""Zone abbreviations with one usual meaning, in minutes east of UTC (CST and IST have several)."""
_SCALE = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0}
_DAY = 86_400_000_000
_NULL = -(2**63)
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

    @property
    def has_zone(self) -> bool:
        """Whether it can have a zone."""
        return bool(self.epoch) or "<z>" in self.pattern


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

    def read(self, values: pl.Series, fmt: TimeFormat) -> pl.Series:
        """Read a column of texts; what does not fit ``fmt`` becomes null."""
        import polars as pl

        texts = values.cast(pl.String).rename("t")
        distinct = texts.drop_nulls().unique()
        table = _fields(distinct, fmt)
        rows = texts.to_frame().join(table, on="t", how="left", maintain_order="left")
        column = {name: rows[name].to_numpy() for name in ("day", "time", "shift")}
        known = rows["ok"].fill_null(value=False).to_numpy()
        if fmt.assumed:
            self._note(fmt.assumed)
        days = column["day"]
        if not fmt.has_year and fmt.dated:
            days, known = self._with_year(days, column["time"], known)
        elif not fmt.dated and known.any():
            days = self._with_day(column["time"], known)
        return self._zoned(days * _DAY + column["time"], column["shift"], known)

    def _zoned(self, local: Ints, shift: Ints, known: Flags) -> pl.Series:
        """Subtract the zone: the text's own, else the declared one, else UTC."""
        import numpy as np
        import polars as pl

        bare = known & (shift == _NULL)
        micros = np.where(known & ~bare, local - np.where(bare | ~known, 0, shift), local)
        result = pl.Series(np.where(known, micros, _NULL)).replace(_NULL, None).cast(pl.Datetime("us"))
        if bare.any():
            offset = _minutes(self.zone) if self.zone else 0
            if not self.zone:
                self._note("Times without a zone are taken as UTC.")
            else:
                self._note(f"Times without a zone are taken as {self.zone}.")
            flags = pl.Series(bare)
            moved = result - timedelta(minutes=offset) if offset is not None else _local(result, self.zone)
            result = pl.select(pl.when(flags).then(moved).otherwise(result)).to_series()
        return result.dt.replace_time_zone("UTC").rename("ts")

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


def _local(times: pl.Series, zone: str | None) -> pl.Series:
    """Read local times of a named zone; in the hour that clocks skip, as if they had not been set yet."""
    import polars as pl

    plain = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    late = (times + timedelta(hours=1)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    utc = plain.dt.convert_time_zone("UTC")
    rescue = late.dt.convert_time_zone("UTC") - timedelta(hours=1)
    return pl.select(pl.coalesce(utc, rescue)).to_series().dt.replace_time_zone(None)


def _fields(texts: pl.Series, fmt: TimeFormat) -> pl.DataFrame:
    """Read distinct texts: ``day`` (since 1970, or month x 32 + day), ``time`` and ``shift`` in microseconds."""
    import numpy as np
    import polars as pl

    groups = texts.str.extract_groups(f"^(?:{fmt.pattern})$").struct.unnest()
    size = len(texts)

    def number(name: str) -> Ints:
        if name not in groups.columns:
            return np.zeros(size, dtype=np.int64)
        return groups[name].cast(pl.Int64, strict=False).fill_null(0).to_numpy()

    first = next(iter(groups.columns), None)
    matched = groups[first].is_not_null().to_numpy() if first else np.zeros(size, dtype=bool)
    if fmt.epoch:
        scaled = number("e") // 1000 if fmt.epoch == "ns" else number("e") * _SCALE[fmt.epoch]
        matched = matched & (np.abs(scaled) < 2**62)
        parts = (scaled + _fraction(groups, size, "ef") * _SCALE[fmt.epoch] // 1_000_000, np.zeros(size, np.int64))
        return _frame(texts, np.zeros(size, np.int64), parts[0], parts[1], matched)
    month = _month(groups) if "b" in groups.columns else number("m")
    year = number("Y") if "Y" in groups.columns else number("y") + 1900 + 100 * (number("y") < 70)
    hour = number("H")
    if "p" in groups.columns:
        half = groups["p"].str.to_lowercase().fill_null("").to_numpy()
        hour = np.where(half == "pm", hour % 12 + 12, np.where(half == "am", hour % 12, hour))
    seconds = hour * 3600 + number("M") * 60 + number("S")
    micros = seconds * 1_000_000 + _fraction(groups, size, "f") + number("n") * 1000
    ok = matched & (hour < 24) & (number("M") < 60) & (number("S") <= 60)
    if fmt.has_year:
        day, valid = _civil(year, month, number("d"))
        ok &= valid
    else:
        day = month * 32 + number("d")
        if fmt.dated:
            ok &= (month >= 1) & (month <= 12) & (number("d") >= 1) & (number("d") <= 31)
    return _frame(texts, day, micros, _shifts(groups, size), ok)


def _frame(texts: pl.Series, day: Ints, time: Ints, shift: Ints, ok: Flags) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({"t": texts, "day": day, "time": time, "shift": shift, "ok": ok})


def _fraction(groups: pl.DataFrame, size: int, name: str) -> Ints:
    """Read a decimal fraction as millionths."""
    import numpy as np
    import polars as pl

    if name not in groups.columns:
        return np.zeros(size, dtype=np.int64)
    padded = groups[name].str.slice(0, 6).str.pad_end(6, "0")
    return padded.cast(pl.Int64, strict=False).fill_null(0).to_numpy()


def _month(groups: pl.DataFrame) -> Ints:
    import polars as pl

    short = groups["b"].str.slice(0, 3).str.to_lowercase()
    numbers = {name: at for at, name in enumerate(MONTHS, start=1)}
    return short.replace_strict(numbers, default=0, return_dtype=pl.Int64).fill_null(0).to_numpy()


def _shifts(groups: pl.DataFrame, size: int) -> Ints:
    """Read the zones, in microseconds east of UTC; unknown is ``_NULL``."""
    import numpy as np
    import polars as pl

    if "z" not in groups.columns:
        return np.full(size, _NULL, dtype=np.int64)
    zones = groups["z"]
    table = {z: m * 60_000_000 for z in zones.unique().drop_nulls() if (m := _minutes(z)) is not None}
    return zones.replace_strict(table, default=_NULL, return_dtype=pl.Int64).fill_null(_NULL).to_numpy()


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

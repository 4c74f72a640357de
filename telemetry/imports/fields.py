"""Cells made values: texts, numbers, times in whatever unit, format or zone, and durations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from telemetry.imports.mapping import Spec
from telemetry.imports.tables import Row, RowError

LATEST = 4_102_444_800_000_000
"""2100-01-01: a time beyond is a unit taken for another one."""
_PER_MICRO = {"s": Decimal(1_000_000), "ms": Decimal(1000), "us": Decimal(1), "ns": Decimal("0.001")}
_MAGNITUDES = ((Decimal(10) ** 11, "s"), (Decimal(10) ** 14, "ms"), (Decimal(10) ** 17, "us"))
"""Below which a number without a unit counts seconds, milliseconds, microseconds since 1970; above, nanoseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"([.,]\d{6})\d+")
Text = Callable[[Row], str]


def text_reader(spec: Spec | None, none: Collection[str]) -> Text:
    """What gives a field's text of a row, "" for none. A column that a row lacks is an empty one."""
    if spec is None:
        return lambda _: ""
    if spec.constant is not None:
        constant = spec.constant
        return lambda _: constant
    column, pattern, default = spec.column or "", re.compile(spec.pattern) if spec.pattern else None, spec.default or ""

    def read(row: Row) -> str:
        said = text(row.get(column), none)
        if pattern is not None and said:
            match = pattern.search(said)
            said = (match[1] if pattern.groups else match[0]) or "" if match else ""
        if spec.values is not None and said:
            said = next((to for like, to in spec.values.items() if fnmatchcase(said, like)), said)
        return said or default

    return read


def text(cell: Any, none: Collection[str]) -> str:
    """A cell as text, "" for none."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        said = cell.strip()
    elif isinstance(cell, bool):
        said = str(cell).lower()
    elif isinstance(cell, datetime):
        said = cell.isoformat()
    else:
        said = str(cell)
    return "" if said in none else said


def time_reader(spec: Spec, none: Collection[str]) -> Callable[[Row], int | None]:
    """What gives a time in microseconds since 1970, None where there is none. It raises RowError for what is no time."""
    plain, zone = text_reader(spec, none), ZoneInfo(spec.zone or "UTC")

    def read(row: Row) -> int | None:
        cell = row.get(spec.column) if spec.column else spec.constant
        if isinstance(cell, datetime):
            return in_range(micros(cell, zone))
        if isinstance(cell, date):
            return in_range(micros(datetime.combine(cell, time()), zone))
        said = plain(row)
        return in_range(moment(said, spec.unit, spec.format, zone)) if said else None

    return read


def moment(said: str, unit: str | None, form: str | None, zone: ZoneInfo) -> int:
    """Microseconds since 1970 of a time as text. Raises RowError."""
    try:
        if form is not None:
            return micros(datetime.strptime(said, form), zone)  # noqa: DTZ007 - the zone is added where it states none
        number = _number(said)
        if number is not None:
            unit = unit or next((name for limit, name in _MAGNITUDES if abs(number) < limit), "ns")
            return int(number * _PER_MICRO[unit])
        if unit is not None:
            raise RowError(f"a time is no number of {unit}")
        return micros(datetime.fromisoformat(_FRACTION.sub(r"\1", said).replace(",", ".")), zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, RowError):
            raise
        raise RowError(f"a time cannot be read{f' as {form}' if form else ''}") from error


def micros(when: datetime, zone: ZoneInfo) -> int:
    """Microseconds since 1970; a time without a zone is of ``zone``."""
    return ((when if when.tzinfo else when.replace(tzinfo=zone)) - _EPOCH) // timedelta(microseconds=1)


def in_range(found: int) -> int:
    """The time, if a clock may show it. Raises RowError."""
    if not 0 < found < LATEST:
        raise RowError("a time is not between 1970 and 2100: its unit may be another one")
    return found


def duration_reader(spec: Spec, none: Collection[str]) -> Callable[[Row], int | None]:
    """What gives a duration in microseconds (which it is counted in unless a unit is given)."""
    plain, factor = text_reader(spec, none), _PER_MICRO[spec.unit or "us"]

    def read(row: Row) -> int | None:
        cell = row.get(spec.column) if spec.column else None
        if isinstance(cell, timedelta):
            return cell // timedelta(microseconds=1)
        said = plain(row)
        number = _number(said) if said else None
        if said and (number is None or not 0 <= number * factor < LATEST):
            raise RowError("a duration is no number, or below 0")
        return int(number * factor) if number is not None else None

    return read


def number_of(said: str) -> float:
    """A number. Raises RowError."""
    try:
        return float(said)
    except ValueError as error:
        raise RowError("a value is no number") from error


@lru_cache(1024)
def _number(said: str) -> Decimal | None:
    try:
        found = Decimal(said)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 40 else None

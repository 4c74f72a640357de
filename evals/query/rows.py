"""Log lines as independent code reads them: no part of OnCalm's own parser, masks or store is used here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

YEARLESS = 2000
"""The year given to times that are written without one; comparisons then leave the year out."""


def moment(text: str) -> datetime:
    """``2015-07-29 19:00[:30]`` as a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One record: where it stands, when it was, and what it says."""

    source: str
    no: int
    time: datetime | None
    text: str
    """The whole record as written, all its lines."""
    message: str
    level: str = ""
    service: str = ""
    host: str = ""
    pid: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells one record from another: file name and line number."""
        return self.source, self.no


@dataclass(frozen=True)
class Log:
    """Records and the few selections that expected values are made of; every selection is a new Log."""

    rows: tuple[Row, ...]
    newest: datetime

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, keep: Callable[[Row], object]) -> Log:
        """The records that ``keep`` accepts."""
        return replace(self, rows=tuple(row for row in self.rows if keep(row)))

    def has(self, *patterns: str) -> Log:
        """Records whose message matches every pattern."""
        found = [re.compile(pattern) for pattern in patterns]
        return self.where(lambda row: all(each.search(row.message) for each in found))

    def lacks(self, pattern: str) -> Log:
        """Records whose message does not match."""
        found = re.compile(pattern)
        return self.where(lambda row: not found.search(row.message))

    def written(self, pattern: str) -> Log:
        """Records whose whole text matches."""
        found = re.compile(pattern)
        return self.where(lambda row: found.search(row.text))

    def level(self, *levels: str) -> Log:
        """Records of these levels, as the log writes them."""
        return self.where(lambda row: row.level in levels)

    def of(self, *services: str) -> Log:
        """Records of these services (or components)."""
        return self.where(lambda row: row.service in services)

    def span(self, start: str, end: str) -> Log:
        """``start <= time < end``."""
        low, high = moment(start), moment(end)
        return self.where(lambda row: row.time and low <= row.time < high)

    def since(self, start: str) -> Log:
        """From a moment to the end."""
        low = moment(start)
        return self.where(lambda row: row.time and row.time >= low)

    def before(self, end: str) -> Log:
        """Up to a moment."""
        high = moment(end)
        return self.where(lambda row: row.time and row.time < high)

    def newest_span(self, **length: float) -> Log:
        """The last so many minutes or hours, counted back from the newest record of the whole log."""
        low = self.newest - timedelta(**length)
        return self.where(lambda row: row.time and row.time >= low)

    def grab(self, pattern: str) -> list[str]:
        """Group 1 of the first match in each message that has one."""
        found = re.compile(pattern)
        return [match[1] for row in self.rows if (match := found.search(row.message))]

    def floats(self, pattern: str) -> list[float]:
        """The same as numbers."""
        return [float(text) for text in self.grab(pattern)]

    def counter(self, pattern: str) -> Counter[str]:
        """How often each value stands in group 1."""
        return Counter(self.grab(pattern))

    def by(self, key: Callable[[Row], str]) -> Counter[str]:
        """How many records there are of each key."""
        return Counter(key(row) for row in self.rows)

    def per(self, seconds: int) -> Counter[datetime]:
        """Records per bucket of time, empty ones left out."""
        stamps = (int(row.time.timestamp()) // seconds * seconds for row in self.rows if row.time)
        return Counter(datetime.fromtimestamp(stamp, UTC) for stamp in stamps)

    def ordered(self) -> list[Row]:
        """Dated records in time order, ties in file order."""
        return sorted((row for row in self.rows if row.time), key=lambda row: (row.time, row.key))

    def times(self) -> list[datetime]:
        """The times, sorted."""
        return sorted(row.time for row in self.rows if row.time)

    def longest_gap(self) -> tuple[datetime, datetime]:
        """The two records with the longest silence between them."""
        times = self.times()
        return max(zip(times, times[1:], strict=False), key=lambda pair: pair[1] - pair[0])


def log_of(rows: Iterable[Row]) -> Log:
    """A Log that knows its newest time."""
    kept = tuple(rows)
    return Log(kept, max((row.time for row in kept if row.time), default=datetime(1970, 1, 1, tzinfo=UTC)))


def percentile(values: list[float], share: float) -> float:
    """Linear interpolation between closest ranks, as numpy does it by default."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * share
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)

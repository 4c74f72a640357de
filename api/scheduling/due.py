"""When a schedule is due: five-field cron in a time zone, right across changes of the clock. Pure.

Fields and the union of the two day fields follow crontab(5) (POSIX, ``crontab``); changes of the clock follow Vixie's
cron(8): what is due at an hour that is skipped is due right after it, what is due at an hour that comes twice is due at
the first, and an hour field of ``*`` goes by the hours that really pass. APScheduler's trigger finds the wall times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from telemetry.errors import UsageError

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MARGIN = timedelta(hours=26)
"""No change of the clock is as large."""
_LOOKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=370), timedelta(days=5 * 366))
MOST_MISSED = 1_000


@dataclass(frozen=True)
class Cron:
    """``minute hour day-of-month month day-of-week`` in a zone. Raises UsageError where it is none."""

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        self._triggers  # noqa: B018 - made now, so that what is wrong is told now
        self._place  # noqa: B018 - the same

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Due times later than ``moment``, in order, in UTC; none where no date fits ever."""
        seen: datetime | None = None
        pending: list[datetime] = []
        for wall in self._walls((moment - _MARGIN).astimezone(self._place).replace(tzinfo=None)):
            pending = sorted({*pending, *self._instants(wall)})
            settled = wall.replace(tzinfo=UTC) - _MARGIN
            while pending and pending[0] < settled:
                due = pending.pop(0)
                if due > moment and due != seen:
                    seen = due
                    yield due
        for due in pending:
            if due > moment and due != seen:
                seen = due
                yield due

    def between(self, after: datetime, until: datetime) -> Due | None:
        """What is due in ``(after, until]``: the last time, the first, and how many there are; None for none."""
        last = None
        for look in _LOOKS:
            for due in self.after(max(after, until - look)):
                if due > until:
                    break
                last = due
            if last is not None or until - look <= after:
                break
        if last is None:
            return None
        first, count = last, 0
        for due in self.after(after):
            if due > last or count >= MOST_MISSED:
                break
            first, count = (due if count == 0 else first), count + 1
        return Due(last, first, count)

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """Wall times from ``start`` on, of a calendar that knows no changes of the clock."""
        at: datetime | None = start.replace(tzinfo=UTC)
        while at is not None:
            found = [one for trigger in self._triggers if (one := trigger.get_next_fire_time(None, at))]
            if not found:
                return
            yield min(found).replace(tzinfo=None)
            at = min(found) + timedelta(seconds=1)

    def _instants(self, wall: datetime) -> list[datetime]:
        first, second = (wall.replace(tzinfo=self._place, fold=fold).astimezone(UTC) for fold in (0, 1))
        hourly = self.text.split()[1].startswith("*")
        if first.astimezone(self._place).replace(tzinfo=None) != wall:  # the clock skips it
            return [] if hourly else [first]
        return [first, second] if hourly and second > first else [first]

    @cached_property
    def _place(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(f"{self.zone[:60]!r} is no time zone", where="zone", remedy="use a name of the IANA list, as Europe/Berlin") from error

    @cached_property
    def _triggers(self) -> tuple[Any, ...]:
        """APScheduler's triggers; two where either of two day fields may fit."""
        from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

        fields = self.text.split()
        if len(fields) != 5:
            raise self._wrong("it has not five fields")
        minute, hour, day, month, weekday = fields
        try:
            names = _weekdays(weekday)
            either = not day.startswith("*") and not weekday.startswith("*")
            days = (({"day": day}, {"day_of_week": names}) if either else ({"day": day, "day_of_week": names},))
            return tuple(CronTrigger(minute=minute, hour=hour, month=month, timezone=UTC, **one) for one in days)
        except (ValueError, TypeError) as error:
            raise self._wrong(str(error)) from error

    def _wrong(self, why: str) -> UsageError:
        return UsageError(f"{self.text[:80]!r} is no cron expression: {why[:200]}", where="cron", remedy="write for example '0 8 * * 1-5'")


@dataclass(frozen=True, slots=True)
class Due:
    """Due times of a stretch: the last, the first, and how many (no more than :data:`MOST_MISSED` are counted)."""

    last: datetime
    first: datetime
    count: int


def _weekdays(field: str) -> str:
    """Days by name: numbers of cron begin on Sunday, those of APScheduler on Monday. Raises ValueError."""
    if field == "*":
        return field
    found: list[str] = []
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        first, last = (0, 6) if span == "*" else (_day(low), _day(high) if dash else 6 if step else _day(low))
        if last < first:
            last += 7
        found += [_DAYS[at % 7] for at in range(first, last + 1, int(step) if step else 1)]
    return ",".join(dict.fromkeys(found))


def _day(text: str) -> int:
    if text.isdigit() and int(text) <= 7:
        return int(text)
    if text in _DAYS:
        return _DAYS.index(text)
    raise ValueError(f"{text[:20]!r} is no day of the week")

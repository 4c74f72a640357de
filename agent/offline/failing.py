"""When what is complained of happened: the newest stretch of its failures, wherever in the store they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.offline.moments import describe
from agent.offline.target import Target
from telemetry.models import Filter, Found, Query, Window
from tools.incident import LOOK_BACK, UNSAID

STEP = timedelta(minutes=10)
STEPS = 2000
"""At most so many steps of time are looked at: of a long store they are longer."""
_WEIGHTY = 0.25
"""A step with a quarter of the most failures belongs to a stretch of them; single ones before and after do not begin it."""

Run = Callable[[Query], Found]
Resolve = Callable[[str], Target | None]


@dataclass(frozen=True, slots=True)
class Failing:
    """``window`` is where to look, None for where one would look anyway; ``statement`` says why."""

    window: Window | None
    statement: str


def failing(words: str, service: str, extent: Window, run: Run, resolve: Resolve) -> Failing | None:
    """Where the failures lie that ``words`` complain of, of a ``service`` when one is named. None: within the newest hours, or nothing is known of them."""
    if extent.start is None or extent.end is None or extent.end - extent.start <= UNSAID:
        return None
    step = max(STEP, (extent.end - extent.start) / STEPS)
    counts: list[tuple[datetime, int]] = []
    about = ""
    for filters, said in _meant(words, service, resolve):
        about = said
        found = run(Query(operation="trend", filters=filters, bucket=int(step.total_seconds())))
        counts = [(_time(row[0]), int(row[1])) for row in found.result.rows or [] if row[1]]
        if counts:
            break
    if not counts:
        return Failing(None, f"no record tells of {about}: the newest {UNSAID // timedelta(hours=1)} hours were looked at") if service and about else None
    if counts[-1][0] + step > extent.end - UNSAID:
        return None
    window, records = _stretch(counts, step)
    return Failing(window, f"the newest of {about} are {records:,} records {describe(window)}, before the newest {UNSAID // timedelta(hours=1)} hours: "
                           "that time was looked at")


def _meant(words: str, service: str, resolve: Resolve) -> Iterator[tuple[tuple[Filter, ...], str]]:
    """What may tell of the failures, the surest first: messages that the words name, then the errors of the service."""
    held = (Filter(field="service", op="eq", value=service),) if service else ()
    said = resolve(words)
    if said is not None and said.filters and said.templates and not said.unmatched:
        yield (*held, *said.filters), said.reading
    errors = resolve("errors") if service else None
    if errors is not None and errors.filters:
        yield (*held, *errors.filters), f"the failures of {service} ({errors.reading})"


def _stretch(counts: Sequence[tuple[datetime, int]], step: timedelta) -> tuple[Window, int]:
    """The newest stretch with many failures, and how many: steps an hour apart belong together."""
    most = max(count for _, count in counts)
    weighty = [(time, count) for time, count in counts if count >= most * _WEIGHTY]
    start = end = weighty[-1][0]
    for time, _ in reversed(weighty):
        if start - time > max(LOOK_BACK, step):
            break
        start = time
    window = Window(start=start, end=end + step)
    return window, sum(count for time, count in counts if start <= time <= end)


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))

"""From which addresses requests come, before an incident and during it, as access logs in the store tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.models import Filter, Query, Window

if TYPE_CHECKING:
    from telemetry.store.reader import Reader

_NAMES = ("param:client_ip", "param:remote_addr", "param:remote_ip", "param:client", "param:x_forwarded_for")
"""Where access logs of the usual forms keep who asks; the first that is there counts."""
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one window: how many addresses, and the busiest with its share (0 to 1) and requests per second."""

    count: int
    busiest: str
    share: float
    rate: float


def addresses(reader: Reader, services: Iterable[str], before: Window, during: Window) -> tuple[Addresses, Addresses] | None:
    """Before and during, of the first of ``services`` whose log has addresses in both windows; None when none has. Raises OnCalmError."""
    known = [one for one in _NAMES if reader.knows(one)]
    for service in services if known else ():
        found = [_of(reader, known[0], service, window) for window in (before, during)]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def _of(reader: Reader, field: str, service: str, window: Window) -> Addresses | None:
    chosen = (Filter(field="service", op="eq", value=service),)
    asked = Query(operation="top", window=window, filters=chosen, field=field, limit=_AT_ONCE)
    rows = reader.run(asked).result.rows or []
    total = sum(int(count) for _, count in rows)
    if not rows or not total or window.start is None or window.end is None:
        return None
    seconds = max((window.end - window.start).total_seconds(), 1.0)
    return Addresses(len(rows), str(rows[0][0]), int(rows[0][1]) / total, int(rows[0][1]) / seconds)

"""Times as the command line says them: windows and moments, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from telemetry.errors import UsageError
from telemetry.models import Catalog, Window


def window(since: str | None, start: str | None, end: str | None, catalog: Catalog) -> Window | None:
    """The window that ``--since``, ``--from`` and ``--to`` name; None when they name none. Raises UsageError.

    In old data, words such as "2h" count from the newest record.
    """
    said = _said(f"last {since}" if since else "", start, end)
    if not said:
        return None
    found = _found(said, catalog)
    if found.start is None and found.end is None:
        raise UsageError(f"cannot read the time in {said!r}", where="--since/--from/--to",
                         remedy="say for example --since 2h or --from '2026-11-24 10:00' --to 11:00")
    return found


def moment(said: str, catalog: Catalog) -> datetime:
    """The point in time that ``--at`` names: the start of what it says. Raises UsageError."""
    found = _found(f"since {said}", catalog).start
    if found is None:
        raise UsageError(f"cannot read the time in {said!r}", where="--at", remedy="say for example --at '2026-11-24 10:05'")
    return found


def moments(since: str | None, start: str | None, end: str | None) -> tuple[int, int]:
    """A window that ends now or earlier, in microseconds since 1970; an hour when nothing is said. Raises UsageError."""
    now = datetime.now(UTC)
    said = _said(f"last {since or '1h'}", start, end)
    found = _found(said, None)
    last = min(found.end or now, now)
    if found.start is None or found.start >= last:
        raise UsageError(f"cannot read a window with a start in {said!r}", where="--since/--from/--to",
                         remedy="say for example --since 2h or --from '2026-11-24 10:00' --to '2026-11-24 11:00'")
    return int(found.start.timestamp() * 1_000_000), int(last.timestamp() * 1_000_000)


def _said(otherwise: str, start: str | None, end: str | None) -> str:
    if start or end:
        return f"from {start} to {end}" if start and end else f"since {start}" if start else f"before {end}"
    return otherwise


def _found(said: str, catalog: Catalog | None) -> Window:
    from agent.offline.times import find_window

    return find_window(said, datetime.now(UTC), catalog.last if catalog else None, catalog.first if catalog else None).window

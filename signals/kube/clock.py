"""Times of the API and of container logs as microseconds since 1970 (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECOND = 1_000_000
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)")


def micros(text: object) -> int | None:
    """An RFC 3339 time; None when it is none or has no zone."""
    if isinstance(text, datetime):
        return int(text.timestamp() * SECOND) if text.tzinfo is not None else None
    match = _ZONED.match(str(text or ""))
    if match is None:
        return None
    written = match[0].replace(",", ".").replace("Z", "+00:00")
    fraction = re.search(r"\.(\d+)", written)
    if fraction is not None:
        written = written.replace(fraction[0], f".{fraction[1][:6]:0<6}")
    try:
        return int(datetime.fromisoformat(written).timestamp() * SECOND)
    except ValueError:
        return None


def moment(line: str) -> int | None:
    """When a log line was written, when it says so with a time zone: the runtime's stamp first, else the program's."""
    match = _ZONED.search(line)
    return micros(match[0]) if match is not None else None


def written(at: int) -> str:
    """A time for people and for the API: RFC 3339, UTC."""
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

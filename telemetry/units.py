"""Units of time and size as logs, questions and answers write them, with their factors to seconds and bytes.

Every spelling is listed, in lower case. Who reads a unit says which of them may stand where it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _table(rows: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType({name: factor for names, factor in rows.items() for name in names.split()})


SECONDS = _table({
    "ns nanosecond nanoseconds": 1e-9,
    "us \u00b5s \u03bcs usec usecs microsecond microseconds": 1e-6,
    "ms msec msecs milli millis millisecond milliseconds": 1e-3,
    "s sec secs second seconds": 1,
    "m min mins minute minutes": 60,
    "h hr hrs hour hours": 3600,
    "d day days": 86400,
    "w week weeks": 604800,
})
"""Lengths of time; ``m`` is a minute."""
CALENDAR = _table({"mo month months": 30 * 86400, "y year years": 365 * 86400})
"""Units of the calendar, by their usual length in seconds."""
BYTES = _table({
    "b byte bytes": 1,
    "kb kib kilobyte kilobytes": 1024,
    "mb mib megabyte megabytes": 1024**2,
    "gb gib gigabyte gigabytes": 1024**3,
    "tb tib terabyte terabytes": 1024**4,
})
"""Sizes, by the binary convention that logs use."""

"""Files of OTLP in JSON, a request a line: what the Collector's file exporter writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from telemetry.errors import OnCalmError, SourceError
from telemetry.imports.mapping import Records
from telemetry.imports.reading import Imported
from telemetry.imports.records import Made
from telemetry.imports.tables import lines
from telemetry.otlp.bodies import Signal, parse
from telemetry.otlp.decoded import Decoded
from telemetry.otlp.logs import lines_of
from telemetry.otlp.points import points_of
from telemetry.otlp.spans import spans_of

_SIGNALS: Final[Mapping[str, tuple[Signal, Records]]] = {
    "resourceSpans": ("traces", "spans"), "resourceMetrics": ("metrics", "points"), "resourceLogs": ("logs", "logs")}
_READERS: Final[Mapping[Records, Callable[[Any], Decoded[Any]]]] = {
    "spans": spans_of, "points": points_of, "logs": lambda request: lines_of(request, 0)[0]}


def is_otlp(path: Path) -> bool:
    """Whether a file holds OTLP, by its first line."""
    try:
        return any(_kind(json.loads(line)) is not None for line in islice(lines(path), 1))
    except (ValueError, RecursionError, SourceError):
        return False


def read_otlp(path: Path, imported: Imported) -> Iterator[tuple[Records, Made]]:
    """The spans, points and log lines of a file, whose lines may be of different kinds; those of none are refused.

    Raises SourceError.
    """
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        try:
            records, decoded = _read(line)
        except OnCalmError as error:
            imported.refuse(path, number, str(error).split(" — ")[0][:200])
            continue
        for reason, count in decoded.reasons.items():
            for _ in range(count):
                imported.refuse(path, number, reason)
        imported.records[records] += len(decoded.records)
        yield from ((records, one) for one in decoded.records)


def _read(line: str) -> tuple[Records, Decoded[Any]]:
    """One request. Raises OnCalmError for a line that is none."""
    begins = _BEGINS.match(line)  # told without reading all of it: compact writers put the one key first
    key = begins[1] if begins and begins[1] in _SIGNALS else _kind(_json(line))
    if key is None:
        raise SourceError(f"no OTLP request: it has none of {', '.join(_SIGNALS)}", where="line", remedy="leave it out")
    signal, records = _SIGNALS[key]
    return records, _READERS[records](parse(signal, line.encode(), "json"))


def _kind(found: object) -> str | None:
    return next((key for key in _SIGNALS if isinstance(found, dict) and key in found), None)


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"no JSON: {error}", where="line", remedy="leave it out") from error


_BEGINS = re.compile(r'\s*\{\s*"(\w+)"')

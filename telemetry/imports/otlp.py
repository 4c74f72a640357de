"""Files of OTLP in JSON, a request a line: what the Collector's file exporter writes."""

from __future__ import annotations

import json
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


def records_in(path: Path) -> Records | None:
    """What a file of OTLP holds, by its first line; None for any other file."""
    try:
        for line in islice(lines(path), 1):
            found = json.loads(line)
            return next((records for key, (_, records) in _SIGNALS.items() if isinstance(found, dict) and key in found), None)
    except (ValueError, RecursionError, SourceError):
        return None
    return None


def read_otlp(path: Path, records: Records, imported: Imported) -> Iterator[tuple[Records, Made]]:
    """The spans, points or log lines of a file; lines that are no request of this kind are refused. Raises SourceError."""
    signal = next(signal for signal, of in _SIGNALS.values() if of == records)
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        try:
            decoded = _READERS[records](parse(signal, line.encode(), "json"))
        except OnCalmError as error:
            imported.refuse(path, number, str(error).split(" — ")[0][:200])
            continue
        for reason, count in decoded.reasons.items():
            for _ in range(count):
                imported.refuse(path, number, reason)
        imported.records[records] += len(decoded.records)
        yield from ((records, one) for one in decoded.records)

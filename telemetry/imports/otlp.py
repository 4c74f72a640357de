"""Files of OTLP as the Collector's file exporter writes them: JSON, a request a line, or protobuf behind its length."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from telemetry.errors import OnCalmError, SourceError
from telemetry.imports.framed import SUFFIXES, frames, signal_of
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
    """Whether a file holds OTLP, by its first line or message."""
    try:
        if framed(path):
            return True
        return any(_kind(json.loads(line)) is not None for line in islice(lines(path), 1))
    except (ValueError, RecursionError, SourceError):
        return False


def read_otlp(path: Path, imported: Imported) -> Iterator[tuple[Records, Made]]:
    """The spans, points and log lines of a file, whose lines may be of different kinds; those of none are refused.

    Raises SourceError.
    """
    messages: Iterator[str | bytes] = frames(path) if framed(path) else lines(path)
    for number, one in enumerate(messages, start=1):
        if not one.strip():
            continue
        try:
            records, decoded = _read(one) if isinstance(one, str) else _read_message(one)
        except OnCalmError as error:
            imported.refuse(path, number, str(error).split(" — ")[0][:200])
            continue
        for reason, count in decoded.reasons.items():
            for _ in range(count):
                imported.refuse(path, number, reason)
        imported.records[records] += len(decoded.records)
        yield from ((records, each) for each in decoded.records)


def _read(line: str) -> tuple[Records, Decoded[Any]]:
    """One request. Raises OnCalmError for a line that is none."""
    begins = _BEGINS.match(line)  # told without reading all of it: compact writers put the one key first
    key = begins[1] if begins and begins[1] in _SIGNALS else _kind(_json(line))
    if key is None:
        raise SourceError(f"no OTLP request: it has none of {', '.join(_SIGNALS)}", where="line", remedy="leave it out")
    signal, records = _SIGNALS[key]
    return records, _READERS[records](parse(signal, line.encode(), "json"))


def framed(path: Path) -> bool:
    """Whether a file's name says protobuf and its first message is one."""
    if not any(suffix in SUFFIXES for suffix in path.suffixes):
        return False
    return any(signal_of(message) is not None for message in islice(frames(path), 1))


def _read_message(message: bytes) -> tuple[Records, Decoded[Any]]:
    signal = signal_of(message)
    if signal is None:
        raise SourceError("no OTLP message: neither spans nor metrics nor log records are in it", where="message", remedy="leave it out")
    records = next(records for known, records in _SIGNALS.values() if known == signal)
    return records, _READERS[records](parse(signal, message, "protobuf"))


def _kind(found: object) -> str | None:
    return next((key for key in _SIGNALS if isinstance(found, dict) and key in found), None)


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"no JSON: {error}", where="line", remedy="leave it out") from error


_BEGINS = re.compile(r'\s*\{\s*"(\w+)"')

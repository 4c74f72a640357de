"""Log records of an export request, as JSON lines that the log pipeline reads like any other log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from telemetry.masks import masked
from telemetry.otlp.decoded import Decoded, RefusedError, micros
from telemetry.otlp.values import Origin, Plain, hexed, origin_of, plain, text_of

_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""Of the severity numbers 1-4, 5-8, … 21-24 (logs data model, "Field: SeverityNumber")."""
_FIELDS = 100
"""Attributes of a record that are kept; a line with many more values is not read as JSON."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def lines_of(request: Any, received: int) -> tuple[Decoded[str], bool]:
    """One line for each record of an ``ExportLogsServiceRequest``, and whether each record states its own time.

    ``received`` (microseconds, UTC) stands for the time of a record that states none.
    """
    found: Decoded[str] = Decoded()
    timed = True
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            origin = origin_of(resource.resource, scope.scope)
            for record in scope.log_records:
                stated = record.time_unix_nano or record.observed_time_unix_nano
                timed &= bool(stated)
                try:
                    time = micros(stated, "the time of a log record") if stated else received
                    found.records.append(_encode(_line(record, origin, time)))
                except RefusedError as refused:
                    found.reasons[str(refused)] += 1
    return found, timed


def _line(record: Any, origin: Origin, time: int) -> dict[str, Any]:
    """The keys that readers of structured logs rank first, in the order people read."""
    stamp = datetime.fromtimestamp(time // 1_000_000, UTC)
    known = {
        "timestamp": f"{stamp:%Y-%m-%dT%H:%M:%S}.{time % 1_000_000:06}Z", "level": _level(record), "service": origin.service,
        "host": origin.pod or origin.node, "logger": origin.scope, "trace_id": hexed(record.trace_id, 16),
        "span_id": hexed(record.span_id, 8), "message": text_of(plain(record.body)) or masked(record.event_name) or "-",
    }
    own = {masked(a.key): _flat(plain(a.value, a.key)) for a in list(record.attributes)[:_FIELDS] if a.key}
    own |= {"event": masked(record.event_name)} if record.event_name and record.body.WhichOneof("value") else {}
    about = {k: v for k, v in (("node", origin.node if origin.pod else ""), *origin.rest.items()) if v}
    return {**{k: v for k, v in known.items() if v}, **({"attributes": own} if own else {}), **({"resource": about} if about else {})}


def _level(record: Any) -> str:
    if 1 <= record.severity_number <= 24:
        return _LEVELS[(record.severity_number - 1) // 4]
    return masked(record.severity_text).lower()


def _flat(value: Plain) -> Plain:
    """Numbers and texts as they are, what is nested as its JSON text."""
    return text_of(value) if isinstance(value, (list, dict)) else value

"""OTLP in protobuf, a message after its length: what the Collector's file exporter writes with ``format: proto``.

github.com/open-telemetry/opentelemetry-collector-contrib, exporter/fileexporter: four bytes, big-endian, before every message.
Nothing in it says of which kind the messages are; a message is read as what it makes sense as.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from telemetry.errors import OnCalmError, SourceError
from telemetry.otlp.bodies import Signal, parse
from telemetry.sources.streams import raw

SUFFIXES = (".pb", ".binpb", ".proto", ".otlp")
_LENGTH = struct.Struct(">I")
MOST = 256 << 20
"""Bytes of a message."""


def frames(path: Path) -> Iterator[bytes]:
    """The messages. Raises SourceError where the file is not, or no longer, made of them; what came before was given."""
    with path.open("rb") as stream:
        held = bytearray()
        for chunk in raw(stream, str(path)):
            held += chunk
            at = 0
            while len(held) - at >= _LENGTH.size:
                (size,) = _LENGTH.unpack_from(held, at)
                if not 0 < size <= MOST:
                    raise SourceError(f"a message of {size:,} bytes is announced", where=str(path), remedy="it is no file of length-prefixed OTLP, or it is damaged")
                if len(held) - at - _LENGTH.size < size:
                    break
                yield bytes(held[at + _LENGTH.size : at + _LENGTH.size + size])
                at += _LENGTH.size + size
            del held[:at]
        if held:
            raise SourceError("it ends in the middle of a message", where=str(path), remedy="wait until it is written whole; what came before was read")


def signal_of(message: bytes) -> Signal | None:
    """What a message is, by what is in it: span ids have 16 and 8 bytes, log records a time, metrics a name and points."""
    for signal in ("traces", "logs", "metrics"):
        try:
            found = parse(signal, message, "protobuf")
        except OnCalmError:
            continue
        if _SENSE[signal](found):
            return signal
    return None


def _spans(found: Any) -> bool:
    return any(len(one.trace_id) == 16 and len(one.span_id) == 8 and one.start_time_unix_nano for whole in found.resource_spans for part in whole.scope_spans for one in part.spans)


def _records(found: Any) -> bool:
    return any(one.time_unix_nano or one.observed_time_unix_nano for whole in found.resource_logs for part in whole.scope_logs for one in part.log_records)


def _metrics(found: Any) -> bool:
    return any(one.name and one.WhichOneof("data") for whole in found.resource_metrics for part in whole.scope_metrics for one in part.metrics)


_SENSE = {"traces": _spans, "logs": _records, "metrics": _metrics}

"""The body of a request: its encoding, its size, and the message in it."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any, Literal

from google.protobuf import json_format  # type: ignore[import-untyped] # publishes no types
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped] # the same
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.otlp.errors import MalformedError, TooLargeError, UnsupportedError

Signal = Literal["logs", "traces", "metrics"]
Encoding = Literal["protobuf", "json"]
_TYPES: Mapping[str, Encoding] = {"application/x-protobuf": "protobuf", "application/json": "json"}
_REQUESTS: Mapping[Signal, type[Message]] = {
    "logs": ExportLogsServiceRequest, "traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}
_HEX = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_PIECE = 1 << 20


def encoding_of(content_type: str | None) -> Encoding:
    """The encoding that a ``Content-Type`` names. Raises UnsupportedError."""
    named = (content_type or "").partition(";")[0].strip().lower()
    if named not in _TYPES:
        raise UnsupportedError(f"the content type {named or '(none)'} is not taken", where="Content-Type",
                               remedy=f"send {' or '.join(_TYPES)}")
    return _TYPES[named]


def unpacked(body: bytes, content_encoding: str | None, limit: int) -> bytes:
    """The body as it was before it was compressed, at most ``limit`` bytes of it.

    Raises UnsupportedError, MalformedError, or TooLargeError as soon as the limit is passed: a small body that unpacks
    to a giant costs no more than the limit.
    """
    named = (content_encoding or "identity").strip().lower()
    if named in {"identity", "none", ""}:
        return body
    if named not in {"gzip", "x-gzip"}:
        raise UnsupportedError(f"the content encoding {named} is not taken", where="Content-Encoding", remedy="send gzip, or none")
    out = bytearray()
    try:
        while body:
            body = _member(body, out, limit)
    except zlib.error as error:
        raise MalformedError(f"the body is no gzip data ({error})", where="body") from error
    return bytes(out)


def _member(body: bytes, out: bytearray, limit: int) -> bytes:
    """Unpack one gzip member onto ``out``; returns what follows it."""
    stream = zlib.decompressobj(wbits=31)
    while not stream.eof:
        part = stream.decompress(body, _PIECE)
        out += part
        body = stream.unconsumed_tail
        if len(out) > limit:
            raise too_large(limit)
        if not part and not body and not stream.eof:
            raise MalformedError("the gzip data ends in the middle", where="body")
    return stream.unused_data.lstrip(b"\0")


def too_large(limit: int) -> TooLargeError:
    """The error for a body of more than ``limit`` bytes."""
    return TooLargeError(f"the body is larger than {limit:,} bytes", where="body", remedy="send smaller batches")


def parse(signal: Signal, body: bytes, encoding: Encoding) -> Any:
    """The export request in a body. Unknown fields are passed over. Raises MalformedError."""
    message = _REQUESTS[signal]()
    try:
        if encoding == "protobuf":
            message.ParseFromString(body)
        else:
            json_format.ParseDict(_object(body), message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise MalformedError(f"the body is no {type(message).__name__} in {encoding}: {said}", where="body") from error
    return message


def _object(body: bytes) -> dict[str, Any]:
    """OTLP's JSON as protobuf's JSON: ids are written in hex there and in base64 here."""
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    waiting: list[Any] = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for key in _HEX & value.keys():
                value[key] = _base64(value[key])
            waiting += [v for v in value.values() if isinstance(v, (dict, list))]
    return found


def _base64(value: Any) -> Any:
    """A hex id in base64; what is no hex becomes one byte, which no id has, so that only its record is refused."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64encode(binascii.unhexlify(value)).decode()
    except (ValueError, binascii.Error):
        return "AA=="

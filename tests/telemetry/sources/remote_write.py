"""Writing to a Prometheus as an agent does: remote write 1.0, protobuf in snappy, with no library for either."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The NaN that marks the end of a series."""


@dataclass(frozen=True)
class Native:
    """A native histogram of schema 0: the buckets (1/2, 1], (1, 2], (2, 4] … from ``offset`` on hold ``counts``."""

    counts: tuple[int, ...]
    total: float
    offset: int = 0


@dataclass(frozen=True)
class Written:
    """A series; times in milliseconds."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float | Native]]
    exemplars: Sequence[tuple[int, float, Mapping[str, str]]] = ()


def write(url: str, series: Iterable[Written]) -> None:
    """Send the series. Raises when they are refused."""
    body = _snappy(b"".join(_field(1, _series(one)) for one in series))
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    answer = httpx.post(f"{url}/api/v1/write", content=body, headers=headers, timeout=30)
    assert answer.status_code // 100 == 2, answer.text


def _series(one: Written) -> bytes:
    out = _labels(one.labels)
    for time, value in one.samples:
        out += _field(4, _native(time, value)) if isinstance(value, Native) else _field(2, _double(1, value) + _whole(2, time))
    return out + b"".join(_field(3, _labels(labels) + _double(2, value) + _whole(3, time)) for time, value, labels in one.exemplars)


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(_field(1, _field(1, k.encode()) + _field(2, v.encode())) for k, v in sorted(labels.items()))


def _native(time: int, one: Native) -> bytes:
    deltas = [now - before for before, now in zip((0, *one.counts), one.counts, strict=False)]
    span = _whole(1, _zigzag(one.offset)) + _whole(2, len(one.counts))
    return (_whole(1, sum(one.counts)) + _double(3, one.total) + _whole(4, _zigzag(0)) + _double(5, 1e-9) + _whole(6, 0)
            + _field(11, span) + _field(12, b"".join(_varint(_zigzag(d)) for d in deltas)) + _whole(15, time))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _whole(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _snappy(data: bytes) -> bytes:
    """The block format with literals only (framing of google/snappy, format_description.txt)."""
    parts = [data[at:at + 60_000] for at in range(0, len(data), 60_000)]
    return _varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(part) - 1) + part for part in parts)

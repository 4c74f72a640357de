"""The little of Thrift's compact protocol that Parquet's headers and footer need, writing only."""

from __future__ import annotations

from collections.abc import Sequence

Field = tuple[int, int, bytes]
"""(id, type, encoded value) of a struct's field; fields go in rising order of id."""
TRUE, I32, I64, BINARY, LIST, STRUCT = 1, 5, 6, 8, 9, 12


def varint(value: int) -> bytes:
    """Seven bits a byte, lowest first. ``value`` is not negative."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> bytes:
    """A signed number as a varint."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def i32(number: int, value: int) -> Field:
    return number, I32, zigzag(value)


def i64(number: int, value: int) -> Field:
    return number, I64, zigzag(value)


def true(number: int) -> Field:
    return number, TRUE, b""


def binary(number: int, value: bytes) -> Field:
    return number, BINARY, varint(len(value)) + value


def nested(number: int, *fields: Field) -> Field:
    return number, STRUCT, struct(*fields)


def listed(number: int, kind: int, values: Sequence[bytes]) -> Field:
    """A list of encoded values of one type."""
    size = len(values)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + varint(size)
    return number, LIST, head + b"".join(values)


def struct(*fields: Field) -> bytes:
    """A struct; ids less than sixteen apart, as Parquet's are."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        out += value
        last = number
    out.append(0)
    return bytes(out)

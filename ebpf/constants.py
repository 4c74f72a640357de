"""The constants of an object (``const volatile`` in C): where each stands in its read-only data, by the ELF symbol table.

ELF64, little-endian, as clang writes for BPF (man 5 elf).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SYMBOLS = 2  # SHT_SYMTAB
_OBJECT = 1  # STT_OBJECT


@dataclass(frozen=True, slots=True)
class Constant:
    """Where it stands in ``.rodata``, and its size in bytes."""

    offset: int
    size: int


def constants_of(content: bytes) -> dict[str, Constant]:
    """Every constant of an object. Raises ValueError for what is no object."""
    if content[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a little-endian ELF64 file")
    sections = list(_sections(content))
    names = [_text(content, sections[struct.unpack_from("<H", content, 0x3E)[0]][1], one[0]) for one in sections]
    return {
        name: Constant(value, size)
        for kind, place, length, link in ((one[4], one[1], one[2], one[3]) for one in sections) if kind == _SYMBOLS
        for name, info, home, value, size in _symbols(content, place, length, sections[link][1])
        if info & 15 == _OBJECT and home < len(names) and names[home] == ".rodata"}


def write_constants(content: bytes, image: bytes, values: Mapping[str, int]) -> bytes:
    """``image``, an object's ``.rodata``, with the values set. Raises KeyError for a name it has not, OverflowError for a number too large."""
    known, written = constants_of(content), bytearray(image)
    for name, value in values.items():
        place = known[name]
        written[place.offset:place.offset + place.size] = value.to_bytes(place.size, "little", signed=value < 0)
    return bytes(written)


def _sections(content: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Name's place, offset, size, link and type of each."""
    start, = struct.unpack_from("<Q", content, 0x28)
    size, count = struct.unpack_from("<HH", content, 0x3A)
    for at in range(start, start + size * count, size):
        name, kind, _, _, offset, length, link = struct.unpack_from("<IIQQQQI", content, at)
        yield name, offset, length, link, kind


def _symbols(content: bytes, place: int, length: int, strings: int) -> Iterator[tuple[str, int, int, int, int]]:
    for at in range(place, place + length, 24):
        name, info, _, home, value, size = struct.unpack_from("<IBBHQQ", content, at)
        yield _text(content, strings, name), info, home, value, size


def _text(content: bytes, place: int, offset: int) -> str:
    start = place + offset
    return content[start:content.index(b"\0", start)].decode()

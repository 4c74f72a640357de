"""The functions of an ELF64 file by where they stand in it (man 5 elf). Damaged files have none."""

from __future__ import annotations

import mmap
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence

_SYMTAB, _DYNSYM, _LOAD, _FUNCTIONS = 2, 11, 1, frozenset({2, 10})  # STT_FUNC, STT_GNU_IFUNC
_SYMBOL = struct.Struct("<IBBHQQ")
_NEAR = 1 << 20
"""Bytes after the beginning of a function of unknown size that may be it."""
_MOST, _LONGEST = 2_000_000, 512
"""Symbols of a file, and bytes of a name, that are read: the file belongs to whoever is looked at."""


class Functions:
    """Names by address."""

    def __init__(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """``rows``: address, size (0: unknown, up to the next), name."""
        ordered = sorted(rows)
        self._starts = [row[0] for row in ordered]
        self._rows = ordered

    def at(self, address: int) -> str:
        """The function that holds the address; empty for none."""
        found = bisect_right(self._starts, address) - 1
        while found >= 0:
            start, size, name = self._rows[found]
            if address < start + (size or _NEAR):
                return name.decode("utf-8", "replace")
            if address - start > _NEAR or (found and self._starts[found - 1] != start):
                return ""
            found -= 1
        return ""

    def __len__(self) -> int:
        return len(self._rows)


def functions_of(content: bytes | mmap.mmap) -> Functions:
    """Those of both symbol tables, by offset in the file."""
    try:
        return Functions(list(_functions(content)))
    except (struct.error, IndexError, ValueError):
        return Functions([])


def _functions(content: bytes | mmap.mmap) -> Iterator[tuple[int, int, bytes]]:
    if content[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not ELF64")
    segments, sections = struct.unpack_from("<QQ", content, 0x20)
    _, count, size, many, _ = struct.unpack_from("<HHHHH", content, 0x36)
    loads = [row for row in (struct.unpack_from("<IIQQQQ", content, segments + 56 * one) for one in range(count)) if row[0] == _LOAD]
    heads = [struct.unpack_from("<IIQQQQII", content, sections + size * one) for one in range(many)]
    left = _MOST
    for head in (one for one in heads if one[1] in {_SYMTAB, _DYNSYM}):
        strings = heads[head[6]][4]
        left -= head[5] // 24
        if left < 0:
            raise ValueError("more symbols than a program has")
        for name, info, _, home, value, length in _SYMBOL.iter_unpack(content[head[4]:head[4] + head[5] // 24 * 24]):
            if info & 15 in _FUNCTIONS and home:
                at = _offset(loads, value)
                if at is not None:
                    yield at, length, content[strings + name:strings + name + _LONGEST].partition(b"\0")[0]


def _offset(loads: list[tuple[int, ...]], address: int) -> int | None:
    for _, _, offset, start, _, size in loads:
        if start <= address < start + size:
            return address - start + offset
    return None

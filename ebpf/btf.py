"""The running kernel's own types: where the fields of its structures are, and the numbers of what programs attach to.

Reads BTF as the kernel documents it (docs.kernel.org/bpf/btf.html). Offsets are never taken from headers: those of another
release are wrong without anybody noticing.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ebpf.errors import UnsupportedError

VMLINUX = Path("/sys/kernel/btf/vmlinux")
_MAGIC = 0xEB9F
INT, POINTER, ARRAY, STRUCT, UNION, ENUM, FORWARD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNCTION = range(1, 13)
_TAG, _ENUM64 = 18, 19
_THROUGH = frozenset({TYPEDEF, VOLATILE, CONST, RESTRICT, _TAG})
_BEHIND = {INT: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8), 13: (0, 8), 14: (4, 0), 15: (0, 12), 17: (4, 0), _ENUM64: (0, 12)}
"""Bytes that follow a type's head, and bytes for each of its ``vlen`` parts."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field is in its structure. ``bits``: its width, 0 where it is no bit field."""

    bit: int
    bits: int
    type: int

    @property
    def byte(self) -> int:
        """Offset in bytes."""
        return self.bit // 8


class Types:
    """The types of one kernel."""

    def __init__(self, content: bytes) -> None:
        """Raises UnsupportedError for what is no BTF."""
        try:
            magic, _, _, head, types_at, length, strings_at, strings = struct.unpack_from("<HBBIIIII", content)
        except struct.error as error:
            raise UnsupportedError("it is no type information", where=str(VMLINUX)) from error
        if magic != _MAGIC:
            raise UnsupportedError("it is no type information", where=str(VMLINUX))
        self._content = content
        self._strings = head + strings_at
        self._text = content[self._strings:self._strings + strings]
        self._at = array("Q", [0])
        self._named: dict[tuple[int, int], int] = {}
        self._walk(head + types_at, head + types_at + length)

    def find(self, kind: int, name: str) -> int:
        """The number of a type; 0 when the kernel has none of this name."""
        place = self._text.find(b"\0" + name.encode() + b"\0")
        return self._named.get((kind, place + 1), 0) if place >= 0 else 0

    def size(self, name: str) -> int:
        """Bytes of a structure; 0 when there is none of this name."""
        found = self.find(STRUCT, name)
        return int(self._head(found)[2]) if found else 0

    def place(self, name: str, field: str) -> Place | None:
        """Where ``field`` is in the structure ``name``, also inside of its unnamed parts; None when it is not there."""
        found = self.find(STRUCT, name)
        return self._place(found, field, 0) if found else None

    def is_array(self, number: int) -> bool:
        """Whether a type is an array, whatever it is called."""
        while self._kind(number) in _THROUGH:
            number = self._head(number)[2]
        return self._kind(number) == ARRAY

    def values(self, name: str) -> Mapping[str, int]:
        """The names and numbers of an enumeration; empty when there is none."""
        for kind, step in ((ENUM, 8), (_ENUM64, 12)):
            if found := self.find(kind, name):
                start, count = self._at[found] + 12, self._head(found)[1] & 0xFFFF
                parts = (struct.unpack_from("<II" if kind == ENUM else "<III", self._content, start + step * one) for one in range(count))
                return {self._string(part[0]): part[1] | (part[2] << 32 if kind == _ENUM64 else 0) for part in parts}
        return {}

    def _walk(self, at: int, end: int) -> None:
        heads = struct.Struct("<III").unpack_from
        named, places, content = self._named, self._at, self._content
        while at < end:
            name, info, _ = heads(content, at)
            kind = info >> 24 & 31
            if name:
                named.setdefault((kind, name), len(places))
            places.append(at)
            fixed, each = _BEHIND.get(kind, (0, 0))
            at += 12 + fixed + each * (info & 0xFFFF)

    def _head(self, number: int) -> tuple[int, int, int]:
        name, info, size = struct.unpack_from("<III", self._content, self._at[number])
        return name, info, size

    def _kind(self, number: int) -> int:
        return self._head(number)[1] >> 24 & 31 if number else 0

    def _members(self, number: int) -> Iterator[tuple[int, Place]]:
        _, info, _ = self._head(number)
        for one in range(info & 0xFFFF):
            name, kind, offset = struct.unpack_from("<III", self._content, self._at[number] + 12 + 12 * one)
            yield name, Place(offset & 0xFFFFFF, offset >> 24, kind) if info >> 31 else Place(offset, 0, kind)

    def _place(self, number: int, field: str, before: int) -> Place | None:
        for name, place in self._members(number):
            if name and self._string(name) == field:
                return Place(before + place.bit, place.bits, place.type)
            if not name and self._kind(place.type) in {STRUCT, UNION} and (found := self._place(place.type, field, before + place.bit)):
                return found
        return None

    def _string(self, at: int) -> str:
        return self._text[at:self._text.index(b"\0", at)].decode()


def running(path: Path = VMLINUX) -> Types:
    """The types of the kernel that runs. Raises UnsupportedError where it does not tell them."""
    try:
        return Types(path.read_bytes())
    except OSError as error:
        raise UnsupportedError("this kernel does not tell its types (BTF)", where=str(path), remedy="use a kernel with CONFIG_DEBUG_INFO_BTF=y") from error

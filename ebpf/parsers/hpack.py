"""HPACK (RFC 7541), tolerant: for header blocks of connections that may be joined in their middle.

An encoder refers to entries of its table by how recently they were made. Of a connection joined in its middle the entries
made since are known, older ones are not: a reference to one of those is *unknown*, and counted. Where a block is missed or
cut, how many entries it made is not known, so that nothing made before can be referred to any more; later ones are
learnt anew. Only headers that are looked at are kept; of others the size alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ebpf.parsers import huffman
from ebpf.redact import HEADERS

_STATIC = (
    ":authority| :method|GET :method|POST :path|/ :path|/index.html :scheme|http :scheme|https :status|200 :status|204 "
    ":status|206 :status|304 :status|400 :status|404 :status|500 accept-charset| accept-encoding|gzip,deflate accept-language| "
    "accept-ranges| accept| access-control-allow-origin| age| allow| authorization| cache-control| content-disposition| "
    "content-encoding| content-language| content-length| content-location| content-range| content-type| cookie| date| etag| "
    "expect| expires| from| host| if-match| if-modified-since| if-none-match| if-range| if-unmodified-since| last-modified| "
    "link| location| max-forwards| proxy-authenticate| proxy-authorization| range| referer| refresh| retry-after| server| "
    "set-cookie| strict-transport-security| transfer-encoding| user-agent| vary| via| www-authenticate|"
)
WANTED = frozenset({*(name.encode() for name in HEADERS), b":method", b":path", b":authority", b":status", b"grpc-status"})
_DEFAULT, _MOST = 4096, 8192
"""Size of a table as it begins, and the most that is kept of one."""
_LONGEST = 4096
"""Bytes of a value that are kept; longer ones are unknown."""
_FIELDS = 256
"""Headers of a block that are read; no more than that are sent but to cost time."""
_OTHER = b""
"""The name of a header that is not looked at."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name and a value, each None where it is unknown. ``named``: length of the name; ``size``: by section 4.1."""

    name: bytes | None
    value: bytes | None
    named: int
    size: int


def _static() -> tuple[_Entry, ...]:
    pairs = (pair.encode().split(b"|") for pair in _STATIC.split())
    return tuple(_Entry(name if name in WANTED else _OTHER, value if name in WANTED else _OTHER, len(name), 32 + len(name)) for name, value in pairs)


STATIC = _static()
_UNKNOWN = _Entry(None, None, 0, 32)


@dataclass(slots=True)
class Fields:
    """Headers of one block that are looked at: values by name, None where a value is not known.

    ``unknown``: references that could not be resolved; ``whole``: the block was read to its end.
    """

    values: dict[bytes, bytes | None] = field(default_factory=dict)
    unknown: int = 0
    whole: bool = True

    def add(self, entry: _Entry) -> None:
        """Take a header. One that comes twice has no known value."""
        if entry.name is None:
            self.unknown += 1
        elif entry.name in WANTED:
            self.values[entry.name] = None if entry.name in self.values else entry.value


class _CutError(ValueError):
    """The block ended, or is broken, within a header."""


class Decoder:
    """The table of one direction of one connection; ``whole``: seen from its first byte."""

    def __init__(self, *, whole: bool) -> None:
        self._entries: deque[_Entry] = deque()
        self._size, self._limit = 0, _DEFAULT if whole else _MOST

    def forget(self) -> None:
        """A block was missed: references to what was made before cannot be told apart any more."""
        self._entries.clear()
        self._size, self._limit = 0, _MOST

    def decode(self, block: bytes, *, cut: bool = False) -> Fields:
        """Read a block. ``cut``: it goes on, unseen, after ``block``."""
        fields, at, count = Fields(), 0, 0
        try:
            while at < len(block):
                count += 1
                if count > _FIELDS:
                    raise _CutError
                at = self._field(block, at, fields)
        except _CutError:
            cut = True
        if cut:
            fields.whole = False
            self.forget()
        return fields

    def _field(self, block: bytes, at: int, fields: Fields) -> int:
        first = block[at]
        if first & 0x80:
            index, at = _integer(block, at, 7)
            fields.add(self._at(index))
        elif first & 0xE0 == 0x20:
            size, at = _integer(block, at, 5)
            self._resize(size)
        else:
            insert = bool(first & 0x40)
            index, at = _integer(block, at, 6 if insert else 4)
            name, named, at = self._name(block, at, index)
            value, length, at = _string(block, at, wanted=insert or name in WANTED)
            entry = _Entry(name, value if name in WANTED else None if name is None else _OTHER, named, 32 + named + length)
            fields.add(entry)
            if insert:
                self._insert(entry)
        return at

    def _name(self, block: bytes, at: int, index: int) -> tuple[bytes | None, int, int]:
        """A literal's name, its length, and where the value begins."""
        if index:
            entry = self._at(index)
            return entry.name, entry.named, at
        name, length, at = _string(block, at, wanted=True)
        return (name if name is None or name in WANTED else _OTHER), length, at

    def _at(self, index: int) -> _Entry:
        if 0 < index <= len(STATIC):
            return STATIC[index - 1]
        back = index - len(STATIC)
        if index == 0:
            raise _CutError
        return self._entries[-back] if back <= len(self._entries) else _UNKNOWN

    def _insert(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._size += entry.size
        self._shrink()

    def _resize(self, size: int) -> None:
        self._limit = min(size, _MOST)
        self._shrink()

    def _shrink(self) -> None:
        while self._size > self._limit and self._entries:
            self._size -= self._entries.popleft().size


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """RFC 7541, section 5.1; five more bytes at most."""
    full = (1 << bits) - 1
    value = block[at] & full
    at += 1
    if value < full:
        return value, at
    for shift in range(0, 35, 7):
        if at >= len(block):
            raise _CutError
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _CutError


def _string(block: bytes, at: int, *, wanted: bool) -> tuple[bytes | None, int, int]:
    """A string, how long it is, and where it ends (section 5.2); one that is not wanted is not decoded."""
    if at >= len(block):
        raise _CutError
    coded = bool(block[at] & 0x80)
    length, at = _integer(block, at, 7)
    end = at + length
    if end > len(block):
        raise _CutError
    if not wanted or length > _LONGEST:
        return None, length, end
    text = huffman.decoded(block[at:end]) if coded else block[at:end]
    return text, length if text is None else len(text), end

"""Frames of one direction of an HTTP/2 connection (RFC 9113, section 4), from pieces that may lack their ends.

A frame's length stands in its header, so that a payload need not be seen to know where the next frame begins. Where a
header falls into a hole, reading goes on at the next place that looks like one, beginning with the start of a piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY, ACK = 0x1, 0x4, 0x8, 0x20, 0x1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADER = 9
_KEPT = {DATA: 6, HEADERS: 8192, PUSH_PROMISE: 8192, CONTINUATION: 8192, RST_STREAM: 4, GOAWAY: 8}
"""Bytes of a payload that are kept, by type."""
_FLAGS = {DATA: 0x9, HEADERS: 0x2D, PRIORITY: 0, RST_STREAM: 0, SETTINGS: 0x1, PUSH_PROMISE: 0xC, PING: 0x1, GOAWAY: 0, WINDOW_UPDATE: 0, CONTINUATION: 0x4}
_FIXED = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_LEAST = {GOAWAY: 8, HEADERS: 1, PUSH_PROMISE: 4}
_EXTENSIONS = 0x20
"""Types up to here may be of extensions (RFC 7838, 8336, 9218)."""
_USUAL, _LARGEST = 16384, 1 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """``payload``: the first bytes of ``length``, of types whose payload matters. ``whole``: none that matter are missing."""

    kind: int
    flags: int
    stream: int
    length: int
    payload: bytes
    whole: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """In place of frames: some were missed. ``size``: all bytes they can have had; None where that is not known."""

    size: int | None


def plausible(data: bytes, at: int, largest: int = _USUAL) -> bool:
    """Whether nine bytes could be the header of a frame of RFC 9113."""
    length = int.from_bytes(data[at : at + 3], "big")
    kind, flags = data[at + 3], data[at + 4]
    stream = int.from_bytes(data[at + 5 : at + 9], "big")
    if kind > CONTINUATION or flags & ~_FLAGS[kind] or length > largest or stream >> 31:
        return False
    if length != _FIXED.get(kind, length) or length < _LEAST.get(kind, 0) + (kind == DATA and bool(flags & PADDED)):
        return False
    if kind == SETTINGS:
        return stream == 0 and length % 6 == 0 and length <= 300 and not (flags & ACK and length)
    if kind in {PING, GOAWAY}:
        return stream == 0
    return kind == WINDOW_UPDATE or (stream > 0 and stream < 1 << 28)


def boundary(data: bytes) -> int:
    """Where frames begin within bytes cut out of a stream; -1 where no place looks like it."""
    preface = data.find(PREFACE)
    if preface >= 0:
        return preface
    for at in range(len(data) - _HEADER + 1):
        if plausible(data, at, _LARGEST if at == 0 else _USUAL) and _followed(data, at, alone=at == 0):
            return at
    return -1


def _followed(data: bytes, at: int, *, alone: bool) -> bool:
    """Whether what follows a header is one, too. ``alone``: a frame that goes on beyond the bytes needs no other."""
    for seen in range(3):
        at += _HEADER + int.from_bytes(data[at : at + 3], "big")
        if at + _HEADER > len(data):
            return alone or seen > 0
        if not plausible(data, at):
            return False
    return True


class Frames:
    """What is known of one direction: within which frame it is, or that this is lost."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._kept = bytearray()
        self._frame: tuple[int, int, int, int] | None = None
        self._left, self._whole, self._synced = 0, True, True
        self._proved = False
        self.begun = False
        """Whether the client's preface was seen."""

    def feed(self, data: bytes) -> Iterator[Frame | Gap]:
        """Read the next bytes."""
        at = 0
        while at < len(data):
            if not self._synced:
                found = boundary(data[at:])
                if found and self._proved:
                    yield Gap(None)
                if found < 0:
                    return
                at, self._synced = at + found, True
                continue
            if self._frame is None:
                at, lost = self._header(data, at)
                if lost:
                    self._synced = False
                    if self._proved:
                        yield Gap(None)
            frame = self._frame
            if frame is not None:
                at = self._payload(frame, data, at)
                if self._left == 0:
                    yield self._done(frame)

    def miss(self, count: int) -> Iterator[Frame | Gap]:
        """Pass over bytes that were not seen."""
        if self._synced and self._frame is not None and count <= self._left:
            kept = _KEPT.get(self._frame[0], 0)
            self._whole = self._whole and len(self._kept) >= min(kept, self._frame[3])
            self._left -= count
            if self._left == 0:
                yield self._done(self._frame)
            return
        size = count if self._synced and not self._head else None
        if self._frame is not None:
            size = count - self._left
            self._whole = False
            yield self._done(self._frame)
        self._head.clear()
        self._synced = False
        yield Gap(size)

    def _header(self, data: bytes, at: int) -> tuple[int, bool]:
        """Take what is there of a header or of the preface: where to go on, and whether this was neither."""
        part = data[at : at + _HEADER - len(self._head)]
        self._head += part
        if PREFACE.startswith(self._head) and len(self._head) > 2:
            return self._preface(data, at, at + len(part))
        if len(self._head) < _HEADER:
            return at + len(part), False
        head = bytes(self._head)
        self._head.clear()
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big")
        fits = _possible(kind, length, stream) if self._proved else plausible(head, 0, _LARGEST)
        if not fits:
            return at + 1 if len(part) == _HEADER else at + len(part), True
        self._proved = True
        self._frame, self._left, self._whole = (kind, flags, stream & 0x7FFFFFFF, length), length, True
        self._kept.clear()
        return at + len(part), False

    def _preface(self, data: bytes, start: int, at: int) -> tuple[int, bool]:
        """Take the preface, which may come in pieces."""
        more = data[at : at + len(PREFACE) - len(self._head)]
        self._head += more
        if bytes(self._head) == PREFACE:
            self.begun = True
            self._head.clear()
        elif not PREFACE.startswith(self._head):
            self._head.clear()
            return start + 1, True
        return at + len(more), False

    def _payload(self, frame: tuple[int, int, int, int], data: bytes, at: int) -> int:
        taken = min(self._left, len(data) - at)
        room = _KEPT.get(frame[0], 0) - len(self._kept)
        if room > 0:
            self._kept += data[at : at + min(taken, room)]
        self._left -= taken
        return at + taken

    def _done(self, frame: tuple[int, int, int, int]) -> Frame:
        kind, flags, stream, length = frame
        whole = self._whole and (kind == DATA or len(self._kept) >= min(length, _KEPT.get(kind, 0)))
        self._frame = None
        self._left = 0
        if kind in {HEADERS, PUSH_PROMISE, CONTINUATION} and length > _KEPT[kind]:
            whole = False
        return Frame(kind, flags, stream, length, bytes(self._kept), whole)


def _possible(kind: int, length: int, stream: int) -> bool:
    """Whether a frame of a known type may be so long and be of that stream; flags nobody defined are to be ignored."""
    if kind > CONTINUATION:
        return kind <= _EXTENSIONS
    if length != _FIXED.get(kind, length) or length < _LEAST.get(kind, 0):
        return False
    if kind in {SETTINGS, PING, GOAWAY}:
        return stream & 0x7FFFFFFF == 0
    return kind == WINDOW_UPDATE or stream & 0x7FFFFFFF > 0

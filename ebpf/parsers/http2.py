"""HTTP/2 and gRPC: the calls of streams of bytes, connection by connection (RFC 9113; gRPC over HTTP/2, PROTOCOL-HTTP2.md).

Connections may be joined in their middle and pieces may lack their ends. A stream whose headers cannot be known is a call
that says so. Nothing grows without bound: connections and streams beyond the limits are dropped, oldest first, and counted.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from ebpf.calls import HttpCall, RpcCall
from ebpf.captures import Chunk
from ebpf.parsers import frames
from ebpf.parsers.frames import Frame, Frames, Gap
from ebpf.parsers.hpack import Decoder, Fields
from ebpf.parsers.streams import Stream

_ALL = 8192
"""Requests begun of all connections together: each may hold some KiB of headers."""
_BLOCK = 8192
"""Bytes of a header block that are read."""
_SMALL_GAP = 15
"""Bytes that were missed of a client's frames without harm, as of a window update. A request that changes the table is longer:
the header of its frame, three pseudo-headers of a byte each and one new entry of four (RFC 9113, section 8.3.1)."""


@dataclass(slots=True)
class Counts:
    """What was seen and what was lost, of all connections since the start."""

    streams: int = 0
    """Requests begun."""
    evicted: int = 0
    """Requests dropped for want of room."""
    orphans: int = 0
    """Responses to requests that were not seen."""
    hpack_unknown: int = 0
    """Header references that could not be resolved."""
    gaps: int = 0
    """Places where frames were missed."""


@dataclass(slots=True)
class _Side:
    """One direction of a connection."""

    frames: Frames = field(default_factory=Frames)
    decoder: Decoder = field(default_factory=lambda: Decoder(whole=False))
    expected: int = 0
    block: bytearray = field(default_factory=bytearray)
    opened: Frame | None = None
    """The frame that began a header block which is not ended."""
    fresh: bool = True
    """No frame was seen yet."""


@dataclass(slots=True)
class _Connection:
    request: _Side = field(default_factory=_Side)
    response: _Side = field(default_factory=_Side)
    streams: OrderedDict[int, Stream] = field(default_factory=OrderedDict)
    rpc: bool = False
    """Whether an earlier call on it was one of gRPC."""
    last: int = 0
    """Nanoseconds since 1970 of the last piece."""


class Http2:
    """Reads pieces of connections into calls. ``connections`` and ``streams`` (of one connection) bound its memory."""

    def __init__(self, *, connections: int = 512, streams: int = 256) -> None:
        self.counts = Counts()
        self._connections: OrderedDict[int, _Connection] = OrderedDict()
        self._most, self._streams = connections, streams
        self._open_now = 0

    @property
    def in_flight(self) -> int:
        """Requests begun whose end was not seen."""
        return self._open_now

    def feed(self, chunk: Chunk) -> list[HttpCall | RpcCall]:
        """Read one piece; the calls that ended with it, in order."""
        connection = self._connection(chunk.connection)
        connection.last = chunk.at
        asking = chunk.outgoing != chunk.server
        side = connection.request if asking else connection.response
        found: list[Frame | Gap] = []
        data, missing = chunk.data[: max(chunk.size, 0)], chunk.offset - side.expected
        if missing > 0:
            found += side.frames.miss(missing)
        elif missing < 0:  # seen already; only what is new counts
            data = data[-missing:] if -missing <= len(data) else b""
        found += side.frames.feed(data)
        hole = chunk.offset + chunk.size - max(chunk.offset + len(chunk.data), side.expected)
        if hole > 0:
            found += side.frames.miss(hole)
        side.expected = max(side.expected, chunk.offset + chunk.size)
        return [call for frame in found for call in self._frame(connection, side, frame, chunk, asking=asking)]

    def close(self, connection: int) -> list[HttpCall | RpcCall]:
        """A connection ended: its open calls, as ``unfinished``. Nothing where it is not known."""
        known = self._connections.pop(connection, None)
        if known is None:
            return []
        self._open_now -= len(known.streams)
        return [stream.call(connection, known.last, outcome="unfinished", rpc=known.rpc) for stream in known.streams.values()]

    def _connection(self, number: int) -> _Connection:
        known = self._connections.get(number)
        if known is None:
            known = self._connections[number] = _Connection()
            if len(self._connections) > self._most:
                _, dropped = self._connections.popitem(last=False)
                self.counts.evicted += len(dropped.streams)
                self._open_now -= len(dropped.streams)
        self._connections.move_to_end(number)
        return known

    def _frame(
        self, connection: _Connection, side: _Side, frame: Frame | Gap, chunk: Chunk, *, asking: bool
    ) -> list[HttpCall | RpcCall]:
        if isinstance(frame, Gap):
            self.counts.gaps += 1
            if not asking or frame.size is None or frame.size > _SMALL_GAP or side.opened is not None:
                side.decoder.forget()
            side.opened = None
            return []
        if side.fresh:
            _begin(side, frame, chunk)
        ended = side.opened is not None and frame.kind != frames.CONTINUATION
        if ended:  # the rest of a header block was missed
            side.decoder.forget()
            side.opened = None
        if frame.kind in {frames.HEADERS, frames.PUSH_PROMISE, frames.CONTINUATION}:
            return self._headers(connection, side, frame, chunk, asking=asking)
        if frame.kind == frames.DATA:
            return self._data(connection, frame, chunk, asking=asking)
        if frame.kind == frames.RST_STREAM and len(frame.payload) == 4:
            return self._ended(connection, frame.stream, chunk, "reset", int.from_bytes(frame.payload, "big"))
        if frame.kind == frames.GOAWAY and not asking and len(frame.payload) == 8:
            last, code = int.from_bytes(frame.payload[:4], "big") & 0x7FFFFFFF, int.from_bytes(frame.payload[4:], "big")
            refused = [number for number in connection.streams if number > last]
            return [call for number in refused for call in self._ended(connection, number, chunk, "goaway", code)]
        return []

    def _headers(
        self, connection: _Connection, side: _Side, frame: Frame, chunk: Chunk, *, asking: bool
    ) -> list[HttpCall | RpcCall]:
        """Collect a header block; when it is whole, or will never be, read it."""
        stream = connection.streams.get(frame.stream)
        if stream is not None:
            stream.add(frame.length, asking=asking)
        if frame.kind == frames.CONTINUATION:
            if side.opened is None or side.opened.stream != frame.stream:
                side.decoder.forget()
                return []
            side.block += frame.payload
        else:
            side.opened = frame
            side.block[:] = _fragment(frame)
        cut = not frame.whole or len(side.block) > _BLOCK
        if not frame.flags & frames.END_HEADERS and not cut:
            return []
        opened, side.opened = side.opened, None
        fields = side.decoder.decode(bytes(side.block[:_BLOCK]), cut=cut)
        side.block.clear()
        self.counts.hpack_unknown += fields.unknown
        if opened.kind == frames.PUSH_PROMISE:
            return []
        return self._read(connection, opened, fields, chunk, asking=asking)

    def _read(
        self, connection: _Connection, opened: Frame, fields: Fields, chunk: Chunk, *, asking: bool
    ) -> list[HttpCall | RpcCall]:
        number, end = opened.stream, bool(opened.flags & frames.END_STREAM)
        stream = connection.streams.get(number)
        if asking:
            if stream is None and number % 2:
                stream = self._open(connection, number, chunk)
                stream.add(opened.length, asking=True)
                stream.asked(fields)
            return []
        if stream is None:
            self.counts.orphans += number % 2
            return []
        stream.answered(fields, chunk.at, end=end)
        return self._ended(connection, number, chunk, "ok", None) if end else []

    def _open(self, connection: _Connection, number: int, chunk: Chunk) -> Stream:
        self.counts.streams += 1
        stream = connection.streams[number] = Stream(start=chunk.at, server=chunk.server, peer=chunk.peer, port=chunk.port)
        self._open_now += 1
        if len(connection.streams) > self._streams or self._open_now > _ALL:
            full = connection if len(connection.streams) > self._streams else next(one for one in self._connections.values() if one.streams)
            full.streams.popitem(last=False)
            self._open_now -= 1
            self.counts.evicted += 1
        return stream

    def _data(self, connection: _Connection, frame: Frame, chunk: Chunk, *, asking: bool) -> list[HttpCall | RpcCall]:
        stream = connection.streams.get(frame.stream)
        if stream is None:
            return []
        stream.add(frame.length, asking=asking)
        stream.carried(frame, asking=asking)
        return self._ended(connection, frame.stream, chunk, "ok", None) if frame.flags & frames.END_STREAM and not asking else []

    def _ended(
        self, connection: _Connection, number: int, chunk: Chunk, outcome: str, code: int | None
    ) -> list[HttpCall | RpcCall]:
        stream = connection.streams.pop(number, None)
        if stream is None:
            return []
        self._open_now -= 1
        call = stream.call(chunk.connection, chunk.at, outcome=outcome, rpc=connection.rpc, reset=code)
        connection.rpc = connection.rpc or isinstance(call, RpcCall)
        return [call]


def _begin(side: _Side, frame: Frame, chunk: Chunk) -> None:
    """With the first frame of a direction: whether the direction is seen from its first byte, so that its table is known."""
    side.fresh = False
    first = chunk.offset == 0 and frame.kind == frames.SETTINGS and not frame.flags & frames.ACK
    if side.frames.begun or first:
        side.decoder = Decoder(whole=True)


def _fragment(frame: Frame) -> bytes:
    """The header block within a payload: without padding, priority and promised stream (RFC 9113, sections 6.2, 6.6)."""
    payload, start, end = frame.payload, 0, frame.length
    if frame.flags & frames.PADDED and payload:
        start, end = 1, frame.length - payload[0]
    if frame.kind == frames.PUSH_PROMISE:
        start += 4
    elif frame.flags & frames.HAS_PRIORITY:
        start += 5
    return payload[start : max(end, start)]

"""One stream of HTTP/2: what its headers and its data told, and the call that they make."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ebpf import redact
from ebpf.calls import HttpCall, Parent, RpcCall, traceparent
from ebpf.parsers.frames import PADDED, Frame
from ebpf.parsers.hpack import Fields


@dataclass(slots=True)
class Stream:
    """A request and its response so far. Times are nanoseconds since 1970; bytes as received, None where unknown."""

    start: int
    server: bool
    peer: str
    port: int
    first: int | None = None
    asking: dict[bytes, bytes | None] = field(default_factory=dict)
    answer: dict[bytes, bytes | None] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    missing: list[bool] = field(default_factory=lambda: [False, False])
    """Whether headers of the request, of the response could not be resolved."""
    sizes: list[int] = field(default_factory=lambda: [0, 0])
    framed: list[bool | None] = field(default_factory=lambda: [None, None])
    """Whether the first data of each direction begins as a message of gRPC does."""
    trailers: bool = False
    """Whether headers ended the response, as they do in gRPC."""

    def add(self, length: int, *, asking: bool) -> None:
        """Count the bytes of a frame."""
        self.sizes[not asking] += length

    def asked(self, fields: Fields) -> None:
        """Take the request's headers."""
        self.asking = fields.values
        self.missing[0] = bool(fields.unknown)
        if not fields.whole:
            self.unknown.append("request_headers_cut")

    def answered(self, fields: Fields, at: int, *, end: bool) -> None:
        """Take headers or trailers of the response; interim ones (1xx) are passed over."""
        status = fields.values.get(b":status")
        if status is not None and status.startswith(b"1"):
            return
        self.trailers = end
        self.first = at if self.first is None else self.first
        self.missing[1] = self.missing[1] or bool(fields.unknown)
        self.answer = {**fields.values, **self.answer}
        if not fields.whole:
            self.unknown.append("response_headers_cut")

    def carried(self, frame: Frame, *, asking: bool) -> None:
        """Look how the first data of a direction begins: a flag and the length of a message (gRPC)."""
        if self.framed[not asking] is None and frame.length:
            begin = frame.payload[1 if frame.flags & PADDED else 0 :][:5]
            self.framed[not asking] = len(begin) == 5 and begin[0] <= 1 and int.from_bytes(begin[1:], "big") + 5 >= frame.length

    @property
    def surely_rpc(self) -> bool:
        """Whether a header says that this is gRPC."""
        kinds = (self.asking.get(b"content-type"), self.answer.get(b"content-type"))
        return any(kind is not None and kind.startswith(b"application/grpc") for kind in kinds) or b"grpc-status" in self.answer

    def _rpc(self, *, others: bool) -> bool:
        """Whether this is gRPC: a header says so, or headers are missing and everything else looks like it."""
        if self.surely_rpc:
            return True
        told = self.asking.get(b"content-type") or self.answer.get(b"content-type")
        if told is not None or not any(self.missing):
            return False
        likely = others or (self.trailers and self.framed[0] is True and self.framed[1] is not False)
        if likely or self.asking.get(b":method") == b"POST":
            self.unknown.append("protocol")
        return likely

    def call(self, connection: int, at: int, *, outcome: str, rpc: bool, reset: int | None = None) -> HttpCall | RpcCall:
        """The call, at its end. ``rpc``: other calls of the connection were of gRPC."""
        if self._rpc(others=rpc):
            return self._rpc_call(connection, at, outcome, reset)
        return self._http_call(connection, at, outcome)

    def _http_call(self, connection: int, at: int, outcome: str) -> HttpCall:
        path, _, query = self._text(b":path").partition("?")
        return HttpCall(
            connection=connection, start=self.start, first=self._first(at), duration=max(at - self.start, 0), server=self.server,
            peer=self.peer, port=self.port, request_size=self.sizes[0], response_size=self.sizes[1], parent=self._parent(),
            unknown=self._unknown(b":method", b":path", status=outcome == "ok"), method=self._text(b":method"), route=path,
            query=redact.query_names(query), host=self._text(b":authority"), status=_number(self.answer.get(b":status"), 3),
            content_type=_text(self.answer.get(b"content-type")), version="2", outcome=outcome,
        )

    def _rpc_call(self, connection: int, at: int, outcome: str, reset: int | None) -> RpcCall:
        service, slash, method = self._text(b":path").lstrip("/").rpartition("/")
        if not slash and method:
            service, method = redact.OTHER, redact.OTHER
        unknown = self._unknown(b":path", status=outcome == "ok")
        status = _number(self.answer.get(b"grpc-status"), 2)
        if status is None and outcome == "ok":
            unknown = (*unknown, "grpc_status")
        return RpcCall(
            connection=connection, start=self.start, first=self._first(at), duration=max(at - self.start, 0), server=self.server,
            peer=self.peer, port=self.port, request_size=self.sizes[0], response_size=self.sizes[1], parent=self._parent(),
            unknown=unknown, service=service, method=method, host=self._text(b":authority"),
            http_status=_number(self.answer.get(b":status"), 3), grpc_status=status, outcome=outcome, reset=reset,
        )

    def _first(self, at: int) -> int:
        return max((at if self.first is None else self.first) - self.start, 0)

    def _text(self, name: bytes) -> str:
        return _text(self.asking.get(name))

    def _parent(self) -> Parent | None:
        return traceparent(self._text(b"traceparent"))

    def _unknown(self, *names: bytes, status: bool) -> tuple[str, ...]:
        """What could not be read of the request's headers, and of the response's status where one is due."""
        words = [*self.unknown, *(name[1:].decode() for name in names if self.asking.get(name) is None)]
        if any(self.missing):
            words.append("hpack")
        if status and _number(self.answer.get(b":status"), 3) is None:
            words.append("status")
        if b"traceparent" in self.asking and self._parent() is None:
            words.append("trace_parent")
        return tuple(words)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("latin-1")


def _number(value: bytes | None, digits: int) -> int | None:
    return int(value) if value is not None and re.fullmatch(rb"\d{1,%d}" % digits, value) else None

"""HTTP/2: streams interleaved, padded, continued, reset, refused, with gaps, from bytes that the h2 library made."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field, replace

import h2.config
import h2.connection
import hpack
import pytest

from ebpf.calls import HttpCall, Parent, RpcCall
from ebpf.captures import Chunk
from ebpf.parsers import frames
from ebpf.parsers.http2 import Http2

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "shop:80"), (":path", "/orders/17?token=S3cret")]
RPC = [(":method", "POST"), (":scheme", "http"), (":path", "/shop.v1.Cart/Add"), (":authority", "shop"), ("content-type", "application/grpc"), ("te", "trailers")]


@dataclass
class Wire:
    """Two peers of the h2 library, and what they sent as pieces."""

    client: h2.connection.H2Connection = field(default_factory=lambda: h2.connection.H2Connection(h2.config.H2Configuration(client_side=True)))
    server: h2.connection.H2Connection = field(default_factory=lambda: h2.connection.H2Connection(h2.config.H2Configuration(client_side=False)))
    chunks: list[Chunk] = field(default_factory=list)
    sent: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})

    def __post_init__(self) -> None:
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Hand over what both have to send."""
        for answer, peer, other in ((False, self.client, self.server), (True, self.server, self.client)):
            data = peer.data_to_send()
            if data:
                self.put(data, answer=answer)
                other.receive_data(data)

    def put(self, data: bytes, *, answer: bool, size: int | None = None) -> None:
        at = 1000 * (len(self.chunks) + 1)
        size = len(data) if size is None else size
        self.chunks.append(Chunk(connection=1, at=at, outgoing=answer, offset=self.sent[answer], data=data, size=size, server=True, peer="127.0.0.1", port=80))
        self.sent[answer] += size


def read(chunks: list[Chunk], http2: Http2 | None = None) -> list[HttpCall | RpcCall]:
    http2 = http2 or Http2()
    return [call for chunk in chunks for call in http2.feed(chunk)]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def test_interleaved_streams_are_told_apart() -> None:
    wire = Wire()
    for number in (1, 3):
        wire.client.send_headers(number, GET, end_stream=True)
    wire.flush()
    wire.server.send_headers(3, [(":status", "404"), ("content-type", "text/html; charset=x")], end_stream=False)
    wire.server.send_headers(1, [(":status", "200")], end_stream=False)
    wire.flush()
    wire.server.send_data(3, b"no", end_stream=True)
    wire.server.send_data(1, b"yes", end_stream=True)
    wire.flush()

    late, early = read(wire.chunks)
    assert isinstance(late, HttpCall)
    assert (late.method, late.route, late.query, late.status, late.content_type) == ("GET", "/orders/{id}", ("token",), 404, "text/html")
    assert (late.version, late.outcome, late.unknown, late.response_size > 2) == ("2", "ok", (), True)
    assert (early.duration, early.first, isinstance(early, HttpCall) and early.status) == (2000, 1000, 200)


def test_a_call_of_grpc_is_read_with_its_trailers_and_its_parent() -> None:
    wire = Wire()
    wire.client.send_headers(1, [*RPC, ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("x-api-key", "S3cret")])
    wire.client.send_data(1, b"\0\0\0\0\x03abc", end_stream=True)
    wire.flush()
    wire.server.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
    wire.server.send_data(1, b"\0\0\0\0\x01a")
    wire.server.send_headers(1, [("grpc-status", "5"), ("grpc-message", "no cart S3cret")], end_stream=True)
    wire.flush()

    (call,) = read(wire.chunks)
    assert isinstance(call, RpcCall)
    assert (call.service, call.method, call.http_status, call.grpc_status, call.outcome, call.unknown) == ("shop.v1.Cart", "Add", 200, 5, "ok", ())
    assert call.parent == Parent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)
    assert "S3cret" not in repr(call)


def test_trailers_alone_are_a_response() -> None:
    wire = Wire()
    wire.client.send_headers(1, RPC, end_stream=True)
    wire.flush()
    wire.server.send_headers(1, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")], end_stream=True)
    wire.flush()

    (call,) = read(wire.chunks)
    assert isinstance(call, RpcCall)
    assert (call.http_status, call.grpc_status, call.first) == (200, 12, call.duration)


def test_a_reset_ends_a_call() -> None:
    wire = Wire()
    wire.client.send_headers(1, RPC)
    wire.flush()
    wire.client.reset_stream(1, error_code=8)
    wire.flush()

    (call,) = read(wire.chunks)
    assert isinstance(call, RpcCall)
    assert (call.outcome, call.reset, call.grpc_status, call.http_status) == ("reset", 8, None, None)


def test_calls_above_the_last_one_of_a_goaway_are_refused() -> None:
    wire = Wire()
    for number in (1, 3, 5):
        wire.client.send_headers(number, RPC, end_stream=True)
    wire.flush()
    wire.put(frame(frames.GOAWAY, 0, 0, (1).to_bytes(4, "big") + (11).to_bytes(4, "big") + b"too much S3cret"), answer=True)
    http2 = Http2()

    assert [(call.outcome, isinstance(call, RpcCall) and call.reset) for call in read(wire.chunks, http2)] == [("goaway", 11)] * 2
    assert http2.in_flight == 1
    assert [call.outcome for call in http2.close(1)] == ["unfinished"]


def test_an_early_response_ends_a_call_once() -> None:
    wire = Wire()
    wire.client.send_headers(1, RPC)
    wire.flush()
    wire.server.send_headers(1, [(":status", "413")], end_stream=True)
    wire.server.reset_stream(1, error_code=0)
    wire.flush()

    assert [call.outcome for call in read(wire.chunks)] == ["ok"]


def test_interim_responses_are_passed_over() -> None:
    wire = Wire()
    wire.client.send_headers(1, GET, end_stream=True)
    wire.flush()
    wire.server.send_headers(1, [(":status", "103")])
    wire.server.send_headers(1, [(":status", "204")], end_stream=True)
    wire.flush()

    (call,) = read(wire.chunks)
    assert isinstance(call, HttpCall)
    assert call.status == 204


def test_padding_priority_and_continuations_are_seen_through() -> None:
    wire = Wire()
    block = hpack.Encoder().encode(GET)
    padded = bytes((4,)) + b"\x80\0\0\0\x10" + block[:5] + b"\0" * 4
    wire.put(frame(frames.HEADERS, 0x1 | 0x8 | 0x20, 1, padded) + frame(frames.CONTINUATION, 0, 1, block[5:9]) + frame(frames.CONTINUATION, 0x4, 1, block[9:]), answer=False)
    wire.put(frame(frames.HEADERS, 0x5, 1, b"\x88"), answer=True)

    (call,) = read(wire.chunks)
    assert isinstance(call, HttpCall)
    assert (call.route, call.status, call.unknown) == ("/orders/{id}", 200, ())


def calls_of(count: int, first: int = 1, wire: Wire | None = None) -> Wire:
    """A wire on which calls pass one after the other, each with a kilobyte of response."""
    wire = wire or Wire()
    for number in range(first, first + 2 * count, 2):
        wire.client.send_headers(number, GET, end_stream=True)
        wire.flush()
        wire.server.send_headers(number, [(":status", "200"), ("content-type", "text/plain")])
        wire.server.send_data(number, b"x" * 1000, end_stream=True)
        wire.flush()
    return wire


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 23, 100])
def test_pieces_may_end_anywhere(size: int) -> None:
    wire = calls_of(5)
    streams = {answer: b"".join(c.data for c in wire.chunks if c.outgoing == answer) for answer in (False, True)}
    cut = Wire(chunks=[], sent={False: 0, True: 0})
    cut.chunks.clear()
    cut.sent = {False: 0, True: 0}
    for answer, data in streams.items():
        for at in range(0, len(data), size):
            cut.put(data[at : at + size], answer=answer)

    calls = read(cut.chunks)
    assert [isinstance(call, HttpCall) and (call.status, call.route) for call in calls] == [(200, "/orders/{id}")] * 5


def test_ends_of_pieces_that_hold_no_headers_are_not_missed() -> None:
    wire = calls_of(5)
    kept = [replace(chunk, data=chunk.data[:100]) for chunk in wire.chunks]
    http2 = Http2()

    assert [isinstance(call, HttpCall) and (call.status, call.unknown) for call in read(kept, http2)] == [(200, ())] * 5
    assert http2.counts.gaps == 0


def test_after_a_gap_reading_goes_on_at_the_next_frame() -> None:
    wire = calls_of(6)
    http2 = Http2()
    kept = [chunk for number, chunk in enumerate(wire.chunks) if number not in {4, 5, 6, 7}]
    calls = read(kept, http2)

    assert http2.counts.gaps > 0
    assert http2.counts.streams == len(calls) + http2.in_flight
    assert len(calls) >= 3
    assert {isinstance(call, HttpCall) and call.route for call in calls} <= {"/orders/{id}", ""}
    assert all("path" in call.unknown for call in calls if isinstance(call, HttpCall) and call.route == "")


def test_joined_in_the_middle_calls_are_counted_though_their_paths_are_unknown() -> None:
    wire = calls_of(4)
    begun = len(wire.chunks)
    calls_of(6, first=9, wire=wire)
    late = [replace(chunk, offset=0 if number < 2 else chunk.offset) for number, chunk in enumerate(wire.chunks[begun:])]
    offsets = {False: 0, True: 0}
    for number, chunk in enumerate(late):
        late[number] = replace(chunk, offset=offsets[chunk.outgoing])
        offsets[chunk.outgoing] += chunk.size
    http2 = Http2()
    calls = read(late, http2)

    assert [isinstance(call, HttpCall) and (call.method, call.status) for call in calls] == [("GET", 200)] * 6
    assert all({"hpack", "path"} <= set(call.unknown) for call in calls)
    assert http2.counts.hpack_unknown > 0


def test_streams_and_connections_beyond_the_limits_are_counted() -> None:
    wire = Wire()
    for number in range(1, 21, 2):
        wire.client.send_headers(number, GET, end_stream=True)
    wire.flush()
    http2 = Http2(connections=2, streams=4)
    for connection in (1, 2, 3):
        read([replace(chunk, connection=connection) for chunk in wire.chunks], http2)

    assert (http2.counts.streams, http2.in_flight, http2.counts.evicted) == (30, 8, 22)


def test_garbage_gives_nothing() -> None:
    wire = Wire(chunks=[])
    wire.chunks.clear()
    wire.put(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20, answer=False)
    wire.put(b"\x16\x03\x01" * 99, answer=True)

    assert read(wire.chunks) == []


def test_hostile_connections_hold_no_more_than_their_share_of_memory() -> None:
    def insert(number: int) -> bytes:  # a header that is looked at, as long as one may be, put into the table again and again
        return b"\x44" + b"\x7f\x81\x1e" + bytes((65 + number % 26,)) * 4000

    http2 = Http2(connections=32, streams=64)
    tracemalloc.start()
    for connection in range(60):
        offset = 0
        for number in range(1, 40):
            data = frame(frames.HEADERS, 0x4, 2 * number + 1, insert(number)) if number % 2 else frame(frames.HEADERS, 0, 2 * number + 1, b"\0" * 16000)
            http2.feed(Chunk(connection, 1, outgoing=False, offset=offset, data=data, size=len(data), server=True, peer="127.0.0.1", port=80))
            offset += len(data)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert http2.counts.evicted > 0
    assert held < 32 * 400_000


def test_requests_without_an_answer_on_many_connections_are_bounded_together() -> None:
    http2, asked = Http2(), 0
    block = b"\x82\x04\x0a/" + b"a" * 9  # GET, and a path of ten bytes
    for connection in range(100):
        for number in range(200):
            data = len(block).to_bytes(3, "big") + bytes([frames.HEADERS, frames.END_HEADERS]) + (2 * number + 1).to_bytes(4, "big") + block
            http2.feed(Chunk(connection, 1, False, number * len(data), data, len(data), True, "::1", 80))
            asked += 1

    assert http2.in_flight <= 8192
    assert http2.counts.streams == http2.in_flight + http2.counts.evicted == asked
    ended = sum(len(http2.close(connection)) for connection in range(100))
    assert (ended + http2.counts.evicted, http2.in_flight) == (asked, 0)

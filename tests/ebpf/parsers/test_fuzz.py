"""Recorded bytes, mutated: no parser ever raises, none goes on without end, and no planted secret is left in a record."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebpf.calls import Call
from ebpf.captures import Chunk, Exchange
from ebpf.parsers import dns, http1
from ebpf.parsers.hpack import Decoder
from ebpf.parsers.http2 import Http2
from ebpf.parsers.mysql import Mysql
from ebpf.parsers.postgres import Postgres
from tests.ebpf.parsers.exchanges import exchange
from tests.ebpf.parsers.record import FILE
from tests.ebpf.parsers.recording import Piece, Recording

Parse = Callable[[Exchange], tuple[Call, ...]]
_HURRY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LONGEST = 4000
"""Characters of all records of one exchange: sixteen calls at most, each bounded."""


@lru_cache
def recorded(protocol: str) -> Recording:
    pieces = json.loads(FILE.read_text())[protocol]
    return Recording(("127.0.0.1", 1), [Piece(number, at, answer, base64.b64decode(data).ljust(size, b"\0")) for at, (number, answer, size, data) in enumerate(pieces)])


DNS = [exchange(b"\0\7\1\0\0\1\0\0\0\0\0\0\4shop\7example\0\0\1\0\1", b"\0\7\x81\x80\0\1\0\2\0\0\0\0\4shop\7example\0\0\1\0\1")]
PARSERS: dict[str, tuple[Callable[[], Parse], Callable[[], list[Exchange]]]] = {
    "http1": (lambda: http1.calls, lambda: recorded("http1").exchanges()),
    "postgres": (lambda: Postgres().calls, lambda: recorded("postgres").exchanges()),
    "mysql": (lambda: Mysql().calls, lambda: recorded("mysql").exchanges()),
    "dns": (lambda: dns.calls, lambda: DNS),
}


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Ways to change bytes: some overwritten, cut out, put in or repeated, or the rest cut off."""
    steps = draw(st.lists(st.tuples(st.sampled_from("overwrite cut insert repeat end".split()), st.floats(0, 1), st.binary(max_size=6)), max_size=5))

    def change(data: bytes) -> bytes:
        for kind, place, new in steps:
            at = int(place * len(data))
            if kind == "overwrite":
                data = data[:at] + new + data[at + len(new) :]
            elif kind == "cut":
                data = data[:at] + data[at + len(new) :]
            elif kind == "insert":
                data = data[:at] + new + data[at:]
            elif kind == "repeat":
                data = data[:at] + data[max(at - 40, 0) :]
            else:
                data = data[:at]
        return data[:2048]

    return change


def unquoted(before: bytes, after: bytes) -> bool:
    """Whether a literal lost its opening quote: what it held is a name then, for every reader of SQL."""
    return b"'sk_live_S3cret" in before and re.search(rb"(?<!'sk_live_)(?<!S3cret)S3cret", after) is not None


def check(calls: object) -> None:
    text = repr(calls)

    assert "S3cret" not in text
    assert len(text) <= LONGEST + 16 * 700


@pytest.mark.parametrize("protocol", PARSERS)
@_HURRY
@given(data=st.data())
def test_mutated_exchanges_never_raise_and_leak_nothing(protocol: str, data: st.DataObject) -> None:
    make, seeds = PARSERS[protocol]
    parse = make()
    for one in data.draw(st.lists(st.sampled_from(seeds()), min_size=1, max_size=3)):
        request, response = data.draw(mutations())(one.request), data.draw(mutations())(one.response)
        sizes = data.draw(st.sampled_from([(len(request), len(response)), (one.request_size, one.response_size), (len(request) + 9000, len(response) + 9000)]))
        calls = parse(replace(one, request=request, response=response, request_size=sizes[0], response_size=sizes[1], tail=data.draw(mutations())(one.tail)[:64]))

        assert calls
        if not unquoted(one.request, request):
            check(calls)


@pytest.mark.parametrize("protocol", PARSERS)
@_HURRY
@given(request=st.binary(max_size=512), response=st.binary(max_size=512), tail=st.binary(max_size=64), more=st.integers(0, 1 << 40))
def test_any_bytes_are_a_call(protocol: str, request: bytes, response: bytes, tail: bytes, more: int) -> None:
    one = replace(exchange(request, response), tail=tail, request_size=len(request) + more, response_size=len(response) + more)

    assert PARSERS[protocol][0]()(one)


@pytest.mark.parametrize("protocol", PARSERS)
def test_every_prefix_of_every_recorded_exchange_is_read(protocol: str) -> None:
    make, seeds = PARSERS[protocol]
    for one in seeds():
        parse = make()
        for at in range(0, len(one.request), 3):
            check(parse(replace(one, request=one.request[:at])))
        for at in range(0, len(one.response), 7):
            check(parse(replace(one, response=one.response[:at], tail=b"")))


@_HURRY
@given(data=st.data())
def test_mutated_streams_never_raise_and_every_request_is_accounted_for(data: st.DataObject) -> None:
    chunks = recorded("http2").chunks(data.draw(st.sampled_from([64, 300, 2048])), data.draw(st.sampled_from([0, 100])))
    places = data.draw(st.dictionaries(st.integers(0, len(chunks) - 1), st.tuples(mutations(), st.sampled_from(["change", "drop", "twice", "shift"])), max_size=8))
    http2, calls = Http2(streams=8), list[Call]()
    for number, chunk in enumerate(chunks):
        change, kind = places.get(number, (bytes, ""))
        made = replace(chunk, data=change(chunk.data)) if kind == "change" else chunk
        made = replace(made, offset=max(made.offset + data.draw(st.integers(-50, 50)), 0)) if kind == "shift" else made
        for _ in range({"drop": 0, "twice": 2}.get(kind, 1)):
            calls += http2.feed(made)
        assert http2.counts.streams == len(calls) + http2.in_flight + http2.counts.evicted
    closed = [call for connection in {chunk.connection for chunk in chunks} for call in http2.close(connection)]

    assert http2.counts.streams == len(calls) + len(closed) + http2.counts.evicted
    assert "S3cret" not in repr((calls, closed))


@_HURRY
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200), st.integers(0, 3000), st.integers(0, 100)), max_size=20))
def test_any_pieces_are_read(pieces: list[tuple[bool, bytes, int, int]]) -> None:
    http2, offset = Http2(), 0
    for answer, data, more, gap in pieces:
        http2.feed(Chunk(1, 1, answer, offset + gap, data, len(data) + more, server=True, peer="127.0.0.1", port=1))
        offset += len(data) + more + gap


@_HURRY
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_any_header_blocks_are_read(blocks: list[bytes]) -> None:
    decoder = Decoder(whole=True)
    for block in blocks:
        assert len(decoder.decode(block).values) <= 8
        assert len(decoder._entries) <= 8192 // 32


@pytest.mark.parametrize("hostile", [b"GET /" + b"a/" * 250, b"GET /?" + b"a&" * 250, b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 120, b"GET / HTTP/1.1\r\n" + b"\n " * 240,
                                     b"Q\0\0\1\xf0" + b"'" * 490, b"\xf0\1\0\0\x03" + b"\\'" * 245, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0\r\n" * 140])
@pytest.mark.timeout(60)
def test_hostile_exchanges_end_in_time(hostile: bytes) -> None:
    for make, _ in PARSERS.values():
        parse = make()
        for number in range(500):
            parse(replace(exchange(hostile + bytes((number % 256,))), connection=number))

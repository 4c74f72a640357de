"""Real bytes of gRPC: calls of grpcio through a recording proxy, read back and counted; also joined in the middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from ebpf.calls import RpcCall
from ebpf.parsers.http2 import Http2
from tests.ebpf.parsers.recording import Recording, joined_late, recording

CODES = {"Add": grpc.StatusCode.OK, "Fail": grpc.StatusCode.NOT_FOUND, "Deny": grpc.StatusCode.PERMISSION_DENIED}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "sk_live_S3cretS3cretS3cret42"
EACH = 40


def handler(name: str) -> grpc.RpcMethodHandler:
    def serve(given: bytes, context: grpc.ServicerContext) -> bytes:
        if CODES[name] is not grpc.StatusCode.OK:
            context.abort(CODES[name], f"no cart {SECRET}")
        return given * 3

    return grpc.unary_unary_rpc_method_handler(serve)


def stream(given: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield from [given] * 50


def record(*methods: str, size: int = 4) -> Recording:
    server = grpc.server(ThreadPoolExecutor(4))
    handlers = {name: handler(name) for name in CODES} | {"Watch": grpc.unary_stream_rpc_method_handler(stream)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Cart", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with recording(("127.0.0.1", port)) as found:
        with grpc.insecure_channel(f"127.0.0.1:{found.address[1]}") as channel:
            for number in range(EACH):
                call_all(channel, number, methods, size)
        server.stop(None).wait(30)
    return found


@pytest.fixture(scope="module")
def unary() -> Recording:
    return record(*CODES)


@pytest.fixture(scope="module")
def large() -> Recording:
    return record(*CODES, size=EACH)


@pytest.fixture(scope="module")
def mixed() -> Recording:
    return record(*CODES, "Watch")


def call_of(channel: grpc.Channel, name: str, given: bytes, metadata: tuple[tuple[str, str], ...]) -> tuple[bytes, grpc.StatusCode]:
    try:
        return channel.unary_unary(f"/shop.v1.Cart/{name}")(given, metadata=metadata, timeout=30), grpc.StatusCode.OK
    except grpc.RpcError as error:
        return b"", error.code()


def call_all(channel: grpc.Channel, number: int, methods: tuple[str, ...], size: int) -> None:
    metadata = (("traceparent", TRACE), ("authorization", f"Bearer {SECRET}"), ("x-request", f"r{number}"))
    for name in methods:
        if name == "Watch":
            assert len(list(channel.unary_stream("/shop.v1.Cart/Watch")(b"x" * 2000, metadata=metadata, timeout=30))) == 50
            continue
        _, code = call_of(channel, name, SECRET.encode() * (1 + number % size), metadata)
        assert code is CODES[name]


@pytest.mark.parametrize(("name", "kept", "tail"), [("unary", 2048, 0), ("large", 1024, 256), ("mixed", 1 << 20, 0)])
def test_every_call_is_read_as_it_was_made(name: str, kept: int, tail: int, request: pytest.FixtureRequest) -> None:
    http2, recorded = Http2(), request.getfixturevalue(name)
    calls = [call for chunk in recorded.chunks(kept, tail) for call in http2.feed(chunk)]
    made = {"Add": 0, "Fail": 5, "Deny": 7} | ({"Watch": 0} if name == "mixed" else {})

    assert Counter((c.service, c.method, c.http_status, c.grpc_status, c.outcome) for c in calls if isinstance(c, RpcCall)) == {
        ("shop.v1.Cart", method, 200, code, "ok"): EACH for method, code in made.items()
    }
    assert {call.parent and call.parent.span_id for call in calls} == {"00f067aa0ba902b7"}
    assert {call.unknown for call in calls} == {()}
    assert (http2.counts.gaps, http2.counts.orphans, http2.counts.hpack_unknown, http2.in_flight) == (0, 0, 0, 0)
    assert "S3cret" not in repr(calls)


@pytest.mark.parametrize("name", ["unary", "mixed"])
@pytest.mark.parametrize("part", [0.1, 0.37, 0.5, 0.8])
def test_joined_in_the_middle_every_later_call_is_counted_and_none_is_told_wrong(name: str, part: float, request: pytest.FixtureRequest) -> None:
    chunks = request.getfixturevalue(name).chunks(1 << 20)
    skip = int(len(chunks) * part)
    http2, whole = Http2(), Http2()
    same = {(call.start, call.duration): call for chunk in chunks for call in whole.feed(chunk)}
    late = [call for chunk in joined_late(chunks, skip) for call in http2.feed(chunk)]

    assert (http2.counts.streams, http2.in_flight) == (len(late), 0)
    assert len(late) >= sum(call.start > chunks[skip].at for call in same.values())
    for call in late:
        true = same[call.start, call.duration]
        assert isinstance(true, RpcCall)
        assert isinstance(call, RpcCall) or "protocol" in call.unknown
        if isinstance(call, RpcCall):
            assert (call.service, call.method) in {(true.service, true.method), ("", "")}
            assert call.grpc_status in {true.grpc_status, None}
            assert ("path" in call.unknown, "grpc_status" in call.unknown) == (call.method == "", call.grpc_status is None)
    assert "S3cret" not in repr(late)


@pytest.mark.parametrize("kept", [64, 256, 1024, 2048])
def test_of_pieces_cut_short_nothing_is_told_wrong(mixed: Recording, kept: int) -> None:
    http2 = Http2()
    calls = [call for chunk in mixed.chunks(kept) for call in http2.feed(chunk)]

    assert http2.counts.streams == len(calls) + http2.in_flight + http2.counts.evicted
    assert {call.method for call in calls if isinstance(call, RpcCall)} <= {*CODES, "Watch", ""}
    assert {call.grpc_status for call in calls if isinstance(call, RpcCall)} <= {0, 5, 7, None}


def test_what_a_client_sends_behind_a_cut_message_costs_no_call_and_makes_no_name_wrong(large: Recording) -> None:
    http2 = Http2()
    chunks = large.chunks(500)
    calls = [call for chunk in chunks for call in http2.feed(chunk)] + http2.close(1)

    assert http2.counts.gaps > 0
    assert len(calls) == 3 * EACH
    named = Counter(call.method for call in calls if isinstance(call, RpcCall))
    assert named.keys() <= {*CODES, ""}  # how much stands behind a message is up to the client: more than some bytes, and names that were sent before are forgotten
    assert all(named[name] <= EACH for name in CODES)
    assert {call.outcome for call in calls} == {"ok", "unfinished"}

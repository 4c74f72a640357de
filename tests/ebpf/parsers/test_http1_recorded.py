"""Real bytes of HTTP/1: httpx and bare sockets through a recording proxy before uvicorn and before nginx."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from ebpf.calls import HttpCall
from ebpf.parsers import http1
from tests.ebpf.parsers.recording import Recording, recording
from tests.ebpf.parsers.web import SECRET, STATUS, nginx_server, uvicorn_server

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(params=["uvicorn", "nginx"])
def found(request: pytest.FixtureRequest) -> Iterator[Recording]:
    with ExitStack() as stack:
        address = stack.enter_context(uvicorn_server())
        if request.param == "nginx":
            address = stack.enter_context(nginx_server(address))
        yield stack.enter_context(recording(address))


def calls(found: Recording) -> list[HttpCall]:
    return [call for one in found.exchanges() for call in http1.calls(one)]


def test_every_call_of_a_client_is_read_as_it_was_made(found: Recording) -> None:
    host = f"127.0.0.1:{found.address[1]}"
    made: list[tuple[str, str, str, int]] = []
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": f"s={SECRET}", "traceparent": TRACE}
    with httpx.Client(base_url=f"http://{host}", headers=headers, trust_env=False) as client:
        for number in range(30):
            for method, path, route in (("GET", f"/orders/{number}", "/orders/{id}"), ("POST", "/made", "/made"), ("HEAD", "/missing", "/missing"),
                                        ("PUT", f"/users/u{number}@example.com", "/users/{email}"), ("DELETE", "/empty", "/empty"), ("GET", "/same", "/same"), ("PATCH", "/broken", "/broken"), ("GET", "/large", "/large")):
                answer = client.request(method, f"{path}?token={SECRET}&page={number}", content=SECRET * number if method in {"POST", "PUT"} else None)
                made.append((method, route, host, answer.status_code))

    read = calls(found)
    assert [(call.method, call.route, call.host, call.status) for call in read] == made
    assert {status for *_, status in made} == {200, *STATUS.values()}
    assert {(call.query, call.parent and call.parent.trace_id, call.version) for call in read} == {(("page", "token"), TRACE[3:35], "1.1")}
    assert {call.content_type for call in read} <= {"application/json", ""}
    assert {call.unknown for call in read} == {()}
    assert "S3cret" not in repr(read)


def send(found: Recording, *pieces: bytes) -> None:
    with socket.create_connection(found.address, 30) as client:
        for piece in pieces:
            client.sendall(piece)
        while client.recv(65536):
            pass


def test_pipelined_requests_are_each_a_call(found: Recording) -> None:
    one = b"GET /orders/%d HTTP/1.1\r\nHost: shop\r\n\r\n"
    send(found, b"".join(one % number for number in (1, 2)) + b"GET /missing HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")

    read = [call for call in calls(found) if call.route]
    assert [(call.route, call.status) for call in read] == [("/orders/{id}", 200), ("/orders/{id}", 200), ("/missing", 404)]


def test_a_chunked_request_that_waits_for_continue_is_one_call(found: Recording) -> None:
    with socket.create_connection(found.address, 30) as client:
        client.sendall(b"POST /made HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        interim = client.recv(65536)
        client.sendall(b"5\r\nhello\r\n0\r\n\r\n")
        while client.recv(65536):
            pass

    head, body = found.exchanges()
    assert interim.startswith(b"HTTP/1.1 100")
    assert http1.interim(head)
    assert not http1.interim(body)
    (call,) = http1.calls(http1.joined(head, body))
    assert (call.method, call.route, call.status, call.unknown) == ("POST", "/made", 201, ())
    assert call.duration == body.start + body.last - head.start
    assert [(call.method, call.status, call.unknown) for call in http1.calls(body)] == [("", 201, ("request_head",))]


def test_garbage_is_refused_by_the_server_and_no_call_of_http(found: Recording) -> None:
    send(found, b"\x16\x03\x01 S3cret\r\n\r\n")

    read = calls(found)
    assert [(call.method, call.status, call.unknown) for call in read] == [("", 400, ("request_head",))]

"""HTTP/1: what a call says for heads as they are sent, cut, pipelined, smuggled and broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.calls import HttpCall, Parent
from ebpf.parsers import http1, http1_heads
from tests.ebpf.parsers.exchanges import exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"
TRACE = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"


def one(request: bytes, response: bytes = OK) -> HttpCall:
    (call,) = http1.calls(exchange(request, response))
    return call


def request(target: str = "/", method: str = "GET", headers: bytes = b"Host: shop\r\n") -> bytes:
    return f"{method} {target} HTTP/1.1\r\n".encode() + headers + b"\r\n"


def test_a_plain_call_is_read_whole() -> None:
    call = one(request("/orders/17?user=x&token=abc", headers=b"Host: shop.example:8080\r\n" + TRACE))

    assert (call.method, call.route, call.query, call.host) == ("GET", "/orders/{id}", ("token", "user"), "shop.example:8080")
    assert (call.status, call.content_type, call.version, call.unknown) == (200, "application/json", "1.1", ())
    assert call.parent == Parent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)


def test_waiting_is_told_apart_from_handling() -> None:
    call = one(request())

    assert (call.start, call.first, call.duration, call.queued, call.handling) == (1_000_000_000, 2_000, 5_000, 500, 4_500)


@pytest.mark.parametrize(("raw", "route", "host"), [
    (b"GET http://user:pw@shop:81/a/b?c=d HTTP/1.1\r\nHost: other\r\n\r\n", "/a/b", "shop:81"),
    (b"GET http://shop HTTP/1.1\r\n\r\n", "/", "shop"),
    (b"CONNECT db.internal:5432 HTTP/1.1\r\nHost: x\r\n\r\n", "", "db.internal:5432"),
    (b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n", "*", "shop"),
    (b"GET /a HTTP/1.0\r\n\r\n", "/a", ""),
    (b"\r\nGET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/a", "[::1]:80"),
    (b"GET /a HTTP/1.1\nHost: shop\n\n", "/a", "shop"),
])
def test_each_form_of_a_target_is_read(raw: bytes, route: str, host: str) -> None:
    call = one(raw)

    assert (call.route, call.host, call.unknown) == (route, host, ())


@pytest.mark.parametrize(("cut", "says"), [
    (b"GET /orders/1", ("head_cut", "target_cut")),
    (b"GET /orders/1 HTT", ("head_cut", "target_cut")),
    (b"GET /orders/1 HTTP/1.1", ("head_cut",)),
    (b"GET /orders/1 HTTP/1.1\r\nHost: sh", ("head_cut",)),
    (b"GET /orders/1 HTTP/1.1\r\nHost: shop\r\n", ("head_cut",)),
])
def test_a_head_cut_anywhere_says_so(cut: bytes, says: tuple[str, ...]) -> None:
    call = one(cut)

    assert (call.method, call.unknown, call.status) == ("GET", says, 200)
    assert call.route == ("/orders/{cut}" if "target_cut" in says else "/orders/{id}")


def test_of_a_cut_line_nothing_is_taken() -> None:
    assert one(b"GET / HTTP/1.1\r\nHost: shop.exam").host == ""
    assert one(b"GET / HTTP/1.1\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").parent is None


@pytest.mark.parametrize(("response", "status"), [
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304),
    (b"HTTP/1.1 500", 500),
    (b"HTTP/1.1 200\r\n\r\n", 200),
    (b"HTTP/1.1 100 Continue\r\n\r\n", None),
    (b"HTTP/1.1 10", None),
    (b"", None),
    (b"\x16\x03\x01", None),
])
def test_the_final_status_is_told(response: bytes, status: int | None) -> None:
    call = one(request(method="POST"), response)

    assert call.status == status
    assert ("status" in call.unknown) is (status is None)


def test_an_upgrade_is_said() -> None:
    call = one(request("/ws", headers=b"Host: shop\r\nUpgrade: websocket\r\n"), b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello")

    assert (call.status, call.outcome) == (101, "upgrade")


def test_pipelined_calls_are_paired_in_order() -> None:
    asked = request("/a", "HEAD") + request("/b", "POST", b"Host: s\r\nContent-Length: 3\r\n") + b"abc" + request("/c") + request("/d")
    answered = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n"
        + b"HTTP/1.1 204 No Content\r\n\r\n" + b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    )
    calls = http1.calls(exchange(asked, answered))

    assert [(call.route, call.status) for call in calls] == [("/a", 200), ("/b", 201), ("/c", 204), ("/d", 404)]
    assert all("pipelined" in call.unknown for call in calls)


def test_a_chunked_request_may_be_followed_by_another() -> None:
    asked = request("/a", "POST", b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n" + request("/b")

    assert [call.route for call in http1.calls(exchange(asked, OK + OK))] == ["/a", "/b"]


def test_requests_out_of_sight_are_said_to_be_there() -> None:
    calls = http1.calls(exchange(request("/a") + request("/b", headers=b"X: " + b"y" * 600 + b"\r\n") + request("/c"), OK + OK + OK))

    assert [call.route for call in calls] == ["/a", "/b"]
    assert "head_cut" in calls[1].unknown


@pytest.mark.parametrize("headers", [
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 3\r\nContent-Length: 30\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"X: a\r\n folded\r\n",
    b"X: a\x00b\r\n",
    b"X: a\rb\r\n",
    b"no colon\r\n",
])
def test_after_a_smuggled_head_nothing_is_read(headers: bytes) -> None:
    calls = http1.calls(exchange(request("/a", "POST", headers) + request("/b"), OK))

    assert len(calls) == 1
    assert "ambiguous_head" in calls[0].unknown


def test_two_hosts_are_no_host() -> None:
    call = one(request(headers=b"Host: a\r\nHost: b\r\n"))

    assert call.host == ""
    assert {"host", "ambiguous_head"} <= set(call.unknown)


@pytest.mark.parametrize("value", [
    b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", b"",
])
def test_an_invalid_trace_parent_is_none(value: bytes) -> None:
    call = one(request(headers=b"traceparent: " + value + b"\r\n"))

    assert call.parent is None
    assert "trace_parent" in call.unknown


def test_a_later_version_of_a_trace_parent_is_read() -> None:
    call = one(request(headers=b"traceparent: cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more\r\n"))

    assert call.parent == Parent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=False)


@pytest.mark.parametrize("garbage", [
    b"", b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-OpenSSH_9.2\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n",
    b"*1\r\n$4\r\nPING\r\n", b"{}", b" GET / HTTP/1.1\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n", b"GET / HTTP/3\r\n\r\n",
])
def test_garbage_is_one_call_that_says_it_is_no_http(garbage: bytes) -> None:
    call = one(garbage, b"")

    assert "not_http" in call.unknown
    assert (call.method, call.route, call.host) == ("", "", "")


@pytest.mark.parametrize(("raw", "word"), [(b"\x16\x03\x01\x02\0", "encrypted"), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2")])
def test_what_else_it_is_is_said_where_it_is_plain(raw: bytes, word: str) -> None:
    assert one(raw, b"").unknown == ("not_http", word, "status")


def test_the_rest_of_a_body_has_a_status_but_no_request() -> None:
    call = one(b"5\r\nhello\r\n0\r\n\r\n")

    assert (call.method, call.route, call.status, call.unknown) == ("", "", 200, ("request_head",))


def test_bytes_after_a_request_that_are_none_are_said() -> None:
    assert one(request() + b"hunter2").unknown == ("trailing_bytes",)
    assert one(request() + b"\r\n").unknown == ()


def test_methods_are_case_sensitive_and_foreign_ones_are_not_shown() -> None:
    assert one(request("/a", "get")).method == "{other}"
    assert "method" in one(request("/a", "hunter2")).unknown
    assert one(request("/a", "PROPFIND")).method == "PROPFIND"


_LINES = ["Host: a", "Host:b ", "hOst: c", "Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked", "traceparent: x", "Traceparent: " + TRACE.decode()[13:-2], "X: y",
          "Content-Type: text/html ", "content-type:a", "Upgrade: h2c", " folded", "bad", "X : y", "X:", "Set-Cookie: S3cret"]
_ENDS = st.sampled_from(["\r\n", "\r\n", "\r\n", "\n"])


@given(st.lists(st.tuples(st.sampled_from(_LINES), _ENDS), max_size=6), st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", ""]), st.sampled_from(["", "abc", "GET / HTTP/1.1\r\n\r\n"]))
def test_the_quick_way_to_read_a_head_gives_what_the_careful_way_gives(lines: list[tuple[str, str]], end: str, body: str) -> None:
    rest = ("".join(line + stop for line, stop in lines) + end + body).encode()
    asked, answered = b"GET /a?b=c HTTP/1.1\r\n" + rest, b"HTTP/1.1 200 OK\r\n" + rest
    quick, response = http1_heads.plain_request(asked, len(asked)), http1_heads.plain_response(answered)

    assert quick is None or quick == http1_heads.head(asked, 0, http1_heads.REQUEST_LINE)
    assert quick is None or http1._requests(exchange(asked)) == ([quick], "")
    assert response is None or response == http1_heads.head(answered, 0, http1_heads.STATUS_LINE)

"""HTTP/1.0 and 1.1 (RFC 9110, 9112): the calls of one exchange, from the first bytes of its request and its response.

The heads may be cut anywhere. Requests sent before the responses of earlier ones (pipelined) are paired with responses in
order as far as both can be told apart; where the framing is in doubt (two lengths, folded or malformed lines), nothing
after the first head is read.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ebpf import redact
from ebpf.calls import HttpCall, traceparent
from ebpf.captures import Exchange
from ebpf.parsers.frames import PREFACE
from ebpf.parsers.http1_heads import (
    REQUEST_LINE,
    STATUS_LINE,
    TWICE,
    Head,
    after,
    plain_request,
    plain_response,
)
from ebpf.parsers.http1_heads import head as read
from ebpf.parsers.statements import encrypted

_TARGET = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_MOST = 16
"""Pipelined requests told apart in one exchange."""
_NO_HEADERS: dict[bytes, bytes] = {}


def calls(exchange: Exchange) -> tuple[HttpCall, ...]:
    """The calls of an exchange, at least one; where the bytes are no HTTP its ``unknown`` says ``not_http``."""
    plain = plain_request(exchange.request, exchange.request_size)
    if plain is not None:
        return (_call(exchange, plain, plain_response(exchange.response) or _first_response(exchange), ()),)
    requests, note = _requests(exchange)
    if not requests:
        return (_foreign(exchange),)
    if len(requests) == 1 and note != "more_requests":
        return (_call(exchange, requests[0], _first_response(exchange), (note,) if note else ()),)
    responses = _responses(exchange, [head.line[0] for head in requests])
    unknown = ("pipelined", note) if note else ("pipelined",)
    return tuple(
        _call(exchange, head, responses[at] if at < len(responses) else None, unknown) for at, head in enumerate(requests)
    )


def interim(exchange: Exchange) -> bool:
    """Whether its response is interim only (``100 Continue``), so that the connection's next exchange ends the same call."""
    at = 0
    while head := read(exchange.response, at, STATUS_LINE):
        if not head.line[1].startswith(b"1") or head.line[1] == b"101" or head.end < 0:
            return False
        at = head.end
    return at > 0 and at == exchange.response_size


def joined(first: Exchange, second: Exchange) -> Exchange:
    """One exchange of one whose response was interim and of the one that followed it, which holds the rest of the request."""
    later = second.start - first.start
    return replace(
        first, first=second.first + later, last=second.last + later, request_size=first.request_size + second.request_size,
        response=second.response, response_size=second.response_size, tail=second.tail, flags=first.flags | second.flags,
    )


def _foreign(exchange: Exchange) -> HttpCall:
    """A request without a head: of HTTP where the response is (the rest of a body, seen late), else of something else."""
    response = _first_response(exchange)
    if response is not None:
        return _call(exchange, None, response, ("request_head",))
    words = ["encrypted"] if encrypted(exchange.request) else ["http2"] if exchange.request.startswith(PREFACE[:14]) else []
    return _call(exchange, None, None, ("not_http", *words))


def _requests(exchange: Exchange) -> tuple[list[Head], str]:
    """The heads of an exchange's requests; and ``more_requests`` or ``trailing_bytes`` where there is more after them."""
    data, found, at = exchange.request, list[Head](), 0
    while 0 <= at < len(data) and len(found) < _MOST:
        head = read(data, at, REQUEST_LINE)
        if head is None:
            return found, "" if data[at:] == b"\r\n" else "trailing_bytes"
        found.append(head)
        if head.end == exchange.request_size:
            return found, ""
        at = -1 if head.line[0] == b"CONNECT" or b"upgrade" in head.headers else after(data, head)
    return found, "more_requests" if 0 <= at < exchange.request_size else ""


def _first_response(exchange: Exchange) -> Head | None:
    """The first final response; interim ones (1xx but 101) are passed over."""
    at, head = 0, None
    for _ in range(_MOST):
        head = read(exchange.response, at, STATUS_LINE)
        if head is None or not head.line[1].startswith(b"1") or head.line[1] == b"101":
            return head
        if head.end < 0:
            return None
        at = head.end
    return None


def _responses(exchange: Exchange, methods: list[bytes]) -> list[Head]:
    """The final responses in order, as far as the bytes show them."""
    data, found, at = exchange.response, list[Head](), 0
    for _ in range(2 * _MOST):
        head = read(data, at, STATUS_LINE) if 0 <= at < len(data) and len(found) < len(methods) else None
        if head is None:
            break
        status = head.line[1]
        interim = status.startswith(b"1") and status != b"101"
        bodyless = interim or status in {b"204", b"304"} or methods[len(found)] == b"HEAD"
        if not bodyless and not {b"content-length", b"transfer-encoding"} & head.headers.keys():
            at = -1  # it ends with the connection
        else:
            at = after(data, head, bodyless=bodyless)
        if not interim:
            found.append(head)
    return found


def _call(exchange: Exchange, request: Head | None, response: Head | None, notes: tuple[str, ...]) -> HttpCall:
    method, target, version, headers = "", "", "", _NO_HEADERS
    unknown = list(notes)
    if request is not None:
        headers = request.headers
        method, target, version = [str(part, "latin-1") for part in request.line]
        _note(request, method, unknown)
    path, query, host = _target(method, target, version, str(headers.get(b"host", b""), "latin-1"))
    trace, parent = None, headers.get(b"traceparent")
    if parent is not None:
        trace = traceparent(str(parent, "latin-1"))
        if trace is None:
            unknown.append("trace_parent")
    status, kind = None, b""
    if response is None:
        unknown.append("status")
    else:
        status, kind = int(response.line[1]), response.headers.get(b"content-type", b"")
        if response.end < 0:
            unknown.append("response_head_cut")
    return HttpCall(
        connection=exchange.connection, start=exchange.start, first=exchange.first, duration=exchange.last,
        queued=exchange.queued, server=exchange.server, peer=exchange.peer, port=exchange.port,
        request_size=exchange.request_size, response_size=exchange.response_size, parent=trace, unknown=tuple(unknown),
        method=method, route=path, query=redact.query_names(query) if query else (), host=host, status=status,
        content_type=str(kind, "latin-1"), version=version, outcome="upgrade" if status == 101 else "",
    )


def _target(method: str, target: str, version: str, host: str) -> tuple[str, str, str]:
    """Path, query and host of a request target in any of its forms (RFC 9112, section 3.2)."""
    if host == "\0":
        host = ""  # given twice
    if not target.startswith("/"):
        if version == "":
            return "/{cut}" if target else "", "", host  # a host that is cut may be userinfo
        if method == "CONNECT":
            return "", "", target
        absolute = _TARGET.fullmatch(target)
        if absolute:
            host, target = absolute[2], absolute[3] or "/"
    path, _, query = target.partition("#")[0].partition("?")
    if version == "" and path:
        path = f"{path.rpartition('/')[0]}/{{cut}}"
    return path if path != "" or not query else "/", query, host


def _note(request: Head, method: str, unknown: list[str]) -> None:
    """Add what is not known of a request."""
    if method not in redact.METHODS:
        unknown.append("method")
    if request.end < 0:
        unknown.append("head_cut")
    if request.doubtful:
        unknown.append("ambiguous_head")
    if request.headers.get(b"host") == TWICE:
        unknown.append("host")
    if request.line[2] == b"":
        unknown.append("target_cut")

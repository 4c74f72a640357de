"""HTTP/1.0 and 1.1 (RFC 9110, 9112): the calls of one exchange, from the first bytes of its request and its response.

The heads may be cut anywhere. Requests sent before the responses of earlier ones (pipelined) are paired with responses in
order as far as both can be told apart; where the framing is in doubt (two lengths, folded or malformed lines), nothing
after the first head is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ebpf import redact
from ebpf.calls import HttpCall, traceparent
from ebpf.captures import Exchange
from ebpf.parsers.frames import PREFACE
from ebpf.parsers.statements import encrypted

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_REQUEST_LINE = re.compile(
    rb"(?:\r?\n)?(" + _TOKEN + rb"{1,40}) ([!-~\x80-\xff]*+)(?: (?:HTTP/(1\.[01])(?:\r?\n|\r?\Z)|(?:H|HT|HTT|HTTP|HTTP/|HTTP/1|HTTP/1\.)?\Z)|\Z)"
)
"""A request line, whole or cut; one that is cut before its version has none."""
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: [^\r\n]*)?(?:\r?\n|\r?\Z)")
_HEADERS = re.compile(
    rb"\n([Hh]ost|[Cc]ontent-[Tt]ype|[Cc]ontent-[Ll]ength|[Tt]race[Pp]arent|[Tt]ransfer-[Ee]ncoding|[Uu]pgrade"
    rb"|(?i:host|content-type|content-length|traceparent|transfer-encoding|upgrade)):[ \t]*([^\r\n]*)(?=\r?\n)"
)
"""Whole lines of the headers that are looked at (:data:`ebpf.redact.HEADERS`, and what frames a message)."""
_WELL_FORMED = re.compile(rb"(?:" + _TOKEN + rb"++:[^\r\n\x00]*+\r?\n)*+")
_LAST_LINE = re.compile(rb"(?:" + _TOKEN + rb"*+(?::[^\r\n\x00]*+\r?)?)?")
"""What may follow whole lines where a head is cut."""
_TARGET = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_MOST = 16
"""Pipelined requests told apart in one exchange."""
_NO_HEADERS: dict[bytes, bytes] = {}
_TWICE = b"\x00"
"""Stands for a header that was given more than once."""
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")


@dataclass(slots=True)
class _Head:
    """``end``: where its body begins, -1 where the head is cut; ``after``: where the next message begins, -1 where unknown."""

    line: tuple[bytes, ...]
    headers: dict[bytes, bytes]
    end: int
    doubtful: bool


def calls(exchange: Exchange) -> tuple[HttpCall, ...]:
    """The calls of an exchange, at least one; where the bytes are no HTTP its ``unknown`` says ``not_http``."""
    requests, note = _requests(exchange)
    if not requests:
        return (_foreign(exchange),)
    if len(requests) == 1 and note != "more_requests":
        return (_call(exchange, requests[0], _first_response(exchange), [note] if note else []),)
    responses = _responses(exchange, [head.line[0] for head in requests])
    unknown = ["pipelined", *([note] if note else [])]
    return tuple(
        _call(exchange, head, responses[at] if at < len(responses) else None, unknown) for at, head in enumerate(requests)
    )


def interim(exchange: Exchange) -> bool:
    """Whether its response is interim only (``100 Continue``), so that the connection's next exchange ends the same call."""
    at = 0
    while head := _head(exchange.response, at, _STATUS_LINE):
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
        return _call(exchange, None, response, ["request_head"])
    words = ["encrypted"] if encrypted(exchange.request) else ["http2"] if exchange.request.startswith(PREFACE[:14]) else []
    return _call(exchange, None, None, ["not_http", *words])


def _head(data: bytes, at: int, line: re.Pattern[bytes]) -> _Head | None:
    """The head that begins at a place; None where none does."""
    first = line.match(data, at)
    if first is None:
        return None
    begin = first.end()
    end = data.find(b"\r\n\r\n", begin - 2)
    bare = data.find(b"\n\n", begin - 1)
    stop, width = (bare + 1, 1) if bare >= 0 and (end < 0 or bare < end) else (end + 2, 2)
    cut = bare < 0 and end < 0
    head = data[begin - 1 :] if cut else data[begin - 1 : stop]
    lines = _WELL_FORMED.match(head, 1)
    end_of_lines = lines.end() if lines else 1
    doubtful = end_of_lines < len(head) and not (cut and _LAST_LINE.fullmatch(head, end_of_lines))
    found: dict[bytes, bytes] = {}
    for name, value in _HEADERS.findall(head):
        key = name.lower()
        if key in found:
            doubtful = True
            found[key] = _TWICE
        else:
            found[key] = value.rstrip()
    if doubtful and (b"\n " in head or b"\n\t" in head):  # a folded line may belong to one of these
        found.pop(b"traceparent", None)
        found.pop(b"host", None)
    if b"content-length" in found and b"transfer-encoding" in found:
        doubtful = True
    return _Head(first.groups(b""), found, -1 if cut else stop + width, doubtful)


def _after(data: bytes, head: _Head, *, bodyless: bool = False) -> int:
    """Where the message after this one begins; -1 where that is unknown or not among the bytes."""
    if head.end < 0 or head.doubtful:
        return -1
    if bodyless:
        return head.end
    length, coding = head.headers.get(b"content-length"), head.headers.get(b"transfer-encoding")
    if coding is not None:
        return _after_chunks(data, head.end) if coding.lower() == b"chunked" else -1
    if length is None:
        return head.end
    return head.end + int(length) if re.fullmatch(rb"\d{1,15}", length) else -1


def _after_chunks(data: bytes, at: int) -> int:
    """Where a chunked body ends (RFC 9112, section 7.1); -1 where it does not end among the bytes."""
    while size := _CHUNK_SIZE.match(data, at):
        length = int(size[1], 16)
        if length == 0:
            end = data.find(b"\r\n", size.end()) if data[size.end() : size.end() + 2] == b"\r\n" else data.find(b"\r\n\r\n", size.end())
            return -1 if end < 0 else end + (2 if end == size.end() else 4)
        at = size.end() + length + 2
    return -1


def _requests(exchange: Exchange) -> tuple[list[_Head], str]:
    """The heads of an exchange's requests; and ``more_requests`` or ``trailing_bytes`` where there is more after them."""
    data, found, at = exchange.request, list[_Head](), 0
    while 0 <= at < len(data) and len(found) < _MOST:
        head = _head(data, at, _REQUEST_LINE)
        if head is None:
            return found, "" if data[at:] == b"\r\n" else "trailing_bytes"
        found.append(head)
        if head.end == exchange.request_size:
            return found, ""
        at = -1 if head.line[0] == b"CONNECT" or b"upgrade" in head.headers else _after(data, head)
    return found, "more_requests" if 0 <= at < exchange.request_size else ""


def _first_response(exchange: Exchange) -> _Head | None:
    """The first final response; interim ones (1xx but 101) are passed over."""
    at, head = 0, None
    for _ in range(_MOST):
        head = _head(exchange.response, at, _STATUS_LINE)
        if head is None or not head.line[1].startswith(b"1") or head.line[1] == b"101":
            return head
        if head.end < 0:
            return None
        at = head.end
    return None


def _responses(exchange: Exchange, methods: list[bytes]) -> list[_Head]:
    """The final responses in order, as far as the bytes show them."""
    data, found, at = exchange.response, list[_Head](), 0
    for _ in range(2 * _MOST):
        head = _head(data, at, _STATUS_LINE) if 0 <= at < len(data) and len(found) < len(methods) else None
        if head is None:
            break
        status = head.line[1]
        interim = status.startswith(b"1") and status != b"101"
        bodyless = interim or status in {b"204", b"304"} or methods[len(found)] == b"HEAD"
        if not bodyless and not {b"content-length", b"transfer-encoding"} & head.headers.keys():
            at = -1  # it ends with the connection
        else:
            at = _after(data, head, bodyless=bodyless)
        if not interim:
            found.append(head)
    return found


def _call(exchange: Exchange, request: _Head | None, response: _Head | None, unknown: list[str]) -> HttpCall:
    method, target, version = (part.decode("latin-1") for part in request.line) if request else ("", "", "")
    headers = request.headers if request else _NO_HEADERS
    if version == "" and not target.startswith("/"):
        target = ""  # a host that is cut may be userinfo
    path, query, host = _target(method, target, headers.get(b"host", b"").decode("latin-1").strip("\0"))
    parent = headers.get(b"traceparent")
    trace = traceparent(parent.decode("latin-1")) if parent is not None else None
    if request is not None:
        path = _noted(request, method, path, unknown)
        if parent is not None and trace is None:
            unknown = [*unknown, "trace_parent"]
    status = int(response.line[1]) if response else None
    kind = response.headers.get(b"content-type", b"").decode("latin-1") if response else ""
    if response is None or response.end < 0:
        unknown = [*unknown, *(["status"] if response is None else ["response_head_cut"])]
    return HttpCall(
        connection=exchange.connection, start=exchange.start, first=exchange.first, duration=exchange.last,
        queued=exchange.queued, server=exchange.server, peer=exchange.peer, port=exchange.port,
        request_size=exchange.request_size, response_size=exchange.response_size, parent=trace, unknown=tuple(unknown),
        method=method, route=path, query=redact.query_names(query) if query else (), host=host, status=status,
        content_type=kind, version=version, outcome="upgrade" if status == 101 else "",
    )


def _target(method: str, target: str, host: str) -> tuple[str, str, str]:
    """Path, query and host of a request target in any of its forms (RFC 9112, section 3.2)."""
    if method == "CONNECT":
        return "", "", target
    if not target.startswith("/"):
        absolute = _TARGET.fullmatch(target)
        if absolute:
            host, target = absolute[2], absolute[3] or "/"
    path, _, query = target.partition("#")[0].partition("?")
    return path if path != "" or not query else "/", query, host


def _noted(request: _Head, method: str, path: str, unknown: list[str]) -> str:
    """The path, with its last segment hidden where it was cut; what is not known of the request is added to ``unknown``."""
    if method not in redact.METHODS:
        unknown.append("method")
    if request.end < 0:
        unknown.append("head_cut")
    if request.doubtful:
        unknown.append("ambiguous_head")
    if request.headers.get(b"host") == _TWICE:
        unknown.append("host")
    if request.line[2] == b"":
        unknown.append("target_cut")
        return f"{path.rpartition('/')[0]}/{{cut}}"
    return path

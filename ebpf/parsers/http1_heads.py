"""Heads of HTTP/1 (RFC 9112): the first line and the headers that are looked at, whole or cut, in order or not.

Most heads are whole and plain: one pattern reads all of such a head (:func:`plain_request`, :func:`plain_response`). The
others are read by :func:`head`, which gives the same of a plain one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
REQUEST_LINE = re.compile(
    rb"(?:\r?\n)?(" + _TOKEN + rb"{1,40}) ([!-~\x80-\xff]*+)(?: (?:HTTP/(1\.[01])(?:\r?\n|\r?\Z)|(?:H|HT|HTT|HTTP|HTTP/|HTTP/1|HTTP/1\.)?\Z)|\Z)"
)
"""A request line, whole or cut; one that is cut before its version has none."""
STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: [^\r\n]*)?(?:\r?\n|\r?\Z)")
_HEADERS = re.compile(
    rb"\n([Hh]ost|[Cc]ontent-[Tt]ype|[Cc]ontent-[Ll]ength|[Tt]race[Pp]arent|[Tt]ransfer-[Ee]ncoding|[Uu]pgrade"
    rb"|(?i:host|content-type|content-length|traceparent|transfer-encoding|upgrade)):[ \t]*([^\r\n]*)(?=\r?\n)"
)
"""Whole lines of the headers that are looked at (:data:`ebpf.redact.HEADERS`, and what frames a message)."""
_WELL_FORMED = re.compile(rb"(?:" + _TOKEN + rb"++:[^\r\n\x00]*+\r?\n)*+")
_LAST_LINE = re.compile(rb"(?:" + _TOKEN + rb"*+(?::[^\r\n\x00]*+\r?)?)?")
"""What may follow whole lines where a head is cut."""
_ONCE = rb"(?(%d)(?!)|)"
"""Fails where a group was found before."""
_PLAIN_REQUEST = re.compile(
    rb"(" + _TOKEN + rb"{1,40}) (/[!-~\x80-\xff]*+) HTTP/(1\.[01])\r\n(?:"
    rb"(?!(?i:host|traceparent|content-length|content-type|transfer-encoding|upgrade)[ \t]*:)" + _TOKEN + rb"++:[^\r\n\x00]*+\r\n"
    rb"|" + _ONCE % 4 + rb"[Hh]ost:[ \t]*+([^\r\n\x00]*+)\r\n|" + _ONCE % 5 + rb"[Tt]raceparent:[ \t]*+([^\r\n\x00]*+)\r\n"
    rb"|" + _ONCE % 6 + rb"[Cc]ontent-[Ll]ength:[ \t]*+(\d{1,15})\r\n|" + _ONCE % 7 + rb"[Cc]ontent-[Tt]ype:[ \t]*+([^\r\n\x00]*+)\r\n)*+\r\n"
)
_PLAIN_RESPONSE = re.compile(
    rb"HTTP/(1\.[01]) ([2-9]\d\d)(?: [^\r\n\x00]*+)?\r\n(?:"
    rb"(?!(?i:host|traceparent|content-length|content-type|transfer-encoding|upgrade)[ \t]*:)" + _TOKEN + rb"++:[^\r\n\x00]*+\r\n"
    rb"|" + _ONCE % 3 + rb"[Cc]ontent-[Tt]ype:[ \t]*+([^\r\n\x00]*+)\r\n|" + _ONCE % 4 + rb"[Cc]ontent-[Ll]ength:[ \t]*+([^\r\n\x00]*+)\r\n"
    rb"|" + _ONCE % 5 + rb"[Tt]ransfer-[Ee]ncoding:[ \t]*+([^\r\n\x00]*+)\r\n)*+\r\n"
)
TWICE = b"\x00"
"""Stands for a header that was given more than once."""
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")


@dataclass(slots=True)
class Head:
    """``line``: the parts of its first line; ``end``: where its body begins, -1 where the head is cut.

    ``headers``: values by names in lower case; ``doubtful``: its framing, or what its headers are, is in doubt.
    """

    line: tuple[bytes, ...]
    headers: dict[bytes, bytes]
    end: int
    doubtful: bool


def plain_request(data: bytes, size: int) -> Head | None:
    """The head of a request that is all of ``size`` bytes; None where it is to be read by :func:`head`."""
    found = _PLAIN_REQUEST.match(data)
    if found is None:
        return None
    method, target, version, host, parent, length, kind = found.groups()
    if found.end() + (int(length) if length else 0) != size:
        return None
    headers: dict[bytes, bytes] = {}
    if host is not None:
        headers[b"host"] = host.rstrip()
    if parent is not None:
        headers[b"traceparent"] = parent.rstrip()
    if length is not None:
        headers[b"content-length"] = length
    if kind is not None:
        headers[b"content-type"] = kind.rstrip()
    return Head((method, target, version), headers, found.end(), doubtful=False)


def plain_response(data: bytes) -> Head | None:
    """The head of a final response; None where it is to be read by :func:`head`."""
    found = _PLAIN_RESPONSE.match(data)
    if found is None:
        return None
    version, status, kind, length, coding = found.groups()
    if length is not None and coding is not None:
        return None
    headers: dict[bytes, bytes] = {}
    if kind is not None:
        headers[b"content-type"] = kind.rstrip()
    if length is not None:
        headers[b"content-length"] = length.rstrip()
    if coding is not None:
        headers[b"transfer-encoding"] = coding.rstrip()
    return Head((version, status), headers, found.end(), doubtful=False)


def head(data: bytes, at: int, line: re.Pattern[bytes]) -> Head | None:
    """The head that begins at a place; None where none does."""
    first = line.match(data, at)
    if first is None:
        return None
    begin = first.end()
    end = data.find(b"\r\n\r\n", begin - 2)
    bare = data.find(b"\n\n", begin - 1)
    stop, width = (bare + 1, 1) if bare >= 0 and (end < 0 or bare < end) else (end + 2, 2)
    cut = bare < 0 and end < 0
    text = data[begin - 1 :] if cut else data[begin - 1 : stop]
    lines = _WELL_FORMED.match(text, 1)
    end_of_lines = lines.end() if lines else 1
    doubtful = end_of_lines < len(text) and not (cut and _LAST_LINE.fullmatch(text, end_of_lines) is not None)
    found: dict[bytes, bytes] = {}
    for name, value in _HEADERS.findall(text):
        key = name.lower()
        if key in found:
            doubtful = True
            found[key] = TWICE
        else:
            found[key] = value.rstrip()
    if doubtful and (b"\n " in text or b"\n\t" in text):  # a folded line may belong to one of these
        found.pop(b"traceparent", None)
        found.pop(b"host", None)
    if b"content-length" in found and b"transfer-encoding" in found:
        doubtful = True
    return Head(first.groups(b""), found, -1 if cut else stop + width, doubtful)


def after(data: bytes, one: Head, *, bodyless: bool = False) -> int:
    """Where the message after this one begins; -1 where that is unknown or not among the bytes."""
    if one.end < 0 or one.doubtful:
        return -1
    if bodyless:
        return one.end
    length, coding = one.headers.get(b"content-length"), one.headers.get(b"transfer-encoding")
    if coding is not None:
        return _after_chunks(data, one.end) if coding.lower() == b"chunked" else -1
    if length is None:
        return one.end
    return one.end + int(length) if re.fullmatch(rb"\d{1,15}", length) else -1


def _after_chunks(data: bytes, at: int) -> int:
    """Where a chunked body ends (RFC 9112, section 7.1); -1 where it does not end among the bytes."""
    while size := _CHUNK_SIZE.match(data, at):
        length = int(size[1], 16)
        if length == 0:
            end = data.find(b"\r\n", size.end()) if data[size.end() : size.end() + 2] == b"\r\n" else data.find(b"\r\n\r\n", size.end())
            return -1 if end < 0 else end + (2 if end == size.end() else 4)
        at = size.end() + length + 2
    return -1

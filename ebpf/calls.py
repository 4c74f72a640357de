"""What passed between two programs, as records that hold no raw bytes: making one redacts its text.

The type of each text field names its cleaner of :mod:`ebpf.redact`; a field of bare ``str`` is refused when its class is
first used. Times are nanoseconds, ``start`` since 1970 (UTC).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args, get_type_hints

from ebpf import redact

Reasons = Annotated[tuple[str, ...], redact.reasons]
Names = Annotated[tuple[str, ...], redact.names]
Address = Annotated[str, redact.address]
Method = Annotated[str, redact.method]
Route = Annotated[str, redact.route]
Authority = Annotated[str, redact.authority]
ContentType = Annotated[str, redact.content_type]
Dotted = Annotated[str, redact.dotted]
Domain = Annotated[str, redact.hostname]
Word = Annotated[str, redact.word]
SqlState = Annotated[str, redact.sqlstate]
Statement = Annotated[str, redact.statement]
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_IDS = re.compile(r"[0-9a-f]{48}")


@dataclass(frozen=True, slots=True)
class Parent:
    """The span that a call was made in (W3C Trace Context): 32 and 16 hex digits."""

    trace_id: str
    span_id: str
    sampled: bool

    def __post_init__(self) -> None:
        if not _IDS.fullmatch(f"{self.trace_id}{self.span_id}") or len(self.span_id) != 16:
            object.__setattr__(self, "trace_id", _NO_TRACE)
            object.__setattr__(self, "span_id", _NO_SPAN)


def traceparent(text: str) -> Parent | None:
    """Read a ``traceparent`` header strictly (W3C Trace Context, 3.2); None where it is not valid."""
    found = _PARENT.fullmatch(text)
    if found is None:
        return None
    version, trace, span, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest is not None) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    return Parent(trace, span, sampled=bool(int(flags, 16) & 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What all calls have. ``first`` and ``duration``: nanoseconds from ``start`` to the response's first and last byte.

    ``queued``: nanoseconds before the application read it; None where not assessed. ``server``: whether the watched
    process answered. ``port``: the local one. ``unknown``: what could not be read.
    """

    connection: int
    start: int
    first: int
    duration: int
    queued: int | None = None
    server: bool
    peer: Address
    port: int
    request_size: int
    response_size: int
    parent: Parent | None = None
    unknown: Reasons = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name, clean in _CLEANERS.get(type(self)) or cleaners(type(self)):
            given = getattr(self, name)
            if given:
                put(self, name, clean(given))

    @property
    def handling(self) -> int | None:
        """Nanoseconds from the application's reading to the response's last byte; None where not assessed."""
        return None if self.queued is None else max(self.duration - self.queued, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall(Call):
    """One request over HTTP. ``query``: names of its parameters. ``version``: ``1.0``, ``1.1`` or ``2``."""

    method: Method = ""
    route: Route = ""
    query: Names = ()
    host: Authority = ""
    status: int | None = None
    content_type: ContentType = ""
    version: Word = ""
    outcome: Word = ""
    """Of HTTP/2: ``ok``, ``reset``, ``goaway`` or ``unfinished``; of HTTP/1 ``upgrade`` or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcCall(Call):
    """One call over gRPC. ``grpc_status``: its number; None where no trailer told it."""

    service: Dotted = ""
    method: Dotted = ""
    host: Authority = ""
    http_status: int | None = None
    grpc_status: int | None = None
    outcome: Word = ""
    """``ok`` (both sides ended), ``reset``, ``goaway`` or ``unfinished``."""
    reset: int | None = None
    """The error code of RST_STREAM or GOAWAY (RFC 9113, section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCall(Call):
    """One statement, or one of the other messages of a database. ``rows``: returned or changed; None where not seen whole.

    ``kind``: ``query``, ``prepare``, ``execute``, ``startup``, ``authentication``, ``ssl``, ``cancel``, ``copy``, ``other``.
    ``error``: the SQLSTATE; ``code``: MySQL's number.
    """

    system: Word
    kind: Word = "query"
    operation: Word = ""
    query: Statement = ""
    rows: int | None = None
    outcome: Word = ""
    """``ok``, ``error`` or nothing where not seen."""
    error: SqlState = ""
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsCall(Call):
    """One question to a name server. ``rcode`` and ``answers`` are None where no response was read."""

    name: Domain = ""
    type: Word = ""
    rcode: int | None = None
    answers: int | None = None
    truncated: bool = False


def cleaners(kind: type[Call]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The text fields of a record with what cleans each."""
    hints = get_type_hints(kind, include_extras=True)
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for field in fields(kind):
        hint = hints[field.name]
        marked = getattr(hint, "__metadata__", ())
        if marked:
            found.append((field.name, marked[0]))
        elif str in {hint, *get_args(hint)} or bytes in {hint, *get_args(hint)}:
            raise TypeError(f"{kind.__name__}.{field.name} is text without a cleaner: give it a type of ebpf.calls")
    return _CLEANERS.setdefault(kind, tuple(found))


_CLEANERS: dict[type, tuple[tuple[str, Callable[[Any], Any]], ...]] = {}
"""Of the classes used so far."""

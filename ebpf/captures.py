"""What the kernel side hands to the parsers: exchanges and pieces of streams. The bytes are raw and may hold secrets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response on one connection."""

    connection: int
    start: int
    """Nanoseconds since 1970 of the request's first byte."""
    first: int
    """Nanoseconds from ``start`` to the response's first byte."""
    last: int
    """Nanoseconds from ``start`` to the response's last byte."""
    queued: int | None
    """Nanoseconds that the request waited before the application read it; None where not assessed."""
    request: bytes
    """The request's first bytes, 512 at most."""
    request_size: int
    """All bytes of the request."""
    response: bytes
    """The response's first bytes, 512 at most."""
    response_size: int
    """All bytes of the response."""
    tail: bytes
    """The response's last bytes, 64 at most."""
    server: bool
    """Whether the watched process answered; else it asked."""
    peer: str
    """Address of the other side."""
    port: int
    """Local port."""
    flags: int
    """Bits that the kernel side set; the parsers do not read them."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one direction of a stream, in order."""

    connection: int
    at: int
    """Nanoseconds since 1970."""
    outgoing: bool
    """Whether the watched process sent it."""
    offset: int
    """How many bytes came before in this direction since it is watched, so that gaps show."""
    data: bytes
    """The first bytes, 2048 at most."""
    size: int
    """All bytes of it."""
    server: bool
    """Whether the watched process is the side that was connected to."""
    peer: str
    port: int

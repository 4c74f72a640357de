"""The bytes of the ring buffer as captures (``struct event`` in ``bpf/exchange.h``, ``struct chunk`` in ``bpf/streams.bpf.c``)."""

from __future__ import annotations

import struct
import sys
import time
from functools import lru_cache
from ipaddress import IPv6Address

from ebpf.captures import Chunk, Exchange

HEAD, TAIL = 512, 64
EVENT = struct.Struct(f"=II5Q2I4H16sHHI{HEAD}s{HEAD}s{TAIL}s")
CHUNK = struct.Struct("=IIQQQIIQ16sHHI")
SWEPT, ABORTED, GAP, PIPELINED, INTERIM, CLOSED, INCOMING, OUTGOING, LAST = 1, 2, 4, 8, 16, 32, 64, 128, 256


def exchange(data: bytes, epoch: int) -> tuple[Exchange, int]:
    """An event and the process that read the request, 0 where unknown. ``epoch``: ns to add to monotonic times."""
    (_, flags, connection, start, first, last, read, asked, answered, kept_request, kept_response, tail_size, _,
     address, _port, local, pid, request, response, tail) = EVENT.unpack_from(data)
    queued = max(0, read - start) if read else None
    return Exchange(
        connection, start + epoch, max(0, first - start) if first else 0, max(0, last - start) if last else 0, queued,
        request[:kept_request], asked, response[:kept_response], answered, tail[:tail_size], bool(flags & INCOMING), peer(address),
        local, flags), pid


def chunk(data: bytes, epoch: int) -> tuple[Chunk, int]:
    """A piece of a stream or a datagram, and its process."""
    _, flags, connection, at, offset, size, kept, _, address, _port, local, pid = CHUNK.unpack_from(data)
    payload = data[CHUNK.size:CHUNK.size + kept]
    return Chunk(connection, at + epoch, bool(flags & OUTGOING), offset, payload, size, bool(flags & INCOMING), peer(address), local), pid


def flags(data: bytes) -> int:
    """The flags of an event of either layout."""
    return int.from_bytes(data[4:8], "little" if sys.byteorder == "little" else "big")


@lru_cache(4096)
def peer(address: bytes) -> str:
    """An address of 16 bytes as people write it."""
    found = IPv6Address(address)
    return str(found.ipv4_mapped or found)


def epoch() -> int:
    """ns to add to CLOCK_MONOTONIC for UTC since 1970, as of now."""
    return time.time_ns() - time.monotonic_ns()

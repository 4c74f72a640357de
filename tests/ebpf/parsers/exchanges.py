"""Exchanges as the kernel side would hand them over, made of whole requests and responses."""

from __future__ import annotations

from dataclasses import replace

from ebpf.captures import Exchange

HEAD, TAIL = 512, 64
_PLAIN = Exchange(
    connection=7, start=1_000_000_000, first=2_000, last=5_000, queued=500, request=b"", request_size=0, response=b"",
    response_size=0, tail=b"", server=True, peer="127.0.0.1", port=8080, flags=0,
)


def exchange(request: bytes, response: bytes = b"", *, connection: int = 7) -> Exchange:
    """What is handed over of a request and its response."""
    return replace(
        _PLAIN, connection=connection, request=request[:HEAD], request_size=len(request), response=response[:HEAD],
        response_size=len(response), tail=response[-TAIL:],
    )

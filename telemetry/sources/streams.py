"""Bytes of a source whatever it is compressed with, and what is read before a broken place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from telemetry.errors import SourceError

CHUNK = 1 << 20
PIECE = 1 << 12
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def compression(head: bytes) -> str | None:
    """Tell a compression by the first bytes."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def _decoder(name: str) -> _Decoder:
    if name == "gzip":
        return zlib.decompressobj(wbits=31)
    if name == "bz2":
        import bz2

        return bz2.BZ2Decompressor()
    if name == "xz":
        import lzma

        return lzma.LZMADecompressor()
    import zstandard

    made: _Decoder = zstandard.ZstdDecompressor().decompressobj()
    return made


def raw(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of an open file from its start.

    Raises SourceError after all readable bytes when the file is truncated or corrupt.
    """
    first = _read(stream, path, 0, 8)
    while len(first) < 8:
        more = _read(stream, path, len(first), 8 - len(first))
        if not more:
            break
        first += more
    name = compression(first)
    if name is None:
        yield from _plain(stream, path, first)
        return
    yield from _inflate(stream, path, name, first)


def _plain(stream: BinaryIO, path: str, first: bytes) -> Iterator[bytes]:
    at = 0
    while first:
        yield first
        at += len(first)
        first = _read(stream, path, at, CHUNK)


def _inflate(stream: BinaryIO, path: str, name: str, data: bytes) -> Iterator[bytes]:
    """Decompress one or more concatenated members, in small pieces so that little is lost where it breaks."""
    decoder, at, begun = _decoder(name), 0, False
    while data:
        if decoder.eof and data.strip(b"\0"):
            decoder, begun = _decoder(name), False
        if not decoder.eof:
            try:
                part = decoder.decompress(data)
            except Exception as failure:
                raise SourceError(
                    f"the {name} data is corrupt near compressed byte {at} ({failure})", where=path,
                    remedy="what came before was read; fetch the file again for the rest",
                ) from failure
            begun = True
            if part:
                yield part
        left = decoder.unused_data if decoder.eof and data.strip(b"\0") else b""
        at += len(data) - len(left)
        data = left or _read(stream, path, at, PIECE)
    if begun and not decoder.eof:
        raise SourceError(
            f"the {name} data ends in the middle, at compressed byte {at}", where=path,
            remedy="what came before was read; wait until it is written whole or fetch it again",
        )


def _read(stream: BinaryIO, path: str, at: int, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as failure:
        raise SourceError(f"cannot be read at byte {at} ({failure.strerror or failure})", where=path,
                          remedy="check the disk or the mount and read it again") from failure

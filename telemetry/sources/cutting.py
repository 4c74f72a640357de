"""Cutting a stream of bytes into blocks of whole lines, as valid UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from telemetry.errors import SourceError

BLOCK = 8 << 20
LONGEST = 64 << 20
"""A line longer than this is cut."""
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as valid UTF-8; only the last line of a source may lack its newline."""

    data: bytes
    end: int
    """Decompressed bytes of the original from its start to the end of this block."""
    invalid: int = 0
    r"""Bytes that were no UTF-8 and are written ``\xff``."""


def cut(chunks: Iterator[bytes], start: int, size: int, first: bytes) -> Iterator[Block]:
    """Cut a stream into blocks that end at line ends."""
    buffer, at, broken = bytearray(), start, None
    encoding = _encoding(first) if first else None
    wanted, searched = size, 0
    while True:
        try:
            chunk = next(chunks, None)
        except SourceError as failure:
            chunk, broken = None, failure
        if chunk is None:
            break
        if encoding == "utf-8" and len(buffer) + len(chunk) >= wanted and (end := chunk.rfind(b"\n") + 1):
            data = b"".join((buffer, memoryview(chunk)[:end]))  # the usual case, with one copy
            yield make_block(data, at, len(data), encoding)
            at, wanted, searched = at + len(data), size, 0
            buffer[:] = memoryview(chunk)[end:]
            continue
        buffer += chunk
        if encoding is None and len(buffer) >= 4:
            encoding = _encoding(bytes(buffer[:4]))
        while len(buffer) >= wanted:
            end = _line_end(buffer, encoding or "utf-8", searched)
            if not end and len(buffer) < LONGEST:
                searched, wanted = max(0, len(buffer) - 2), len(buffer) + size
                break
            end = end or _char_end(buffer, LONGEST, encoding or "utf-8")
            yield make_block(bytes(buffer[:end]), at, end, encoding or "utf-8")
            at, wanted, searched = at + end, size, 0
            del buffer[:end]
    if buffer:
        yield make_block(bytes(buffer), at, len(buffer), encoding or _encoding(bytes(buffer[:4])))
    if broken:
        raise broken


def _encoding(first: bytes) -> str:
    return next((name for bom, name in BOMS if first.startswith(bom)), "utf-8")


def _line_end(buffer: bytearray, encoding: str, searched: int) -> int:
    """Return the place behind the last line end, 0 without one."""
    if encoding == "utf-8":
        return buffer.rfind(b"\n", searched) + 1
    mark = "\n".encode(encoding)
    place = buffer.rfind(mark)
    while place > 0 and place % 2:
        place = buffer.rfind(mark, 0, place + 1)
    return place + 2 if place >= 0 and place % 2 == 0 else 0


def _char_end(buffer: bytearray, limit: int, encoding: str) -> int:
    """Return a place near ``limit`` that is not inside a character."""
    end = min(limit, len(buffer))
    if encoding != "utf-8":
        return end - end % 2
    for back in range(4):
        if end - back < len(buffer) and buffer[end - back] & 0xC0 != 0x80:
            return end - back
    return end


def make_block(data: bytes, at: int, size: int, encoding: str) -> Block:
    """Make text valid UTF-8 without byte order mark."""
    if at == 0:
        bom = next((b for b, name in BOMS if name == encoding and data.startswith(b)), b"")
        data = data[len(bom):]
    if encoding != "utf-8":
        return Block(data.decode(encoding, "backslashreplace").encode(), at + size)
    if data.isascii():
        return Block(data, at + size)
    try:
        data.decode()
    except UnicodeDecodeError:
        clean = data.decode("utf-8", "backslashreplace").encode()
        return Block(clean, at + size, (len(clean) - len(data)) // 3)
    return Block(data, at + size)

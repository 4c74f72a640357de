"""Cutting a stream of bytes into blocks of whole lines, as valid UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from telemetry.errors import SourceError

BLOCK = 8 << 20
LONGEST = 64 << 20
"""A line longer than this is cut."""
SAMPLE = 4096
"""First bytes that tell how a text is written."""
_BOMS = (
    (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Writing:
    """How a text is written: its encoding, the character that ends a line, its byte order mark."""

    encoding: str = "utf-8"
    end: str = "\n"
    bom: bytes = b""


UTF8 = Writing()


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as valid UTF-8; only the last line of a source may lack its newline."""

    data: bytes
    end: int
    """Decompressed bytes of the original from its start to the end of this block."""
    invalid: int = 0
    r"""Bytes that were no UTF-8 and are written ``\xff``."""
    head: bytes = b""
    """The file's first bytes as they are now, from a file that is followed."""


def writing_of(first: bytes) -> Writing:
    """Tell how a text is written by its first :data:`SAMPLE` bytes."""
    for bom, name in _BOMS:
        if first.startswith(bom):
            return Writing(name, "\n", bom)
    half = len(first) // 2
    if half >= 8 and b"\0" in first:
        even, odd = first[::2].count(0), first[1::2].count(0)
        if max(even, odd) > half * 0.7 and min(even, odd) < half * 0.1:
            return Writing("utf-16-le" if odd > even else "utf-16-be")
    return Writing(end="\r") if b"\n" not in first and first.count(b"\r") > 1 else UTF8


def cut(chunks: Iterator[bytes], start: int, size: int, writing: Writing | None) -> Iterator[Block]:
    """Cut a stream into blocks that end at line ends.

    An empty chunk says that nothing came for a while: whole lines are let go at once, or an empty block
    when there are none. Without ``writing`` the first bytes tell it.
    """
    buffer, at, broken = bytearray(), start, None
    wanted, searched = size, 0
    while True:
        try:
            chunk = next(chunks, None)
        except SourceError as failure:
            chunk, broken = None, failure
        if chunk is None:
            break
        plain = writing is not None and (writing.encoding, writing.end) == ("utf-8", "\n")
        if writing and plain and len(buffer) + len(chunk) >= wanted and (end := chunk.rfind(b"\n") + 1):
            data = b"".join((buffer, memoryview(chunk)[:end]))  # the usual case, with one copy
            yield make_block(data, at, len(data), writing)
            at, wanted, searched = at + len(data), size, 0
            buffer[:] = memoryview(chunk)[end:]
            continue
        buffer += chunk
        while len(buffer) >= wanted or not chunk:
            writing = writing or writing_of(bytes(buffer[:SAMPLE]))
            end = line_end(buffer, writing, searched)
            if not end and chunk and len(buffer) < LONGEST:
                searched, wanted = max(0, len(buffer) - 3), len(buffer) + size
                break
            if not end and len(buffer) >= LONGEST:
                end = _char_end(buffer, LONGEST, writing)
            yield make_block(bytes(buffer[:end]), at, end, writing)
            at, wanted, searched = at + end, size, 0
            del buffer[:end]
            if not chunk:
                break
    if buffer:
        yield make_block(bytes(buffer), at, len(buffer), writing or writing_of(bytes(buffer[:SAMPLE])))
    if broken:
        raise broken


def line_end(buffer: bytes | bytearray, writing: Writing, searched: int = 0) -> int:
    """Return the place behind the last line end, 0 without one."""
    mark = writing.end.encode(writing.encoding)
    width = len(mark)
    place = buffer.rfind(mark, searched - searched % width)
    while place > 0 and place % width:
        place = buffer.rfind(mark, 0, place + width - 1)
    return place + width if place >= 0 else 0


def _char_end(buffer: bytearray, limit: int, writing: Writing) -> int:
    """Return a place near ``limit`` that is not inside a character."""
    end = min(limit, len(buffer))
    if writing.encoding != "utf-8":
        return end - end % 4
    for back in range(4):
        if end - back < len(buffer) and buffer[end - back] & 0xC0 != 0x80:
            return end - back
    return end


def make_block(data: bytes, at: int, size: int, writing: Writing) -> Block:
    """Make text valid UTF-8 without byte order mark, its lines ended by newlines."""
    if at == 0 and writing.bom:
        data = data.removeprefix(writing.bom)
    if writing.encoding != "utf-8":
        return Block(data.decode(writing.encoding, "backslashreplace").encode("utf-8", "backslashreplace"), at + size)
    if writing.end == "\r":
        data = data.replace(b"\r", b"\n")
    if data.isascii():
        return Block(data, at + size)
    try:
        data.decode()
    except UnicodeDecodeError:
        clean = data.decode("utf-8", "backslashreplace").encode()
        return Block(clean, at + size, (len(clean) - len(data)) // 3)
    return Block(data, at + size)

"""The text of a source in blocks of whole lines."""


from __future__ import annotations

import io
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from telemetry.errors import SourceError
from telemetry.sources.cutting import BLOCK, SAMPLE, Block, cut, writing_of
from telemetry.sources.streams import compression, raw

PAUSE = 0.5
"""Seconds without a byte after which a pipe's whole lines are let go."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file or, with the path ``-``, standard input. ``mtime`` is in seconds since 1970."""

    path: str
    size: int = 0
    mtime: float = 0.0
    device: int = 0
    inode: int = 0
    stream: bool = False
    """Standard input or a named pipe: it can be read once."""


def head(source: Source, n: int = SAMPLE) -> bytes:
    """Return the first decompressed bytes of a file; empty for a pipe, which can be read only once."""
    if source.path == "-" or source.stream:
        return b""
    found = bytearray()
    with _open(source.path) as stream:
        try:
            for chunk in raw(stream, source.path):
                found += chunk
                if len(found) >= n:
                    break
        except SourceError:
            if not found:
                raise
    return bytes(found[:n])


@contextmanager
def _open(path: str) -> Iterator[BinaryIO]:
    try:
        stream = open(0, "rb", buffering=0, closefd=False) if path == "-" else Path(path).open("rb", buffering=0)  # noqa: SIM115 - a descriptor, closed below
    except OSError as failure:
        remedy = "pipe a log into the command" if path == "-" else "check that it exists and that you may read it"
        raise SourceError(f"cannot be opened ({failure.strerror or failure})", where=path, remedy=remedy) from failure
    with stream:
        yield stream


def blocks(
    source: Source, *, start: int = 0, size: int = BLOCK, stdin: BinaryIO | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Block]:
    """Yield the text from decompressed byte ``start`` on, in blocks of about ``size`` bytes.

    A pipe is read from where it is until it ends or ``stop`` says so; an empty block means that nothing
    came for a while. Raises SourceError where a file breaks off, after everything readable was yielded.
    """
    if source.path == "-" or source.stream:
        if stdin is not None:
            yield from cut(_paced(stdin, source.path, stop), 0, size, None)
            return
        with _open(source.path) as stream:
            yield from cut(_paced(stream, source.path, stop), 0, size, None)
        return
    writing = writing_of(_head_or_nothing(source))
    with _open(source.path) as stream:
        packed = compression(stream.read(8)) is not None
        stream.seek(0 if packed else start)
        chunks = _skip(raw(stream, source.path), start) if packed else _whole(stream, source.path)
        yield from cut(chunks, start, size, writing)


def _head_or_nothing(source: Source) -> bytes:
    """The first bytes; none when even those are broken, which reading tells again."""
    try:
        return head(source)
    except SourceError:
        return b""


def _whole(stream: BinaryIO, path: str) -> Iterator[bytes]:
    at = stream.tell()
    while True:
        try:
            chunk = stream.read(1 << 20)
        except OSError as failure:
            raise SourceError(f"cannot be read at byte {at} ({failure.strerror or failure})", where=path,
                              remedy="check the disk or the mount and read it again") from failure
        if not chunk:
            return
        at += len(chunk)
        yield chunk


def _paced(stream: BinaryIO, path: str, stop: Callable[[], bool]) -> Iterator[bytes]:
    """Read a pipe as it comes, compressed or not; an empty chunk when nothing came for a while."""
    chunks = raw(stream, path)
    while not stop():
        if not _ready(stream):
            yield b""
            continue
        chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _ready(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream], [], [], PAUSE)[0])
    except (OSError, ValueError, io.UnsupportedOperation):
        return True  # not a descriptor: reading tells


def _skip(chunks: Iterator[bytes], start: int) -> Iterator[bytes]:
    left = start
    for chunk in chunks:
        if left >= len(chunk):
            left -= len(chunk)
            continue
        yield chunk[left:]
        left = 0


__all__ = ["Block", "Source", "blocks", "head"]

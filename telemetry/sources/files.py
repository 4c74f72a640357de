"""Logs as blocks of bytes: files, folders, globs, standard input; compression told by magic bytes.

A block holds whole lines of valid UTF-8 and says how far (in decompressed bytes of the original) it reaches.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import lzma
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from telemetry.errors import SourceError

BLOCK = 4 << 20
LONGEST = 64 << 20
"""A line longer than this is cut into pieces."""
POLL = 0.2
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_BINARY = (b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"SQLite format 3", b"%PDF",
           b"PAR1", b"Rar!", b"7z\xbc\xaf", b"\xca\xfe\xba\xbe", b"MZ")


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of lines. ``path`` is absolute, or ``-`` for standard input; times in seconds since 1970."""

    path: str
    size: int = 0
    mtime: float = 0.0
    device: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines (the very last may lack its newline); ``end`` is the original's decompressed offset after them."""

    data: bytes
    end: int
    escaped: int = 0
    """Bytes that were not UTF-8 and are written ``\\xNN``."""


def expand(paths: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Resolve paths, folders and globs to sources in a stable order; also says what was left out and why.

    Raises SourceError for a path that does not exist or cannot be read.
    """
    found: dict[str, Source] = {}
    skipped: list[str] = []
    for given in paths:
        if given == "-":
            found["-"] = Source("-")
            continue
        path = Path(given).expanduser()
        if path.is_dir():
            for file in _walk(path):
                _take(file, found, skipped, chosen=False)
        elif path.exists():
            _take(path, found, skipped, chosen=True)
        else:
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise SourceError("no such file or folder", where=given, remedy="check the path or the pattern")
            for match in matches:
                folder = Path(match)
                for file in _walk(folder) if folder.is_dir() else [folder]:
                    _take(file, found, skipped, chosen=False)
    return list(found.values()), skipped


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted; every real folder once, so that links cannot loop."""
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        stat = Path(root).stat()
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        yield from (Path(root) / name for name in sorted(files))


def _take(path: Path, found: dict[str, Source], skipped: list[str], *, chosen: bool) -> None:
    try:
        real = path.resolve(strict=True)
        if not real.is_file():
            if chosen and not real.is_fifo():
                raise SourceError("not a regular file", where=str(path), remedy="name a file or a folder")
            if not chosen:
                return
        stat = real.stat()
        with real.open("rb") as handle:
            start = handle.read(16)
    except (OSError, RuntimeError) as error:
        if chosen:
            raise SourceError(f"cannot be read: {error}", where=str(path), remedy="check its permissions") from error
        skipped.append(f"{path}: cannot be read: {error}")
        return
    if not chosen and start.startswith(_BINARY):
        skipped.append(f"{path}: left out, it is not text")
        return
    found[str(real)] = Source(str(real), stat.st_size, stat.st_mtime, stat.st_dev, stat.st_ino)


def compression(start: bytes) -> str | None:
    """The compression that a file's first bytes announce."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def _open(source: Source, stdin: BinaryIO | None) -> IO[bytes]:
    if source.path == "-":
        raw: IO[bytes] = stdin or sys.stdin.buffer
        buffered = io.BufferedReader(cast("io.RawIOBase", raw)) if not hasattr(raw, "peek") else raw
        kind = compression(buffered.peek(6)[:6])  # type: ignore[attr-defined]
        return _decompress(buffered, kind) if kind else buffered
    try:
        handle = Path(source.path).open("rb")  # noqa: SIM115 - closed by the caller
        kind = compression(handle.read(6))
        handle.seek(0)
    except OSError as error:
        raise SourceError(f"cannot be read: {error}", where=source.path, remedy="check that it still exists "
                          "and may be read") from error
    return _decompress(handle, kind) if kind else handle


def _decompress(handle: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=handle))
    if kind == "bzip2":
        return bz2.BZ2File(handle)
    if kind == "xz":
        return lzma.LZMAFile(handle)
    import zstandard

    return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(handle, read_across_frames=True))


def head(source: Source, size: int = 4096) -> bytes:
    """The first decompressed bytes, as blocks would give them; what cannot be read is left out."""
    if source.path == "-":
        return b""
    try:
        with _open(source, None) as handle:
            start = b""
            while len(start) < size and (more := handle.read(size - len(start))):
                start += more
    except (OSError, EOFError, zlib.error, lzma.LZMAError, SourceError):
        return b""
    except Exception as error:  # zstandard's error class is its own
        if type(error).__name__ != "ZstdError":
            raise
        return b""
    return _Text(start).text(start, first=True)[0]


def blocks(
    source: Source, *, start: int = 0, size: int = BLOCK, stdin: BinaryIO | None = None
) -> Iterator[Block]:
    """Read ``source`` from decompressed byte ``start``.

    A damaged stream yields all that can be read, then raises SourceError naming the file, the byte and the remedy.
    """
    with _open(source, stdin) as handle:
        text, at, rest = None, start, b""
        try:
            text = _begin(handle, source, start)
            while chunk := _read(handle, size):
                data = rest + chunk
                if text is None:
                    text = _Text(data)
                cut = data.rfind(b"\n") + 1 if not text.wide else text.last_line(data)
                if not cut and len(data) < LONGEST:
                    rest = data
                    continue
                cut = cut or LONGEST
                body, rest = data[:cut], data[cut:]
                at += len(body)
                yield Block(*text.block(body, at, first=at == len(body)))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            yield from _last(rest, text, at)
            raise _damaged(source, at + len(rest), error) from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            yield from _last(rest, text, at)
            raise _damaged(source, at + len(rest), error) from error
        yield from _last(rest, text, at)


def _begin(handle: IO[bytes], source: Source, start: int) -> _Text | None:
    """Go to ``start``; a stream read from its middle still needs its first bytes to know its encoding."""
    if not start:
        return None
    text = _Text(handle.read(4))
    left = start - 4
    while left > 0 and (skipped := handle.read(min(left, 1 << 20))):
        left -= len(skipped)
    if left < 0:
        handle.seek(start)
    del source
    return text


def _read(handle: IO[bytes], size: int) -> bytes:
    """Fill up to ``size`` so that small reads of a pipe do not make small blocks at full speed."""
    return handle.read1(size) if hasattr(handle, "read1") and handle is sys.stdin.buffer else handle.read(size)


def _last(rest: bytes, text: _Text | None, at: int) -> Iterator[Block]:
    if rest:
        yield Block(*(text or _Text(rest)).block(rest, at + len(rest), first=at == 0))


def _damaged(source: Source, at: int, error: Exception) -> SourceError:
    return SourceError(
        f"damaged after {at:,} decompressed bytes ({error}); everything before was read", where=source.path,
        remedy="replace the file by an intact copy and ingest again: only what is missing will be added",
    )


class _Text:
    """Bytes of one encoding made valid UTF-8. UTF-16 is told by its byte order mark."""

    def __init__(self, start: bytes) -> None:
        self.wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(start[:2], "")

    def last_line(self, data: bytes) -> int:
        """Where the last complete line of UTF-16 ends."""
        newline = "\n".encode(self.wide)
        at = data.rfind(newline)
        while at >= 0 and at % 2:
            at = data.rfind(newline, 0, at)
        return at + 2 if at >= 0 else 0

    def block(self, data: bytes, end: int, *, first: bool) -> tuple[bytes, int, int]:
        clean, escaped = self.text(data, first=first)
        return clean, end, escaped

    def text(self, data: bytes, *, first: bool) -> tuple[bytes, int]:
        if self.wide:
            return data[2 if first else 0:].decode(self.wide, "replace").encode(), 0
        if first and data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
        try:
            data.decode()
        except UnicodeDecodeError:
            clean = data.decode("utf-8", "backslashreplace").encode()
            return clean, (len(clean) - len(data)) // 3
        return data, 0


def follow(source: Source, start: int, stop: Callable[[], bool]) -> Iterator[Block]:
    """Like ``tail -F``: lines as they come, across truncation and rotation, until ``stop()``."""
    path, at = Path(source.path), start
    handle = path.open("rb")
    handle.seek(at)
    rest = b""
    try:
        while True:
            chunk = handle.read(BLOCK)
            if chunk:
                data = rest + chunk
                cut = data.rfind(b"\n") + 1
                rest = data[cut:]
                if cut:
                    at += cut
                    yield Block(*_Text(b"").block(data[:cut], at, first=at == cut))
                continue
            if stop():
                break
            time.sleep(POLL)
            if _replaced(path, handle):
                if rest:
                    yield Block(*_Text(b"").block(rest + b"\n", at + len(rest), first=False))
                handle.close()
                handle, at, rest = path.open("rb"), 0, b""
    finally:
        handle.close()
    if rest:
        yield Block(*_Text(b"").block(rest, at + len(rest), first=False))


def _replaced(path: Path, handle: BinaryIO) -> bool:
    try:
        now, then = path.stat(), os.fstat(handle.fileno())
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino) or now.st_size < handle.tell()

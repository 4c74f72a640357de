"""Sources named on a command line: what there is to read, and its text in blocks of whole lines."""


from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from telemetry.errors import SourceError
from telemetry.sources.cutting import BLOCK, BOMS, Block, cut, make_block
from telemetry.sources.streams import compression, raw

PAUSE = 0.5
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".jar", ".whl", ".parquet", ".sqlite", ".db")


@dataclass(frozen=True, slots=True)
class Source:
    """A file or, with the path ``-``, standard input. ``mtime`` is in seconds since 1970."""

    path: str
    size: int = 0
    mtime: float = 0.0
    device: int = 0
    inode: int = 0


def expand(paths: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Return the files behind paths, folders and globs, and a sentence per file left out.

    Raises SourceError for a path that names nothing or cannot be read.
    """
    sources: list[Source] = []
    skips: list[str] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path == "-":
            sources.append(Source("-", mtime=time.time()))
            continue
        for name in _named(path):
            if Path(name).is_dir():
                _folder(name, sources, skips, seen)
            else:
                _add(name, sources, seen)
    return sources, skips


def _named(path: str) -> list[str]:
    expanded = str(Path(path).expanduser()) if path.startswith("~") else path
    if Path(expanded).exists():
        return [expanded]
    names = sorted(glob.glob(expanded, recursive=True)) if glob.has_magic(expanded) else []  # noqa: PTH207 - a pattern may be absolute
    if not names:
        what = "no file matches" if glob.has_magic(expanded) else "there is no such file or folder"
        raise SourceError(what, where=path, remedy="check the spelling, or run `ls` on the folder it should be in")
    return names


def _add(name: str, sources: list[Source], seen: set[tuple[int, int]]) -> None:
    try:
        about = Path(name).stat()
        if not os.access(name, os.R_OK):
            raise PermissionError(13, "permission denied")
    except OSError as failure:
        raise SourceError(f"cannot be read ({failure.strerror or failure})", where=name,
                          remedy="give yourself read permission or name another file") from failure
    identity = (about.st_dev, about.st_ino)
    if identity not in seen:
        seen.add(identity)
        sources.append(Source(name, about.st_size, about.st_mtime, about.st_dev, about.st_ino))


def _folder(root: str, sources: list[Source], skips: list[str], seen: set[tuple[int, int]]) -> None:
    """Walk a folder in name order; links to folders are followed once."""
    try:
        about = Path(root).stat()
        entries = sorted(Path(root).iterdir())
    except OSError as failure:
        skips.append(f"{root}: skipped, cannot be opened ({failure.strerror or failure})")
        return
    if (about.st_dev, about.st_ino) in seen:
        skips.append(f"{root}: skipped, this folder was already read")
        return
    seen.add((about.st_dev, about.st_ino))
    for entry in entries:
        if entry.is_dir():
            if entry.name.startswith("."):
                skips.append(f"{entry}: skipped, a hidden folder")
            else:
                _folder(str(entry), sources, skips, seen)
            continue
        reason = _unfit(entry)
        if reason:
            skips.append(f"{entry}: skipped, {reason}")
            continue
        _add(str(entry), sources, seen)


def _unfit(path: Path) -> str | None:
    """Say why a file found in a folder is no log, or None."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return "not a regular file"
        if path.name.endswith(_ARCHIVES):
            return "an archive or a database"
        first = head(Source(str(path)))
    except OSError as failure:
        return f"cannot be read ({failure.strerror or failure})"
    except SourceError as failure:
        return failure.what
    if not first:
        return "empty"
    return "a binary file" if _binary(first) else None


def _binary(first: bytes) -> bool:
    """Whether bytes are clearly no text: NULs or many control characters outside UTF-16."""
    if any(first.startswith(bom) for bom, _ in BOMS):
        return False
    odd = sum(first.count(bytes([c])) for c in range(32) if c not in {8, 9, 10, 12, 13, 27})
    if odd > len(first) * 0.1 or first.startswith((b"\x7fELF", b"MZ", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"%PDF")):
        return True
    text = first.decode("utf-8", "replace")
    return text.count("\ufffd") > len(text) * 0.3


def head(source: Source, n: int = 4096) -> bytes:
    """Return the first decompressed bytes of a file; empty for standard input."""
    if source.path == "-":
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
        stream = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as failure:
        raise SourceError(f"cannot be opened ({failure.strerror or failure})", where=path,
                          remedy="check that it exists and that you may read it") from failure
    with stream:
        yield stream


def blocks(source: Source, *, start: int = 0, size: int = BLOCK, stdin: BinaryIO | None = None) -> Iterator[Block]:
    """Yield the text from decompressed byte ``start`` on, in blocks of about ``size`` bytes.

    Raises SourceError where a file breaks off, after everything readable was yielded.
    """
    if source.path == "-":
        if stdin is None:
            raise SourceError("there is no standard input", where="-", remedy="pipe a log into the command")
        yield from cut(_piped(stdin), 0, size, b"")
        return
    first = head(source, 4)
    with _open(source.path) as stream:
        packed = compression(stream.read(8)) is not None
        stream.seek(0 if packed else start)
        chunks = _skip(raw(stream, source.path), start) if packed else _whole(stream, source.path)
        yield from cut(chunks, start, size, first)


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


def _piped(stdin: BinaryIO) -> Iterator[bytes]:
    """Read standard input as it comes, compressed or not."""
    return raw(stdin, "-")


def _skip(chunks: Iterator[bytes], start: int) -> Iterator[bytes]:
    left = start
    for chunk in chunks:
        if left >= len(chunk):
            left -= len(chunk)
            continue
        yield chunk[left:]
        left = 0


def follow(source: Source, start: int, stop: Callable[[], bool]) -> Iterator[Block]:
    """Yield what is appended to a plain file, as ``tail -F`` does, until ``stop`` says so.

    At least about twice a second: an empty block means that nothing came. After a rotation or truncation
    ``end`` counts from 0 again. A last line without newline is held back until it is whole or at the stop.
    """
    path, at = source.path, start
    stream: BinaryIO | None = None
    held = b""
    try:
        while True:
            stopping = stop()
            stream = stream or _reopen(path, at)
            fresh = stream.read(BLOCK) if stream else b""
            pending = held + (fresh or b"")
            end = len(pending) if stopping else pending.rfind(b"\n") + 1
            held = pending[end:]
            yield make_block(pending[:end], at, end, "utf-8")
            at += end
            if stopping:
                return
            if fresh:
                continue
            if stream and _replaced(stream, path, at + len(held)):
                if held:
                    yield make_block(held, at, len(held), "utf-8")
                stream.close()
                stream, at, held = None, 0, b""
                continue
            time.sleep(PAUSE)
    finally:
        if stream:
            stream.close()


def _reopen(path: str, at: int) -> BinaryIO | None:
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except OSError:
        return None
    if os.fstat(stream.fileno()).st_size < at:
        at = 0
    stream.seek(at)
    return stream


def _replaced(stream: BinaryIO, path: str, read: int) -> bool:
    """Whether the file was cut short, or another one stands in its place."""
    now = os.fstat(stream.fileno())
    if now.st_size < read:
        return True
    try:
        there = Path(path).stat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino)


__all__ = ["Block", "Source", "blocks", "expand", "follow", "head"]

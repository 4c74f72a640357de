"""Files that still grow: read on as they do, through rotation and truncation, as ``tail -F`` does."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from telemetry.errors import SourceError
from telemetry.sources.cutting import BLOCK, SAMPLE, UTF8, Block, Writing, line_end, make_block, writing_of
from telemetry.sources.files import PAUSE, Source
from telemetry.sources.streams import compression

_MEMORY = 256
"""Bytes before the place read last that must stay what they were; else the file was written anew."""


def follow(source: Source, start: int, stop: Callable[[], bool]) -> Iterator[tuple[Source, Block]]:
    """Yield what is appended to a plain file, each block with the file it comes from.

    At least about twice a second: an empty block means that nothing came. After a rotation or truncation the
    file that then stands under the name is a source of its own; the one before is read on for as long as it
    is the last one rotated, as its writers may not have noticed. A last line without newline is held back
    until it is whole, or at the stop. What was copied away before a truncation is read from the copy. Raises SourceError for a compressed file, which does not grow.
    """
    tails = [_Tail(source, start)]
    try:
        while True:
            stopping, came = stop(), False
            for tail in tails:
                for block in tail.read(final=stopping):
                    came = True
                    yield tail.source, block
            fresh = tails[-1].successor()
            if fresh:
                *older, newest = tails
                old = newest if newest.identity != fresh.identity else newest.copy()
                tails = [old, fresh] if old else [fresh]
                for gone in (*older, *([newest] if old is None else [])):
                    for block in gone.rest():
                        yield gone.source, block
                for gone in (*older, *([newest] if old is not newest else [])):
                    gone.stream.close()
                continue
            if stopping:
                return
            if not came:
                yield tails[-1].source, Block(b"", tails[-1].at)
                time.sleep(PAUSE)
    finally:
        for tail in tails:
            tail.stream.close()


class _Tail:
    """One file, open for as long as it is followed."""

    def __init__(self, source: Source, start: int, *, goes_on: Source | None = None) -> None:
        try:
            self.stream = Path(source.path).open("rb", buffering=0)  # noqa: SIM115 - open for as long as it is followed
        except OSError as failure:
            raise SourceError(f"cannot be opened ({failure.strerror or failure})", where=source.path,
                              remedy="check that it exists and that you may read it") from failure
        if compression(self._at(0, 8)):
            self.stream.close()
            raise SourceError("is compressed; such a file does not grow", where=source.path,
                              remedy="ingest it without --follow")
        about = os.fstat(self.stream.fileno())
        self.identity = (about.st_dev, about.st_ino)
        self.source = goes_on or Source(source.path, about.st_size, about.st_mtime, *self.identity)
        self.at = start if start <= about.st_size else 0
        self.stream.seek(self.at)
        self._held = b""
        self._last = self._at(max(0, self.at - _MEMORY), min(self.at, _MEMORY))
        self._anew = False

    def read(self, *, final: bool) -> Iterator[Block]:
        """Whole lines that were appended; when ``final`` also a last one without newline."""
        while fresh := self._fresh():
            pending = self._held + fresh
            end = line_end(pending, self._writing())
            self._held = pending[end:]
            if end:
                yield self._block(pending[:end])
        if final:
            yield from self.rest()

    def rest(self) -> Iterator[Block]:
        """A last line without newline, when the file is not read any more."""
        if self._held:
            data, self._held = self._held, b""
            yield self._block(data)

    def successor(self) -> _Tail | None:
        """The file that stands under the name now, if it is another one or was written anew."""
        try:
            there = Path(self.source.path).stat()
            same = (there.st_dev, there.st_ino) == self.identity
            if same and not self._anew and there.st_size >= self._place():
                return None
            return _Tail(self.source, 0)
        except (OSError, SourceError):
            return None  # nothing readable there yet: asked again after the next pause

    def copy(self) -> _Tail | None:
        """The copy that was made before the file was cut short: it goes on where this was left."""
        here = Path(self.source.path)
        for path in sorted(here.parent.glob(glob.escape(here.name) + "?*")):
            try:
                made = _Tail(Source(str(path)), self.at, goes_on=self.source)
            except (OSError, SourceError):
                continue
            if made.at == self.at and made.begins(self._held, self._last):
                return made
            made.stream.close()
        return None

    def begins(self, held: bytes, last: bytes) -> bool:
        """Whether the bytes up to the place read last are the same in the file this is a copy of."""
        end = self.at + len(held)
        return bool(last) and self._at(end - len(last), len(last)) == last

    def _fresh(self) -> bytes:
        place = self._place()
        found = self._at(place, BLOCK)
        if found and (self._anew or self._at(place - len(self._last), len(self._last)) != self._last):
            self._anew = True
            return b""
        self._last = (self._last + found)[-_MEMORY:]
        return found

    def _block(self, data: bytes) -> Block:
        made = make_block(data, self.at, len(data), self._writing())
        self.at += len(data)
        first = b"" if self._anew else self._at(0, SAMPLE)[: self.at]
        return Block(made.data, made.end, made.invalid, first)

    def _writing(self) -> Writing:
        first = self._at(0, SAMPLE)
        found = writing_of(first)
        return found if found.end == "\n" else UTF8

    def _place(self) -> int:
        return self.at + len(self._held)

    def _at(self, place: int, size: int) -> bytes:
        try:
            return os.pread(self.stream.fileno(), size, place)
        except OSError as failure:
            raise SourceError(f"cannot be read at byte {place} ({failure.strerror or failure})",
                              where=self.stream.name, remedy="check the disk or the mount and follow it again",
                              ) from failure


__all__ = ["follow"]

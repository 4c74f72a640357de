"""Which stored source a file is: its path, else its identity on disk, else its first bytes."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from telemetry.errors import SourceError
from telemetry.sources.files import Source, head
from telemetry.store.manifest import SourceRow

HEAD = 4096


class Fingerprint(TypedDict):
    head: str
    head_size: int


def fingerprint(start: bytes) -> Fingerprint:
    """Digest of a source's first bytes (at most 4 KiB)."""
    part = start[:HEAD]
    return {"head": hashlib.blake2b(part, digest_size=16).hexdigest(), "head_size": len(part)}


def known_as(source: Source, rows: Sequence[SourceRow]) -> SourceRow | None:
    """The row to resume, or None for a source never seen (or one that was truncated or replaced).

    The same path with the same beginning is the same source. A file under another name is too when it has
    the same beginning and the old name is gone or holds something else now: it was rotated or compressed.
    """
    if source.path == "-" or source.stream:
        return None
    start = head(source, HEAD)
    same = [r for r in rows if r.head_size and r.head_size <= len(start) and _begins(start, r)]
    here = [r for r in same if r.path == source.path and _reaches(source, r)]
    if here:
        return here[-1]
    for row in reversed(same):
        if row.path != source.path and _reaches(source, row) and _moved(row):
            return SourceRow(row.id, source.path, source.device, source.inode, row.head, row.head_size,
                             row.offset, row.lines, row.state, row.tail)
    return None


def _begins(start: bytes, row: SourceRow) -> bool:
    return hashlib.blake2b(start[: row.head_size], digest_size=16).hexdigest() == row.head


def _reaches(source: Source, row: SourceRow) -> bool:
    """Whether the file is at least as long as what was read of it; unknown for compressed ones."""
    compressed = source.path.endswith((".gz", ".xz", ".zst", ".bz2"))
    return compressed or source.size >= row.offset


def _moved(row: SourceRow) -> bool:
    path = Path(row.path)
    try:
        if row.path == "-" or not path.is_file():
            return row.path != "-"
        return not _begins(head(Source(row.path), row.head_size), row)
    except (OSError, SourceError):
        return False  # it may be there still


def left_behind(source: Source, rows: Sequence[SourceRow]) -> list[Source]:
    """Files beside ``source`` that hold what stood under its name when it was read last: it was rotated."""
    here = Path(source.path)
    found = []
    for path in sorted(here.parent.glob(glob.escape(here.name) + "?*")):
        with suppress(OSError, SourceError):
            about = path.stat()
            other = Source(str(path), about.st_size, about.st_mtime, about.st_dev, about.st_ino)
            row = known_as(other, rows) if path.is_file() else None
            before = next((r for r in rows if row and r.id == row.id), None)
            if before and before.path == source.path:
                found.append(other)
    return found

"""One request's records as one line of an inbox file: a checksum, a blank, JSON.

A line whose checksum is wrong was not written whole, so it was never acknowledged.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = list[Any]
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one request, their secrets masked. ``digest`` tells a request that was sent again, "" when none can."""

    digest: str = ""
    lines: tuple[str, ...] = ()
    """Log records, a JSON object each."""
    spans: tuple[Row, ...] = ()
    """As :func:`telemetry.store.frames.row_of` writes them; ``points`` the same."""
    points: tuple[Row, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.spans or self.points)


def written(batch: Batch) -> bytes:
    """The batch as one line."""
    parts = {"digest": batch.digest, "lines": batch.lines, "spans": batch.spans, "points": batch.points}
    text = _encode({name: value for name, value in parts.items() if value}).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def batch_of(line: bytes) -> Batch | None:
    """The batch in a line; None when it is damaged."""
    text = line[9:].rstrip(b"\n")
    if line[:9] != b"%08x " % zlib.crc32(text):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return Batch(found.get("digest", ""), *(tuple(found.get(name, ())) for name in ("lines", "spans", "points")))


def read(path: Path) -> Iterator[Batch | None]:
    """The batches of a file in order, None for a damaged line."""
    with path.open("rb") as stream:
        for line in stream:
            yield batch_of(line)


def sound_end(path: Path) -> int:
    """Bytes up to the end of the last whole line of a file: what follows was being written when its writer died."""
    end = place = 0
    with path.open("rb") as stream:
        for line in stream:
            place += len(line)
            if line.endswith(b"\n") and batch_of(line) is not None:
                end = place
    return end

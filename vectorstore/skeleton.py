"""Skeletons: a line with every run of digits and every hex token written as one character.

Real logs repeat: 222,580 HDFS lines have 70 skeletons. Whatever is costly (header, masks, mining) is
done once per distinct skeleton and carried over to all its lines by arithmetic on run lengths.

``0`` stands for a maximal run of ASCII digits, ``\\x02`` for a hex token ([0-9a-fA-F]{8,} with a digit
and a letter, no letter or digit beside it, or what stands behind ``0x``), ``\\x03`` for a UUID; see
:mod:`vectorstore.runs`. Text is bytes, or str decoded as latin-1, so that a character index is a byte offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.texts import Texts
from vectorstore.runs import Runs, find_runs, runs, skeleton

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Octets = NDArray[np.uint8]

_PIECE = 512 << 10


@dataclass(frozen=True, slots=True)
class Lines:
    """A block cut into lines. All offsets are bytes into ``data``.

    ``extra[r]`` is how many bytes the runs before run ``r`` (block-wide) lose in the skeleton, so the
    skeleton position ``p`` that has ``k`` runs of its line before it lies at
    ``starts + p + extra[first_run + k] - extra[first_run]``.
    """

    data: bytes
    starts: Ints
    ends: Ints
    first_run: Ints
    extra: Ints
    ascii: bool
    wide: bool = False
    """Whether the runs are those of ``wide`` skeletons."""

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, row: int) -> bytes:
        """The text of one line."""
        return self.data[int(self.starts[row]) : int(self.ends[row])]

    def texts(self, rows: Ints) -> Texts:
        """The texts of some lines."""
        return Texts(self.data, self.starts[rows], self.ends[rows] - self.starts[rows])

    def replaced(self, changed: Mapping[int, bytes]) -> Lines:
        """The same block with other texts for some lines; the runs of all others are known already."""
        import numpy as np

        lost, counts = np.diff(self.extra), np.diff(self.first_run, append=len(self.extra) - 1)
        sizes = self.ends - self.starts
        parts, at, texts, done = [], 0, [], 0
        for row, text in sorted(changed.items()):
            mine = [end - start - 1 for start, end in runs(text.decode("latin-1"), wide=self.wide)]
            parts += [lost[at : self.first_run[row]], np.array(mine, dtype=np.int64)]
            at = self.first_run[row] + counts[row]
            texts += [self.data[done : int(self.starts[row])], text]
            done = int(self.ends[row])
            counts[row], sizes[row] = len(mine), len(text)
        extra = np.concatenate(([0], *parts, lost[at:]))
        data = b"".join([*texts, self.data[done:]])
        ends = np.cumsum(sizes + 1) - 1
        return Lines(data, np.append(0, ends[:-1] + 1), ends, np.cumsum(counts) - counts, np.cumsum(extra), data.isascii(),
                     self.wide)

    def cut(self, rows: Ints, low: tuple[Ints, Ints], high: tuple[Ints, Ints]) -> Texts:
        """Cut what lies between two places of each row: skeleton positions, and runs of the line before them.

        Null where such a place is inside a character. Places take 32 bits: there are many, and blocks are small.
        """
        import numpy as np

        first = self.first_run[rows]
        lead = self.extra[first]
        start = low[0] + self.extra[first + low[1]] - lead
        length = high[0] + self.extra[first + high[1]] - lead - start
        found = Texts(self.data, (start + self.starts[rows]).astype(np.int32), length.astype(np.int32))
        return found if self.ascii else found.whole()


def split_lines(data: bytes, *, wide: bool = False) -> tuple[Lines, list[bytes]]:
    """Cut ``data`` (whole lines, the last one possibly without newline) and find every line's skeleton."""
    import numpy as np

    if data and not data.endswith(b"\n"):
        data += b"\n"
    octets = np.frombuffer(data, dtype=np.uint8)
    stops = np.flatnonzero(octets == 10)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), stops[:-1] + 1)) if len(stops) else stops
    run_starts, run_ends, bones = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], []
    for first, last in _pieces(data):
        piece = octets[first:last]
        found = find_runs(piece, wide=wide)
        bones.append(_collapse(piece, found))
        run_starts.append(found.starts + first)
        run_ends.append(found.ends + first)
    all_starts = np.concatenate(run_starts)
    extra = np.zeros(len(all_starts) + 1, dtype=np.int64)
    np.cumsum(np.concatenate(run_ends) - all_starts - 1, out=extra[1:])
    skeletons = b"".join(bones).split(b"\n")
    skeletons.pop()
    lines = Lines(data, starts, stops, np.searchsorted(all_starts, starts), extra, data.isascii(), wide)
    return lines, skeletons


def _pieces(data: bytes) -> Iterator[tuple[int, int]]:
    """Parts of whole lines, small enough for the processor's cache."""
    at = 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + _PIECE) + 1 or data.find(b"\n", at) + 1
        yield at, end
        at = end


def _collapse(octets: Octets, found: Runs) -> bytes:
    """Write each run as its code: drop all octets of a run but the first."""
    import numpy as np

    if not len(octets):
        return b""
    changed = octets.copy()
    changed[found.starts] = found.codes
    keep = np.ones(len(octets), dtype=bool)
    np.logical_not(found.inside[1:] & found.inside[:-1], out=keep[1:])
    return bytes(changed[keep].tobytes())


__all__ = ["Lines", "runs", "skeleton", "split_lines"]

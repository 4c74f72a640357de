"""Skeletons: a line with every run of digits and every hex token written as one character.

Real logs repeat: 222,580 HDFS lines have 70 skeletons. Whatever is costly (header, masks, mining) is
done once per distinct skeleton and carried over to all its lines by arithmetic on run lengths.

``0`` stands for a maximal run of ASCII digits, ``\\x02`` for a hex token ([0-9a-fA-F]{8,} with a digit
and a letter, no letter or digit beside it, or what stands behind ``0x``), ``\\x03`` for a UUID; see
:mod:`vectorstore.runs`. Text is bytes, or str decoded as latin-1, so that a character index is a byte offset.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from telemetry.native import address, library, long, table
from telemetry.texts import NULL, Texts
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

    def cut(self, rows: Ints, which: Ints, spans: Ints) -> Texts:
        """Cut one variable out of each row: row ``spans[which[i]]`` says where, as skeleton position and runs of
        the line before it, of its start and of its end; below zero where there is none.

        Null there, and where such a place is inside a character. Places take 32 bits: there are many, and blocks
        are small.
        """
        import numpy as np

        compiled = library(__file__)
        if not compiled:
            return self._cut(rows, which, spans)
        starts, lengths = np.empty(len(rows), dtype=np.int32), np.empty(len(rows), dtype=np.int32)
        rows, which = np.ascontiguousarray(rows), np.ascontiguousarray(which)
        compiled.cut(
            self.data, long(len(self.data)), int(self.ascii), address(self.starts), address(self.first_run),
            address(self.extra), address(rows), address(which), long(len(rows)), address(spans),
            long(spans.strides[0] // spans.itemsize), address(starts), address(lengths),
        )
        return Texts(self.data, starts, lengths)

    def _cut(self, rows: Ints, which: Ints, spans: Ints) -> Texts:
        """With numpy: the specification."""
        import numpy as np

        there = np.flatnonzero(spans[which, 0] >= 0)
        starts, lengths = np.zeros(len(rows), dtype=np.int32), np.full(len(rows), NULL, dtype=np.int32)
        low, before, high, after = spans[which[there]].T
        first = self.first_run[rows[there]]
        lead = self.extra[first]
        begin = low + self.extra[first + before] - lead
        lengths[there] = high + self.extra[first + after] - lead - begin
        starts[there] = begin + self.starts[rows[there]]
        found = Texts(self.data, starts, lengths)
        return found if self.ascii else found.whole()


@dataclass(frozen=True, slots=True)
class Skeletons:
    """The distinct skeletons of a block, in the order of their first lines."""

    texts: list[bytes]
    which: Ints
    """Each line's place among them."""
    firsts: Ints
    """The first line of each."""


def split_lines(data: bytes, *, wide: bool = False) -> tuple[Lines, Skeletons]:
    """Cut ``data`` (whole lines, the last one possibly without newline) and find every line's skeleton."""
    if data and not data.endswith(b"\n"):
        data += b"\n"
    compiled = library(__file__)
    return _scanned(compiled, data, wide=wide) if compiled and data else _split(data, wide=wide)


def _scanned(compiled: ctypes.CDLL, data: bytes, *, wide: bool) -> tuple[Lines, Skeletons]:
    """In one pass of compiled code (``skeleton.c``)."""
    import numpy as np

    count, size = data.count(b"\n"), len(data)
    starts, ends, first_run, which, firsts, bounds = (np.empty(count + 1, dtype=np.int64) for _ in range(6))
    for most_runs, most_bones in ((size // 6 + 64, size // 4 + 64), (size, size)):  # mostly the first will do
        extra, bones = np.empty(most_runs + 1, dtype=np.int64), np.empty(most_bones, dtype=np.uint8)
        slots, bits = table(count)
        known = compiled.scan(
            data, long(size), int(wide), long(count), address(starts), address(ends), address(first_run), address(which),
            address(extra), long(most_runs), address(firsts), address(bounds), address(bones), long(most_bones),
            address(slots), bits,
        )
        if known >= 0:
            break
    texts = bytes(bones[: bounds[known]].data)
    edges = bounds[: known + 1].tolist()
    runs_found = int(first_run[count])
    lines = Lines(data, starts[:count], ends[:count], first_run[:count], extra[: runs_found + 1].copy(), data.isascii(), wide)
    distinct = [texts[low:high] for low, high in pairwise(edges)]
    return lines, Skeletons(distinct, which[:count], firsts[:known])


def _split(data: bytes, *, wide: bool) -> tuple[Lines, Skeletons]:
    """With numpy: the specification."""
    import numpy as np

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
    places: dict[bytes, int] = {}
    which = np.fromiter((places.setdefault(bones, len(places)) for bones in skeletons), dtype=np.int64, count=len(lines))
    firsts = np.full(len(places), -1, dtype=np.int64)
    firsts[which[::-1]] = np.arange(len(which) - 1, -1, -1)
    return lines, Skeletons(list(places), which, firsts)


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


__all__ = ["Lines", "Skeletons", "runs", "skeleton", "split_lines"]

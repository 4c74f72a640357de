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
from typing import TYPE_CHECKING, Any

from telemetry.native import Cutter, kernel
from telemetry.texts import NULL, Texts
from vectorstore.runs import Runs, find_runs, runs, skeleton

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.signedinteger[Any]]
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
    extra: NDArray[np.int32]
    ascii: bool
    wide: bool = False
    """Whether the runs are those of ``wide`` skeletons."""

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, row: int) -> bytes:
        """The text of one line."""
        return self.data[int(self.starts[row]) : int(self.ends[row])]

    def texts(self, rows: Ints, *, ended: bool = False) -> Texts:
        """The texts of some lines; with their newlines when ``ended``."""
        return Texts(self.data, self.starts[rows], self.ends[rows] - self.starts[rows] + ended)

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
        extra = _sums(np.concatenate((*parts, lost[at:])))
        data = b"".join([*texts, self.data[done:]])
        ends = np.cumsum(sizes + 1) - 1
        return Lines(data, np.append(0, ends[:-1] + 1), ends, np.cumsum(counts) - counts, extra, data.isascii(),
                     self.wide)

    def cut(self, rows: Ints, which: Ints, spans: Ints) -> Texts:
        """Cut what lies between two places of each row: skeleton positions, and runs of the line before them.

        ``spans`` has (position, runs, position, runs) in a row per plan, below zero where there is none; row ``r``
        has the plan ``which[r]``. Null where there is no span, and where a place is inside a character. Places
        take 32 bits: there are many, and blocks are small.
        """
        native = kernel()
        found = native.cut(self.cutter(), rows, which, spans) if native else None
        return Texts(self.data, *found) if found else self._cut(rows, which, spans)

    def cutter(self) -> Cutter:
        """The block as the kernel takes it."""
        return Cutter(self.data, self.starts, self.first_run, self.extra, whole=not self.ascii)

    def _cut(self, rows: Ints, which: Ints, spans: Ints) -> Texts:
        """The same as ``cut`` without the kernel."""
        import numpy as np

        low, before, high, after = spans.T[:, which]
        there = low >= 0
        first = self.first_run[rows]
        lead = self.extra[first]
        start = low + self.extra[first + np.where(there, before, 0)] - lead + self.starts[rows]
        length = high + self.extra[first + np.where(there, after, 0)] - lead + self.starts[rows] - start
        start, length = np.where(there, start, 0), np.where(there, length, NULL)
        found = Texts(self.data, start.astype(np.int32), length.astype(np.int32))
        return found if self.ascii else found.whole()


@dataclass(frozen=True, slots=True)
class Skeletons:
    """The skeletons of a block's lines: ``distinct`` ones in the order of their ``first`` lines, and which each line has."""

    distinct: list[bytes]
    first: Ints
    which: Ints

    def values(self) -> list[bytes]:
        """The skeleton of every line."""
        return [self.distinct[number] for number in self.which.tolist()]


def split_lines(data: bytes, *, wide: bool = False) -> tuple[Lines, Skeletons]:
    """Cut ``data`` (whole lines, the last one possibly without newline) and find every line's skeleton."""
    if data and not data.endswith(b"\n"):
        data += b"\n"
    native = kernel()
    found = native.scan(data, wide=wide) if native else None
    if found is None:
        return _split_lines(data, wide=wide)
    lines = Lines(data, found.starts, found.ends, found.first_run, found.extra, data.isascii(), wide)
    return lines, Skeletons(found.skeletons, found.first, found.ids)


def _split_lines(data: bytes, *, wide: bool) -> tuple[Lines, Skeletons]:
    """The same without the kernel."""
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
    lost = np.concatenate(run_ends) - all_starts - 1
    lines = Lines(data, starts, stops, np.searchsorted(all_starts, starts), _sums(lost), data.isascii(), wide)
    skeletons = b"".join(bones).split(b"\n")
    skeletons.pop()
    place: dict[bytes, int] = {}
    which = np.fromiter([place.setdefault(one, len(place)) for one in skeletons], dtype=np.int64, count=len(skeletons))
    return lines, Skeletons(list(place), firsts(which, len(place)), which)


def _sums(lost: Ints) -> NDArray[np.int32]:
    """What the runs before each one lose in all."""
    import numpy as np

    extra = np.zeros(len(lost) + 1, dtype=np.int32)
    np.cumsum(lost, out=extra[1:])
    return extra


def firsts(numbers: Ints, size: int) -> Ints:
    """Where each number first stands, -1 where nowhere."""
    import numpy as np

    first = np.full(size, -1, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    return first


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


__all__ = ["Lines", "Skeletons", "firsts", "runs", "skeleton", "split_lines"]

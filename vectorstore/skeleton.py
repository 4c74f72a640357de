"""Skeletons: a line with every run of digits and every hex token written as one character.

Real logs repeat: 222,580 HDFS lines have 70 skeletons. Whatever is costly (header, masks, mining) is
done once per distinct skeleton and carried over to all its lines by arithmetic on run lengths.

``0`` stands for a maximal run of ASCII digits, ``\\x02`` for a hex token ([0-9a-fA-F]{8,} with a digit
and a letter, no letter or digit beside it), ``\\x03`` for a UUID. Text is bytes, or str decoded as
latin-1, so that a character index is a byte offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.texts import Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Octets = NDArray[np.uint8]

_RUN = re.compile(
    r"(?P<uuid>(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z]))"
    r"|(?P<hex>(?<![0-9A-Za-z])(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{8,}(?![0-9A-Za-z]))"
    r"|[0-9]+"
)
_PIECE = 2 << 20
_DASH = ord("-")
_CODES = {"uuid": "\x03", "hex": "\x02", None: "0"}


def skeleton(text: str) -> str:
    """Return the skeleton of one latin-1 text; the scalar twin of :func:`split_lines`."""
    return _RUN.sub(lambda m: _CODES[m.lastgroup], text)


def runs(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) spans that :func:`skeleton` collapses, in order."""
    return [m.span() for m in _RUN.finditer(text)]


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

        lines = self.data.split(b"\n")
        lost, counts = np.diff(self.extra), np.diff(self.first_run, append=len(self.extra) - 1)
        parts, at = [], 0
        for row, text in sorted(changed.items()):
            lines[row] = text
            mine = [end - start - 1 for start, end in runs(text.decode("latin-1"))]
            parts += [lost[at : self.first_run[row]], np.array(mine, dtype=np.int64)]
            at = self.first_run[row] + counts[row]
            counts[row] = len(mine)
        extra = np.concatenate(([0], *parts, lost[at:]))
        data = b"\n".join(lines)
        ends = np.cumsum(np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))[:-1] + 1) - 1
        return Lines(data, np.append(0, ends[:-1] + 1), ends, np.cumsum(counts) - counts, np.cumsum(extra), data.isascii())

    def cut(self, rows: Ints, low: tuple[Ints, Ints], high: tuple[Ints, Ints]) -> Texts:
        """Cut what lies between two places of each row: skeleton positions, and runs of the line before them.

        Null where such a place is inside a character.
        """
        first = self.first_run[rows]
        lead = self.extra[first]
        start = low[0] + self.extra[first + low[1]] - lead
        length = high[0] + self.extra[first + high[1]] - lead - start
        found = Texts(self.data, start + self.starts[rows], length)
        return found if self.ascii else found.whole()


def split_lines(data: bytes) -> tuple[Lines, list[bytes]]:
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
        begins, ends, codes = _find_runs(piece)
        bones.append(_collapse(piece, begins, ends, codes))
        run_starts.append(begins + first)
        run_ends.append(ends + first)
    all_starts = np.concatenate(run_starts)
    extra = np.zeros(len(all_starts) + 1, dtype=np.int64)
    np.cumsum(np.concatenate(run_ends) - all_starts - 1, out=extra[1:])
    skeletons = b"".join(bones).split(b"\n")
    skeletons.pop()
    lines = Lines(data, starts, stops, np.searchsorted(all_starts, starts), extra, data.isascii())
    return lines, skeletons


def _pieces(data: bytes) -> Iterator[tuple[int, int]]:
    """Parts of whole lines, small enough for the processor's cache."""
    at = 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + _PIECE) + 1 or data.find(b"\n", at) + 1
        yield at, end
        at = end


def _find_runs(octets: Octets) -> tuple[Ints, Ints, Octets]:
    import numpy as np

    digit = (octets - np.uint8(48)) < 10
    starts, ends = _edges(digit)
    codes = np.full(len(starts), ord("0"), dtype=np.uint8)
    hex_starts, hex_ends, hex_codes = _hex_runs(octets, digit)
    if not len(hex_starts):
        return starts, ends, codes
    owner = np.searchsorted(hex_starts, starts, side="right") - 1
    outside = (owner < 0) | (starts >= hex_ends[np.maximum(owner, 0)])
    starts = np.concatenate((starts[outside], hex_starts))
    order = np.argsort(starts, kind="stable")
    ends = np.concatenate((ends[outside], hex_ends))
    codes = np.concatenate((codes[outside], hex_codes))
    return starts[order], ends[order], codes[order]


def _edges(flags: Flags) -> tuple[Ints, Ints]:
    import numpy as np

    change = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    if len(flags) and flags[0]:
        change = np.concatenate((np.zeros(1, dtype=np.int64), change))
    if len(change) % 2:
        change = np.concatenate((change, np.full(1, len(flags), dtype=np.int64)))
    return change[::2], change[1::2]


def _hex_runs(octets: Octets, digit: Flags) -> tuple[Ints, Ints, Octets]:
    """Find UUIDs and hex tokens; both are rare, so candidates come from cheap whole-block tests."""
    import numpy as np

    letter = ((octets | np.uint8(32)) - np.uint8(97)) < 6
    hexa = digit | letter
    uuid_starts = _uuids(octets, hexa)
    starts, ends = _hex_tokens(octets, hexa, letter, digit)
    if len(uuid_starts) and len(starts):
        owner = np.searchsorted(uuid_starts, starts, side="right") - 1
        outside = (owner < 0) | (starts >= uuid_starts[np.maximum(owner, 0)] + 36)
        starts, ends = starts[outside], ends[outside]
    codes = np.repeat(np.array([3, 2], dtype=np.uint8), [len(uuid_starts), len(starts)])
    all_starts = np.concatenate((uuid_starts, starts))
    order = np.argsort(all_starts, kind="stable")
    return all_starts[order], np.concatenate((uuid_starts + 36, ends))[order], codes[order]


def _hex_tokens(octets: Octets, hexa: Flags, letter: Flags, digit: Flags) -> tuple[Ints, Ints]:
    """Runs of at least eight hex characters, alone, with a digit and a letter."""
    import numpy as np

    if len(octets) < 8:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    pairs = hexa[1:] & hexa[:-1]
    fours = pairs[2:] & pairs[:-2]
    starts, lasts = _edges(fours[4:] & fours[:-4])
    ends = lasts + 7
    for kind in (letter, digit):
        if not len(starts):
            break
        bounds = np.stack((starts, ends), axis=1).ravel()
        padded = np.append(kind, False)
        has = np.logical_or.reduceat(padded, bounds)[::2]
        starts, ends = starts[has], ends[has]
    alone = ~(_is_word(octets, starts - 1) | _is_word(octets, ends))
    return starts[alone], ends[alone]


def _is_word(octets: Octets, at: Ints) -> Flags:
    """Whether an ASCII letter or digit stands at each offset; outside the block there is none."""
    import numpy as np

    if not len(at):
        return np.zeros(0, dtype=bool)
    there = octets[np.clip(at, 0, len(octets) - 1)]
    word = ((there - np.uint8(48)) < 10) | (((there | np.uint8(32)) - np.uint8(97)) < 26)
    flags: Flags = word & (at >= 0) & (at < len(octets))
    return flags


def _uuids(octets: Octets, hexa: Flags) -> Ints:
    import numpy as np

    starts = np.flatnonzero(octets == _DASH) - 8
    starts = starts[(starts >= 0) & (starts + 36 <= len(octets))]
    for place in (13, 18, 23):
        starts = starts[octets[starts + place] == _DASH]
    if not len(starts):
        return starts
    inside = np.array([i for i in range(36) if i not in {8, 13, 18, 23}])
    good = hexa[starts[:, None] + inside].all(axis=1)
    good &= ~(_is_word(octets, starts - 1) | _is_word(octets, starts + 36))
    kept: Ints = starts[good]
    return kept


def _collapse(octets: Octets, starts: Ints, ends: Ints, codes: Octets) -> bytes:
    import numpy as np

    if not len(octets):
        return b""
    changed = octets.copy()
    changed[starts] = codes
    if not (codes != ord("0")).any():
        digit = (octets - np.uint8(48)) < 10
        first: Flags = ~np.concatenate((np.zeros(1, dtype=bool), digit[1:] & digit[:-1]))
        return bytes(changed[first].tobytes())
    step = np.zeros(len(octets) + 1, dtype=np.int8)
    step[starts + 1] = 1
    step[ends] -= 1  # a run of one character opens and closes at the same place
    inside = np.cumsum(step[:-1], dtype=np.int8)
    return bytes(changed[inside == 0].tobytes())

"""Runs: the parts of a line that its skeleton writes as one character, found for one text or a whole block.

Whatever is no run stays in the skeleton as it is, so lines that carry random words have ever-new skeletons.
A source that shows it is therefore read ``wide``: there every word of letters and digits mixed is a run,
unless the letters can be a unit, the T of a time or the name before a number (``250ms``, ``node7``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.native import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Octets = NDArray[np.uint8]
    Found = tuple[Ints, Ints]

DIGITS, HEX, UUID = ord("0"), 2, 3
"""How a skeleton writes a run of digits, a hex token and a UUID."""
_LEFT, _RIGHT = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_UUID = rf"(?P<uuid>{_LEFT}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_RIGHT})"
_MAC = r"(?P<mac>(?<![0-9A-Za-z:])[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}(?![0-9A-Za-z:]))"
_TOKEN = rf"{_LEFT}(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{{8,}}{_RIGHT}"
_MIXED = (
    rf"{_LEFT}(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])(?![0-9]+(?:[A-Za-z]|(?=[A-Za-z]*[g-zG-Z])[A-Za-z]{{2,3}}){_RIGHT})"
    rf"(?![0-9]+T[0-9]+Z?{_RIGHT})"
    rf"(?!(?=[A-Za-z]*[g-zG-Z])[A-Za-z]+[0-9]+{_RIGHT})(?!0[xX][0-9a-fA-F]+{_RIGHT})[0-9A-Za-z]{{4,}}{_RIGHT}"
)
_AFTER_X = rf"(?<=0[xX])(?<![0-9A-Za-z]0[xX])[0-9a-fA-F]+{_RIGHT}"
_RUN = re.compile(rf"(?=[0-9a-fA-F])(?:{_UUID}|{_MAC}|(?P<hex>{_TOKEN}|{_AFTER_X})|[0-9]+)")
_WIDE_RUN = re.compile(rf"(?=[0-9A-Za-z])(?:{_UUID}|{_MAC}|(?P<hex>{_TOKEN}|{_MIXED}|{_AFTER_X})|[0-9]+)")
_CODES = {"uuid": "\x03", "mac": "0:0:0:0:0:0", "hex": "\x02", None: "0"}
_LEAST = 4
"""Characters of the shortest mixed word."""


def skeleton(text: str, *, wide: bool = False) -> str:
    """Return the skeleton of one latin-1 text; the scalar twin of :func:`find_runs`."""
    return (_WIDE_RUN if wide else _RUN).sub(lambda m: _CODES[m.lastgroup], text)


def runs(text: str, *, wide: bool = False) -> list[tuple[int, int]]:
    """Return the (start, end) spans that :func:`skeleton` collapses, in order."""
    return scan(text, wide=wide)[0]


def scan(text: str, *, wide: bool = False) -> tuple[list[tuple[int, int]], str]:
    """Return what :func:`runs` and :func:`skeleton` return, looked for once."""
    native = kernel()
    found = native.runs(text.encode("latin-1"), wide=wide) if native else None
    if found is None:
        return _scan(text, wide=wide)
    places, lost, bones = found
    return [(at + low, at + high + 1) for at, low, high in zip(places, lost, lost[1:], strict=False)], bones.decode("latin-1")


def _scan(text: str, *, wide: bool) -> tuple[list[tuple[int, int]], str]:
    """The same without the kernel."""
    spans: list[tuple[int, int]] = []
    bones: list[str] = []
    at = 0
    for match in (_WIDE_RUN if wide else _RUN).finditer(text):
        start, end = match.span()
        kind = match.lastgroup
        if kind == "mac":
            spans += [(pair, pair + 2) for pair in range(start, end, 3)]
        else:
            spans.append((start, end))
        bones += (text[at:start], _CODES[kind])
        at = end
    bones.append(text[at:])
    return spans, "".join(bones)


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a block in order, with what a skeleton writes for each; ``inside`` marks all their octets.

    No two runs touch, so a run is where ``inside`` changes.
    """

    starts: Ints
    ends: Ints
    codes: Octets
    inside: Flags


def find_runs(octets: Octets, *, wide: bool = False) -> Runs:
    """Find the runs of a block of whole lines."""
    import numpy as np

    digit = (octets - np.uint8(48)) < 10
    letter = ((octets | np.uint8(32)) - np.uint8(97)) < 6
    hexa = digit | letter
    special = [(_after_x(octets, hexa), HEX)]
    if wide:
        special.append((_mixed(octets, digit), HEX))
    special.append((_hex_tokens(octets, hexa, letter, digit), HEX))
    special.append((_mac_pairs(octets, hexa), DIGITS))
    special.append((_uuids(octets, hexa), UUID))
    special = [(found, code) for found, code in special if len(found[0])]
    inside = digit | _painted([found for found, _ in special], len(octets)) if special else digit
    starts, ends = edges(inside)
    codes = np.full(len(starts), DIGITS, dtype=np.uint8)
    for (begins, _), code in special:  # a later one may hold an earlier one, which then begins no run or the same
        places = np.searchsorted(starts, begins)
        same = starts[np.minimum(places, len(starts) - 1)] == begins
        codes[places[same]] = code
    return Runs(starts, ends, codes, inside)


def _painted(spans: list[Found], size: int) -> Flags:
    """The octets that lie in any of the spans."""
    import numpy as np

    step = np.zeros(size + 1, dtype=np.int8)
    for starts, ends in spans:
        step[starts] += 1
        step[ends] -= 1
    flags: Flags = np.cumsum(step[:-1], dtype=np.int8) > 0
    return flags


def edges(flags: Flags) -> Found:
    """Return where stretches of true flags begin and end."""
    import numpy as np

    change = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    if len(flags) and flags[0]:
        change = np.concatenate((np.zeros(1, dtype=np.int64), change))
    if len(change) % 2:
        change = np.concatenate((change, np.full(1, len(flags), dtype=np.int64)))
    return change[::2], change[1::2]


def _after_x(octets: Octets, hexa: Flags) -> Found:
    """The digits behind ``0x``."""
    import numpy as np

    behind_zero = (octets[:-1] == DIGITS) & ((octets[1:] | np.uint8(32)) == ord("x"))
    behind_zero[:-1] &= hexa[2:]
    places = np.flatnonzero(behind_zero[:-1]) + 1
    starts = places[~_is_word(octets, places - 2)] + 1
    ends = starts.copy()
    going = np.arange(len(starts))
    while len(going):
        ends[going] += 1
        going = going[(ends[going] < len(octets)) & hexa[np.minimum(ends[going], len(octets) - 1)]]
    alone = ~_is_word(octets, ends)
    return starts[alone], ends[alone]


def _hex_tokens(octets: Octets, hexa: Flags, letter: Flags, digit: Flags) -> Found:
    """Runs of at least eight hex characters, alone, with a digit and a letter."""
    import numpy as np

    if len(octets) < 8:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    pairs = hexa[1:] & hexa[:-1]
    fours = pairs[2:] & pairs[:-2]
    starts, lasts = edges(fours[4:] & fours[:-4])
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


def _mixed(octets: Octets, digit: Flags) -> Found:
    """Words of digits and letters mixed, as the module says."""
    import numpy as np

    lower = (octets | np.uint8(32)) - np.uint8(97)
    word = digit | (lower < 26)
    starts, ends = edges(word)
    if not len(starts):
        return starts, ends

    def count(flags: Flags) -> Ints:
        total = np.zeros(len(flags) + 1, dtype=np.int32)
        np.cumsum(flags, out=total[1:])
        return total[ends] - total[starts]

    size = ends - starts
    digits = count(digit)
    keep = (size >= _LEAST) & (digits > 0) & (digits < size)
    starts, ends, digits = starts[keep], ends[keep], digits[keep]
    letters = ends - starts - digits
    changes = np.zeros(len(octets), dtype=bool)
    changes[1:] = (digit[1:] != digit[:-1]) & word[1:] & word[:-1]
    parts = count(changes) + 1
    beyond_hex = count((lower >= 6) & (lower < 26))
    begins = digit[starts]
    zed = (octets[ends - 1] == ord("Z")) & begins
    unit = begins & (parts == 2) & ((letters == 1) | ((letters <= 3) & (beyond_hex > 0)))
    stamp = begins & (count(octets == ord("T")) == 1) & (letters == 1 + zed) & (parts == 3 + zed)
    named = ~begins & (parts == 2) & (beyond_hex > 0)
    after_x = (octets[starts] == DIGITS) & ((octets[starts + 1] | np.uint8(32)) == ord("x")) & (beyond_hex == 1)
    good = ~(unit | stamp | named | after_x)
    return starts[good], ends[good]


def _is_word(octets: Octets, at: Ints) -> Flags:
    """Whether an ASCII letter or digit stands at each offset; outside the block there is none."""
    import numpy as np

    if not len(at):
        return np.zeros(0, dtype=bool)
    there = octets[np.clip(at, 0, len(octets) - 1)]
    word = ((there - np.uint8(48)) < 10) | (((there | np.uint8(32)) - np.uint8(97)) < 26)
    flags: Flags = word & (at >= 0) & (at < len(octets))
    return flags


def _spaced(octets: Octets, mark: int, first: int, others: tuple[int, ...], size: int) -> Ints:
    """Starts of stretches of ``size`` that have ``mark`` at place ``first`` and at the ``others``."""
    import numpy as np

    marks = octets == mark
    count = max(0, len(octets) - others[-1])
    found = marks[first : first + count].copy()
    for place in others:
        found &= marks[place : place + count]
    starts: Ints = np.flatnonzero(found)
    return starts[starts + size <= len(octets)]


def _alone(octets: Octets, hexa: Flags, starts: Ints, size: int, marks: tuple[int, ...]) -> Ints:
    """Those starts whose stretch is hex but for its marks, with no letter or digit beside it."""
    import numpy as np

    if not len(starts):
        return starts
    inside = np.array([place for place in range(size) if place not in marks])
    good = hexa[starts[:, None] + inside].all(axis=1)
    good &= ~(_is_word(octets, starts - 1) | _is_word(octets, starts + size))
    kept: Ints = starts[good]
    return kept


def _mac_pairs(octets: Octets, hexa: Flags) -> Found:
    """The six pairs of each MAC address."""
    import numpy as np

    colon = ord(":")
    starts = _alone(octets, hexa, _spaced(octets, colon, 2, (5, 8, 11, 14), 17), 17, (2, 5, 8, 11, 14))
    last = len(octets) - 1
    before, behind = octets[np.maximum(starts - 1, 0)], octets[np.minimum(starts + 17, last)]
    starts = starts[((starts == 0) | (before != colon)) & ((starts + 17 > last) | (behind != colon))]
    pairs = (starts[:, None] + np.arange(0, 17, 3)).ravel()
    return pairs, pairs + 2


def _uuids(octets: Octets, hexa: Flags) -> Found:
    starts = _alone(octets, hexa, _spaced(octets, ord("-"), 8, (13, 18, 23), 36), 36, (8, 13, 18, 23))
    return starts, starts + 36


__all__ = ["edges", "find_runs", "runs", "scan", "skeleton"]

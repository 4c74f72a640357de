"""Columns of byte strings that lie in one buffer, cut out of it without a Python object per value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry.native import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.signedinteger[Any]]
    Flags = NDArray[np.bool_]
    Octets = NDArray[np.uint8]

NULL = -1
"""The length of a value that is not there."""
_PIECE = 1 << 12
"""Values gathered at a time, so that the index fits the processor's cache."""
_WIDE, _NARROW = 32, 8
"""Bytes copied at a time."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Value ``i`` is ``data[starts[i] : starts[i] + lengths[i]]``, or null where its length is ``NULL``."""

    data: bytes
    starts: Ints
    lengths: Ints

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> Texts:
        """A column of given values."""
        import numpy as np

        listed = list(values)
        lengths = np.array([NULL if v is None else len(v) for v in listed], dtype=np.int64)
        ends = np.cumsum(np.maximum(lengths, 0))
        return cls(b"".join(v or b"" for v in listed), ends - np.maximum(lengths, 0), lengths)

    def take(self, rows: Ints | slice) -> Texts:
        """The values of these rows, over the same buffer."""
        return Texts(self.data, self.starts[rows], self.lengths[rows])

    def known(self) -> Flags:
        """Which values are there."""
        flags: Flags = self.lengths != NULL
        return flags

    def kept(self) -> tuple[bytes, Texts]:
        """Which values are there, as one bit per row (the lowest first), and those alone."""
        import numpy as np

        native = kernel()
        if native:
            bits, starts, lengths = native.known(self.starts, self.lengths)
            return bits, Texts(self.data, starts, lengths)
        known = self.known()
        return np.packbits(known, bitorder="little").tobytes(), self.take(known.nonzero()[0])

    def values(self) -> list[bytes | None]:
        """Every value as a Python object."""
        data = self.data
        return [
            data[start : start + size] if size != NULL else None
            for start, size in zip(self.starts.tolist(), self.lengths.tolist(), strict=True)
        ]

    def distinct(self) -> tuple[Ints, list[bytes]]:
        """Which of the distinct values each one is (-1 for null), and these in the order of their first place."""
        import numpy as np

        native = kernel()
        found = native.distinct(self.data, self.starts, self.lengths) if native else None
        if found is not None:
            ends = (self.starts[found[1]] + self.lengths[found[1]]).tolist()
            return found[0], [self.data[low:high] for low, high in zip(self.starts[found[1]].tolist(), ends, strict=True)]
        place: dict[bytes, int] = {}
        ids = [NULL if value is None else place.setdefault(value, len(place)) for value in self.values()]
        return np.array(ids, dtype=np.int32), list(place)

    def join(self) -> bytes:
        """The bytes of all values that are there, one behind the other."""
        return bytes(self.join_behind(b""))

    def join_behind(self, before: bytes) -> bytes | memoryview:
        """The same behind something else, copied once."""
        import numpy as np

        data, sizes = self.data, np.maximum(self.lengths, 0)
        native = kernel()
        found = native.join(data, self.starts, self.lengths, int(sizes.sum()), before) if native else None
        if found is not None:
            return found
        if len(self) and int((self.starts + sizes).max()) + _WIDE > len(data):
            data += bytes(_WIDE)
        return b"".join([before, *(
            _gather(data, self.starts[at : at + _PIECE], sizes[at : at + _PIECE]).data
            for at in range(0, len(self), _PIECE)
        )])

    def whole(self) -> Texts:
        """The same with null for every value whose ends lie inside a UTF-8 character of the buffer."""
        import numpy as np

        octets = np.frombuffer(self.data, dtype=np.uint8)
        last = len(octets) - 1
        ends = self.starts + np.maximum(self.lengths, 0)
        inside = (octets[np.minimum(self.starts, last)] & 0xC0) == 0x80
        inside |= (ends <= last) & ((octets[np.minimum(ends, last)] & 0xC0) == 0x80)
        return Texts(self.data, self.starts, np.where(inside, NULL, self.lengths))


def _gather(data: bytes, starts: Ints, sizes: Ints) -> Octets:
    """Copy values in whole words, from and to any offset: the next value overwrites what a word has too much.

    For the last word of the last value there must be ``_WIDE`` bytes more in ``data``.
    """
    import numpy as np

    ends = np.cumsum(sizes)
    to, longest, total = ends - sizes, int(sizes.max()), int(ends[-1])
    width = _NARROW if longest <= _NARROW else _WIDE
    if longest > width:
        counts = np.maximum((sizes + (width - 1)) // width, 1)
        behind = np.cumsum(counts)
        steps = (np.arange(int(behind[-1])) - np.repeat(behind - counts, counts)) * width
        to, starts = steps + np.repeat(to, counts), steps + np.repeat(starts, counts)
    out = np.empty(total + width, dtype=np.uint8)
    kind = np.dtype(f"V{width}")
    source = np.ndarray((len(data) - width + 1,), kind, data, strides=(1,))
    target = np.ndarray((total + 1,), kind, out.data, strides=(1,))
    target[to] = source[starts]
    return out[:total]


def nulls(count: int) -> Texts:
    """A column of nothing."""
    import numpy as np

    return Texts(b"", np.zeros(count, dtype=np.int32), np.full(count, NULL, dtype=np.int32))


def joined(columns: list[Texts], buffers: dict[tuple[int, ...], bytes]) -> Texts:
    """One column behind the other. ``buffers`` keeps joined data by the parts' ids: columns share theirs."""
    import numpy as np

    parts = tuple(id(c.data) for c in columns)
    if parts not in buffers:
        buffers[parts] = b"".join([*(c.data for c in columns), bytes(_WIDE)])  # room for a word that begins in the last value
    starts, at = [], 0
    for column in columns:
        starts.append(column.starts + at)
        at += len(column.data)
    return Texts(buffers[parts], np.concatenate(starts), np.concatenate([c.lengths for c in columns]))

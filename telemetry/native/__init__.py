"""The C kernel of an ingest, where one was built; everything it does can be done without it.

The C files are compiled when the package is installed (see ``build.py``) and the library is loaded through :mod:`ctypes`, which
lets other threads work meanwhile. :func:`kernel` is None where there is none; a method that returns None was
given what the kernel does not take. Callers then go on with numpy, which is also the specification.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from telemetry.native.build import library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.signedinteger[Any]]

_KINDS: dict[str, Any] = {"p": ctypes.c_void_p, "q": ctypes.c_int64, "Q": ctypes.c_uint64, "i": ctypes.c_int}
_SIGNATURES = {
    "oncalm_scan": "pqiQqppppppppp", "oncalm_runs": "pqipppp", "oncalm_cut": "pqppqppp", "oncalm_literals": "pQqppqpppppqp",
    "oncalm_distinct": "pqQqpppp", "oncalm_join": "pqqpppq",
    "oncalm_shapes": "pqQqppqpppq", "oncalm_numbers": "pqqpqqp", "oncalm_known": "qpp", "oncalm_kept": "qpppqpp", "oncalm_times": "pqqpppqppp",
}
_REFUSED = -1
_MARK = 9
"""Octets behind a text of ``literals``: a blank and the plan."""
_LARGEST = 2**31 - 1


class _Block(ctypes.Structure):
    """``Block`` of ``columns.c``."""

    _fields_ = [
        ("data", ctypes.c_char_p), ("size", ctypes.c_int64), ("lines", ctypes.c_int64), ("runs", ctypes.c_int64),
        ("starts", ctypes.c_void_p), ("first_run", ctypes.c_void_p), ("extra", ctypes.c_void_p), ("whole", ctypes.c_int32),
    ]


@dataclass(frozen=True, slots=True)
class Scanned:
    """A block's lines: where they start and end, their runs, and which of the distinct skeletons each one has."""

    starts: Ints
    ends: Ints
    first_run: Ints
    extra: Ints
    ids: Ints
    first: Ints
    """The first line of each distinct skeleton."""
    skeletons: list[bytes]


@dataclass(frozen=True, slots=True)
class Cutter:
    """What the kernel needs to cut lines: see ``vectorstore.skeleton.Lines``. ``extra`` has 32 bits, the others 64."""

    data: bytes
    starts: Ints
    first_run: Ints
    extra: Ints
    whole: bool

    def block(self) -> _Block:
        return _Block(self.data, len(self.data), len(self.starts), len(self.extra) - 1, _at(self.starts),
                      _at(self.first_run), _at(self.extra), self.whole)


class Kernel:
    """The functions of ``lines.c`` and ``columns.c`` over bytes and arrays."""

    def __init__(self, path: str) -> None:
        loaded = ctypes.CDLL(path)
        self._calls: dict[str, Any] = {}
        for name, kinds in _SIGNATURES.items():
            call = loaded[name]
            call.restype, call.argtypes = ctypes.c_int64, [_KINDS[kind] for kind in kinds]
            self._calls[name] = call
        self._seed = int.from_bytes(os.urandom(8), "little")

    def scan(self, data: bytes, *, wide: bool) -> Scanned | None:
        """Read a block of whole lines, the last one with its newline."""
        import numpy as np

        if len(data) >= _LARGEST:
            return None
        count = data.count(b"\n")
        starts, ends, first_run, first, bone_ends = (np.empty(count, dtype=np.int64) for _ in range(5))
        extra, ids = np.empty(len(data) // 2 + 2, dtype=np.int32), np.empty(count, dtype=np.int32)
        bones, runs = np.empty(len(data), dtype=np.uint8), ctypes.c_int64()
        distinct = self._calls["oncalm_scan"](
            data, len(data), wide, self._seed, count, _at(starts), _at(ends), _at(first_run), _at(extra), _at(ids),
            _at(first), _at(bones), _at(bone_ends), ctypes.addressof(runs))
        if distinct == _REFUSED:
            return None
        edges = bone_ends[:distinct].tolist()
        text = bones[: edges[-1] if edges else 0].tobytes()
        skeletons = [text[low:high] for low, high in zip([0, *edges], edges, strict=False)]
        return Scanned(starts, ends, first_run, extra[: runs.value + 1].copy(), ids, first[:distinct], skeletons)

    def runs(self, text: bytes, *, wide: bool) -> tuple[list[int], list[int], bytes] | None:
        """The places of one line's runs in its skeleton, what the runs before each one (and all) lose, the skeleton."""
        import numpy as np

        room = len(text) // 2 + 2
        extra, places = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
        bones, length = np.empty(len(text) + 1, dtype=np.uint8), ctypes.c_int64()
        count = self._calls["oncalm_runs"](
            text + b"\n", len(text) + 1, wide, _at(extra), _at(places), _at(bones), ctypes.addressof(length))
        if count == _REFUSED:
            return None
        return places[:count].tolist(), extra[: count + 1].tolist(), bones[: length.value].tobytes()

    def cut(self, cutter: Cutter, rows: Ints, which: Ints, spans: Ints) -> tuple[Ints, Ints] | None:
        """Starts and lengths of one span per record, by a table of one row of four per plan."""
        import numpy as np

        starts, lengths = np.empty(len(rows), dtype=np.int32), np.empty(len(rows), dtype=np.int32)
        rows, which, spans = _wide(rows), _wide(which), _wide(spans)
        done = self._calls["oncalm_cut"](
            ctypes.addressof(block := cutter.block()), len(rows), _at(rows), _at(which), len(spans), _at(spans),
            _at(starts), _at(lengths))
        del block
        return None if done == _REFUSED else (starts, lengths)

    def literals(self, cutter: Cutter, rows: Ints, which: Ints, offsets: Ints,
                 spans: Ints) -> tuple[Ints, Ints, list[bytes]] | None:
        """Number records by their plan and the texts of its spans, joined by blanks; the first record and the text
        of each number.

        Plan ``p`` has the spans from ``offsets[p]`` to ``offsets[p + 1]``; a record without any has the number -1.
        """
        import numpy as np

        ids = np.empty(len(rows), dtype=np.int32)
        first, ends = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
        texts = np.empty(len(cutter.data) + 16 * len(rows) + 16, dtype=np.uint8)
        rows, which, offsets, spans = _wide(rows), _wide(which), _wide(offsets), _wide(spans)
        distinct = self._calls["oncalm_literals"](
            ctypes.addressof(block := cutter.block()), self._seed, len(rows), _at(rows), _at(which), len(offsets) - 1,
            _at(offsets), _at(spans), _at(ids), _at(first), _at(texts), len(texts), _at(ends))
        del block
        if distinct == _REFUSED:
            return None
        edges = ends[:distinct].tolist()
        joined = texts[: edges[-1] if edges else 0].tobytes()
        found = [joined[low : high - _MARK] for low, high in zip([0, *edges], edges, strict=False)]
        return ids, first[:distinct], found

    def distinct(self, data: bytes, starts: Ints, lengths: Ints) -> tuple[Ints, Ints] | None:
        """Number the distinct texts of a column in the order of their first rows, -1 for null; and those rows."""
        import numpy as np

        ids, first = np.empty(len(starts), dtype=np.int32), np.empty(len(starts), dtype=np.int64)
        starts, lengths = _narrow(starts), _narrow(lengths)
        count = self._calls["oncalm_distinct"](
            data, len(data), self._seed, len(starts), _at(starts), _at(lengths), _at(ids), _at(first))
        return None if count == _REFUSED else (ids, first[:count])

    def shapes(self, data: bytes, starts: Ints, lengths: Ints, longest: int) -> tuple[Ints, Ints] | None:
        """Number texts by what is left of them when each digit is written 0, and the first row of each number.

        Null, empty, and texts of ``longest`` bytes or more have the number -1.
        """
        import numpy as np

        ids, first = np.empty(len(starts), dtype=np.int32), np.empty(len(starts), dtype=np.int64)
        starts, lengths = _narrow(starts), _narrow(lengths)
        scratch = np.empty(longest * len(starts), dtype=np.uint8)
        count = self._calls["oncalm_shapes"](
            data, len(data), self._seed, len(starts), _at(starts), _at(lengths), longest, _at(ids), _at(first),
            _at(scratch), len(scratch))
        return None if count == _REFUSED else (ids, first[:count])

    def numbers(self, data: bytes, starts: Ints, low: int, high: int) -> Ints | None:
        """The digits from ``low`` to ``high`` behind each start, as numbers."""
        import numpy as np

        numbers, starts = np.empty(len(starts), dtype=np.int64), _narrow(starts)
        done = self._calls["oncalm_numbers"](data, len(data), len(starts), _at(starts), low, high, _at(numbers))
        return None if done == _REFUSED else numbers

    def join(self, data: bytes, starts: Ints, lengths: Ints, size: int, before: bytes = b"") -> memoryview | None:
        """The texts of a column one behind the other, ``size`` bytes in all, behind what comes ``before`` them."""
        import numpy as np

        out = np.empty(len(before) + size, dtype=np.uint8)
        out[: len(before)] = np.frombuffer(before, dtype=np.uint8)
        starts, lengths = _narrow(starts), _narrow(lengths)
        done = self._calls["oncalm_join"](
            data, len(data), len(starts), _at(starts), _at(lengths), _at(out) + len(before), size)
        return out.data if done == size else None

    def known(self, starts: Ints, lengths: Ints) -> tuple[bytes, Ints, Ints]:
        """Which values of a column are there, as one bit per row (the lowest first), and where those lie."""
        import numpy as np

        starts, lengths = _narrow(starts), _narrow(lengths)
        bits, count = np.empty(-(-len(lengths) // 8), dtype=np.uint8), len(lengths)
        found = self._calls["oncalm_known"](count, _at(lengths), _at(bits))
        if found < count:
            there = np.empty((2, found), dtype=np.int32)
            self._calls["oncalm_kept"](count, _at(starts), _at(lengths), _at(bits), found, _at(there), _at(there[1]))
            starts, lengths = there
        return bits.tobytes(), starts, lengths

    def times(self, data: bytes, starts: Ints, form: Sequence[int], rows: Ints, into: tuple[NDArray[Any], ...]) -> bool:
        """Read times of one shape into ``rows`` of days, times and flags; ``form`` is the ``Form`` of ``stamps.c``."""
        import numpy as np

        starts, rows, numbers = _narrow(starts), _wide(rows), np.array(form, dtype=np.int64)
        return bool(self._calls["oncalm_times"](
            data, len(data), len(starts), _at(starts), _at(numbers), _at(rows), len(into[0]), *map(_at, into)) != _REFUSED)


def _at(array: NDArray[Any]) -> int:
    """The address of an array that lies in one piece."""
    return int(array.__array_interface__["data"][0])


def _wide(array: Ints) -> Ints:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.int64)


def _narrow(array: Ints) -> Ints:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.int32)


_off: list[None] = []


def kernel() -> Kernel | None:
    """The kernel, or None when none was built for this machine from these very sources."""
    return None if _off else _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Kernel | None:
    path = library()
    if path is None:
        return None
    try:
        return Kernel(str(path))
    except (OSError, AttributeError):  # built for another machine, or damaged
        return None


@contextmanager
def without() -> Iterator[None]:
    """Do without the kernel for a while, as where no compiler is; for tests and benches."""
    _off.append(None)
    try:
        yield
    finally:
        _off.pop()


__all__ = ["Cutter", "Kernel", "Scanned", "kernel", "without"]

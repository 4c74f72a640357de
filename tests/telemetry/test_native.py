"""The C kernel gives what numpy gives, refuses what does not fit, and is there where it can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from telemetry.formats.stamps import at
from telemetry.native import Cutter, Kernel, kernel, without
from telemetry.native.build import build, library
from telemetry.texts import Texts
from telemetry.times import Clock

WITHOUT = """
import ctypes, sys
from pathlib import Path
def refuse(*_): raise OSError("no library")
ctypes.CDLL = refuse
from api.wiring.product import Product
print(Product(Path(sys.argv[1])).ingest([sys.argv[2]]).records)
"""
NUMBERS = st.lists(st.integers(-3, 40), min_size=1, max_size=12)


def loaded() -> Kernel:
    found = kernel()
    if found is None:
        pytest.skip("no C compiler made the kernel")
    return found


def array(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")
def test_where_a_compiler_is_the_kernel_is_too() -> None:
    assert kernel() is not None


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")
def test_building_again_gives_the_same_library() -> None:
    assert build() == library()


def test_ingest_needs_no_kernel(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-01-01 00:00:{n % 60:02} INFO user u{n} took {n} ms\n" for n in range(500)))
    done = subprocess.run([sys.executable, "-c", WITHOUT, tmp_path / "home", log], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "500", done.stderr


@given(st.binary(max_size=60), NUMBERS, NUMBERS)
def test_texts_beyond_the_buffer_are_refused(data: bytes, starts: list[int], lengths: list[int]) -> None:
    rows = min(len(starts), len(lengths))
    pairs = list(zip(starts[:rows], lengths[:rows], strict=True))
    inside = all(size < 0 or (low >= 0 and low + size <= len(data)) for low, size in pairs)
    values = [data[low : low + size] for low, size in pairs if size >= 0]

    joined = loaded().join(data, array(starts[:rows]), array(lengths[:rows]), sum(map(len, values)))
    distinct = loaded().distinct(data, array(starts[:rows]), array(lengths[:rows]))

    assert joined == b"".join(values) if inside else distinct is None


@given(st.binary(max_size=60), NUMBERS, st.integers(-3, 40), st.integers(-3, 40))
def test_numbers_beyond_the_buffer_are_refused(data: bytes, starts: list[int], low: int, high: int) -> None:
    inside = 0 <= low <= high and all(0 <= start <= len(data) - high for start in starts)

    numbers = loaded().numbers(data, array(starts), low, high)

    assert (numbers is not None) == inside


@given(st.binary(max_size=60), st.lists(st.tuples(*[st.integers(-70, 70)] * 6), max_size=8), st.booleans())
def test_wild_places_never_leave_the_block(data: bytes, wild: list[tuple[int, ...]], whole: bool) -> None:
    found = loaded().scan(data + b"\n", wide=False)
    assert found
    cutter = Cutter(data + b"\n", found.starts, found.first_run, found.extra, whole=whole)
    spans = np.array([one[:4] for one in wild], dtype=np.int64).reshape(-1, 4)
    rows, which = array([one[4] for one in wild]), array([one[5] % 9 for one in wild])

    cut = loaded().cut(cutter, rows, which, spans)
    literals = loaded().literals(cutter, rows, which, np.arange(len(wild) + 1), spans)

    texts: list[Any] = [] if cut is None else list(zip(*(column.tolist() for column in cut), strict=True))
    assert all(size < 0 or 0 <= low <= low + size <= len(data) + 1 for low, size in texts)
    assert literals is None or len(literals[0]) == len(wild)


def test_a_block_without_its_last_newline_is_refused() -> None:
    assert loaded().scan(b"one\ntwo", wide=False) is None


def test_more_texts_than_a_small_table_holds_stay_apart() -> None:
    data = b"".join(b"%06d" % number for number in range(5000))
    starts = np.tile(np.arange(5000) * 6, 2)

    found = loaded().distinct(data, starts, np.full(10000, 6))

    assert found
    assert found[0].tolist() == [*range(5000), *range(5000)]


@given(st.lists(st.one_of(st.none(), st.binary(max_size=4)), max_size=40))
def test_values_that_are_there_are_told_alike(values: list[bytes | None]) -> None:
    texts = Texts.of(values)
    loaded()
    bits, there = texts.kept()

    with without():
        plain_bits, plain = texts.kept()
    assert (bits, there.values()) == (plain_bits, plain.values())


@given(st.sampled_from(["%Y-%m-%d %H:%M:%S.123456", "%b %d %H:%M:%S", "%d/%b/%Y:%H:%M:%S +0200", "%m-%d %H:%M:%S,5", "%Y%m%d-%H:%M:%S:7",
                        "%d/%m/%Y, %I:%M:%S PM", "%y%m%d %H%M%S", "%y/%m/%d %H:%M:%S"]),
       st.lists(st.text("0123456789", min_size=24, max_size=24), min_size=1, max_size=8))
def test_times_of_every_style_are_read_alike(style: str, digits: list[str]) -> None:
    sample = datetime(2026, 11, 5, 13, 14, 15, tzinfo=UTC).strftime(style)
    found = at(sample, 0, {})
    assert found
    drawn = [sample, *("".join(d if c.isdigit() else c for c, d in zip(sample, one + one, strict=False)) for one in digits)]
    loaded()
    ours = Clock(datetime(2026, 12, 1, tzinfo=UTC)).read(Texts.of(text.encode() for text in drawn), found[1]).tolist()

    with without():
        assert Clock(datetime(2026, 12, 1, tzinfo=UTC)).read(Texts.of(text.encode() for text in drawn), found[1]).tolist() == ours


@given(st.binary(max_size=40), NUMBERS, NUMBERS)
def test_times_beyond_the_buffer_are_refused(data: bytes, starts: list[int], rows: list[int]) -> None:
    count = min(len(starts), len(rows))
    into = (np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64), np.zeros(4, dtype=bool))
    inside = all(0 <= start <= len(data) - 6 and 0 <= row < 4 for start, row in zip(starts[:count], rows[:count], strict=True))
    form = (-1, -1, 0, 2, 2, 4, 4, 6, *[-1] * 8, 0, False, 1, 0, False, True)

    assert loaded().times(data, array(starts[:count]), form, array(rows[:count]), into) == inside

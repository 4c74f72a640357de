from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.skeleton import Skeletons, _split, runs, skeleton, split_lines

PIECES = st.sampled_from(
    ["0", "17", "deadbeef1", "abcdef12", "12345678", " ", "-", "_", "x", "é", "\n", "blk_-9", ".",
     "123e4567-e89b-12d3-a456-426614174000", "a", "f", "10.0.0.1:80", "\x02", "\r", "0x", "7fff", "0x12ab", "T", "Z",
     "2f:c2:d3:10:8f:5b", ":", "2f", "x2k4j", "node7", "250ms", "1a2b", "0xg1"]
)
TEXT = st.lists(PIECES, max_size=40).map("".join)


def scalar(data: bytes, *, wide: bool) -> list[bytes]:
    return [skeleton(line, wide=wide).encode("latin-1") for line in data.decode("latin-1").split("\n")]


def test_digits_and_hex_collapse() -> None:
    line = "block 17 req deadbeef01 id 123e4567-e89b-12d3-a456-426614174000 ssh2"

    assert skeleton(line) == "block 0 req \x02 id \x03 ssh0"


def test_addresses_and_pointers_collapse() -> None:
    assert skeleton("0x7fff12 0xA at 2f:c2:d3:10:8f:5b, not 0xfg or 1:2f") == "0x\x02 0x\x02 at 0:0:0:0:0:0, not 0xfg or 0:0f"


def test_wide_collapses_mixed_words_but_no_units_times_or_names() -> None:
    line = "pod-x2k4j 9abc 7e953 in 250ms 100d at 2026-01-02T03:04:05.678Z on node7 sha256 0x1f"

    assert skeleton(line, wide=True) == "pod-\x02 \x02 \x02 in 0ms 0d at 0-0-0T0:0:0.0Z on node0 sha0 0x\x02"


SPLITTERS = [split_lines, _split]
"""Compiled (where a compiler was at hand), and its specification."""


def skeletons_of(found: Skeletons) -> list[bytes]:
    return [found.texts[at] for at in found.which.tolist()]


@pytest.mark.parametrize("split", SPLITTERS)
@given(TEXT, st.booleans())
def test_block_agrees_with_scalar(split: Any, text: str, wide: bool) -> None:
    data = text.encode()
    data += b"" if data.endswith(b"\n") or not data else b"\n"

    _, found = split(data, wide=wide)

    assert skeletons_of(found) == scalar(data, wide=wide)[:-1]


@given(st.one_of(st.binary(max_size=200), TEXT.map(str.encode)), st.booleans())
def test_compiled_code_finds_what_numpy_finds(data: bytes, wide: bool) -> None:
    data += b"\n"
    lines, found = split_lines(data, wide=wide)
    expected, those = _split(data, wide=wide)

    for name in ("starts", "ends", "first_run", "extra"):
        assert getattr(lines, name).tolist() == getattr(expected, name).tolist(), name
    assert found.texts == those.texts
    assert found.which.tolist() == those.which.tolist()
    assert found.firsts.tolist() == those.firsts.tolist()


@given(TEXT, st.booleans())
def test_offsets_map_back_exactly(text: str, wide: bool) -> None:
    lines, _ = split_lines(text.encode(), wide=wide)

    for row in range(len(lines)):
        raw = lines.raw(row).decode("latin-1")
        for index, (start, end) in enumerate(runs(raw, wide=wide)):
            lost = sum(e - s - 1 for s, e in runs(raw, wide=wide)[:index])
            span = np.array([[start - lost, index, start - lost + 1, index + 1]])
            for cut in (lines.cut, lines._cut):
                assert cut(np.array([row]), np.array([0]), span).values() == [raw[start:end].encode("latin-1")]


@given(TEXT.map(lambda text: f"{text}é7ü\n".encode()), st.data())
def test_compiled_code_cuts_what_numpy_cuts(data: bytes, draw: Any) -> None:
    lines, _ = split_lines(data)
    rows = np.array(draw.draw(st.lists(st.integers(0, len(lines) - 1), max_size=9)), dtype=np.int64)
    size = int((lines.ends - lines.starts).min())
    spans = np.array([[-1, -1, -1, -1], [0, 0, size, 0], [0, 0, min(1, size), 0]])
    which = rows % len(spans)

    assert lines.cut(rows, which, spans).values() == lines._cut(rows, which, spans).values()

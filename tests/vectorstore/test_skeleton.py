import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.skeleton import runs, skeleton, split_lines

pytestmark = pytest.mark.usefixtures("either_kernel")

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


@given(TEXT, st.booleans())
def test_block_agrees_with_scalar(text: str, wide: bool) -> None:
    data = text.encode()

    _, skeletons = split_lines(data, wide=wide)

    expected = scalar(data, wide=wide)
    assert skeletons.values() == (expected[:-1] if not data or data.endswith(b"\n") else expected)


@given(TEXT, st.booleans())
def test_offsets_map_back_exactly(text: str, wide: bool) -> None:
    import numpy as np

    lines, _ = split_lines(text.encode(), wide=wide)

    for row in range(len(lines)):
        raw = lines.raw(row).decode("latin-1")
        for index, (start, end) in enumerate(runs(raw, wide=wide)):
            lost = sum(e - s - 1 for s, e in runs(raw, wide=wide)[:index])
            spans = np.array([[start - lost, index, start - lost + 1, index + 1]])
            assert lines.cut(np.array([row]), np.array([0]), spans).values() == [raw[start:end].encode("latin-1")]

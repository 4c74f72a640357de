from hypothesis import given
from hypothesis import strategies as st

from vectorstore.skeleton import runs, skeleton, split_lines

PIECES = st.sampled_from(
    ["0", "17", "deadbeef1", "abcdef12", "12345678", " ", "-", "_", "x", "é", "\n", "blk_-9", ".",
     "123e4567-e89b-12d3-a456-426614174000", "a", "f", "10.0.0.1:80", "\x02", "\r"]
)
TEXT = st.lists(PIECES, max_size=40).map("".join)


def scalar(data: bytes) -> list[bytes]:
    return [skeleton(line).encode("latin-1") for line in data.decode("latin-1").split("\n")]


def test_digits_and_hex_collapse() -> None:
    line = "block 17 req deadbeef01 id 123e4567-e89b-12d3-a456-426614174000 ssh2"

    assert skeleton(line) == "block 0 req \x02 id \x03 ssh0"


@given(TEXT)
def test_block_agrees_with_scalar(text: str) -> None:
    data = text.encode()

    _, skeletons = split_lines(data)

    expected = scalar(data)
    assert skeletons == (expected[:-1] if not data or data.endswith(b"\n") else expected)


@given(TEXT)
def test_offsets_map_back_exactly(text: str) -> None:
    import numpy as np

    lines, _ = split_lines(text.encode())

    for row in range(len(lines)):
        raw = lines.raw(row).decode("latin-1")
        for index, (start, end) in enumerate(runs(raw)):
            lost = sum(e - s - 1 for s, e in runs(raw)[:index])
            low, high = (np.array([start - lost]), np.array([index])), (np.array([start - lost + 1]), np.array([index + 1]))
            assert lines.cut(np.array([row]), low, high).values() == [raw[start:end].encode("latin-1")]

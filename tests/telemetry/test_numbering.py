"""Places among distinct codes, held against numpy's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.numbering import counted, distinct, firsts, numbered

CODES = st.lists(st.one_of(st.integers(-5, 40), st.integers(-(1 << 62), 1 << 62)), max_size=60)


@given(CODES)
def test_near_and_far_codes_are_numbered_as_numpy_does(codes: list[int]) -> None:
    given_ = np.array(codes, dtype=np.int64)
    values, first, place = np.unique(given_, return_index=True, return_inverse=True)

    got, at = numbered(given_)

    assert got.tolist() == values.tolist() == distinct(given_).tolist()
    assert at.tolist() == place.tolist()
    assert firsts(at, len(got)).tolist() == first.tolist()


@given(st.lists(st.integers(-(2**40), 2**40) | st.integers(-5, 5), max_size=60))
def test_every_distinct_code_is_counted(codes: list[int]) -> None:
    values, counts = counted(np.array(codes, np.int64))

    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {code: codes.count(code) for code in sorted(codes)}

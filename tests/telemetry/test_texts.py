"""Columns of texts give back exactly what was put in, however long the values are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.texts import Texts, joined, nulls

pytestmark = pytest.mark.usefixtures("either_kernel")

VALUES = st.lists(st.one_of(st.none(), st.binary(max_size=6), st.binary(max_size=100)), max_size=40)


@given(VALUES)
def test_join_is_all_values_in_order(values: list[bytes | None]) -> None:
    assert Texts.of(values).join() == b"".join(v for v in values if v is not None)


@given(VALUES, VALUES)
def test_columns_join_end_to_end(first: list[bytes | None], second: list[bytes | None]) -> None:
    column = joined([Texts.of(first), nulls(2), Texts.of(second)], {})

    assert column.values() == [*first, None, None, *second]


@given(VALUES)
def test_distinct_values_are_numbered_as_they_come(values: list[bytes | None]) -> None:
    known = [value for value in values if value is not None]

    ids, distinct = Texts.of(values).distinct()

    assert distinct == list(dict.fromkeys(known))
    assert [None if number < 0 else distinct[number] for number in ids.tolist()] == values


def test_values_cut_inside_a_character_are_null() -> None:
    import numpy as np

    text = "aé".encode()
    column = Texts(text, np.array([0, 0, 1, 2]), np.array([1, 2, 2, 1])).whole()

    assert column.values() == [b"a", None, "é".encode(), None]

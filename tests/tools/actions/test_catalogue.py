"""The catalogue as others see it, and its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.actions.catalogue import Catalogue, Systems, params_of
from tools.actions.patches import MARKER, json_patch, marked
from tools.cluster.double.patching import JSON_PATCH, patched

PAGE = (Path(__file__).parents[3] / "docs" / "actions.md").read_text()
NAMES = Catalogue(Systems()).names()
json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                           lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=12)
objects = st.dictionaries(st.text(max_size=5), json_values, max_size=4).map(lambda found: {**found, "metadata": {"name": "x", "resourceVersion": "7"}})


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_on_the_page_with_its_kinds(name: str) -> None:
    line = next(one for one in PAGE.splitlines() if one.startswith("|") and f"`{name}`" in one)

    assert all(kind in line for kind in Catalogue(Systems()).kinds(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_closed(name: str) -> None:
    schema = Catalogue(Systems()).schema(name)

    assert schema["additionalProperties"] is False
    assert set(schema.get("properties", {})) == set(params_of(name).model_fields)  # type: ignore[arg-type]


def test_inverses_cannot_be_proposed() -> None:
    assert not {"restore", "restore_nginx_rate"} & set(NAMES)


@given(objects, objects)
def test_a_patch_makes_one_object_into_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    assert patched(before, json_patch(before, after, version="7"), JSON_PATCH) == after


@given(objects)
def test_a_mark_changes_nothing_else(before: dict[str, object]) -> None:
    found = marked(before, "m")
    del found["metadata"]["annotations"]

    assert marked(before, "m")["metadata"]["annotations"] == {MARKER: "m"}
    assert found == before

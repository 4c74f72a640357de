"""JSON as models write it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm import repair

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def json_values(text: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        SCALARS | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


def json_objects(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(text, json_values(text), max_size=4)


@given(json_values(st.text()))
def test_json_is_read_as_it_is(value: object) -> None:
    assert repair.loads(json.dumps(value)) == value


@given(json_objects(PRINTABLE.filter(lambda text: "```" not in text)))
def test_a_code_fence_and_prose_are_left_out(value: object) -> None:
    text = f"Here it is, as [asked]:\n```json\n{json.dumps(value, indent=2)}\n```\nAnything else?"

    assert repair.loads(text) == value


@given(json_objects(PRINTABLE))
def test_prose_around_an_object_is_left_out(value: object) -> None:
    assert repair.loads(f"The answer (see [E1]) is {json.dumps(value)} as far as I can tell.") == value


@given(json_objects(st.text()))
def test_an_object_written_twice_is_read_once(value: object) -> None:
    assert repair.loads(json.dumps(value) * 2) == value


@given(json_objects(PRINTABLE))
def test_python_literals_are_read(value: object) -> None:
    assert repair.loads(repr(value)) == value


@given(json_objects(st.text(st.characters(exclude_characters="{}[]"))))
def test_missing_last_brackets_are_put_back(value: object) -> None:
    assert repair.loads("- " + json.dumps({"a": value}).rstrip("}]")) == {"a": value}


@given(st.lists(st.integers() | PRINTABLE, min_size=1))
def test_trailing_commas_are_dropped(values: list[object]) -> None:
    text = '{"items": [' + "".join(json.dumps(value) + ", " for value in values) + "],}"

    assert repair.loads(text) == {"items": values}


@given(st.text() | st.text("{}[]\"':,\\`tnu0 \n/*"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert json.dumps(repair.loads(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{query: 'disk full', limit: 5}", {"query": "disk full", "limit": 5}),
        (r'{"pattern": "\d+\.\w"}', {"pattern": r"\d+\.\w"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": 1, // the first\n "b": /* later */ 2}', {"a": 1, "b": 2}),
        (r"{'a': '\ud83d\ude00 it\'s'}", {"a": "😀 it's"}),
        ("\ufeff[1, 2,]", [1, 2]),
        ('```json\n{"a": 1}', {"a": 1}),
    ],
)
def test_habits_of_models_are_understood(text: str, value: object) -> None:
    assert repair.loads(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        '{"a": "cut in the mid',
        '{"a":',
        "{'a': NaN}",
        "NaN",
        '{"a": 1} or {"a": 2}',
        "[" * 5000,
        '{"a": 1 2}',
    ],
)
def test_what_cannot_be_known_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        repair.loads(text)


def test_a_hostile_text_takes_little_time() -> None:
    for text in (
        '{"a":' * 20_000,
        "[{" * 50_000,
        '{"' * 50_000,
        "{/*" * 50_000,
        '{"a": "' + "\\n" * 100_000,
        "{" + "`" * 100_000,
    ):
        with pytest.raises(ValueError, match=r"\w"):
            repair.loads(text)

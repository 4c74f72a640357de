"""Values that say beside themselves that they are secrets."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from telemetry.otlp.values import plain


def made(value: Any) -> AnyValue:
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=k, value=made(v)) for k, v in value.items()]))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[made(one) for one in value]))
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


@pytest.mark.parametrize("value", [
    {"name": "authorization", "value": "plainword"},
    {"key": "DB_PASSWORD", "value": {"stringValue": "plainword"}},
    {"value": "plainword", "Name": "api_key"},
    ["mysql", "--password", "plainword"],
    [["tool", "-token", "plainword"]],
])
def test_a_secret_named_beside_its_value_is_hidden(value: Any) -> None:
    assert "plainword" not in repr(plain(made(value)))


def test_other_pairs_and_words_stay() -> None:
    for value in ({"name": "colour", "value": "green"}, ["ls", "--sort", "size", "--password"], {"name": 3, "value": "x"}):
        assert plain(made(value)) == value


def test_a_number_is_a_password_when_its_name_says_so() -> None:
    assert plain(made(981733), "db.password") != 981733
    assert plain(made(512), "gen_ai.usage.input_tokens") == 512

"""Masking by name and by content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.masks import HIDDEN, masked, masked_value
from telemetry.redact import redact

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"


@given(st.text(alphabet="0123456789abcdef-_ghp AKIA:=", max_size=80))
def test_the_short_way_finds_what_the_long_one_finds(text: str) -> None:
    assert masked(text) == redact(text)[0]


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("db.password", "hunter", HIDDEN), ("http.request.header.authorization", "x", HIDDEN), ("api_key", "", ""),
    ("http.route", "/cart", "/cart"), ("note", f"with {TOKEN}", "with [REDACTED:github-token]")])
def test_a_name_or_a_form_tells_a_secret(name: str, value: str, shown: str) -> None:
    assert masked_value(name, value) == shown

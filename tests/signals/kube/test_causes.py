"""The table of causes, its page for readers, and the families of rules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from signals.kube import rules
from signals.kube.causes import CAUSES

ROOT = Path(__file__).parents[3]
DATABASES_AND_DNS = {"dns", "gateways"}
"""Modules whose causes stand with ``routing`` in the table."""


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_is_on_the_page(cause: str) -> None:
    assert f"| `{cause}` |" in (ROOT / "docs" / "kubernetes-rules.md").read_text("utf-8")


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_every_cause_asks_a_question(cause: str) -> None:
    known = CAUSES[cause]

    assert known.refute.format(name="x", namespace="y").endswith("?")
    assert known.shows
    assert known.source
    assert known.family in rules.FAMILIES


def test_every_family_cites_where_its_words_are_from() -> None:
    for name in rules.FAMILIES:
        text = ast.get_docstring(ast.parse((ROOT / "signals" / "kube" / "rules" / f"{name}.py").read_text("utf-8"))) or ""
        assert "kubernetes" in text or "MySQL" in text, name

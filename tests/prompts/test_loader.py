"""Prompts load by name, render strictly, and ship with the wheel."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.evidence import Conclusion
from prompts.loader import Prompt, PromptError, known, load

VARIABLES = {
    "analyst": set(), "analyst_small": set(), "question": {"question", "now", "window", "reading", "catalog", "earlier"},
    "nudge": {"reason"}, "conclude": {"reason"}, "schema_in_words": {"schema"},
    "check_word": {"word"}, "mcp_data": set(), "mcp_server": {"data"}, "summary_write": set(),
}


@pytest.mark.parametrize("name", known())
def test_every_prompt_loads_with_known_variables(name: str) -> None:
    prompt = load(name)

    assert prompt.variables == VARIABLES[name]
    assert prompt.render(**dict.fromkeys(prompt.variables, "x")).strip()


def test_no_prompt_is_missing() -> None:
    assert set(known()) == set(VARIABLES)


def test_the_digest_is_that_of_the_source() -> None:
    prompt = load("nudge")

    assert prompt.digest == hashlib.sha256(prompt.text.encode()).hexdigest()[:12]


def test_another_text_has_another_digest() -> None:
    assert Prompt.of("a", "x").digest != Prompt.of("a", "y").digest


def test_a_missing_variable_names_prompt_and_variable() -> None:
    with pytest.raises(PromptError, match=r"prompts/nudge\.md.*reason"):
        load("nudge").render()


def test_an_unused_variable_names_prompt_and_variable() -> None:
    with pytest.raises(PromptError, match=r"prompts/nudge\.md.*mood"):
        load("nudge").render(reason="x", mood="y")


@pytest.mark.parametrize("name", ["nowhere", "../pyproject", "", "loader.py", "analyst.md", "ANALYST"])
def test_an_unknown_prompt_says_which_are_known(name: str) -> None:
    with pytest.raises(PromptError, match="known: analyst"):
        load(name)


@pytest.mark.parametrize("text", ["{{ name }}", "{{Name}}", "{{a.b}}", "{% if x %}", "}}", "{{", "{{{x}}}", "{{#x}}"])
def test_unknown_syntax_is_refused(text: str) -> None:
    with pytest.raises(PromptError, match=r"prompts/a\.md"):
        Prompt.of("a", text)


@given(st.text(), st.text())
def test_values_are_put_in_once(first: str, second: str) -> None:
    prompt = Prompt.of("a", "1 {{x}} 2 {{y}} 3 {{x}}")

    assert prompt.render(x="{{y}}" + first, y=second) == f"1 {{{{y}}}}{first} 2 {second} 3 {{{{y}}}}{first}"


def test_a_backslash_in_a_value_stays() -> None:
    assert Prompt.of("a", "{{x}}").render(x=r"\1 \g<0> \n") == r"\1 \g<0> \n"


@pytest.mark.parametrize("name", ["analyst", "analyst_small"])
def test_the_system_prompt_explains_every_key_of_the_conclusion(name: str) -> None:
    text = load(name).text

    assert all(f"`{key}`" in text for key in Conclusion.json_schema()["properties"])
    assert all(f"`{status}`" in text for status in ("found", "nothing_found", "failed", "not_assessed"))


def test_the_small_prompt_is_less_than_half_of_the_large_one() -> None:
    assert len(load("analyst_small").text) * 2 < len(load("analyst").text)


def test_the_wheel_holds_every_prompt(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="the build backend is not installed here")
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert {f"prompts/{name}.md" for name in known()} <= set(wheel.namelist())

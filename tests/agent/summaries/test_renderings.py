"""Renderings show hostile texts and carry out nothing of them."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.summaries.composing import compose
from agent.summaries.document import Item, Section, Summary
from agent.summaries.facts import Facts
from agent.summaries.html import html
from agent.summaries.markdown import code, markdown, text
from agent.summaries.slack import BLOCKS, HEADER, slack
from tests.agent.summaries.homes import HOSTILE

CORPUS = (HOSTILE, "<img src=x onerror=alert(1)>", "![p](https://evil.example/p.png)", "<!everyone> <@U1> <https://evil.example|here>", "# heading\n\n---\n> quote",
          "1. list", "`` ` ``", "a | b", "\u202etxt.exe", "https://evil.example/x", "&lt;b&gt;", '"><script>x</script>', "{{7*7}}", "")


class Tags(HTMLParser):
    """The tags, attributes and texts of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _hostile(facts: Facts, words: str) -> Summary:
    whole = compose(facts)
    item = Item(text=words, code=words, weight="bad")
    told = Section(title=words, items=(item,), columns=(words, "b"), rows=((words, words),), prompts=(words,))
    return whole.model_copy(update={"title": words, "lead": (words,), "sections": (told,), "missing": (words,), "notes": (words,)})


@pytest.mark.parametrize("words", CORPUS)
def test_html_holds_no_tag_of_others(facts: Facts, words: str) -> None:
    seen = Tags(html(_hostile(facts, words)))

    assert not set(seen.tags) & {"script", "img", "a", "b", "link", "iframe"}
    assert {name for name, _ in seen.attributes} <= {"style", "lang", "charset"}
    assert words in "".join(seen.texts)


@pytest.mark.parametrize("words", CORPUS)
def test_markdown_makes_nothing_of_others_marks(facts: Facts, words: str) -> None:
    from markdown_it import MarkdownIt

    shown = Tags(MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(markdown(_hostile(facts, words))))

    assert not set(shown.tags) & {"script", "img", "a", "blockquote", "hr", "ol", "h3"}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=60))
def test_markdown_of_a_text_shows_exactly_it(words: str) -> None:
    from markdown_it import MarkdownIt

    shown = Tags(MarkdownIt("commonmark").render(f"x {text(words)} x"))

    assert "".join(shown.texts).strip() == f"x {words} x"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=60))
def test_a_code_span_shows_exactly_its_text(words: str) -> None:
    from markdown_it import MarkdownIt

    assert "".join(Tags(MarkdownIt("commonmark").render(f"x {code(words)} x")).texts).strip() == f"x {words} x"


@pytest.mark.parametrize("words", CORPUS)
def test_slack_reads_no_marks_and_no_mentions(facts: Facts, words: str) -> None:
    told = slack(_hostile(facts, words))

    assert "<" not in told["text"]
    assert "mrkdwn" not in json.dumps(told)


def test_slack_messages_stay_within_its_limits(facts: Facts) -> None:
    items = tuple(Item(text="x" * 220, code="y" * 220) for _ in range(40))
    many = _hostile(facts, "t" * 5_000).model_copy(update={"sections": tuple(Section(title=f"s{at}", items=items) for at in range(30))})

    told = slack(many)

    assert len(told["blocks"]) == BLOCKS
    assert len(told["blocks"][0]["text"]["text"]) == HEADER
    assert max(len(json.dumps(one, ensure_ascii=False)) for one in told["blocks"]) < 6_000


def test_the_hostile_template_is_shown_whole(facts: Facts) -> None:
    told = compose(facts)

    assert "<script>" in next(one.code for section in told.sections for one in section.items if "script" in one.code)
    assert "<script>" not in html(told)

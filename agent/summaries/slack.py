"""A summary as Slack blocks (Block Kit). Statements are rich text elements, in which Slack reads no mentions and no marks."""

from __future__ import annotations

from typing import Any

from agent.summaries.document import Item, Section, Summary

BLOCKS = 50
"""Blocks of a message (Block Kit reference, "Blocks")."""
HEADER = 150
"""Characters of a header (the same, "Header block")."""
SIZE = 2_800
"""Characters of one block's texts; a section may have 3,000."""
FALLBACK = 3_000


def slack(summary: Summary) -> dict[str, Any]:
    """``{"text", "blocks"}`` of ``chat.postMessage``: the text is what notifications show."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": _cut(summary.title, HEADER), "emoji": False}}]
    blocks += [_rich([_paragraph(one)]) for one in summary.lead]
    for section in summary.sections:
        blocks += _section(section)
    if summary.missing:
        blocks += _listed("Not assessed", [[_text(one)] for one in summary.missing])
    blocks += [_rich([_paragraph(one, italic=True)]) for one in summary.notes]
    if len(blocks) > BLOCKS:
        blocks = [*blocks[: BLOCKS - 1], _rich([_paragraph("… and more: see the whole summary.", italic=True)])]
    return {"text": escaped(_cut(" ".join((summary.title, *summary.lead)), FALLBACK)), "blocks": blocks}


def escaped(text: str) -> str:
    """A text for where Slack reads its own marks ("Formatting text", escaping): no mention and no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(section: Section) -> list[dict[str, Any]]:
    rows = [[_text(" · ".join(row))] for row in section.rows]
    more = [[_text(f"… and {section.more} more")]] if section.more else []
    return _listed(section.title, [*map(_item, section.items), *more, *rows, *([_text(one, italic=True)] for one in section.prompts)])


def _listed(title: str, items: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """A title and a list, in as many blocks as it takes."""
    blocks: list[dict[str, Any]] = []
    group: list[dict[str, Any]] = []
    size = 0
    for elements in items:
        length = sum(len(one["text"]) for one in elements)
        if group and size + length > SIZE:
            blocks.append(_rich([_list(group)]))
            group, size = [], 0
        group.append({"type": "rich_text_section", "elements": elements})
        size += length
    head = _rich([{"type": "rich_text_section", "elements": [_text(title, bold=True)]}])
    return [head, *blocks, *([_rich([_list(group)])] if group else [])]


def _item(item: Item) -> list[dict[str, Any]]:
    said = [_text(item.text, bold=item.weight == "bad")]
    return [*said, _text(" "), _text(item.code, code=True)] if item.code else said


def _list(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_list", "style": "bullet", "elements": elements}


def _rich(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": elements}


def _paragraph(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [_text(text, **style)]}


def _text(text: str, **style: bool) -> dict[str, Any]:
    wanted = {name: True for name, on in style.items() if on}
    return {"type": "text", "text": _cut(text, SIZE) or " ", **({"style": wanted} if wanted else {})}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""A summary as Markdown (CommonMark). Texts of others are escaped: they make no heading, link, picture or HTML."""

from __future__ import annotations

import re

from agent.summaries.document import Item, Section, Summary

_MARKS = re.compile(r"([\\`*_\[\]#!|~])")
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|www)([:.])")
_BEGINS = re.compile(r"^(\s*)([-+=])")
_NUMBERED = re.compile(r"^(\s*\d+)([.)])")
_WEIGHTS = {"bad": "**!** ", "watch": "", "plain": ""}


def markdown(summary: Summary) -> str:
    """The whole summary; ends with a line feed."""
    parts = [f"# {text(summary.title)}", "\n".join(f"{line_}  " for line_ in map(text, summary.lead)).rstrip()]
    parts += [_section(one) for one in summary.sections]
    if summary.missing:
        parts.append("## Not assessed\n\n" + "\n".join(f"- {text(one)}" for one in summary.missing))
    if summary.notes:
        parts.append("\n".join(f"*{text(one)}*" for one in summary.notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def text(value: str) -> str:
    """A text as Markdown that shows exactly it."""
    plain = _line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # An entity for the colon keeps renderers that link bare addresses from doing so.
    plain = _LINK.sub(lambda found: f"{found[1]}{'&#58;' if found[2] == ':' else '&#46;'}", _MARKS.sub(r"\\\1", plain))
    return _NUMBERED.sub(r"\1\\\2", _BEGINS.sub(r"\1\\\2", plain))


def code(value: str) -> str:
    """A text as a code span, whatever back-ticks it has (CommonMark 0.31, 6.1)."""
    value = _line(value)
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    fence = "`" * (longest + 1)
    padded = f" {value} " if value.startswith("`") or value.endswith("`") or (value.strip() != value) else value
    return f"{fence}{padded}{fence}"


def _line(value: str) -> str:
    """As one line: what follows a line feed would begin a block."""
    return re.sub(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*", " ", value)


def _section(section: Section) -> str:
    lines = [f"## {text(section.title)}", ""]
    lines += [_item(one) for one in section.items]
    lines += [f"- … and {section.more} more"] if section.more else []
    if section.columns:
        lines += ["", _row(section.columns), _row(("---",) * len(section.columns), escape=False), *map(_row, section.rows)]
    for prompt in section.prompts:
        lines += ["", f"- [ ] {text(prompt)}", ""]
    return "\n".join(lines).rstrip()


def _item(item: Item) -> str:
    shown = f" {code(item.code)}" if item.code else ""
    return f"- {_WEIGHTS[item.weight]}{text(item.text)}{shown}"


def _row(cells: tuple[str, ...], *, escape: bool = True) -> str:
    return f"| {' | '.join(map(text, cells) if escape else cells)} |"

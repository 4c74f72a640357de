"""Texts as Slack takes them: nothing that was logged can mention somebody, make a link or leave its code block. Pure."""

from __future__ import annotations

from typing import Any

from telemetry.redact import redact
from telemetry.unseen import spelled

SECTION, BLOCKS, FALLBACK = 3_000, 50, 3_000
"""Characters of a section and blocks of a message (Slack's reference of Block Kit); characters we put into ``text``."""
_KEPT = frozenset("\n\t")
_BACKTICK = "\u02cb"
"""Stands for a backtick where one would end a code block."""

Block = dict[str, Any]


def clean(text: str) -> str:
    """Without secrets, and with what nobody sees (bidi controls, NUL …) spelled out."""
    return spelled(redact(text.replace("\r\n", "\n"))[0], _KEPT)


def escape(text: str) -> str:
    """The three characters that Slack reads as markup of mentions and links, as its documentation says."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def words(text: str) -> str:
    """Somebody's words within mrkdwn: cleaned, escaped, and without the marks that would format."""
    return escape(clean(text)).replace("`", _BACKTICK).replace("*", "\u2217").replace("~", "\u223c")


def code(text: str) -> str:
    """A code block that its content cannot end."""
    return f"```{escape(clean(text)).replace('`', _BACKTICK)}```"


def pieces(text: str, most: int) -> list[str]:
    """``text`` cut at line ends, else at spaces, else anywhere: each of at most ``most`` characters, an escape never cut."""
    found: list[str] = []
    while len(text) > most:
        cut = max(text.rfind("\n", 1, most), 0) or max(text.rfind(" ", 1, most), 0) or most
        amp = text.rfind("&", max(0, cut - 4), cut)
        if amp > 0 and ";" not in text[amp:cut]:
            cut = amp
        found.append(text[:cut])
        text = text[cut:].lstrip("\n ")
    return [*found, text] if text else found


def section(mrkdwn: str) -> Block:
    """One section; ``verbatim`` keeps Slack from making links and mentions of its own."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn[:SECTION], "verbatim": True}}


def sections(text: str) -> list[Block]:
    """Somebody's words as sections."""
    return [section(one) for one in pieces(words(text), SECTION)]


def code_sections(lines: list[str], most: int = SECTION - 100) -> list[Block]:
    """Lines in code blocks, as few as hold them; a line that is longer than a block is cut."""
    found: list[str] = []
    for line in lines:
        whole = code(line)[3:-3].replace("\n", " ")
        shown = whole if len(whole) <= most else pieces(whole, most - 2)[0] + " …"
        if found and len(found[-1]) + len(shown) < most:
            found[-1] += "\n" + shown
        else:
            found.append(shown)
    return [section(f"```{one}```") for one in found]


def context(mrkdwn: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn[:SECTION], "verbatim": True}]}


def fitting(blocks: list[Block]) -> list[Block]:
    """At most as many blocks as a message may have."""
    return blocks if len(blocks) <= BLOCKS else [*blocks[: BLOCKS - 1], context("_more than a message holds: see the file_")]

"""What somebody wrote in Slack, as a question. Pure."""

from __future__ import annotations

import re

LONGEST = 4_000
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<(?:mailto:|tel:)?([^<>|]+)(?:\|([^<>]*))?>")


def said(text: str) -> str:
    """What somebody wrote, as they wrote it: without mentions, links as their text, entities undone."""
    plain = _LINK.sub(lambda match: match[2] or match[1], _MENTION.sub(" ", text))
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()[:LONGEST]


def kind_of(question: str) -> tuple[str, str]:
    """``ask`` or ``investigate``, and what is asked."""
    verb, _, rest = question.partition(" ")
    return (verb.casefold(), rest.strip()) if verb.casefold() in {"ask", "investigate"} and rest.strip() else ("ask", question)

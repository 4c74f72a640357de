"""Questions about parts of a whole: "what share of X is Y", "error rate by service"."""

from __future__ import annotations

import re

from agent.offline.draft import (
    EVENTS,
    Draft,
    groups,
)
from agent.offline.fields import TEMPLATE_NOUNS, field_word, link
from agent.offline.wording import FILLER, clean

_SHARE = re.compile(
    r"\b(?:(?:what|which|how (?:big|large|high|great)(?: a| is the)?|how much)?\s*(?:is |was |are )?(?:the |a )?(?:share|percentage|percent|fraction|proportion|portion|ratio|part)s?(?= of\b| do\b| does\b| were\b| was\b| are\b| is\b| among\b| per\b| by\b|$)(?: of)?"
    r"|how many percent(?: of)?|what % of|% of|in percent|as a (?:percentage|share|fraction|percent) of|"
    r"(?P<rate>(?:error|failure|success|warning|fail|timeout|rejection|hit|cache hit|cache miss|retry)s? (?:rate|ratio|percentage))(?: of| for)?)\s*(?:the |all (?:the )?)?", re.I)
_GENERIC = frozenset({"record", "line", "log", "message", "event", "entry", "entries", "all", "everything", "traffic", ""})
_OF = re.compile(
    r"\s+(?:(?P<plain>is|are|was|were|says?|said|contain(?:s|ed)?|mention(?:s|ed)?|came? from|comes? from|belongs? to|that (?:are|were|is|have|had|contain)|which (?:are|were|is|have|had)|has|have|had|at|got|made by|caused by|do|does|did)"
    r"|(?P<verb>that|which|with|for|from|to|by|on|in|returned|returning|returns?|ended|ends?|failed|fails?|succeeded|took|takes?|over|above|under|below|went|exceed(?:s|ed)?))\s+", re.I)


def share(draft: Draft) -> bool:
    """"what share of X is Y", "error rate by service", "share of lines by level"."""
    match = _SHARE.search(draft.text)
    if not match or re.search(r"\bratio\b|\bpart\b|\bportion\b", match[0], re.I) and not re.search(r"\b(?:of|what|which)\b", match[0], re.I):
        return False
    rate = (match["rate"] or "").lower()
    ratio = re.search(r"\bas a (?:percentage|share|fraction|percent) of\b", match[0], re.I)
    before, after = draft.text[: match.start()], draft.text[match.end():]
    draft.operation = "share"
    if ratio:
        draft.text, draft.base = clean(before), _base(after)
        return True
    draft.cut(*match.span())
    groups(draft)
    if rate:
        draft.base = clean(draft.text)
        said = {"error": "errors", "warning": "warnings", "fail": "failed", "failure": "failed"}.get(rate.split()[0].rstrip("s"), " ".join(rate.split()[:-1]))
        draft.text = f"{said} {draft.text}"
        draft.kind = "count"
        return True
    whole = re.split(r"\b(?:among|amongst|out of|of all|relative to|compared to|versus)\b(?: the| all)*", draft.text, maxsplit=1, flags=re.I)
    if len(whole) == 2 and clean(whole[0]):
        draft.text, draft.base = clean(whole[0]), _base(whole[1])
        return True
    text = clean(draft.text)
    every = [m for m in _OF.finditer(f" {text} ") if _base(text[: max(0, m.start() - 1)]) or m["plain"]]
    parts = next((m for m in every if m["plain"]), every[0] if every else None)
    if not (parts and parts["plain"]) and not draft.filters and _share_of_field(draft, text):
        return True
    if not parts and draft.filters:
        draft.base = _base(text)
        return True
    if parts:
        base, part = clean(text[: max(0, parts.start() - 1)]), clean(text[max(0, parts.end() - 1):])
        if not part and parts["verb"] and re.search(r"ed$|s$|took", parts["verb"]):
            draft.base, draft.text = _base(base), f"{base} {parts['verb']}"
            return True
        if not _base(re.sub(r"\b(?:whole|entire|full|all|complete)\b", " ", part)):
            draft.text, draft.base = base, ""
            return True
        draft.base = _base(base)
        lead = parts["verb"] or ""
        lead = "" if lead.lower() in {"that", "which"} else f"{lead} "
        draft.text = f"{draft.base} {lead}{part}".strip()
        return True
    draft.base = ""
    return True


def _base(text: str) -> str:
    text = clean(text)
    plain = field_word(FILLER.sub(" ", text).strip() or "record")
    return "" if plain.lower() in _GENERIC else text


def _share_of_field(draft: Draft, text: str) -> bool:
    """"share of lines by level", "share of each level": one row per value."""
    if len(draft.group_by) == 1 and "time" not in draft.group_by and not _base(text):
        draft.field, draft.text = draft.group_by.pop(), ""
        draft.limit = 100
        return True
    words = [w for w in FILLER.sub(" ", text).split() if w]
    linked = link(" ".join(words), draft.catalog) if 0 < len(words) < 3 else None
    if linked is not None and linked.score > 0.8 and field_word(words[-1].lower()) not in TEMPLATE_NOUNS | EVENTS:
        draft.choose(linked, " ".join(words))
        draft.text, draft.limit = "", 100
        return True
    return False

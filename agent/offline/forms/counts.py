"""Questions that count: records, different values, numbers that add up."""

from __future__ import annotations

import re

from agent.offline.draft import (
    ALL,
    EVENTS,
    Draft,
    groups,
    limit,
    named,
    phrase,
)
from agent.offline.fields import NUMERIC, Linked, field_word, link


def distinct(draft: Draft) -> bool:
    """"how many different users", "number of unique ips", "count distinct hosts"."""
    match = re.search(
        r"\b(?:(?:how many|number of|count(?: of)?(?: the| all)?|what is the number of)\s+(?:the\s+)?(?:of the\s+)?)?(?:different|distinct|unique|separate|individual)(?=\s)", draft.text, re.I)
    counted = match and re.search(r"how many|number of|count", match[0], re.I)
    if not match or (not counted and (match.start() > 0 or re.search(r"\b(?:list|show|which|what)\b", draft.text, re.I))):
        plain = re.search(r"\bhow many different|\bdistinct count|\b(?:distinct|unique) (?:values|number)", draft.text, re.I)
        if not (match and (plain or re.search(r"\bhow many\b|\bcount\b|\bnumber of\b", draft.text, re.I))):
            return False
    at = match.end()
    found = phrase(draft.text, at, catalog=draft.catalog)
    hit = named(found, draft.catalog, owners=draft.about(draft.text[: match.end()]))
    draft.kind = "any"
    if hit is not None and hit[0].score >= 0.5:
        draft.choose(hit[0], " ".join(found.words[: hit[1]]))
        draft.cut(match.start(), found.ends[hit[1] - 1])
    elif found.words:
        draft.noun = " ".join(found.words[:2])
        draft.cut(match.start(), found.ends[min(2, len(found.words)) - 1])
    else:
        return False
    draft.drop(r"\bhow many\b|^count\b|\bnumber of\b")
    groups(draft)
    draft.operation = "distinct"
    draft.limit = ALL if draft.group_by else draft.limit
    return True


_COUNT = re.compile(
    r"\b(?:how many times|how many|how often|how frequently|(?:total |overall )?(?:count|tally|number|amount|quantity) of|count(?: up)?(?: the| all| how many)?|total (?:number|count)(?: of)?|number of times)\b|\bcounts?\??$|\bin total$|\baltogether$|^total(?= (?:errors?|warnings?|failures?|exceptions?|requests?|lines|records|messages|events)\b)", re.I)
_DISTINCT_NOUNS = frozenset({"user", "ip", "address", "host", "machine", "node", "client", "service", "account", "username",
                             "component", "logger", "port", "level", "program", "customer", "hostname", "people", "pod"})


def count(draft: Draft) -> bool:
    """"how many failed logins", "count errors by service", "how many users" (different ones)."""
    match = _COUNT.search(draft.text)
    if not match:
        return False
    if re.match(r"\s*(?:total )?(?:bytes|[kmg]i?b|(?:mega|giga|kilo)bytes)\b", draft.text[match.end():], re.I) and \
            (size := link("bytes", draft.catalog, numeric=True) or sized(draft)):
        draft.choose(size, "bytes")
        draft.cut(*match.span())
        draft.drop(r"\b(?:total )?(?:bytes|[kmg]i?b|(?:mega|giga|kilo)bytes)\b|\bin total\b|\baltogether\b|\boverall\b")
        draft.operation, draft.stats, draft.kind = "stats", ("sum",), "size"
        groups(draft)
        return True
    times = re.search(r"\b(?:times|often|frequently)\b", match[0], re.I)
    found = phrase(draft.text, match.end(), catalog=draft.catalog)
    if found.words and not times and not re.match(r"\s*of\s+(?:the|those|them)\b", draft.text[match.end():], re.I):
        hit = named(found, draft.catalog, owners=draft.about(match[0]))
        head = field_word(found.words[hit[1] - 1].lower()) if hit else ""
        whole = hit is not None and hit[1] == len(found.words)
        told = {f.ref for f in draft.catalog.fields if f.values}
        exact = hit is not None and hit[0].ref not in told and hit[0].score >= 1.0 and hit[0].type not in NUMERIC and head not in EVENTS
        if hit is not None and hit[0].type in NUMERIC - {"port"} and hit[0].score >= 1.0 and head not in EVENTS and \
                re.search(r"\btotal\b|\bin total\b|\boverall\b|\baltogether\b|\bamount of\b", draft.text, re.I):
            return _added(draft, match, hit[0], found.ends[hit[1] - 1], " ".join(found.words[: hit[1]]))
        if hit is not None and whole and (head in _DISTINCT_NOUNS or exact) and hit[0].score >= 0.6:
            draft.choose(hit[0], " ".join(found.words[: hit[1]]))
            draft.cut(match.start(), found.ends[hit[1] - 1])
            draft.operation, draft.kind = "distinct", "any"
            groups(draft)
            draft.limit = ALL if draft.group_by else draft.limit
            return True
    draft.cut(*match.span())
    draft.drop(r"^(?:of )?(?:the )?(?:times|occurrences of|instances of)\b|\bhow many\b|\bin total\b|\boverall\b|\baltogether\b")
    n = limit(draft)
    groups(draft)
    draft.operation, draft.limit = "count", ALL
    keys = [key for key in draft.group_by if key != "time"]
    if n and len(draft.group_by) == 1 and keys:
        draft.operation, draft.field, draft.group_by, draft.limit = "top", keys[0], [], n
    if draft.group_by == ["time"]:
        draft.operation, draft.group_by = "trend", []
    return True


def sized(draft: Draft) -> Linked | None:
    """A number that messages write before a unit of size: ``spilled <n> MB``."""
    for info in draft.catalog.fields:
        name = re.escape(info.ref.removeprefix("param:"))
        shown = [t for t in draft.catalog.templates if t.id in info.templates]
        if info.type in NUMERIC and any(re.search(rf"<{name}>\s?(?:[KMG]i?B|bytes)\b", t.display) for t in shown):
            return Linked(info.ref, info.type, 0.6)
    return None


def _added(draft: Draft, match: re.Match[str], linked: Linked, end: int, noun: str) -> bool:
    """"total number of buffers written": a number that adds up."""
    draft.choose(linked, noun)
    draft.cut(match.start(), end)
    draft.drop(r"\bin total\b|\boverall\b|\baltogether\b|\btotal\b")
    draft.operation, draft.stats, draft.kind, draft.limit = "stats", ("sum",), "number", ALL
    groups(draft)
    return True

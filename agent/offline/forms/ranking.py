"""Questions that rank: top and rarest values, kinds of messages."""

from __future__ import annotations

import re
from typing import Any

from agent.offline.draft import (
    NUMBER,
    Draft,
    groups,
    limit,
    named,
    number,
    phrase,
)
from agent.offline.fields import Linked, field_word, link

_TEMPLATES = re.compile(
    r"\b(?:(?:which|what)(?: log| message)? (?:templates?|patterns?|message types?|types? of (?:log )?(?:messages?|errors?|events?|lines?|log)|kinds? of (?:log )?(?:messages?|lines?|events?|errors?|warnings?|exceptions?|problems?)|event types?|error types?|sorts? of \w+)"
    r"|(?:list|show|give)(?: me)?(?: all)?(?: of)?(?: the)? (?:known )?(?:templates|patterns|message types|kinds of (?:messages|events|errors))|(?:template|pattern) (?:for|of|does|is)|"
    r"different (?:kinds|types) of (?:errors|messages|warnings|exceptions|events))\b", re.I)


def templates(draft: Draft) -> bool:
    """"which template does X belong to", "what kinds of errors are there"."""
    match = _TEMPLATES.search(draft.text)
    if not match or re.search(r"\bhow many\b", draft.text[: match.start()], re.I):
        return False
    about = re.search(r"errors?|warnings?|exceptions?|problems?", match[0], re.I)
    ranked = re.search(r"\b(?:most|top|commonest|least|rarest)\b", draft.text, re.I)
    if ranked:
        return False
    draft.cut(*match.span(), about[0] if about else "")
    if re.search(r"belong|match|come|fit|fall|correspond|produce|this|that line", draft.text, re.I) or re.search(r"template|pattern", match[0], re.I):
        draft.drop(r"\b(?:belongs?|does|is|this|these|that|error|template|patterns?|come from|comes from|match(?:es)?|fits?|falls? (?:under|into)|corresponds? to|line|message|of|to|the|under|into|are there|have|we|produced?)\b")
    n = limit(draft)
    draft.operation, draft.limit = "templates", n or 50
    return True


_MOST = (r"(?:the )?(?:most|least|fewest|highest number of|largest number of|lowest number of|more than any(?: other)?|most often|most frequent(?:ly)?|"
         r"busiest|noisiest|chattiest|loudest|rarest|commonest|by (?:the )?(?:count|number(?: of)?|volume|frequency)(?: of (?:lines|records|messages|events))?|in total|"
         r"ranked|rank(?:ing)?|sorted|ordered|often|frequent(?:ly)?|common(?:ly)?|popular)")
_TOP = re.compile(
    rf"\b(?:top|bottom)(?: {NUMBER})?(?: (?:most|least) (?:common|frequent|active|frequently \w+|often \w+))?(?= )|\b(?:the )?(?:most|least) (?:common(?:ly)?|frequent(?:ly)?|often|active|popular|affected|seen|noisy|chatty|busy|talkative|prolific|[a-z]+ed)(?= )(?: [a-z]+ed(?= ))?"
    r"|\b(?:rarest|commonest|busiest|noisiest|chattiest|loudest)(?= )|\b(?:rank|ranking of|sort|order)(?: the| all)?(?= )|\bleaderboard of\b|\bworst (?=offenders?\b)", re.I)
_WHICH_MOST = re.compile(
    rf"\b(?:which|what|whose)\b(?: are| is| were| was)?(?: the)?(?: {NUMBER})?(?= .*\b(?:most|least|more than any|highest number|largest number|lowest number|most often|fewest|busiest|noisiest|chattiest|loudest|rarest|commonest)\b)|\b(?P<who>who)\b(?=.*\b(?:most|least|top)\b)", re.I)
_WITH_MOST = re.compile(r"(?P<noun>\b[a-z][\w.]*(?: (?:id|ids|code|codes|name|names|address|addresses|ips?)\b)?) (?:with|having|that (?:had|has|have)|which (?:had|has|have)) (?:the )?(?:most|highest number of|fewest|least|largest number of)\b", re.I)


def top(draft: Draft) -> bool:
    """"top 5 users", "which hosts have the most errors", "rarest messages", "who failed most"."""
    n = limit(draft)
    order = "asc" if re.search(r"\b(?:least|rarest|fewest|bottom|lowest number)\b", draft.text, re.I) else "desc"
    match = _WITH_MOST.search(draft.text)
    if match and (linked := link(match["noun"], draft.catalog, owners=draft.about(match["noun"]))) and linked.score >= 0.5:
        draft.cut(*match.span())
        return _ranked(draft, linked, match["noun"], n, order)
    for pattern in (_WHICH_MOST, _TOP):
        match = pattern.search(draft.text)
        if not match:
            continue
        if match.groupdict().get("who"):
            linked = link("who", draft.catalog, owners=draft.about("who"))
            if linked is not None:
                draft.cut(*match.span())
                return _ranked(draft, linked, "who", n, order)
            continue
        counted = re.search(NUMBER, match[0], re.I)
        n = n or (number(counted[0]) if counted and re.search(r"\btop|bottom|which|what", match[0], re.I) else 0)
        lead = re.match(rf"\s*(?:(?P<n>{NUMBER})\s+)?(?:most (?:common|frequent|active|often seen) )?(?:of (?:the )?)?", draft.text[match.end():], re.I)
        skip = lead.end() if lead else 0
        n = n or (number(lead["n"]) if lead and lead["n"] else 0)
        found = phrase(draft.text, match.end() + skip, catalog=draft.catalog)
        hit = named(found, draft.catalog, owners=draft.about(draft.text[: match.end()]))
        if hit is not None and hit[0].score >= 0.5:
            noun = " ".join(found.words[: hit[1]])
            done = re.search(r"\b(?:most|least) ([a-z]+ed)$", match[0].strip(), re.I)
            draft.cut(match.start(), found.ends[hit[1] - 1], done[1] if done and done[1].lower() not in {"used", "seen", "affected", "repeated", "logged"} else "")
            return _ranked(draft, hit[0], noun, n, order)
        if found.words and re.search(r"\b(?:top|rank|which|what|most|bottom|least)\b", match[0], re.I) and not re.search(r"\bmost [a-z]+ed\b", match[0], re.I):
            draft.cut(match.start(), match.end() + skip)
            return _unnamed(draft, " ".join(found.words[:2]), n, order)
    return _restored(draft, n)


def _restored(draft: Draft, n: int) -> bool:
    """Nothing to rank by name; with a group key and a number it is a ranking of that key."""
    if not n:
        return False
    groups(draft)
    keys = [key for key in draft.group_by if key != "time"]
    if len(keys) == 1 and len(draft.group_by) == 1:
        draft.drop(r"\btop\b|\bhow many\b|\bnumber of\b|\bcount(?: of)?\b|\bmost\b")
        draft.field, draft.group_by, draft.operation, draft.limit = keys[0], [], "top", n
        draft.noun, draft.kind = keys[0].removeprefix("param:"), ""
        return True
    draft.text = f"{draft.text} {n}" if not draft.group_by else draft.text
    return False


def _unnamed(draft: Draft, noun: str, n: int, order: str) -> bool:
    """A noun that names no field by itself: which value it means is settled with the records."""
    draft.operation, draft.limit, draft.order, draft.kind, draft.noun = "top", n or 10, order, "any", noun
    draft.text = re.sub(rf"(?i)\b{re.escape(noun)}\b", " ", draft.text, count=1)
    draft.drop(rf"\b{_MOST}\b")
    return True


def _ranked(draft: Draft, linked: Linked, noun: str, n: int, order: str) -> bool:
    draft.drop(rf"\b{_MOST}\b")
    draft.drop(r"^(?:are|is|were|was|have|has|had|did|do|does)\b|\b(?:log|logs|logged|write|writes|wrote|produce[sd]?|generate[sd]?|emit(?:s|ted)?)\b(?=\s*(?:the|lines|messages|records|logs|entries|$))")
    if order == "desc" and _by_sum(draft, linked, n or 10):
        return True
    draft.operation, draft.limit, draft.order = "top", n or 10, order
    draft.choose(linked, noun)
    draft.kind = "any"
    head = field_word(noun.split(maxsplit=1)[0])
    if linked.ref == "template" and head in {"error", "warning", "failure", "exception", "problem"}:
        draft.text += f" {head}s"
    return True


def _by_sum(draft: Draft, linked: Linked, n: int) -> bool:
    """"top 3 customers by amount": ranked by the sum of a number, not by records."""
    match = re.search(r"\b(?:by|in terms of)\s+(?:(?P<sum>total|sum of|summed|overall)\s+|the )*(?=[a-z_])", draft.text, re.I)
    if not match:
        return False
    found = phrase(draft.text, match.end(), catalog=draft.catalog)
    hit = named(found, draft.catalog, numeric=True)
    if hit is None or hit[0].score < 0.8 or hit[0].ref == linked.ref:
        return False
    stat: Any = "sum"
    wanted = re.search(r"\b(average|mean|max(?:imum)?|median|p\d\d)\b", draft.text[match.start():], re.I)
    if wanted:
        stat = {"average": "mean", "mean": "mean", "median": "p50"}.get(wanted[0].lower(), "max" if wanted[0].lower().startswith("max") else wanted[0].lower())
    draft.operation, draft.stats, draft.field, draft.limit = "stats", (stat,), hit[0].ref, n
    draft.noun, draft.kind = " ".join(found.words[: hit[1]]), "number"
    draft.group_by = [linked.ref]
    draft.cut(match.start(), found.ends[hit[1] - 1])
    draft.statements.append(f"Ranked by the {stat} of {hit[0].ref.removeprefix('param:')}")
    return True

"""Forms of questions about numbers: average, percentile, largest, total, how long; and the slowest or largest records."""

from __future__ import annotations

import re
from typing import Any

from agent.offline.draft import ALL, EVENTS, NUMBER, Draft, groups, named, number, phrase, written
from agent.offline.fields import TEMPLATE_NOUNS, field_word, link, suits
from agent.offline.understanding import Kind
from telemetry.models import Stat

_NAMES: dict[str, Stat] = {
    "median": "p50", "average": "mean", "mean": "mean", "avg": "mean", "typical": "p50", "max": "max", "maximum": "max", "maximal": "max",
    "min": "min", "minimum": "min", "minimal": "min", "longest": "max", "slowest": "max", "largest": "max", "biggest": "max", "greatest": "max",
    "highest": "max", "worst": "max", "shortest": "min", "fastest": "min", "quickest": "min", "smallest": "min", "lowest": "min",
    "least": "min", "sum": "sum", "total": "sum", "combined": "sum", "overall": "sum", "top": "max", "heaviest": "max",
}
_KINDS: dict[str, Kind] = {
    "longest": "duration", "slowest": "duration", "shortest": "duration", "fastest": "duration", "quickest": "duration",
    "largest": "size", "biggest": "size", "smallest": "size", "heaviest": "size",
}
_PERCENTILE = r"p\s?\d{2}(?:\.\d+)?|\d{2}(?:\.\d+)?\s?(?:th|st|nd|rd)?[- ]?percentile|percentile \d{2}|\d{2}(?:th|st|nd|rd)"
_ONE = rf"(?:{_PERCENTILE}|percentiles?|median|average|mean|avg|max(?:imum|imal)?|min(?:imum|imal)?|typical|longest|shortest|slowest|fastest|quickest|largest|biggest|greatest|smallest|highest|lowest|worst|sum|total|combined)"
_MANY = re.compile(rf"\b(?P<list>{_ONE}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+(?:the\s+)?|\s*/\s*|\s*&\s*){_ONE})+)\b(?P<of>(?:\s+(?:of|for|in))?(?:\s+the)?)\s*", re.I)
_SPREAD = re.compile(r"\b(?P<list>distribution|statistics|stats|percentiles|spread|range)\s+(?:of|for|on)(?:\s+the)?\s+", re.I)
_SINGLE = re.compile(
    rf"\b(?P<stat>{_ONE})\b(?:\s+(?:of|for|in))?(?:\s+(?:the|all|any|each|every|our|a|an)\b)*(?:\s+(?P<amount>number|count|amount|value|reading)s?(?:\s+of)?(?:\s+the)?(?=\s))?\s*", re.I)
_HOW = re.compile(r"\bhow (?P<adj>long|big|large|slow|fast|much time|much memory|much data|many bytes|heavy|high|low)\b(?:\s+(?:did|does|do|is|are|was|were|it takes?|has|have|on average)\b)?", re.I)
_TAIL = re.compile(rf"\b(?P<stat>{_PERCENTILE}|percentiles?|median|average|mean|statistics|stats|distribution|min and max|max(?:imum)?|min(?:imum)?|total|sum)\b", re.I)
_SPREADS = {"distribution": "spread", "statistics": "spread", "stats": "spread", "spread": "spread", "percentiles": "percentiles", "percentile": "percentiles", "range": "range"}
_NOT_HERE = re.compile(r"\b(?:gap|silence|hole|pause)s?\b", re.I)


def stats(draft: Draft) -> bool:
    """"p95 of the block size", "how long did builds take on average", "min, max and mean of size"."""
    return _many(draft) or _with_most(draft) or _which_extreme(draft) or _how_long(draft) or _extremes(draft) or _single(draft) or _tail(draft)


def stat(text: str) -> tuple[Stat, ...]:
    """The statistics a word names."""
    low = re.sub(r"\s+", " ", text.lower().strip())
    if found := re.search(r"\d{2}(?:\.\d+)?", low):
        exact: Any = f"p{found[0]}"
        return (exact,)
    match _SPREADS.get(low):
        case "percentiles":
            return ("p50", "p90", "p95", "p99")
        case "spread":
            return ("count", "min", "mean", "p50", "p95", "max")
        case "range":
            return ("min", "max")
    return ("min", "max") if low == "min and max" else (_NAMES[low],)


def _many(draft: Draft) -> bool:
    match = _MANY.search(draft.text) or _SPREAD.search(draft.text)
    if not match:
        return False
    names = [match["list"]] if match.re is _SPREAD else re.findall(_ONE, match["list"], re.I)
    found = tuple(dict.fromkeys(s for name in names for s in stat(name)))
    if not _noun(draft, match.start(), match.end(), "number"):
        return False
    draft.operation, draft.stats = "stats", found
    groups(draft)
    draft.limit = ALL
    return True


def _noun(draft: Draft, start: int, end: int, kind: Kind) -> bool:
    """Read the noun phrase at ``end`` as the number asked about; take the words from ``start`` out."""
    found = phrase(draft.text, end, catalog=draft.catalog)
    hit = named(found, draft.catalog, numeric=True, owners=draft.about(draft.text[:end]))
    before = _before(draft, start)
    draft.kind = kind
    if hit is not None and hit[0].score >= 0.5:
        draft.choose(hit[0], " ".join(found.words[: hit[1]]))
        draft.cut(start, found.ends[hit[1] - 1])
        return True
    if not found.words and not before:
        draft.noun = ""
        draft.cut(start, end)
        return not draft.bare or bool(_numbers(draft))
    draft.noun = " ".join(found.words)
    draft.cut(start, end)
    linked = link(draft.noun, draft.catalog, numeric=True) if draft.noun else None
    draft.field = linked.ref if linked else _by_kind(draft, kind)
    return True


def _before(draft: Draft, start: int) -> str:
    return draft.text[:start].strip()


def _numbers(draft: Draft) -> list[str]:
    return [f.ref for f in draft.catalog.fields if f.type in {"number", "size", "duration", "percent"}]


def _suited(draft: Draft, ref: str, kind: Kind) -> bool:
    return any(f.ref == ref and suits(kind, f) >= 0.5 for f in draft.catalog.fields)


def _by_kind(draft: Draft, kind: Kind) -> str | None:
    word = {"duration": "duration", "size": "size"}.get(kind)
    linked = link(word, draft.catalog, numeric=True) if word else None
    return linked.ref if linked else None


def _single(draft: Draft) -> bool:
    for match in _SINGLE.finditer(draft.text):
        word = match["stat"].lower()
        rest = draft.text[match.end():]
        if (match["amount"] or "").lower() == "amount" and not re.match(r"of\b", rest) and _summable(draft, match.start("amount")) and \
                _noun(draft, match.start(), match.start("amount"), "number"):
            draft.operation, draft.stats, draft.limit = "stats", stat(word), ALL
            groups(draft)
            return True
        if word in {"total", "combined"} and (match["amount"] or re.match(r"(?:number|count|amount)\b", rest, re.I)):
            continue
        if re.fullmatch(r"\d{2}(?:th|st|nd|rd)", word) and not re.match(r"(?:percentile\b)?", rest, re.I):
            continue
        if word in {"total", "sum", "combined"} and not _summable(draft, match.end()):
            continue
        if word == "worst" and not _summable(draft, match.end()):
            continue
        if _NOT_HERE.match(rest) and not written(draft, rest.split()[0]) or re.match(r"(?:hour|minute|day|second)s?\b", rest, re.I) and word not in {"average", "mean"}:
            continue
        head = phrase(draft.text, match.end(), catalog=draft.catalog)
        if not head.words and not match["amount"] and _tail(draft):
            return True
        if not match["amount"] and head.words and field_word(head.words[0]) in TEMPLATE_NOUNS and len(head.words) == 1 and word not in _KINDS and \
                not re.match(r"\s+(?:time|size|latency|duration)", draft.text[head.ends[0]:], re.I):
            continue
        kind: Kind = "count" if (match["amount"] or "").lower() in {"number", "count", "amount"} else _KINDS.get(word, "number")
        timed = re.search(r"\b(?:per|each|every|by|in an?|in one)\s+(?:minute|hour|day|second)\b", draft.text, re.I)
        own = bool(timed and match["amount"]) and not match[0].rstrip().endswith((" of", " the")) and _summable(draft, match.start("amount"))
        if timed and not own and (kind == "count" or kind == "number" and _happen(draft.text[match.end(): timed.start()], draft)):
            return False
        if not _noun(draft, match.start(), match.start("amount") if own else match.end(), "number" if own else kind):
            return False
        draft.operation, draft.stats = "stats", stat(word)
        draft.drop(r"^(?:what|which) (?:is|was|were|are)\b|\b(?:ever|seen|observed|recorded|reported|so far)\b|\bin (?:seconds?|milliseconds?|ms|minutes|bytes|mb|kb)\b|\bin (?:a single|one|any|a) (?:line|record|message)\b")
        groups(draft)
        draft.limit = ALL
        return True
    return False


def _happen(said: str, draft: Draft) -> bool:
    """Whether words name things that happen and no number: "average failed logins per hour" are counts of records."""
    words = re.findall(r"[A-Za-z_]+", said)
    if not words or field_word(words[-1]) not in EVENTS:
        return False
    hit = link(" ".join(words[-2:]), draft.catalog, numeric=True)
    return hit is None or hit.score < 0.8


def _summable(draft: Draft, at: int) -> bool:
    """Whether what follows "total" is a number that can be added up, not records to be counted."""
    found = phrase(draft.text, at, catalog=draft.catalog)
    hit = named(found, draft.catalog, numeric=True)
    return hit is not None and hit[0].score >= 0.66


_MOST_OF = re.compile(
    rf"\b(?:the )?(?:(?P<n>{NUMBER})\s+)?(?P<thing>lines|records|messages|entries|requests|responses|events|calls|transfers|connections|jobs|runs|ones) (?:with|having|that have|that had|which had) (?:the )?(?P<word>most|highest|largest|biggest|longest|lowest|smallest|fewest|least|shortest)\s+", re.I)


def _with_most(draft: Draft) -> bool:
    """"the 5 lines with the most skipped frames": records in the order of a number."""
    match = _MOST_OF.search(draft.text)
    if not match:
        return False
    found = phrase(draft.text, match.end(), catalog=draft.catalog)
    for start in range(len(found.words)):
        linked = link(" ".join(found.words[start:]), draft.catalog, numeric=True)
        if linked is not None and linked.score >= 0.66:
            rest = " ".join(found.words[:start])
            draft.choose(linked, " ".join(found.words[start:]))
            keep = "" if match["thing"].lower() in {"lines", "records", "messages", "entries", "events", "ones"} else match["thing"]
            draft.cut(match.start(), found.ends[-1], f"{keep} {rest}")
            draft.operation, draft.limit, draft.kind = "lines", number(match["n"]) if match["n"] else 10, "number"
            draft.order = "asc" if match["word"].lower() in {"lowest", "smallest", "fewest", "least", "shortest"} else "desc"
            draft.order_by = linked.ref
            draft.drop(r"^(?:show|list|give|find|get|what (?:are|were)|which (?:are|were))(?: me| us)?(?: the)?\b")
            return True
    return False


_RECORDS = re.compile(
    rf"\b(?:the )?(?:(?P<n>{NUMBER})\s+)?(?P<word>slowest|longest|fastest|quickest|shortest|largest|biggest|smallest|heaviest|highest|lowest|worst|most expensive)(?:\s+(?P<n2>{NUMBER}))?(?:[- ]running)?\s+(?=[a-z_])", re.I)


def _extremes(draft: Draft) -> bool:
    """"slowest 5 requests", "the 3 largest transfers": records in the order of a number."""
    match = _RECORDS.search(draft.text)
    if not match or _NOT_HERE.match(draft.text[match.end():]) and not written(draft, draft.text[match.end():].split()[0]):
        return False
    n = match["n"] or match["n2"]
    found = phrase(draft.text, match.end(), catalog=draft.catalog)
    if not found.words:
        return False
    plural = any(word.lower().endswith("s") and not word.lower().endswith(("ss", "us")) for word in found.words)
    if (n is None and not plural) or (n is not None and number(n) == 1):
        return False
    word = match["word"].lower()
    kind: Kind = _KINDS.get(word, "number")
    hit = named(found, draft.catalog, numeric=True)
    if n is None and hit is not None and hit[0].score >= 0.8:
        return False
    thing = named(found, draft.catalog, owners=draft.about(match[0]))
    if thing is not None and thing[1] == len(found.words) and field_word(found.words[thing[1] - 1].lower()) not in EVENTS and thing[0].score >= 0.9 and thing[0].ref != "template" and thing[0].ref not in _numbers(draft):
        return _by_group(draft, match, thing[0].ref, found.ends[thing[1] - 1], word, number(n) if n else 10)
    exact = hit is not None and hit[0].score >= 0.95 and (kind == "number" or _suited(draft, hit[0].ref, kind))
    draft.field = hit[0].ref if hit and exact else _by_kind(draft, kind)
    draft.noun, draft.kind = (" ".join(found.words[: hit[1]]) if hit and exact else ""), kind
    draft.cut(*match.span())
    draft.operation, draft.limit = "lines", number(n) if n else 10
    draft.order = "asc" if _NAMES.get(word, "max") == "min" else "desc"
    draft.order_by = draft.field or "?"
    draft.drop(r"^(?:show|list|give|find|get|what (?:are|were)|which (?:are|were))(?: me| us)?(?: the)?\b|\b(?:we had|there were|we have|ever)\b")
    return True


_WHICH = re.compile(
    r"\b(?:which|what)\s+(?=[a-z_])", re.I)
_IS_EXTREME = re.compile(
    r"\s*(?:is|are|was|were|has|have|had|got|takes?|took|needs?|shows?|responds?|responded|saw|with)?(?: the| on average| in general)*\s+(?P<word>slowest|fastest|quickest|longest|shortest|largest|biggest|smallest|highest|lowest|greatest)\b(?P<rest>(?: (?:average|mean|median|total|p\d\d|max(?:imum)?))?)", re.I)


def _which_extreme(draft: Draft) -> bool:
    """"which path is the slowest on average", "which host has the highest latency": groups ranked by a number."""
    match = _WHICH.search(draft.text)
    if not match:
        return False
    found = phrase(draft.text, match.end(), catalog=draft.catalog)
    thing = named(found, draft.catalog, owners=draft.about(match[0]))
    if thing is None or thing[0].score < 0.6 or thing[0].ref == "template":
        return False
    end = found.ends[thing[1] - 1]
    extreme = _IS_EXTREME.match(draft.text, end)
    if not extreme:
        return False
    word = extreme["word"].lower()
    kind: Kind = _KINDS.get(word, "number")
    inner = phrase(draft.text, extreme.end(), catalog=draft.catalog)
    hit = named(inner, draft.catalog, numeric=True)
    ref, cut, noun = _by_kind(draft, kind), extreme.end(), ""
    if hit is not None and hit[0].score >= 0.5:
        ref, cut, noun = hit[0].ref, inner.ends[hit[1] - 1], " ".join(inner.words[: hit[1]])
    if ref is None:
        return False
    averaged = re.search(r"\b(?:on average|in general|average|mean|typically|usually)\b", draft.text, re.I)
    said = extreme["rest"].strip()
    default = "mean" if averaged or kind == "duration" else _NAMES.get(word, "max")
    draft.stats = stat(said) if said else (default,)
    draft.cut(match.start(), cut)
    draft.drop(r"\b(?:on average|in general|typically|usually)\b")
    draft.operation, draft.field, draft.kind, draft.noun = "stats", ref, kind, noun
    draft.group_by, draft.limit = [thing[0].ref], 10
    draft.order = "asc" if _NAMES.get(word, "max") == "min" else "desc"
    draft.statements.append(f"Ranked by the {draft.stats[0]} of {ref.removeprefix('param:')}")
    return True


def _by_group(draft: Draft, match: re.Match[str], ref: str, end: int, word: str, n: int) -> bool:
    """"slowest endpoints": a ranking of the thing by the mean of its number."""
    number_ref = _by_kind(draft, _KINDS.get(word, "number"))
    if number_ref is None:
        return False
    draft.cut(match.start(), end)
    draft.operation, draft.stats, draft.field, draft.kind = "stats", ("mean",), number_ref, _KINDS.get(word, "number")
    draft.group_by, draft.limit = [ref], n
    draft.order = "asc" if _NAMES.get(word, "max") == "min" else "desc"
    by = re.search(r"\b(?:by|in terms of) (?:the )?(average|mean|median|max(?:imum)?|p\d\d|total)\b(?: \w+)?", draft.text, re.I)
    if by:
        draft.stats = stat(by[1])
        draft.cut(*by.span())
    draft.statements.append(f"Ranked by the {draft.stats[0]} of {number_ref.removeprefix('param:')}")
    return True


def _how_long(draft: Draft) -> bool:
    match = _HOW.search(draft.text)
    if not match:
        return False
    adjective = match["adj"].lower()
    kind: Kind = "size" if adjective in {"big", "large", "much memory", "much data", "many bytes", "heavy"} else \
        "number" if adjective in {"high", "low"} else "duration"
    if re.match(r"\s*(?:ago|since|until|between|without)\b", draft.text[match.end():], re.I):
        return False
    draft.cut(*match.span())
    worst = re.search(rf"\b(?:on average|in the worst case|at (?:the )?most|at worst|at best|at (?:the )?least|typically|usually|at the median|{_ONE})\b", draft.text, re.I)
    draft.stats = ("mean", "p50", "p95", "max")
    if worst:
        said = re.sub(r"^(?:on|at the) ", "", worst[0].lower())
        fixed: dict[str, tuple[Stat, ...]] = {
            "at most": ("max",), "at the most": ("max",), "most": ("max",), "at worst": ("max",), "in the worst case": ("max",),
            "at best": ("min",), "at least": ("min",), "least": ("min",), "typically": ("p50",), "usually": ("p50",)}
        draft.stats = fixed.get(said) or stat(said)
        draft.cut(*worst.span())
    elif adjective in {"many bytes", "much data"}:
        draft.stats = ("sum",)
    draft.kind, draft.operation = kind, "stats"
    draft.drop(r"\b(?:takes?|took|taken|last(?:ed|s)?|taking|it|to get|usually|typically)\b")
    draft.field = _by_kind(draft, kind)
    groups(draft)
    draft.limit = ALL
    return True


def added(draft: Draft) -> bool:
    """"tuples removed per table, in total": a number that adds up, per group."""
    if not re.search(r"\bin total\b|\btotal\b|\boverall\b|\baltogether\b|\bsum(?:med)?(?: up)?\b|\badded up\b", draft.text, re.I):
        return False
    probe = Draft(draft.catalog, draft.text)
    groups(probe)
    found = phrase(re.sub(r"^(?:how many |the |total |overall |number of |sum of )+", "", probe.text, flags=re.I), 0)
    hit = named(found, draft.catalog, numeric=True)
    if hit is None or hit[0].score < 1.0 or field_word(found.words[hit[1] - 1].lower()) in EVENTS:
        return False
    noun = " ".join(found.words[: hit[1]])
    draft.text, draft.group_by, draft.bucket = probe.text, [*draft.group_by, *(g for g in probe.group_by if g not in draft.group_by)], probe.bucket or draft.bucket
    draft.choose(hit[0], noun)
    draft.drop(rf"\bhow many\b|\bnumber of\b|\b{re.escape(noun)}\b|\bin total\b|\btotal\b|\boverall\b|\baltogether\b|\bsum(?:med)?(?: up)?\b|\badded up\b")
    draft.operation, draft.stats, draft.kind, draft.limit = "stats", ("sum",), "number", ALL
    return True


def _tail(draft: Draft) -> bool:
    """"latency p95", "response size distribution", "request time per endpoint, p99"."""
    before = draft.text, list(draft.group_by), draft.bucket
    groups(draft)
    match = _TAIL.search(draft.text)
    words = re.findall(r"[A-Za-z_][\w.]*", draft.text[: match.start()]) if match else []
    words = [w for w in words if w.lower() not in {"the", "of", "show", "me", "what", "is", "give"}]
    for noun in (" ".join(words[-size:]) for size in (2, 1) if len(words) >= size):
        hit = link(noun, draft.catalog, numeric=True)
        if match and hit is not None and hit.score >= 0.66:
            draft.cut(*match.span())
            draft.text = re.sub(rf"(?i)\b{re.escape(noun)}\b", " ", draft.text, count=1)
            draft.choose(hit, noun)
            draft.operation, draft.stats, draft.kind, draft.limit = "stats", stat(match["stat"]), "number", ALL
            draft.drop(r"^(?:show|give|what (?:is|was))(?: me)?(?: the)?\b")
            return True
    draft.text, draft.group_by, draft.bucket = before
    return False

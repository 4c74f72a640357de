"""Forms of questions that count, rank, list or place in time. Each reader takes a draft and says whether it fits.

A reader that fits cuts its own words out of the draft's text; what is left names the records.
"""

from __future__ import annotations

import re
from typing import Any

from agent.offline.draft import (
    ALL,
    EVENTS,
    NUMBER,
    SECONDS,
    Draft,
    buckets,
    groups,
    limit,
    named,
    number,
    phrase,
    take,
    written,
)
from agent.offline.fields import NUMERIC, TEMPLATE_NOUNS, Linked, link, singular
from agent.offline.wording import CLOSE, FILLER, OPEN, clean

_LOGGED = r"(?:log(?:ged)? )?(?:lines?|logs?|records?|messages?|entries|entry|output|activity|logging|anything)"
_GAP = re.compile(
    rf"\b(?:silences?|silent(?:ly)?|gaps?|holes?|quiet|pauses?|paused|dead air|lulls?|hiatus|interruptions?|outages? in (?:the )?logs?|"
    rf"stop(?:ped|s)? (?:logging|writing|log)\b|no {_LOGGED}|without (?:any |a |a single )?{_LOGGED}|no (?:new )?logs|"
    rf"nothing (?:was |is |got |at all )?(?:logged|written|recorded|happened|in the logs?)|logs? (?:stop(?:ped)?|went|go|missing|fell)\b|"
    rf"(?:did )?not log(?:ging)?(?! (?:in|on|out|off)\b)(?: anything| a single line)?|logged nothing)", re.I)
_WITHOUT = re.compile(r"\b(?:the )?(?:longest|biggest|largest|long) (?:time|period|stretch|spell|interval|pause|while|wait|phase) (?:without|between(?: two| any two)?|with no|that (?:we )?(?:had|saw|got) no) (?:a |an |any |single )*", re.I)
_GAP_WORD = re.compile(r"silen|gap|hole|quiet|pause|lull|interruption", re.I)
_GAP_REST = (
    r"\b(?:(?:(?:of |for |lasting )?(?:more|longer|greater|bigger|larger) than |(?:of |for |lasting )?(?:over|above|at least) )?\d+(?:\.\d+)? ?(?:seconds?|minutes?|mins?|hours?|days?)|longest|biggest|largest|long|big|period|stretch|spell|time|times|when|where|any|two|between|consecutive|go|goes|went|going|fall|"
    r"fell|become|became|stay|stayed|completely|for|was|is|there|were|did|do|does|happen|happened|start|started|the|it|in|and|how|find|show|"
    r"duration|single|adjacent|successive|lines?|logs?|records?|messages?|one|log|entire|whole|system|everything|all|of|me|what|which|"
    r"are|top|worst|with|a|an|no|has|have|had|been|we|see|data|files?|stream|timeline|at|logging|writing|seconds?|minutes?|hours?)\b")


def silent(text: str) -> bool:
    """Whether a text speaks of silence in the logs."""
    return bool(_GAP.search(text) or _WITHOUT.search(text))


def gaps(draft: Draft) -> bool:
    """"when did it stop logging", "longest silence", "any holes in the log?"."""
    match = _GAP.search(draft.text)
    between = _WITHOUT.search(draft.text)
    if between and not any(each.end() > between.end() for each in _GAP.finditer(draft.text)):
        draft.text = re.sub(r"^(?:what|when|which|how|is|was|the|show|me|find)\b(?: (?:is|was|were|the|long|me))*", " ", f"{draft.text[: between.start()]} {draft.text[between.end():]}".strip(), flags=re.I)
        draft.operation, draft.limit = "gaps", 5
        return True
    if not match:
        return False
    about_logs = re.search(r"\blogs?\b|\blogging\b|\blines?\b|\bmessages\b|\brecords\b|\bentries\b|silen|quiet|\bholes?\b|\btimeline\b", draft.text, re.I)
    if _GAP_WORD.search(match[0]) and written(draft, match[0].split()[0]) and not about_logs:
        return False
    if re.search(r"\bhow many (?!gaps|silences|holes|pauses)", draft.text, re.I):
        return False
    n = limit(draft)
    subject = re.search(r"\b(?:was|did|is|does|has|were|when did) (?:the )?(\w+)(?= (?:ever |go |goes |fall |become |get |been |stop|log|not |silent|quiet))"
                        r"|\b(?:on|of|from|in|for|by) the (firewall|server|system|machine|host|cluster|device|app|application|box|node|service|worker|broker|database|db|phone|appliance|router|switch|proxy)\b", draft.text, re.I)
    if subject and not _serves(draft, subject[1] or subject[2]):
        draft.cut(*subject.span())
    if (named_log := re.search(r"\b(?:the |our )?(\w+)[ -]logs?\b", draft.text, re.I)) and not _serves(draft, named_log[1]):
        draft.cut(*named_log.span())
    draft.drop(_GAP.pattern)
    draft.drop(_GAP_REST)
    draft.operation, draft.limit = "gaps", n or 5
    return True


def _serves(draft: Draft, word: str) -> bool:
    info = next((f for f in draft.catalog.fields if f.ref == "service"), None)
    return info is not None and any(word.lower() in value.lower() for value, _ in info.values)


_COOCCUR = re.compile(
    r"\b(?:what else(?: (?:is|was|were|are|does|did|do))?(?: (?:happen(?:s|ed|ing)?|occur(?:s|red|ring)?|go(?:es|ing)? on|logged|show(?:s|ed)? up|appear(?:s|ed)?|come(?:s)? up|there))?"
    r"(?: (?:(?:in|at) the same (?:minutes?|times?|moments?)(?: as)?|together with|along(?:side)?(?: with)?|with|around|near|when(?:ever)?|before|after|during|every time))?"
    r"|what(?: else)?(?: \w+)? (?:happens|happened|occurs|occurred|comes|came|goes|is logged|was logged|shows up|appears|appeared|is seen|was seen) "
    r"(?:(?:at|around) the (?:same )?times?(?: of| as)?|in the same (?:minutes?|moments?)(?: as)?|together with|along(?:side)?(?: with)?|around|with|just before|right before|right after|before|after|whenever|when|every time|near)"
    r"|co-?occurs?(?: with)?|correlat(?:es?|ed|ion)(?: with)?|(?:is |are )?(?:seen|appears?|logged|happens?|occurs?) (?:together|along) with|"
    r"accompan(?:y|ies|ied)(?: by)?|goes? (?:together|along|hand in hand) with|(?:at|in) the same (?:time|minutes?|moment) as)\b", re.I)


def cooccur(draft: Draft) -> bool:
    """"what else happens with X"."""
    match = _COOCCUR.search(draft.text)
    if not match:
        return False
    rest = clean(f"{draft.text[:match.start()]} {draft.text[match.end():]}")
    rest = re.sub(r"^(?:which|what)?\s*(?:messages|templates|events|lines|errors)\s+(?=\S)", "", rest, flags=re.I) \
        if match.start() > 3 else rest
    rest = re.sub(r"\b(?:at|in) the same (?:time|minutes?|moments?)(?: as)?\b|\bwe (?:see|get|have)\b", " ", rest, flags=re.I)
    if not clean(rest):
        return False
    draft.text, draft.operation, draft.limit = rest, "cooccur", 10
    draft.statements.append("Together means within the same minute")
    return True


_COMPARE = re.compile(
    r"\b(?:what(?:ever)?(?: (?:is|was|has|have|had|are|were|did|all))*(?: been| got)? (?:change[ds]?|new|newly|different(?!\s+(?!(?:from|since|than|to|in|on|between|now|today|about|after|before|at|with|compared)\b)[a-z])|differs?|vanish(?:ed)?|disappear(?:ed)?|stand(?:s)? out|unusual)"
    r"|any(?:thing)? (?:that )?(?:is |was )?(?:new|changed|different|unusual)|(?<!how many )new (?=(?:kinds? of |types? of )?(?:messages|templates|errors|events|patterns|kinds|types|lines|log messages|warnings|exceptions)\b)"
    r"|compar(?:e|ed|ing|ison)(?: of)?|differences?|differs?|diff\b|versus|changes? (?:between|from|since)|"
    r"(?:not|never) (?:been )?seen before|(?:which|what) (?P<noun2>\w+) (?:are|is|were|appeared|showed up) (?:new|newly|for the first time)|(?:that |what |has )*(?:started|began) (?:to appear|appearing|showing up|happening|failing)|(?:that )?(?:we )?(?:did not|had not|have not|never) (?:see|seen|had|have)(?: it)? before|"
    r"did (?:the )?(?:number of )?(?P<noun>[\w ]*?\w+(?<!ss)s|[\w ]*?(?:rate|count|traffic|load|volume)) (?:increase|decrease|rise|drop|go up|go down|grow|spike|change)|"
    r"(?:more|fewer|less)(?: \w+){0,2} than (?:before|yesterday|usual|normal|the day before|earlier))\b", re.I)


def compare(draft: Draft, *, windows: bool = False) -> bool:
    """"what is new since 10:00", "what changed", "compare X with Y"; ``windows``: two were given already."""
    match = _COMPARE.search(draft.text)
    if not match and not windows:
        return False
    if match:
        if re.search(r"\bhow many\b", draft.text, re.I) and not windows:
            return False
        noun = match["noun"] or match["noun2"] or ""
        draft.cut(*match.span(), noun)
        draft.drop(_COMPARE.pattern)
        if noun and noun.lower() not in draft.text.lower():
            draft.text = f"{noun} {draft.text}".strip()
    draft.drop(r"\bcompared?\b|\b(?:relative|in comparison|as opposed) to\b|\b(?:to|with|than|from|as|against) (?:before|earlier|that|then|the rest|normal|usual)\b"
               r"|\b(?:since|between|before|after|then|now|against|versus|than|with|earlier|same|appeared?|showed? up|previously|period|window|hour|for the first time|first time|"
               r"did|do|does|has|have|there|we|see|get|what|which|are|is|were|was|any|anything|the|to|and|in|on|of|it|logs?|lines|messages|templates|events|patterns|kinds?|types?|show|me|list|been|happening|behaviou?r|system|that|changed?|new|different)\b")
    draft.operation, draft.limit = "compare", 20
    return True


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
    plain = singular(FILLER.sub(" ", text).strip() or "record")
    return "" if plain.lower() in _GENERIC else text


def _share_of_field(draft: Draft, text: str) -> bool:
    """"share of lines by level", "share of each level": one row per value."""
    if len(draft.group_by) == 1 and "time" not in draft.group_by and not _base(text):
        draft.field, draft.text = draft.group_by.pop(), ""
        draft.limit = 100
        return True
    words = [w for w in FILLER.sub(" ", text).split() if w]
    linked = link(" ".join(words), draft.catalog) if 0 < len(words) < 3 else None
    if linked is not None and linked.score > 0.8 and singular(words[-1].lower()) not in TEMPLATE_NOUNS | EVENTS:
        draft.choose(linked, " ".join(words))
        draft.text, draft.limit = "", 100
        return True
    return False


_UNIT = r"(?:second|minute|hour|day|time of (?:the )?day|time)"
_PEAK = re.compile(
    rf"\b(?:(?:when|at (?:what|which) (?:time|hour|minute))\b(?=.*\b(?:peak(?:ed|s)?|spike[ds]?|busiest|at (?:its|their) (?:highest|worst|most)|the most|most(?! recent)|worst|maximum|highest))"
    rf"(?: (?:did|was|were|is|do|does|are))?(?: there| we (?:see|have|get))?(?: the)?|peak (?:{_UNIT}s?|of|in|traffic|load|rate)|(?:busiest|noisiest|worst|peak|quietest|calmest) (?P<unit1>{_UNIT})|"
    rf"(?:which|what) (?P<unit2>{_UNIT})s? (?:had|has|have|saw|was|were|got|with|is|shows?|did)(?: the)?(?=.*\b(?:most|busiest|worst|highest|peak|noisiest|max(?:imum)?)\b)|spikes?\b|peaks?\b)", re.I)
_TREND = re.compile(
    r"\b(?:over time|trend(?:s|ing)?|timeline|histogram|time series|evolution|course of time|as a function of time|"
    r"how (?:did|has|have|do|does|is|are|was|were) .*?\b(?:develop(?:ed|ing)?|evolv(?:e|ed|ing)|change over|chang(?:e|ed|ing)(?: over time)?|progress(?:ed)?|trend(?:ing)?)|"
    r"(?:plot|graph|chart|draw)(?: me)?(?: the| a)?(?=.*))\b", re.I)


def trend(draft: Draft) -> bool:
    """"errors per minute", "when did failures peak", "plot logins over time"."""
    peak, course = _PEAK.search(draft.text), _TREND.search(draft.text)
    if peak and re.search(r"\bmost recent\b", draft.text, re.I) and not re.search(r"peak|spike|busiest", draft.text, re.I):
        peak = None
    if not (peak or course) and not _bucketed(draft):
        return False
    if not (peak or course):
        _leave_time(draft)
        return True
    unit = ""
    if peak:
        unit = (peak["unit1"] or peak["unit2"] or "").lower()
        explicit = re.search(r"\b(minute|hour|day|second)\b", peak[0], re.I)
        unit = unit if unit in SECONDS else explicit[1].lower() if explicit else ""
    groups(draft)
    draft.drop(_PEAK.pattern)
    draft.drop(r"\b(?:over time|trend(?:s|ing)?|timeline|histogram|time series|evolution|course of time|develop(?:ed|ing)?|evolv(?:e|ed|ing)|progress(?:ed)?|chang(?:e|ed|ing)|plot|graph|chart|draw)\b")
    draft.bucket = draft.bucket or SECONDS.get(unit)
    _leave_time(draft)
    return True


def _bucketed(draft: Draft) -> bool:
    if draft.group_by or not buckets(draft):
        return False
    draft.group_by.append("time")
    groups(draft)
    return True


def _leave_time(draft: Draft) -> None:
    draft.drop(r"\b(?:how (?:many|often|did|has|have|do|does)|number of|count(?: of)?|rate(?: of)?|show(?: me)?|give me|list|display|break(?:down)?|"
               r"most|peak(?:s|ed|ing)?|spikes?|spiked|busiest|noisiest|highest|worst|maximum|quietest|with|when|what|was|is|the|at its|at their|volume(?: of)?|frequency(?: of)?|happen(?:ed|ing)?|occur(?:red)?|"
               r"we (?:see|have|get)|there)\b")
    others = [g for g in draft.group_by if g != "time"]
    draft.limit = ALL
    if others:
        draft.operation = "count"
    else:
        draft.operation, draft.group_by = "trend", []


_EDGE = r"(?:first|last|earliest|latest|most recent(?:ly)?|newest|oldest|final|initial)"
_WHEN = re.compile(r"\bwhen (?:did|was|were|is|are|does|do|has|have|had)\b|\bsince when\b|\bwhen\b(?=.*\b(?:first|last|start|began|begin|latest|earliest|recent(?:ly)?)\b)|^when\b|\b(?:at )?what time\b|\bhow long ago\b|^(?:the )?times? of (?:the )?(?=first|last|latest|most recent|earliest)|\bwhat (?:was|is) the time of\b", re.I)
_OCCURRENCE = re.compile(
    rf"\b(?:the )?{_EDGE} (?:time|occurrence|occurence|seen|instance|appearance|sighting|sign)s?(?: (?:of|that|when|we saw|a|an))?\b", re.I)
_EDGE_HEAD = re.compile(
    rf"^(?:(?:and )?(?:show|give|list|get|print|find|display|fetch|tell|what (?:is|was|were|are)|which (?:is|was|were|are)|who (?:is|was))(?: me| us)?(?: about)? )?(?:the |our |its )?(?:very )?(?P<edge>{_EDGE})\b", re.I)


def first_last(draft: Draft) -> bool:
    """"when did X first happen", "last occurrence of X", "latest 3 errors"."""
    edge, when = _EDGE_HEAD.search(draft.text), _WHEN.search(draft.text)
    occurrence = _OCCURRENCE.search(draft.text)
    if not (edge or when or occurrence):
        return False
    late = re.search(r"\b(?:last|latest|most recent(?:ly)?|newest|final|recently|end(?:ed)?|finish(?:ed)?|stop(?:ped)?)\b", draft.text, re.I)
    early = re.search(r"\b(?:first|earliest|oldest|initial(?:ly)?|start(?:ed|s)?|beg[iau]n|since when)\b", draft.text, re.I)
    said_last = re.search(r"\b(?:last|latest|most recent(?:ly)?|newest|final|recently)\b", draft.text, re.I)
    n = limit(draft)
    counted = re.search(rf"\b{_EDGE} (?P<n>{NUMBER})\b", draft.text, re.I)
    if counted and not n:
        n = number(counted["n"])
        draft.cut(counted.start("n"), counted.end("n"))
    draft.drop(_WHEN.pattern)
    draft.drop(_OCCURRENCE.pattern)
    draft.drop(rf"^(?:show|give|list|get|print|find|display|fetch|tell|what (?:is|was|were|are)|which (?:is|was|were|are))(?: me| us)?(?= .*{_EDGE})|\b(?:for|at) the {_EDGE} time\b|\b{_EDGE}\b|\b(?:happen(?:ed|s)?|occur(?:red)?|appear(?:ed)?|show(?:ed)? up|time|recent(?:ly)?|seen|first|did)\b")
    if early:
        draft.drop(r"\b(?:start(?:ed|s)?|beg[iau]n(?:ning)?)\s+(?:to\s+)?(?=\w)|\b(?:start(?:ed|s)?|beg[iau]n)$" if not draft.bare else r"^$")
    draft.operation = "last" if said_last or (late and not early) else "first"
    if late and not said_last and not early:
        stopped = re.sub(r"\b(?:end(?:ed)?|finish(?:ed)?|stop(?:ped)?)\b", " ", draft.text, flags=re.I)
        draft.text = stopped if clean(stopped) and not written(draft, late[0]) else draft.text
        draft.operation = "last" if not written(draft, late[0]) else "first"
    draft.limit = n or 1
    return True


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
    head = singular(noun.split(maxsplit=1)[0])
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
        head = singular(found.words[hit[1] - 1].lower()) if hit else ""
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
    about = draft.about()
    for info in draft.catalog.fields:
        name = re.escape(info.ref.removeprefix("param:"))
        shown = [t for t in draft.catalog.templates if t.id in info.templates and (not about or t.id in about)]
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


_SUMMARY = re.compile(
    r"\b(?:what (?:is|was|the hell is|on earth is)?\s*(?:going on|happening|wrong|up|broken|going wrong|failing|the (?:status|situation|state|problem|issue|matter))|summar(?:y|ise|ize|ising)(?: of)?|overview(?: of)?|"
    r"any (?:problems?|issues?|trouble|errors?|anomal\w+)$|what (?:happened|went wrong)(?!\s+(?:to|with)\b)|what are (?:all )?(?:the|those|these) (?P<what>\w+(?: \w+)?) about|what (?:kinds? of )?(?P<what2>errors|warnings|problems|issues|exceptions) (?:are|were|do|did|have|happened|occurred)(?: there| we)?|"
    r"is (?:everything|anything|it|the system|all) (?:ok|okay|wrong|broken|fine|healthy|good|well)|tl;?dr|(?:give me |what is )?the gist|health(?:y)?$|how (?:is|are) (?:it|things|everything|the system|we) (?:going|doing|looking)|"
    r"(?:give me |tell me )?the big picture|recap|digest(?: of)?|walk me through|brief me|fill me in|catch me up)\b", re.I)


def summary(draft: Draft) -> bool:
    """"what is going on", "summarise the errors", "what are the warnings about"."""
    match = _SUMMARY.search(draft.text)
    if not match:
        return False
    trouble = re.search(r"error|problem|issue|wrong|broken|trouble|fail(?:ing|ure)", draft.text, re.I)
    what = match["what"] or match["what2"] or ""
    draft.cut(*match.span(), what)
    draft.drop(r"\b(?:problems?|issues?|wrong|broken|trouble|right now|now|here|on|going|happening|system|situation|status|main|me|us|give|quick|short|brief|everything|today|about|related|so far|at the moment|currently|with|in|the|of|a|an|for|logs?|happened|this|incident)\b"
               if not re.search(rf"\bof (?:the )?\w+|\bfor (?:the )?\w+|\bin (?:the )?\w+|\babout\b|{OPEN}", draft.text, re.I) else
               r"\b(?:problems?|issues?|wrong|broken|trouble|right now|now|here|main|quick|short|brief)\b")
    draft.operation, draft.limit = "summary", limit(draft) or 15
    if trouble and not re.search(r"error|fail", draft.text, re.I):
        draft.text += " errors"
    return True


_YES_NO = re.compile(
    r"^(?:and )?(?:did|was|were|is|are|has|have|had|does|do|any)\b(?:\s+(?:there|we|anyone|anybody|someone|somebody|it|the system))?(?:\s+(?:been|any|ever|a|an|some|see|seen|get|have|had|got)\b)*|\bwas there\b|\bhave there been\b|^(?:check )?(?:if|whether)\b(?: there)?(?: (?:was|were|is|are|any)\b)*", re.I)


def yes_no(draft: Draft) -> bool:
    """"did root log in?", "any timeouts?"."""
    match = _YES_NO.search(draft.text)
    if not match:
        return False
    draft.cut(*match.span())
    draft.drop(r"^(?:any|a|an|some)\b|\bat all$|\bever\b")
    groups(draft)
    draft.operation, draft.yes_no, draft.limit = "count", True, ALL
    return not draft.bare


_LINES = re.compile(
    r"\b(?:show(?: me)?|list|find|grep(?: for)?|display|print|search(?: for)?|look(?: up| for)|get(?: me)?|give me|see|fetch|pull up|tell me(?: everything| all)?(?: about)?|what happened (?:to|with)|what (?:do|did) we (?:know|have) (?:about|on)|(?:everything|anything|all|stuff)(?: (?:about|on|from|for|with))|history of|trace|track|follow)\b"
    r"(?: (?:all|the|any|every|me|of)\b)*(?: (?:log )?(?:lines?|logs?|messages?|records?|entries|events?))?(?: (?:about|with|of|for|from|containing|mentioning|that (?:mention|contain)|related to|concerning|regarding))?", re.I)


def lines(draft: Draft) -> bool:
    """"show me lines about X", "what happened to job 7"."""
    match = _LINES.search(draft.text)
    if not match:
        return False
    n = limit(draft)
    match = _LINES.search(draft.text) or match
    shown = re.search(rf"\b(?P<n>{NUMBER})\s+(?:example |sample )?(?:lines|logs|records|messages|entries|examples|samples)\b", draft.text, re.I)
    draft.cut(*match.span())
    if shown and not n:
        n = number(shown["n"])
        draft.text = re.sub(rf"\b{re.escape(shown['n'])}\b", " ", draft.text, count=1)
    draft.drop(r"^\W*(?:lines?|logs?|examples? of)\b|\ball its (?:log )?lines\b|\bits lines\b|\bexamples?\b")
    draft.operation, draft.limit = "lines", n or 50
    return True


def which(draft: Draft) -> bool:
    """"which users failed", "from where", "who", "what was the size of blk_1"."""
    value = re.search(r"^(?:and )?(?:what (?:is|was|are|were)|tell me|give me|show me|find|get)\s+the\s+(?=[a-z_])", draft.text, re.I)
    if value:
        found = phrase(draft.text, value.end(), catalog=draft.catalog)
        bound = found.words and re.match(r"\s+(?:of|for|used by|used for|used|in|with|from|that|at|on)\b", draft.text[found.ends[-1]:], re.I)
        if bound and take(draft, value.end(), least=0.5):
            draft.cut(0, value.end())
            draft.operation, draft.limit, draft.kind = "top", 100, "any"
            return draft.field != "template" or _kinds(draft)
    n = limit(draft)
    if n:
        draft.drop(r"\btop$|\btop(?=\s*[,;])|\bonly$")
    asked = re.search(r"\b(?:from |on |to |in |at |by |for )?(?P<wh>which|what|whose)\s+(?=[a-z_])|\b(?P<who>who)\b|^(?P<where>where)\b|^(?:list|show|name|give me|print|get)(?: me)?(?: all)?(?: of)?(?: the)?(?: (?:different|distinct|unique))?\s+(?P<verb>)(?=[a-z_])", draft.text, re.I)
    if not asked:
        return False
    if asked["who"] or asked["where"]:
        linked = link("who" if asked["who"] else "path", draft.catalog, owners=draft.about(asked[0]))
        if linked is None or linked.score < 0.4:
            return False
        draft.cut(*asked.span())
        draft.choose(linked, asked[0])
    else:
        found = phrase(draft.text, asked.end(), catalog=draft.catalog)
        hit = named(found, draft.catalog, owners=draft.about(draft.text[: asked.end()]))
        listed = asked["verb"] is not None
        if hit is None or hit[0].score < (0.84 if listed else 0.4):
            return False
        if hit[0].type in NUMERIC and hit[0].score < 0.8 and singular(found.words[hit[1] - 1].lower()) in EVENTS:
            return False  # "which requests": the records, not the request time
        if listed and re.search(r"\b(?:lines?|logs?|records?|messages?|entries|events?)$", " ".join(found.words[: hit[1]]), re.I):
            return False
        if listed and (hit[0].ref == "template" or not found.words[hit[1] - 1].lower().endswith("s")
                       or re.match(r"\s*(?:lines|logs|records|messages)\b", draft.text[found.ends[hit[1] - 1]:], re.I)):
            return False
        draft.choose(hit[0], " ".join(found.words[: hit[1]]))
        draft.cut(asked.start(), found.ends[hit[1] - 1])
    draft.operation, draft.limit, draft.kind = "top", n or 100, "any"
    return draft.field != "template" or _kinds(draft)


def _kinds(draft: Draft) -> bool:
    draft.operation, draft.limit, draft.field, draft.kind = "templates", 20, None, ""
    head = singular(draft.noun.split(maxsplit=1)[0])
    draft.text += f" {head}s" if head in {"error", "warning", "failure", "exception"} else ""
    return True


__all__ = ["CLOSE", "compare", "cooccur", "count", "distinct", "first_last", "gaps", "lines", "share", "summary", "templates", "top",
           "trend", "which", "yes_no"]

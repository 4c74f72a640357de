"""Questions that set two things side by side: what changed, what is new, what happens together."""

from __future__ import annotations

import re

from agent.offline.draft import (
    Draft,
)
from agent.offline.wording import clean

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
    draft.unusual = match is not None and re.search(r"\b(?:new|newly|unusual)\b", match[0], re.I) is not None
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

"""Claims that something did not happen: they need evidence that looked for it and found none.

"No route to host" tells of an event when a line says so; "the deploy is not the cause" is a judgement. Neither
is a claim of absence. "There were no errors" is, and a failed search does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from agent.evidence.figures import COUNTED
from agent.evidence.instants import Instant, instants, shows
from agent.evidence.shown import fold, operation_of
from agent.offline.words import likeness, stem
from tools.registry import ToolResult

_VERB = r"(?:did|does|do|has|have|had|was|were|is|are|been)"
_JUDGEMENT = (
    r"(?:the|a|an|because|due|related|caused|causing|cause|responsible|behind|involved|explain|explained|lead|contribute|to blame|what|"
    r"likely|enough|only|just|clear|known|certain|sure|necessarily|yet|mean|prove|conclusive|specific|limited|confined|unique|new|in|"
    r"consistent|correlated|connected|surprising|unusual|normal|healthy|alone|all|always|support|fit|match|account|coincide|down)"
)
_ABSENT = re.compile(
    r"\bno(?! (?:longer|doubt|matter|wonder|later|earlier|sooner|more than|less than|fewer than|need|reason)\b)(?=\s+[\w`\"'“<*-])"
    r"|\b(?:none|nothing|nobody|nowhere|never)\b|(?:\bnot|n['’]t) (?:a single|any|one)\b|\bzero (?=[a-z])"
    rf"|(?<![\d.,:])(?<!from )0 (?=(?:[a-z]+ )?(?:{COUNTED})\b)"
    r"|\bwithout (?:any|a single|a|an|errors?|failures?|restarts?|problems?|incident)\b|\babsence of\b|\bfree of\b|\babsent\b"
    rf"|\b{_VERB}(?:n['’]t|(?: also| still)? not)(?! {_JUDGEMENT}\b)(?=\s+[a-z])"
    r"|\b(?:unaffected|all clear|error[- ]free)\b|\b(?:is|are|was|were|looks?|seems?|remains?|remained|stayed) (?:fully |otherwise |all |still |completely |perfectly )?(?:healthy|fine|normal|ok|okay|clean|quiet|silent|idle)\b",
    re.IGNORECASE)
_TELL = r"(?:say|show|tell|name|record|reveal|explain|state|mention|identif|give|hold|contain|indicate|specif|include|log|answer|disclose|make clear|point to)\w*"
_ASKED = r"(?:who(?:m|se)?|why|what|how|when|where|which|whether|(?:the|a|any) (?:\w+ )?(?:cause|reason|trigger|actor|author|culprit))\b"
_UNSAID = re.compile(
    rf"\b(?:(?:do|does|did|has|have|had|could|can|would|will)(?: not|n['’]t)|cannot) (?:\w+ ){{0,2}}?{_TELL}(?: (?:\w+ ){{0,3}}?)?\s*{_ASKED}"
    rf"|\b(?:no|none of the|nothing|neither)(?: [\w-]+){{0,5}}? {_TELL}(?: \w+){{0,2}} {_ASKED}"
    rf"|\b(?:is|are|was|were|remains?)(?: not|n['’]t) (?:said|stated|recorded|known|logged|shown|named|given|clear|told|visible|mentioned)(?: \w+){{0,4}}? {_ASKED}"
    rf"|\b{_ASKED}[^.;,\n]{{0,80}}? (?:is|are|was|were)(?: not|n['’]t) (?:said|stated|recorded|known|logged|shown|named|given|clear|told|visible|mentioned)\b",
    re.IGNORECASE)
"""That the records leave a question open tells of the records; it claims nothing about what happened."""
_DENIAL = re.compile(
    r"\b(?:no|not|none|nothing|nobody|never|without|zero|absent|absence|missing|lack\w*|empty|cannot|unlikely|rather than|instead|"
    r"ruled out|healthy|fine|normal|clean|quiet|silent|silence|stopped|unaffected|free of|clear|0|excluded?|rules? out|against)\b|n['’]t\b", re.IGNORECASE)
_MEASURED = re.compile(
    r"\b(?:chang|increas|decreas|ris|rose|grow|grew|drop|fall|fell|exceed|reach|above|over|below|under|more|less|fewer|high|low|slow|fast|"
    r"differ|spik|worse|improv|long|large|jump|climb|vary|varied|elevated|degrad)", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:no|nothing|none|nobody|not any)(?: of the)? (?:other|others|else|further|more|additional)\b", re.IGNORECASE)
_RECORDED = re.compile(
    r"\b(?:errors?|failures?|warnings?|exceptions?|timeouts?|restarts?|retries|crash\w*|records?|lines?|messages?|events?|entries|logs?|"
    r"alerts?|signs?|evidence|traces?|incidents?|problems?|issues?|deploy\w*|rollouts?|releases?|chang\w*|requests?|attempts?|traffic)\b")
_FAILING = r"(?:not|n['’]t|no|cannot|unable|fail\w*|without|lost|exhausted|missing|refused|denied|rejected|unavailable|unreachable)"
_EDGE = re.compile(r"\b(?:after|before|since|until|later|earlier|prior|then|again)\b", re.IGNORECASE)
_PLAIN = frozenset(
    "the a an of is are was were be been did do does has have had there that which it its they them and or but in on at to for from by with "
    "any other during this these those window time period log logs record records line lines message messages event events found seen "
    "logged reported recorded observed shown present occur occurred happen happened appear appeared searched search evidence sign signs "
    "all whole day hour hours minute minutes second seconds last between after before since until into out no not none nothing never "
    "zero single also so then than as were utc was within over same any matched match match matching were result results show shows one "
    "problem problems issue issues trouble service services host hosts healthy fine normal ok unaffected clean quiet silent incident data".split())


def denies(text: str) -> bool:
    """Whether the claim speaks of something missing at all: a search that found nothing can then support it."""
    return bool(_DENIAL.search(text))


def claims_absence(text: str) -> bool:
    """Whether the claim says that something did not happen, or was not there."""
    return bool(_ABSENT.search(_UNSAID.sub(" ", text)))


def unsearched(text: str, results: Sequence[ToolResult], haystack: Sequence[str]) -> str | None:
    """Why the cited results do not show the absence that ``text`` claims; None when they do, or none is claimed."""
    text = _UNSAID.sub(" ", text)
    claimed = [m for m in _ABSENT.finditer(text) if not _told(text, m, haystack)]
    if not claimed:
        return None
    words = _words(text)
    empty = [r for r in results if _found_none(r, text)]
    if any(_looked_for(r, words) for r in empty):
        return None
    if _MEASURED.search(text) and any(r.status == "found" for r in results):
        return None
    if any(_OTHERS.search(text) and _complete(r) for r in results):
        return None
    if empty:
        return "no cited result searched for what it says did not happen"
    return "it says something did not happen, and no cited result searched for it and found none"


def _told(text: str, match: re.Match[str], haystack: Sequence[str]) -> bool:
    """Whether the evidence itself says so: "No route to host", "connection not found", "healthy"."""
    following = re.match(r"\W*(?:\w+\W+){0,1}\w+", text[match.end():])
    if match[0].lower() == "no" and following and _lacking(following[0].lower(), haystack):
        return True
    phrase = fold(match[0] + (following[0] if following else ""))
    single = match[0].strip().lower()
    if single in {"unaffected", "all clear", "error-free", "error free"} or re.search(r"(?:healthy|fine|normal|ok|okay|clean|quiet|silent|idle)$", single):
        phrase = single.split()[-1]
    elif re.fullmatch(r"(?:none|nothing|nobody|nowhere|never|0 ?|zero ?)", single):
        return False
    elif re.search(r"(?:n['’]t| not)$", single):
        verb = re.match(r"\W*\w+", text[match.end():])
        phrase = fold("not" + (verb[0] if verb else " "))
    return any(phrase in item for item in haystack)


def _lacking(what: str, haystack: Sequence[str]) -> bool:
    """Whether the evidence tells that ``what`` could not be had: "could not get a connection" for "no connection".

    Records of a kind (errors, restarts, deployments) are no such thing: that there were none takes a search.
    """
    if _RECORDED.search(what):
        return False
    stems = [re.escape(stem(word)) for word in re.findall(r"[a-z]{3,}", what) if word not in _PLAIN]
    return any(re.search(rf"\b{_FAILING}\b[^|\n]{{0,50}}\b{one}|\b{one}\w*[^|\n]{{0,30}}\b{_FAILING}\b", item) for one in stems for item in haystack)


def _found_none(result: ToolResult, text: str) -> bool:
    """Whether a result shows that there was nothing, somewhere: no record, a count of zero, an empty bucket."""
    if result.status == "nothing_found":
        # What a runbook does not say, and what lies beyond the end of a stored result, may have happened.
        return not result.tool.startswith("evidence.") and (not result.tool.startswith("runbook") or "runbook" in fold(text))
    if result.status != "found" or result.found is None:
        return False
    given = result.found.result
    if isinstance(given.value, int | float) and given.value == 0:
        return True
    operation = operation_of(result)
    if operation == "gaps" or operation in {"first", "last"} and _EDGE.search(text):
        return True
    if operation == "trend":
        claimed = [moment for moment, _ in instants(text)]
        return any(row and row[-1] == 0 and (_EDGE.search(text) or _at(row, claimed)) for row in given.rows or [])
    if operation == "compare" and any(row and row[-1] in {"gone", "new"} for row in given.rows or []):
        return True
    return any(isinstance(cell, int | float) and not isinstance(cell, bool) and cell == 0 and _named(row, text)
               for row in given.rows or [] for cell in row)


def _named(row: list[Any], text: str) -> bool:
    low = fold(text)
    return any(isinstance(cell, str) and fold(cell) in low for cell in row)


def _at(row: list[Any], claimed: list[Instant]) -> bool:
    """Whether a row of a series is of a moment that the claim names."""
    shown = [moment for cell in row if isinstance(cell, str) for moment, _ in instants(cell)]
    return any(shows(s, c) for s in shown for c in claimed)


def _complete(result: ToolResult) -> bool:
    """Whether a table lists all there is, so that what it does not name is absent."""
    rows = result.found.result.rows if result.found else None
    limit = result.query.get("limit")
    return bool(rows) and len(rows or []) < (limit if isinstance(limit, int) else 10)


def _looked_for(result: ToolResult, words: list[str]) -> bool:
    """Whether the query names what the claim says is absent; a query without conditions looked at everything."""
    if operation_of(result) == "gaps":  # a silence is an absence of whatever was asked about
        return True
    sought = list(_sought(result))
    if result.status == "found" and result.found and result.found.result.rows:
        sought += [fold(cell) for row in result.found.result.rows for cell in row if isinstance(cell, str)]
    if not sought or not words or any(item.startswith("template ") for item in sought):
        return True
    written = [word for item in sought for word in re.findall(r"[a-z0-9]+", item)]
    return any(likeness(word, other) > 0 or stem(word) == stem(other) or _status(word, written) for word in words for other in written)


def _status(word: str, written: list[str]) -> bool:
    """``5xx`` is sought by a number of that hundred."""
    return bool(re.fullmatch(r"[1-5]xx", word)) and any(re.fullmatch(rf"{word[0]}\d\d", other) for other in written)


def _sought(result: ToolResult) -> Iterator[str]:
    """Texts of the query that narrow it: values and fields of filters, words given to a search."""
    for key, value in result.query.items():
        if key in {"window", "baseline", "operation", "limit", "order", "bucket", "stats", "base_filters"}:
            continue
        if key == "filters" and isinstance(value, list | tuple):
            for item in value:
                if isinstance(item, dict):
                    yield f"{item.get('field', '')} {' '.join(_strings(item.get('value')))}".lower()
        else:
            yield from (text.lower() for text in _strings(value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _words(text: str) -> list[str]:
    """Words of the claim that say what is meant."""
    return [w for w in re.findall(r"[a-z0-9]+(?:xx)?", re.sub(r"\b[Ee]\d{1,3}\b", " ", text).lower())
            if w not in _PLAIN and len(w) > 2 and not w.isdigit()]

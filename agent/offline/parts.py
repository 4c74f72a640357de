"""Several questions in one: where a question is cut, and what a later part means once the first is answered. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agent.offline.understanding import Reading
from telemetry.models import Filter, Found, Query, Window

_FEW = 2
MOST = 4
"""Parts that are told apart; what comes behind stays with the last."""
_PREPOSITION = r"(?:in|on|at|by|from|for|to|with|of|since|until|during|under|through|via|against)"
_ASK = r"(?:which|what|whom|whose|who|when|where|why|how(?:\s+(?:many|much|often|long|big|large|fast|slow|high))?)\b"
_NAMING = r"(?:which|what|whose|how (?:many|much))\b"
"""Before the name of what is asked for."""
_QUESTION = (
    rf"(?:(?:{_PREPOSITION}\s+)?{_ASK}"
    r"|(?:is|are|was|were|did|does|do|has|have|had)\s+(?:it|they|this|that|these|those|there|any\w*|he|she|the)\b)"
)
_HEAD = (
    rf"(?:{_QUESTION}"
    r"|(?:show|list|count|plot|summari[sz]e|give me|tell me)\s+(?=\w)|(?:its|their|his|her)\s+(?=\w))"
)
_JOINT = re.compile(rf"(?:\s*[,;?]\s*|\s+)(?:and|plus|as well as|but)(?:\s+(?:also|then|so))?\s+(?={_HEAD})|\s*[;?]\s+(?={_QUESTION})", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']{3,}'|`[^`]*`|“[^”]*”")
_RELATIVE = re.compile(r"(?P<word>which|who|what)\s+(?!(?:is|are|was|were|did|does|do|has|have|had)\s+(?:it|they|the)\b)", re.IGNORECASE)
_ALONE = re.compile(rf"(?P<head>(?:{_PREPOSITION}\s+)?{_ASK})(?P<noun>(?:\s+[\w-]+){{0,2}})", re.IGNORECASE)
_VERBS = frozenset("is are was were did does do has have had can could will failed fails fail happened started began broke crashed changed".split())
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|that(?=\s*$|\s+(?:happen|start|beg[iau]n|one|end|stop|last)\w*)|these|those|(?<!were )(?<!was )(?<!are )(?<!is )there|then|he|she|his|her|him"
                      r"|the same)\b", re.IGNORECASE)
_WORST = re.compile(
    r"^(?:\w+\s+)?(?:which|what)\s+(?P<noun>[\w-]+)\s+(?:is|was|are|were)\s+(?:(?:it|that|they)\s+)?(?:the\s+)?"
    r"(?:worst|highest|slowest|largest|longest|biggest|greatest|lowest|fastest|best)\b", re.IGNORECASE)
_EDGE = re.compile(r"\bthe (?:very )?(?:first|last|latest|earliest|most recent|longest|biggest|largest|slowest|worst)(?: (?:one|time|occurrence))?\s*$", re.IGNORECASE)
_TIMES = re.compile(r"^(?:since )?when\b|^how (?:long|many|often)\b|\bstill\b", re.IGNORECASE)
_SEVERAL = re.compile(r"\b(?:they|them|their)\b", re.IGNORECASE)
"""Asked of all records, not of a single first or last one; the same of :data:`_TIMES`."""
_ANY_MORE = re.compile(r"^(?:is|are|was|were) there any(?:\s+(?:more|others?|today|yesterday|now|since|after|before|in the last|this|last)\b|$)", re.IGNORECASE)
_ONTO = re.compile(rf"^{_PREPOSITION}\s+(?={_ASK})", re.IGNORECASE)
_CONCERNED = re.compile(r"\b(?:affected|involved|concerned|responsible|to blame|behind|hit|impacted)\b(?:\s+(?:by|for)?\s*(?:it|that|this|them))?", re.IGNORECASE)
_PLAIN: tuple[tuple[str, str], ...] = (
    (r"^(?:at|since)\s+(?:what time|when)\b", "when"), (r"^by whom\b|^whom\b", "who"),
    (r"^(?:its|their|his|her)\s+(?=\w)", "which "),
    (r"^(?:is|are|was|were|does|do)\s+(?:it|they|this|that|these|those|there)\s+still\b.*$", "when was the last"), (r"^(?:is|are|was|were)\s+there\s+any\b", "how many"), (r"^(?:from where|where from)\b", "which source"),
    (r"^count\s+(?:them|it|those|these)\b", "how many"),
    (r"^(?:give|tell) me\s+(?=(?:which|what|who|when|where|how)\b)", ""),
)


_TIME = (
    r"(?:today|yesterday|tonight|(?:last|this|yesterday) (?:night|morning|afternoon|evening|week|month)|(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:on )?\d{4}-\d\d-\d\d)"
)
_TIMES_TWO = re.compile(rf"\b(?P<one>{_TIME})\s+and\s+(?P<two>{_TIME})(?!\w)", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:compar\w*|between|versus|vs|differ\w*|chang\w*|against|than|from|both)\b", re.IGNORECASE)


def split(question: str) -> tuple[str, ...]:
    """The questions that one holds, in order; one alone when there is nothing to cut.

    "Which pier and which berth failed most?" asks the same of two things, so the words behind are put to both.
    """
    masked = _QUOTED.sub(lambda match: "x" * len(match[0]), question)
    times = _TIMES_TWO.search(masked)
    if times is not None and not _COMPARED.search(masked):
        return tuple(f"{question[: times.start()]}{time}{question[times.end():]}".strip(" ?") for time in (times["one"], times["two"]))
    parts: list[str] = []
    at = 0
    for joint in _JOINT.finditer(masked):
        first = masked[at: joint.start()]
        if len(parts) == MOST - 1 or not re.search(r"\w", first) or _bound(first, masked[joint.end():]):
            continue
        parts.append(question[at: joint.start()])
        at = joint.end()
    parts.append(question[at:])
    return _completed([part.strip(" ,;?") for part in parts])


def _bound(first: str, rest: str) -> bool:
    """Whether the joint belongs to what stands before it: "between the error and when it ended", "lines that failed and which took 2 s"."""
    if re.search(r"\bbetween\b(?!.*\band\b)", first, re.IGNORECASE):
        return True
    relative = _RELATIVE.match(rest)
    return relative is not None and relative["word"].lower() != "what" and \
        re.search(rf"\w\s+(?:that|{relative['word']})\s+\w", first, re.IGNORECASE) is not None


def _completed(parts: list[str]) -> tuple[str, ...]:
    """Give a part that is only "which pier" the predicate of the next one."""
    for place in range(len(parts) - 2, -1, -1):
        alone = _ALONE.fullmatch(parts[place])
        if alone is None or any(word.lower() in _VERBS for word in alone["noun"].split()):
            continue
        names = len(alone["noun"].split())
        head = _NAMING if names else _ASK
        following = re.match(rf"(?:{_PREPOSITION}\s+)?{head}(?:\s+[\w-]+){{{names}}}(?P<rest>\s+.+)$", parts[place + 1], re.IGNORECASE)
        if following and not _PRONOUN.search(following["rest"]):
            parts[place] += following["rest"]
    return tuple(parts)


def refers(part: str, first: str) -> bool:
    """Whether a later part means nothing alone: it names what came before by a pronoun, or only says what it wants of it.

    "how many warnings" after "how many errors did checkout have" leaves out what was said.
    """
    if _PRONOUN.search(part) or _ONTO.match(part) or _CONCERNED.search(part) or _EDGE.search(part) or _ANY_MORE.match(part) or len(part.split()) <= 2:
        return True
    head, begun = re.match(_ASK, part, re.IGNORECASE), re.search(_ASK, first, re.IGNORECASE)
    rest = part[head.end():].split() if head else []
    return bool(head and begun and head[0].lower() == begun[0].lower()) and len(rest) <= _FEW and not _VERBS.intersection(map(str.lower, rest)) \
        and len(rest) < len(first[begun.end():].split() if begun else [])


def plainly(part: str) -> str:
    """A later part as a follow-up: "by whom" is "who", "on which berth" is "which berth", "who was affected" is "who"."""
    text = part.strip()
    for pattern, said in _PLAIN:
        text = re.sub(pattern, said, text, flags=re.IGNORECASE)
    text = _CONCERNED.sub("", _ONTO.sub("", text))
    return re.sub(r"\s+(?:is|was|were|are)\s*$", "", re.sub(r"\s+", " ", text)).strip()


def grouped(part: str) -> str:
    """"in which region is it worst", asked of a statistic, as that statistic by region; empty for any other part."""
    match = _WORST.search(part)
    return f"by {match['noun']}" if match else ""


def alone(part: str, reading: Reading | None, held: str = "") -> str:
    """A later part as it can be asked by itself: the records are named in place of "it", and in a bare "why" what was found."""
    if re.fullmatch(r"why\W*", part, re.IGNORECASE) and " = " in held:
        return f"why did {held.partition(' = ')[2]} fail"
    about = (reading.target or reading.noun) if reading is not None else ""
    return _PRONOUN.sub(about, part) if about and "␞" not in about else part


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a later part is asked of: the reading before it, held to what that one found. ``said`` tells to what; empty when to nothing."""

    reading: Reading
    said: str = ""


def narrowed(reading: Reading, query: Query, found: Found | None, part: str) -> Narrowed:
    """Hold a reading to its own answer, for a ``part`` that asks of that: the commonest value, the greatest number, the line found, the peak."""
    whole = replace(reading, window=query.window, baseline=query.baseline, statements=(), ambiguities=())
    if found is None or not found.total:
        return Narrowed(whole)
    if query.operation in {"first", "last"} and (_TIMES.search(part) or query.limit == 1 and _SEVERAL.search(part)):
        return Narrowed(whole)
    times = [line.time for line in found.result.lines or () if line.time is not None]
    if query.operation in {"first", "last"} and times:
        said = f"the record of {times[0]:%Y-%m-%d %H:%M:%S} UTC" if len(times) == 1 else f"these {len(times)} records"
        return Narrowed(replace(whole, window=Window(start=min(times), end=max(times) + timedelta(milliseconds=1))), said)
    if query.operation == "trend" and not query.group_by and len(found.result.rows or []) > 1 and not (_TIMES.search(part) or _SEVERAL.search(part)):
        return _peak(whole, found.result.rows or [])
    held = _value(query, found)
    if held is None:
        return Narrowed(whole)
    name = held.field.removeprefix("param:")
    shown = f"{held.value:,.15g}" if isinstance(held.value, float) else held.value
    said = "that kind of message" if held.field == "template" else f"{name} = {shown}"
    return Narrowed(replace(whole, filters=(*whole.filters, held)), said)


def _value(query: Query, found: Found) -> Filter | None:
    rows = found.result.rows or []
    if query.field is None:
        return None
    if query.operation == "top" and rows and rows[0][0] is not None and (len(rows) == 1 or rows[0][-1] != rows[1][-1]):
        return Filter(field=query.field, op="eq", value=str(rows[0][0]))
    extreme = query.operation == "stats" and query.stats in {("max",), ("min",)} and not query.group_by
    if extreme and isinstance(found.result.value, int | float):
        return Filter(field=query.field, op="eq", value=float(found.result.value))
    return None


def _peak(whole: Reading, rows: list[list[Any]]) -> Narrowed:
    times = [datetime.fromisoformat(str(row[0])) for row in rows]
    start = times[max(range(len(rows)), key=lambda at: rows[at][1])]
    return Narrowed(replace(whole, window=Window(start=start, end=start + (times[1] - times[0]))), f"the peak from {start:%Y-%m-%d %H:%M:%S} UTC on")

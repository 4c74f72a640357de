"""Conditions said in a question: "larger than 1 MB", "status >= 500", "except timeouts", "not from 10.0.0.1"."""

from __future__ import annotations

import re
from typing import Any

from agent.offline.draft import COUNTS, Draft
from agent.offline.fields import Linked, field_word, link, suits
from agent.offline.money import currency, priced
from agent.offline.target_terms import STOP
from agent.offline.wording import CLOSE, OPEN, Wording
from agent.offline.words import likeness, tokens
from telemetry.models import LEVELS, Catalog, Filter
from telemetry.units import BYTES, SECONDS

_UNITS = r"ns|us|ms|milliseconds?|secs?|seconds?|s|minutes?|mins?|hours?|h|kb|mb|gb|kib|mib|gib|bytes?|b|%|percent"
_OPS = (
    r"greater than or equal to|less than or equal to|greater than|larger than|bigger than|more than|above|over|exceed(?:ing|ed|s)?|longer than|"
    r"slower than|higher than|heavier than|older than|at least|no less than|less than|fewer than|smaller than|below|under|shorter than|"
    r"faster than|quicker than|lower than|at most|no more than|up to")
_COMPARISON = re.compile(
    rf"(?P<noun>\b[a-z][\w.]*)?\s*(?:\b(?:is|was|are|were|of|took|taking|take|takes|lasted|lasting|with|that|a|an)\b\s*)*"
    rf"(?P<op>\b(?:{_OPS})\b|>=|<=|==|>|<|=(?=\s))\s*(?P<sign>[€$£¥]\s?)?(?P<value>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>{_UNITS})?(?![\w:])(?!-\d)(?:\s*(?P<behind>[€$£¥])(?!\w))?(?:\s+(?P<thing>[a-z_]{{3,}}(?:\s+[a-z_]{{3,}})?))?", re.I)
_BETWEEN = re.compile(
    rf"(?P<noun>\b[a-z][\w.]*)\s+(?:is |was |are |were )?(?:between|from)\s+(?P<low>\d[\d,.]*)\s*(?:{_UNITS})?\s+(?:and|to)\s+(?P<high>\d[\d,.]*)\s*(?P<unit>{_UNITS})?(?![\w:])", re.I)
_AFTER = re.compile(
    rf"(?P<noun>\b[a-z][\w.]*)\s+(?:code |codes |of |is |was |are |=\s?)*(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>{_UNITS})?\s*(?:(?:or|and)\s+(?P<way>higher|more|above|greater|larger|over|longer|up|upwards|less|lower|below|under|fewer|shorter|smaller)|(?P<plus>\+))(?!\w)", re.I)
_CODE = re.compile(
    r"\b(?P<kind>[1-5])xx(?:['’]?s|\b)|(?<![\w.:/-])(?P<exact>[1-5]\d\d)(?P<s>['’]?s)?(?![\w.:/%-])(?!\s*(?:ms|s|sec|seconds?|minutes?|hours?|kb|mb|bytes?|times|lines|records|days)\b)", re.I)
_UNLIKE = re.compile(
    r"\b(?:not|neither|other than|except(?: for)?|exclud(?:e|ing)|ignor(?:e|ing)|without|no|non|never)"
    r"(?: (?:a|an|the|with|in|status|code|http|get|got|end(?:ed|ing)?|return(?:ed|ing)?|respond(?:ed)?|answer(?:ed)?|be|being|have|been))*\s*-?$", re.I)
_BELOW = ("less", "fewer", "smaller", "below", "under", "shorter", "faster", "quicker", "lower", "at most", "no more", "up to", "<")
_EQUAL = ("at least", "at most", "no less", "no more", "up to", ">=", "<=", "greater than or", "less than or")
_BINDS = frozenset("is are was were of that which with and for from to took taking take takes lasted than it".split())
_HAVING = re.compile(r"\b(?:with|having|that (?:have|has|had|carry)|which (?:have|has|had))\s+(?:a|an|any)\s+(?P<noun>[a-z_][\w.]*)\b(?!\s+(?:of|over|above|under|below|than|in|code)\b)", re.I)


def comparisons(draft: Draft) -> None:
    """Take conditions on numbers out of the text and make filters of them."""
    draft.text = re.sub(rf"\b({'|'.join(COUNTS)}|half a|an|a)\s+(?=(?:milli)?seconds?\b|minutes?\b|hours?\b|megabytes?\b|kilobytes?\b)",
                        lambda m: f"{ {'half a': '0.5', 'a': '1', 'an': '1'}.get(m[1].lower()) or COUNTS[m[1].lower()]} ", draft.text, flags=re.I)
    for match in list(_HAVING.finditer(draft.text)):
        held = link(match["noun"], draft.catalog)
        if held is not None and held.score >= 1.0 and held.ref.startswith("param:"):
            draft.filters.append(Filter(field=held.ref, op="exists"))
            draft.text = draft.text.replace(match[0], " ", 1)
    for match in list(_BETWEEN.finditer(draft.text)):
        linked = link(match["noun"], draft.catalog, numeric=True)
        named = linked is not None and linked.score >= 0.8
        linked = linked if named else _field(draft, "", "", match["unit"], took=False) if match["unit"] else None
        if linked is None:
            continue
        factor = _factor(_unit(match["unit"]), linked, draft.catalog)
        for op, side in (("ge", "low"), ("le", "high")):
            any_op: Any = op
            draft.filters.append(Filter(field=linked.ref, op=any_op, value=float(match[side].replace(",", "").rstrip(".")) * factor))
        draft.text = draft.text.replace(match[0], " " if named else match["noun"], 1)
    for match in list(_AFTER.finditer(draft.text)):
        linked = link(match["noun"], draft.catalog, numeric=True)
        united = _united(match["unit"], draft) if match["unit"] and (linked is None or linked.score < 1.0) else None
        linked = united or linked
        if linked is None or linked.score < 0.66:
            continue
        low = (match["way"] or "more").lower() in {"less", "lower", "below", "under", "fewer", "shorter", "smaller"}
        way: Any = "le" if low else "ge"
        draft.filters.append(Filter(field=linked.ref, op=way, value=float(match["value"].replace(",", "")) * (1.0 if united else _factor(_unit(match["unit"]), linked, draft.catalog))))
        draft.text = draft.text.replace(match[0], f" {match['noun'] if united else ''} ", 1)
    for match in list(_COMPARISON.finditer(draft.text)):
        _compare(draft, match)


def codes(draft: Draft) -> None:
    """"5xx", "504s", "got a 404", "http 500": conditions on a field of status codes, where there is one."""
    status = link("status", draft.catalog, numeric=True)
    if status is None or status.score < 0.66:
        return
    wanted: list[str] = []
    left: list[str] = []
    asked, end = draft.text, 0
    for match in _CODE.finditer(asked):
        before = asked[: match.start()].split()
        head = before[-1].lower() if before else ""
        head = "" if [word.lower() for word in before[-2:]] == ["other", "than"] else head
        other = link(head, draft.catalog, numeric=True) if head.isalpha() else None
        joined = end and re.fullmatch(r"[\s,/]*(?:(?:or|and|nor) (?:a |an )?)?", asked[end: match.start()])
        unlike = bool(left) if joined else bool(_UNLIKE.search(asked[: match.start()]))
        if head in {"top", "first", "last", "than", "over", "above", "under", "below", "least", "most", ">", "<", ">=", "<=", "limit"} and not match["s"] and not match["kind"] \
                and not (head in {"first", "last"} and re.match(r"\s*(?:response|error|$)", asked[match.end():], re.I)):
            continue
        if other is not None and other.score >= 0.8 and other.ref != status.ref:
            continue
        draft.text = re.sub(rf"(?i)\b(?:(?:(?:that |which )?(?:did |do |does |was |were |is |are ))?not |other than |except (?:for )?|excluding |exclude |ignoring |without |non |non-|neither |nor |or |and |(?:that |which )?(?:fail(?:ed|ing|s)?|end(?:ed|ing|s)?|respond(?:ed|ing|s)?|answer(?:ed|ing|s)?|repl(?:y|ied|ies)|came back|result(?:ed|ing|s)?|finish(?:ed)?|complet(?:ed|ing)) (?:with|in) |with |a |an |the |http |status(?: codes?)?(?: of)?:? |codes? |code:? |got |getting |returned |returning |returns? |were |was |is |are |in )*{re.escape(match[0])}(?![\w.])(?: status(?: codes?)?| codes?| http)?", " ", draft.text, count=1).strip()
        end = match.end()
        what = match["exact"] or f"{match['kind']}xx"
        (left if unlike else wanted).append(what.lower())
        draft.statements.append(f"{match[0]} was read as a status code{' to leave out' if unlike else ''}")
    draft.filters += _coded(status, wanted, unlike=False) + _coded(status, left, unlike=True)
    draft.text = re.sub(r"\s+", " ", draft.text).strip()


def _coded(status: Linked, said: list[str], *, unlike: bool) -> list[Filter]:
    """The condition that a status is any of the codes said, or none of them; "5xx" is a hundred of them."""
    exact, hundreds = [code for code in said if code.isdigit()], sorted({int(code[0]) for code in said if not code.isdigit()})
    if exact and not hundreds:
        several: Any = ("not_in" if unlike else "in") if len(exact) > 1 else "ne" if unlike else "eq"
        return [Filter(field=status.ref, op=several, value=tuple(exact) if len(exact) > 1 else exact[0])]
    if hundreds and not exact and not unlike and hundreds[-1] - hundreds[0] == len(hundreds) - 1:
        low, high = hundreds[0] * 100, hundreds[-1] * 100 + 100
        return [Filter(field=status.ref, op="ge", value=float(low)), Filter(field=status.ref, op="lt", value=float(high))]
    if not said:
        return []
    any_of = "|".join([*exact, *(rf"{hundred}\d\d" for hundred in hundreds)])
    return [Filter(field=status.ref, op="not_regex" if unlike else "regex", value=f"^(?:{any_of})$")]


def _compare(draft: Draft, match: re.Match[str]) -> None:
    word, noun = match["op"].strip().lower(), (match["noun"] or "").lower()
    noun = "" if noun in _BINDS else noun
    took = re.search(r"\b(?:took|taking|takes?|lasted|lasting)\b", match[0], re.I)
    linked = _field(draft, word, noun, match["unit"] or "", took=bool(took))
    money = currency((match["sign"] or match["behind"] or (match["thing"] or "").split(" ")[0]).strip())
    if money is not None:
        linked, took = priced(money, draft.catalog), None
    thing, taken = _counted(match["thing"] or "", draft) if not match["unit"] and money is None else (None, "")
    if thing is not None and thing.score >= 1.0 and (linked is None or linked.score < 1.0):
        linked, took = thing, None
    united = _united(match["unit"] or "", draft) if match["unit"] and (linked is None or linked.score < 1.0) else None
    if united is not None:
        linked = united
    if linked is None:
        draft.statements.append(f'No number of these logs was found for "{" ".join(match[0].split())}": name the field, as in "amount over 100"')
        return
    unit = _unit(match["unit"])
    value = float(match["value"].replace(",", "")) * (1.0 if united is not None else _factor(unit, linked, draft.catalog))
    below, equal = word.startswith(_BELOW), word.startswith(_EQUAL)
    op: Any = "eq" if word in {"=", "=="} else ("le" if equal else "lt") if below else ("ge" if equal else "gt")
    draft.filters.append(Filter(field=linked.ref, op=op, value=_plain(value) if op == "eq" else value))
    draft.statements.append(f"{linked.ref.removeprefix('param:')} {word} {match['value']}{unit and ' ' + unit}")
    field = link(noun, draft.catalog, numeric=True) if noun else None
    kept = "" if field is not None and field.score >= 0.8 and field.ref == linked.ref else noun
    after = match["thing"] or ""
    if linked is thing:
        after = after.replace(taken, " ").strip()
    elif money is not None and currency(after.split(" ")[0]) is not None:
        after = after.partition(" ")[2]
    draft.text = draft.text.replace(match[0], f" {kept} {after or ''} ", 1)


def _counted(words: str, draft: Draft) -> tuple[Linked | None, str]:
    """The number named by what is counted: "more than 5000 ready messages"; and the words that name it."""
    parts = words.split()
    best: tuple[Linked | None, str] = (None, "")
    for tried in (words, *parts):
        linked = link(tried, draft.catalog, numeric=True) if tried else None
        if linked is not None and (best[0] is None or linked.score > best[0].score):
            best = (linked, tried)
    return best


def _united(unit: str, draft: Draft) -> Linked | None:
    """The number that messages write before just this unit: ``<n> MB``."""
    found: dict[str, int] = {}
    for template in draft.catalog.templates:
        for match in re.finditer(rf"<(\w+)>\s?{re.escape(unit)}\b", template.display, re.I):
            found[match[1]] = found.get(match[1], 0) + template.count
    if not found:
        return None
    name = max(found, key=lambda n: found[n])
    info = next((f for f in draft.catalog.fields if f.ref == f"param:{name}"), None)
    return Linked(info.ref, info.type, 0.9) if info is not None else None


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)


def _field(draft: Draft, word: str, noun: str, unit: str, *, took: bool) -> Linked | None:
    owners = draft.mentioned(draft.text)
    if took or word.startswith(("slower", "longer", "faster", "shorter", "quicker")):
        return _of(draft, "duration", owners)
    linked = link(noun, draft.catalog, numeric=True) if noun else None
    low = unit.lower()
    sized = low in BYTES
    measured = linked is not None and any(f.ref == linked.ref and suits("size", f) >= 0.5 for f in draft.catalog.fields)
    if linked is not None and linked.score >= 0.66 and (measured or not sized):
        return linked
    if sized or word.startswith(("large", "bigger", "small", "heavier")):
        return _of(draft, "size", owners) or linked
    if low in {"%", "percent"}:
        return linked or _typed(draft, "percent")
    return _of(draft, "duration", owners) if low else linked


def _of(draft: Draft, noun: str, owners: frozenset[str]) -> Linked | None:
    """The number of that name in messages that the question names, else anywhere."""
    return link(noun, draft.catalog, numeric=True, owners=owners) or link(noun, draft.catalog, numeric=True)


def _typed(draft: Draft, kind: str) -> Linked | None:
    found = next((f for f in draft.catalog.fields if f.type == kind), None)
    return Linked(found.ref, kind, 0.6) if found else None


def _unit(text: str | None) -> str:
    return field_word(text.lower()) if text and len(text) > 2 else (text or "").lower()


def _factor(unit: str, linked: Linked, catalog: Catalog) -> float:
    """The factor from the unit said to the unit in which the values are compared."""
    if not unit:
        return 1.0
    name = linked.ref.removeprefix("param:")
    factor = float(SECONDS.get(unit) or BYTES.get(unit, 1))
    if linked.type == "size" or unit not in SECONDS:
        return factor
    if name.endswith(("_ms", ".ms", "millis", "Ms", "_msec")):
        return factor * 1000
    if name.endswith(("_us", "_micros", "_usec")):
        return factor * 1_000_000
    if name.endswith(("_ns", "_nanos")):
        return factor * 1_000_000_000
    shown = [(t.display, t.count) for t in catalog.templates if any(p.name == name for p in t.params)]
    milli = sum(weight * bool(re.search(rf"<{re.escape(name)}>\s?(?:ms|msecs?|milliseconds?|millis)\b", d)) for d, weight in shown)
    other = sum(weight * bool(re.search(rf"<{re.escape(name)}>\s?(?:s|secs?|seconds?)\b", d)) for d, weight in shown)
    return factor * 1000 if milli > other else factor


_NEGATED = re.compile(
    r"\b(?:without|excluding|exclude|outside(?: of)?|except(?: for)?|ignoring|not counting|other than|apart from|aside from|besides|but not|and not|leaving out|minus|"
    r"not (?:from|for|by|on|in|with|about|at|to|including|containing|mentioning|involving|caused by|due to|because of)|(?:that|which)? ?(?:do|does|did|are|is|was|were) not (?:come from|originate from|contain|mention|involve|include|from|for|by|on|have)|"
    r"(?:which|that) (?:are|is|was|were) not)\s+"
    r"(?:(?:the |any |those |all )?(?:user|host|ip|address|service|port|level|status|for|from|by|on|about|with|word|text|lines)\s+)*"
    rf"(?P<what>{OPEN}\d+{CLOSE}|[\w.:/@-]+(?: (?!per\b|by\b|in\b|on\b|for\b|since\b|and\b|or\b|were\b|are\b|was\b|is\b|there\b|do\b|did\b|have\b|happened\b)[\w-]+)*?(?: (?:ones|errors|warnings|lines|messages|requests|entries|records)\b)?)(?:\s+(?:or|and|nor)\s+(?P<also>{OPEN}\d+{CLOSE}|[\w.:/@-]+))?(?=$|[\s,;?!.:])(?=\s*(?:$|[,;?!.:]|-\s|per\b|by\b|in\b|on\b|for\b|since\b|and\b|were\b|are\b|was\b|is\b|there\b|do\b|did\b|have\b|happened\b|how\b))", re.I)
_NOT_NAMED = re.compile(r"\b(?:are|is|was|were|be) not (?P<what>[A-Z][A-Z0-9_]+)\b(?P<also>(?!))?")
"""A value in capitals: "requests that are not GET"."""
_NOT_KEPT = re.compile(_NEGATED.pattern[: _NEGATED.pattern.index("(?P<what>")] + rf"(?:[a-z]+\s+)?(?P<what>{OPEN}\d+{CLOSE})(?:\s+(?:or|and|nor)\s+(?P<also>{OPEN}\d+{CLOSE}))?", re.I)
"""The same before something quoted or an identifier, whatever follows."""
_LEVEL_WORDS = {"error": "error", "warning": "warn", "warn": "warn", "info": "info", "debug": "debug", "fatal": "fatal", "notice": "notice", "critical": "fatal"}
_OUTPUT = re.compile(r"(?:log|line|logging|record|message|output|entr|activity|anything|a single)", re.I)
_NOISE = frozenset("the a an any those it them be been yet so only just sure ok found available working responding".split())


def negations(draft: Draft, wording: Wording) -> None:
    """Take "except X", "not from Y" out of the text: exact conditions that records must not meet."""
    for match in [*_NOT_NAMED.finditer(draft.text), *_NOT_KEPT.finditer(draft.text), *_NEGATED.finditer(draft.text)]:
        if match[0] not in draft.text:
            continue
        said = [match["what"], *([match["also"]] if match["also"] else [])]
        if re.match(r"without\b", match[0], re.I) and _OUTPUT.match(said[0]):
            continue
        if said[0].lower() in _NOISE or match.re is not _NOT_NAMED and re.match(r"(?:are|is|was|were) not", match[0], re.I) and not re.search(r"not (?:from|for|by|on)", match[0], re.I) and _written(draft, match):
            continue
        if _told_so(said[0], draft):
            continue
        for piece in (each.rstrip(":.,;-") for each in said):
            plain = _unlike(wording.restore(piece).strip("\"'`"), draft.catalog)
            if plain is None:
                draft.excluded.append(wording.restore(piece))
            else:
                draft.filters.append(plain)
        draft.text = re.sub(r"\s+", " ", draft.text.replace(match[0], " ", 1)).strip()


def _told_so(what: str, draft: Draft) -> bool:
    """Whether some message says itself that this was not: "without receiving an identification string"."""
    words = [w for w in re.findall(r"[a-z]{3,}", what.lower()) if w not in STOP]
    if len(words) < 2:
        return False
    for template in draft.catalog.templates:
        written = tokens(template.pattern)
        if any(t.negated for t in written) and all(any(likeness(w, t.word) >= 0.9 for t in written) for w in words):
            return True
    return False


def _written(draft: Draft, match: re.Match[str]) -> bool:
    """Whether the logs write this negation themselves: "is not responding"."""
    phrase = re.sub(r"^(?:that|which|are|is|was|were|do|does|did)\s+", "", match[0], flags=re.I).lower()
    return any(phrase in template.pattern.lower() for template in draft.catalog.templates)


def _unlike(what: str, catalog: Catalog) -> Filter | None:
    """The condition that keeps ``what`` out; None when words must first be matched with messages."""
    word = re.sub(r"\s+(?:ones|errors|warnings|lines|messages|requests|entries|records)$", "", what, flags=re.I)
    level = _LEVEL_WORDS.get(field_word(word.lower()))
    if level in LEVELS and any(f.ref == "level" and any(v == level for v, _ in f.values) for f in catalog.fields):
        return Filter(field="level", op="ne", value=level)
    if re.search(r"[^A-Za-z ]", word):
        return Filter(field="text", op="not_word", value=word)
    if " " in word or word != what or (word.islower() and field_word(word) != word):
        return None
    return Filter(field="text", op="not_word", value=word)

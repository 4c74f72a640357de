"""A question read: operation, window, subject, grouping, and the words that say which records."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from agent.offline.fields import NUMERIC, TEMPLATE_NOUNS, Linked, candidates, link, singular
from agent.offline.grammar import (
    BARE_FOLLOW,
    COMMAND,
    COMPARISON,
    FOLLOW,
    GROUP,
    INJECTION,
    NEGATED,
    OFF_TOPIC,
    RULES,
    WHY,
)
from agent.offline.lexicon import spell
from agent.offline.times import find_window
from telemetry.models import Catalog, Filter, Operation, Stat, Window

LONGEST = 2000
ALL = 1000
_STATS: dict[str, Stat] = {
    "median": "p50", "average": "mean", "mean": "mean", "avg": "mean", "max": "max", "maximum": "max",
    "min": "min", "minimum": "min", "longest": "max", "slowest": "max", "largest": "max", "biggest": "max",
    "highest": "max", "shortest": "min", "fastest": "min", "smallest": "min", "lowest": "min", "sum": "sum",
    "total": "sum",
}
_COUNTS = {"two": 2, "three": 3, "five": 5, "ten": 10, "twenty": 20}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SCALE = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "millisecond": 1e-3, "s": 1, "sec": 1, "second": 1, "min": 60,
          "minute": 60, "hour": 3600, "kb": 1024, "kib": 1024, "mb": 1024**2, "mib": 1024**2, "gb": 1024**3,
          "gib": 1024**3, "byte": 1}
_DISTINCT_NOUNS = frozenset({"user", "ip", "address", "host", "machine", "node", "client", "service", "account",
                             "username", "component", "logger", "port", "level", "program"})
_FILLER = re.compile(
    r"\b(?:the|a|an|of|is|are|was|were|be|been|did|do|does|has|have|had|there|that|which|who|whom|it|its|they|them|their|i|we|us|me|"
    r"my|our|you|please|can|could|would|tell|all|any|some|many|much|in|on|at|to|for|from|by|with|and|or|happen(?:ed|s|ing)?|"
    r"occur(?:red|s)?|appear(?:ed|s)?|seen|see|logs?|lines?|records?|entries|messages?|events?|times?|time|most|often|"
    r"as|so|far|over|per|each|these|those|this|took|take|takes|ever|overall|total|number|count|occurrences?|value|values|than|first|last)\b", re.I)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood. ``target`` holds the words that name the records; the resolver reads them."""

    operation: Operation
    window: Window = Window()
    baseline: Window | None = None
    target: str = ""
    base_target: str = ""
    filters: tuple[Filter, ...] = ()
    field: str | None = None
    stats: tuple[Stat, ...] = ()
    group_by: tuple[str, ...] = ()
    bucket: int | None = None
    limit: int = 10
    order: Any = "desc"
    statements: tuple[str, ...] = ()
    ambiguities: tuple[str, ...] = ()
    confidence: float = 0.9
    yes_no: bool = False
    guessed: bool = False
    """No form of question fitted; the words alone were taken as a search."""

    def to_json(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        data = asdict(self)
        data["window"] = self.window.model_dump(mode="json")
        data["baseline"] = self.baseline.model_dump(mode="json") if self.baseline else None
        data["filters"] = [f.model_dump(mode="json") for f in self.filters]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reading:
        """The reverse of :meth:`to_json`."""
        lists = {k: tuple(data[k]) for k in ("stats", "group_by", "statements", "ambiguities")}
        return cls(**{
            **data, **lists, "window": Window.model_validate(data["window"]),
            "baseline": Window.model_validate(data["baseline"]) if data["baseline"] else None,
            "filters": tuple(Filter.model_validate(f) for f in data["filters"]),
        })


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question cannot be read, and the nearest things that can be asked."""

    reason: str
    nearest: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    catalog: Catalog
    text: str
    operation: Operation = "lines"
    field: str | None = None
    stats: tuple[Stat, ...] = ()
    group_by: list[str] = dataclasses.field(default_factory=list)
    bucket: int | None = None
    limit: int = 10
    order: str = "desc"
    filters: list[Filter] = dataclasses.field(default_factory=list)
    statements: list[str] = dataclasses.field(default_factory=list)
    ambiguities: list[str] = dataclasses.field(default_factory=list)
    base: str = ""
    yes_no: bool = False
    guessed: bool = False


def read(question: str, catalog: Catalog, now: datetime, previous: Reading | None) -> Reading | Refusal:
    """Read one question against the vocabulary of the store; ``previous`` is the conversation's last reading."""
    refusal = _unreadable(question, catalog)
    if refusal:
        return refusal
    text, repaired = spell(re.sub(r"\s+", " ", question.strip().strip("?!").strip()), catalog)
    if previous is not None and (FOLLOW.search(text) or (previous.target and BARE_FOLLOW.fullmatch(text))):
        from agent.offline.followup import follow

        return follow(text, catalog, now, previous)
    time = find_window(text, now, catalog.last, catalog.first)
    draft = _Draft(catalog, time.rest(text), ambiguities=list(time.ambiguities))
    draft.statements += [f'"{wrong}" was read as "{right}"' for wrong, right in repaired]
    if time.statement:
        draft.statements.append(f"Time: {time.statement}")
    _comparisons(draft)
    _negations(draft)
    _operation(draft, timed=time.baseline is not None)
    window, baseline = time.window, time.baseline
    if draft.operation == "compare" and baseline is None:
        window, baseline = _sides(window, catalog)
    if baseline is not None and draft.operation in {"count", "lines", "summary"}:
        draft.operation, draft.limit = "compare", 20
    target = "" if draft.operation == "compare" and _empty(draft.text) else draft.text
    return Reading(
        operation=draft.operation, window=window, baseline=baseline, target=_clean(target),
        base_target=draft.base, filters=tuple(draft.filters), field=draft.field, stats=draft.stats,
        group_by=tuple(draft.group_by), bucket=draft.bucket, limit=draft.limit, order=draft.order,
        statements=tuple(draft.statements), ambiguities=tuple(draft.ambiguities),
        confidence=0.4 if draft.guessed else 0.9, yes_no=draft.yes_no, guessed=draft.guessed,
    )


def _unreadable(question: str, catalog: Catalog) -> Refusal | None:
    text = question.strip()
    nearest = offers(catalog)
    if not re.search(r"[A-Za-z]{2}", text) and not re.search(r"\d", text):
        return Refusal("There is no question here.", nearest)
    if len(text) > LONGEST:
        return Refusal(f"The question has {len(text):,} characters; I read questions of up to {LONGEST:,}. "
                       "Logs go in with: oncalm ingest", nearest)
    if INJECTION.search(text):
        return Refusal("This is not a question about the logs.", nearest)
    if OFF_TOPIC.search(text) and not _named(text, catalog):
        return Refusal("This is not a question about the logs.", nearest)
    if COMMAND.search(text):
        return Refusal("I only read logs here: I change nothing.", nearest)
    if WHY.search(text):
        return Refusal("Finding causes is not part of this build; I can show what the logs say.", (
            "what changed compared with the hour before", "summarise the errors", "errors per minute"))
    return None


def _named(text: str, catalog: Catalog) -> bool:
    """Whether some off-topic looking word is a word of these logs."""
    said = {w for w in re.findall(r"[a-z]{4,}", text.lower()) if OFF_TOPIC.search(w)}
    return bool(said) and any(said & set(re.findall(r"[a-z]{4,}", t.pattern.lower())) for t in catalog.templates)


def offers(catalog: Catalog) -> tuple[str, ...]:
    """Questions that these logs can answer."""
    names = candidates(catalog, 3)
    found = ["how many errors in the last hour", "summarise the errors", "errors per minute",
             "what changed compared with the hour before"]
    return (*(f"top 5 {name}" for name in names), *found)


def _comparisons(draft: _Draft) -> None:
    """"size greater than 1 MB", "slower than 500 ms", "port above 1024"."""
    for match in COMPARISON.finditer(draft.text):
        word = match["op"].lower()
        noun = match["noun"] or ""
        if word in {"slower than", "longer than", "faster than", "shorter than"} or noun.lower() in {"took", "taking"}:
            linked = link("duration", draft.catalog, numeric=True)
        else:
            linked = link(noun, draft.catalog, numeric=True) if noun else None
        if linked is None and word.startswith(("large", "bigger", "small", "exceed")) or \
                linked is None and "b" in (match["unit"] or ""):
            linked = link("size", draft.catalog, numeric=True)
            noun = "" if singular(noun) in {"is", "are", "was", "were", "of"} else noun
        elif linked is None and match["unit"] and word.startswith(("more", "over", "above", "less", "under", "below")):
            linked = link("duration", draft.catalog, numeric=True)
        if linked is None:
            continue
        unit = singular(match["unit"]) if match["unit"] else ""
        value = float(match["value"].replace(",", "")) * _unit(unit, linked, draft.catalog)
        below = word.startswith(("less", "smaller", "below", "under", "shorter", "faster", "lower", "at most", "<"))
        op: Any = ("le" if word in {"at most", "<="} else "lt") if below else \
            ("ge" if word in {"at least", ">="} else "gt")
        draft.filters.append(Filter(field=linked.ref, op=op, value=value))
        draft.statements.append(f"{linked.ref.removeprefix('param:')} {word} {match['value']}{unit and ' ' + unit}")
        named = link(noun, draft.catalog, numeric=True) if noun else None
        kept = "" if named is not None and named.score >= 0.9 or noun.lower() in {"took", "taking"} else noun
        draft.text = draft.text.replace(match[0], f" {kept} ", 1)


def _unit(unit: str, linked: Linked, catalog: Catalog) -> float:
    """The factor from the unit said to the unit in which the values are compared."""
    if not unit:
        return 1.0
    name = linked.ref.removeprefix("param:")
    factor = float(_SCALE.get(unit, 1))
    if linked.type in {"duration", "size"}:
        return factor
    if name.endswith(("_ms", ".ms", "millis")):
        return factor * 1000
    shown = [t.display for t in catalog.templates if any(p.name == name for p in t.params)]
    if any(re.search(rf"<{re.escape(name)}>\s?ms\b", d) for d in shown):
        return factor * 1000
    return factor


def _negations(draft: _Draft) -> None:
    for match in NEGATED.finditer(draft.text):
        draft.filters.append(Filter(field="text", op="not_word", value=match["what"]))
        draft.text = draft.text.replace(match[0], " ", 1)


def _operation(draft: _Draft, *, timed: bool) -> None:
    """Try the question forms in order; the first whose reader accepts wins."""
    for rule in RULES:
        match = rule.pattern.search(draft.text)
        if match and _READERS[rule.operation](draft, match):
            return
    if timed:
        draft.operation, draft.limit = "compare", 20
        return
    _leftover(draft)


def _leftover(draft: _Draft) -> None:
    """No question form fits: "errors by service", "status codes", "requests over 1 MB", or a bare search."""
    _grouping(draft)
    if draft.group_by:
        draft.operation, draft.limit = "count", ALL
        return
    words = _clean(draft.text)
    linked = link(words, draft.catalog) if words and len(words.split()) < 3 and not re.search(r"\d", words) else None
    if linked is not None and linked.score >= 0.8 and linked.ref != "template" and words.lower().endswith("s") \
            and not draft.filters:
        draft.operation, draft.limit, draft.text = "top", 100, ""
        _choose(draft, linked, words)
        return
    if re.fullmatch(r"(?:the )?(?:errors?|problems?|issues?|warnings?|failures?|exceptions?)", words, re.I):
        draft.operation, draft.limit = "summary", 15
        draft.text = "warnings" if words.lower().startswith("warn") else "errors"
        return
    draft.operation, draft.limit = "lines", 50
    draft.guessed = not draft.filters


def _cut(draft: _Draft, match: re.Match[str]) -> None:
    draft.text = f"{draft.text[:match.start()]} {draft.text[match.end():]}".strip()


def _groups(match: re.Match[str], *names: str) -> str:
    found = match.groupdict()
    return next((found[n] for n in names if found.get(n)), "")


def _size(match: re.Match[str], otherwise: int) -> int:
    digits = _groups(match, "n", "n1")
    word = _groups(match, "w", "w1").lower()
    return int(digits) if digits else _COUNTS.get(word, otherwise)


def _grouping(draft: _Draft) -> None:
    """"per host", "by level", "per hour": group keys taken out of the text."""
    for match in list(GROUP.finditer(draft.text)):
        noun = singular(match["noun"])
        if noun in _SECONDS:
            draft.group_by.append("time")
            draft.bucket = _SECONDS[noun]
        else:
            linked = link(match["noun"], draft.catalog)
            if linked is None or linked.score < 0.5:
                continue
            draft.group_by.append(linked.ref)
        draft.text = draft.text.replace(match[0], " ", 1)


def _gaps(draft: _Draft, match: re.Match[str]) -> bool:
    _cut(draft, match)
    draft.operation, draft.limit = "gaps", 5
    return True


def _cooccur(draft: _Draft, match: re.Match[str]) -> bool:
    _cut(draft, match)
    draft.operation = "cooccur"
    draft.statements.append("Together means within the same minute")
    return not _empty(draft.text)


def _compare(draft: _Draft, match: re.Match[str]) -> bool:
    noun = _groups(match, "noun")
    if match[0].lower().startswith("new ") and re.search(r"\bhow many\b", draft.text, re.I):
        return False
    draft.text = f"{draft.text[:match.start()]} {noun or ''} {draft.text[match.end():]}"
    draft.text = re.sub(r"\b(?:since|between|before|after|then|now)\b", " ", draft.text, flags=re.I)
    if re.match(r"new (errors)", match[0], re.I):
        draft.text += " errors"
    draft.operation, draft.limit = "compare", 20
    return True


def _distinct(draft: _Draft, match: re.Match[str]) -> bool:
    linked = link(_groups(match, "noun"), draft.catalog)
    if linked is None:
        return False
    _choose(draft, linked, _groups(match, "noun"))
    _cut(draft, match)
    _grouping(draft)
    draft.operation = "distinct"
    draft.limit = ALL if draft.group_by else draft.limit
    return True


def _share(draft: _Draft, match: re.Match[str]) -> bool:
    rate = _groups(match, "rate").lower()
    _cut(draft, match)
    _grouping(draft)
    draft.operation = "share"
    if rate:
        draft.base = draft.text
        draft.text = {"error": "errors", "warning": "warnings"}.get(rate.split()[0], f"{rate.split()[0]} {draft.text}")
        return True
    if "of_all" in match.groupdict():
        return False
    whole = re.split(r"\b(?:among|amongst|out of|of all|as a (?:share|part|percentage) of)\b(?: the| all)*", draft.text, maxsplit=1)
    if len(whole) == 2:
        draft.text, draft.base = whole[0].strip(), _clean(whole[1])
        return True
    rest = _FILLER.sub(" ", draft.text).split()
    if rest and singular(rest[0]) not in TEMPLATE_NOUNS and (linked := link(rest[0], draft.catalog)) and len(rest) == 1 and linked.score > 0.8:
        draft.field, draft.text = linked.ref, ""
        return True
    parts = re.split(r"\b(?:are|were|is|was|have|had|that|which)\b", draft.text, maxsplit=1)
    base = parts[0].strip() if len(parts) > 1 else ""
    verb = re.match(r"(?:the |all )?([a-z]+s)\s+(\w+ed|\w+)\b", draft.text, re.I) if not base else None
    base = base or (verb[1] if verb else "")
    generic = not base or singular(_FILLER.sub(" ", base).strip() or "record") in {"record", "line", "log", "message", "event", "request"}
    draft.base = "" if generic else base
    return True


def _stats(draft: _Draft, match: re.Match[str], stat: str = "") -> bool:
    stat, noun = stat or _groups(match, "stat").lower(), _groups(match, "noun")
    if singular(noun.split()[0]) in TEMPLATE_NOUNS | {"number", "count"}:
        return False
    context = _about(draft)
    linked = link(noun, draft.catalog, numeric=True, owners=context)
    after = re.match(r"\s*(?:of|for|to)?\s*(?:the\s+)?([a-z]\w*)", draft.text[match.end():], re.I)
    if linked is None and after:
        linked = link(f"{noun} {after[1]}", draft.catalog, numeric=True, owners=context) or \
            link(after[1], draft.catalog, numeric=True, owners=context)
    words = noun
    if linked is None or linked.score < 0.5:
        kind = "size" if stat in {"largest", "biggest", "smallest"} else \
            "duration" if stat in {"longest", "slowest", "fastest", "shortest"} else ""
        alternative = link(kind, draft.catalog, numeric=True, owners=context) if kind else None
        linked = alternative or linked
        words = "" if alternative else words
    if linked is None:
        return False
    _choose(draft, linked, noun)
    draft.operation, draft.stats = "stats", _stat(stat)
    draft.text = f"{draft.text[:match.start()]} {'' if words else noun} {draft.text[match.end():]}"
    if len(words.split()) > 1 and not linked.ref.endswith(words.replace(" ", "_")) and _written(draft, words.split()[0]):
        draft.text += f" {words.split()[0]}"
    _grouping(draft)
    return True


def _stats_many(draft: _Draft, match: re.Match[str]) -> bool:
    names = re.findall(r"p\d\d|[a-z]+", match["list"].lower())
    if not names or not _stats(draft, match, "max"):
        return False
    many = {"distribution", "statistics", "stats", "spread", "percentiles", "range"}
    draft.stats = _stat("stats" if names[0] == "spread" else "min and max" if names[0] == "range" else names[0]) \
        if names[0] in many else tuple(dict.fromkeys(s for n in names if n != "and" for s in _stat(n)))
    return True


def _stat(text: str) -> tuple[Stat, ...]:
    if found := re.match(r"p?(\d{2})", text):
        nearest: Any = f"p{found[1]}" if found[1] in {"50", "90", "95", "99"} else "p95"
        return (nearest,)
    if text.startswith("percentile"):
        return ("p50", "p90", "p95", "p99")
    if text in {"statistics", "stats", "distribution"}:
        return ("count", "min", "mean", "p50", "p95", "max")
    return ("min", "max") if text == "min and max" else (_STATS[text],)


def _howlong(draft: _Draft, match: re.Match[str]) -> bool:
    adjective = match["adj"].lower()
    noun = "size" if adjective in {"big", "large"} else "duration"
    linked = link(noun, draft.catalog, numeric=True, owners=_about(draft, without=match[0]))
    if linked is None:
        return False
    _choose(draft, linked, noun)
    _cut(draft, match)
    worst = re.search(r"\b(?:on average|average|at most|at worst|max(?:imum)?|at least|median|typically|usually|p\d\d)\b", draft.text, re.I)
    draft.stats = ("mean", "p50", "p95", "max")
    if worst:
        word = worst[0].lower()
        draft.stats = {"at most": ("max",), "at worst": ("max",), "at least": ("min",), "median": ("p50",)}.get(  # type: ignore[assignment]
            word, ("max",) if word.startswith("max") else _stat(word) if word.startswith("p") else ("mean",))
        draft.text = draft.text.replace(worst[0], " ", 1)
    draft.operation = "stats"
    draft.text = re.sub(r"\b(?:takes?|took|last(?:ed)?|taking)\b", " ", draft.text, flags=re.I)
    _grouping(draft)
    return True


def _stats_tail(draft: _Draft, match: re.Match[str]) -> bool:
    return _stats(draft, match)


def _peak(draft: _Draft, match: re.Match[str]) -> bool:
    unit = (_groups(match, "unit1", "unit2") or "").lower()
    explicit = re.search(r"\b(minute|hour|day)\b", match[0], re.I)
    unit = unit if unit in _SECONDS else explicit[1].lower() if explicit else ""
    _cut(draft, match)
    _grouping(draft)
    draft.group_by = []
    draft.operation, draft.bucket = "trend", _SECONDS.get(unit) or draft.bucket
    draft.text = re.sub(r"\b(?:most|peak|busiest|highest)\b", " ", draft.text, flags=re.I)
    return True


def _firstlast(draft: _Draft, match: re.Match[str]) -> bool:
    whole = draft.text.lower()
    last = re.search(r"\b(?:last|latest|most recent|newest|end|finish|stop)\b", whole)
    n = _size(match, 0)
    _cut(draft, match)
    draft.text = re.sub(r"\b(?:first|last|earliest|latest|most recent|newest|oldest|start(?:ed|s)?|beg[iau]n|happen(?:ed)?|occur(?:red)?|time|appear(?:ed)?)\b", " ", draft.text, flags=re.I)
    draft.operation, draft.limit = ("last" if last else "first"), n or 1
    return True


def _which_template(draft: _Draft, match: re.Match[str]) -> bool:
    _cut(draft, match)
    draft.text = re.sub(r"\b(?:belongs?|does|is|this|error|template|come from|match(?:es)?|line)\b", " ", draft.text, flags=re.I) \
        if re.search(r"belong|match|come", draft.text, re.I) else draft.text
    draft.operation, draft.limit = "templates", 20
    return True


def _top(draft: _Draft, match: re.Match[str]) -> bool:
    noun = _groups(match, "noun1", "noun2", "noun", "noun3")
    if re.match(r"first", match[0], re.I):
        return False
    return _ranked(draft, match, noun, 10)


def _which_most(draft: _Draft, match: re.Match[str]) -> bool:
    noun = "who" if _groups(match, "who") else _groups(match, "noun", "noun3")
    return _ranked(draft, match, noun, 10)


def _ranked(draft: _Draft, match: re.Match[str], noun: str, otherwise: int) -> bool:
    linked = link(noun, draft.catalog, owners=_about(draft, without=match[0]))
    if linked is None:
        return False
    least = re.search(r"\b(?:least|rarest|fewest)\b", draft.text, re.I)
    n = _size(match, otherwise)
    _cut(draft, match)
    draft.text = re.sub(r"\b(?:the )?(?:most|least|fewest|highest number of|often|frequent(?:ly)?|common|busiest|noisiest|chattiest|loudest|rarest|by (?:count|number(?: of)?|volume|frequency))\b", " ", draft.text, flags=re.I)
    if not least and _by_sum(draft, linked, n):
        return True
    draft.operation, draft.limit, draft.order = "top", n, "asc" if least else "desc"
    _choose(draft, linked, noun)
    if linked.ref == "template" and (word := singular(noun.split(maxsplit=1)[0])) in {"error", "warning", "failure", "exception", "problem"}:
        draft.text += f" {word}s"
    return True


def _by_sum(draft: _Draft, linked: Linked, limit: int) -> bool:
    """"top 3 customers by amount": ranked by the sum of a number, not by records."""
    match = re.search(r"\bby (?:total |the )*(?P<noun>[a-z_]\w*)\s*$", draft.text, re.I)
    number = link(match["noun"], draft.catalog, numeric=True) if match else None
    if match is None or number is None or number.score < 0.8 or number.ref == linked.ref:
        return False
    draft.operation, draft.stats, draft.field, draft.limit = "stats", ("sum",), number.ref, limit
    draft.group_by = [linked.ref]
    draft.text = draft.text.replace(match[0], " ", 1)
    draft.statements.append(f"Ranked by the sum of {number.ref.removeprefix('param:')}")
    return True


def _trend(draft: _Draft, match: re.Match[str]) -> bool:
    _grouping(draft)
    others = [g for g in draft.group_by if g != "time"]
    unit = _groups(match, "unit").lower()
    spoken = re.search(r"\b(minute|hour|dai?)ly\b", draft.text, re.I)
    draft.bucket = draft.bucket or _SECONDS.get(unit) or (
        {"minute": 60, "hour": 3600}.get(spoken[1].lower(), 86400) if spoken else None)
    draft.text = re.sub(r"\b(?:over time|trend|timeline|histogram|time series|(?:minute|hour|dai?)ly|how many|number of|count(?: of)?|rate|show(?: me)?|plot|graph|draw)\b", " ", draft.text, flags=re.I)
    if others:
        draft.operation, draft.limit = "count", ALL
    else:
        draft.operation, draft.group_by = "trend", []
    return True


def _count(draft: _Draft, match: re.Match[str]) -> bool:
    coded = re.search(r"\b([1-5]\d\d)s\b", draft.text)
    status = link("status", draft.catalog) if coded else None
    if coded and status is not None:
        draft.filters.append(Filter(field=status.ref, op="eq", value=coded[1]))
        draft.text = draft.text.replace(coded[0], " ", 1)
        match = re.search(r"how many|number of|count", draft.text, re.I) or match
    if re.match(r"\s*(?:total )?bytes\b", draft.text[match.end():], re.I) and \
            (size := link("bytes", draft.catalog, numeric=True)):
        _choose(draft, size, "bytes")
        _cut(draft, match)
        draft.text = re.sub(r"\b(?:total )?bytes\b", " ", draft.text, count=1, flags=re.I)
        draft.operation, draft.stats = "stats", ("sum",)
        _grouping(draft)
        return True
    head = re.match(r"\s*(?:the )?([a-z][\w]*(?: addresses)?)", draft.text[match.end():], re.I)
    times = re.search(r"\b(?:times|often|frequently)\b", match[0], re.I)
    if head and not times and singular(head[1].split()[-1]) in _DISTINCT_NOUNS:
        linked = link(head[1], draft.catalog)
        if linked is not None:
            _choose(draft, linked, head[1])
            draft.text = f"{draft.text[:match.start()]} {draft.text[match.end() + head.end():]}"
            draft.operation = "distinct"
            return True
    _cut(draft, match)
    _grouping(draft)
    draft.operation, draft.limit = "count", ALL
    return True


def _summary(draft: _Draft, match: re.Match[str]) -> bool:
    trouble = re.search(r"error|problem|issue|wrong|broken|trouble", draft.text, re.I)
    _cut(draft, match)
    draft.text = re.sub(r"\b(?:problems?|issues?|wrong|broken|trouble|right now|now)\b", " ", draft.text, flags=re.I)
    draft.operation, draft.limit = "summary", 15
    if trouble and "error" not in draft.text.lower():
        draft.text += " errors"
    return True


def _yes_no(draft: _Draft, match: re.Match[str]) -> bool:
    _cut(draft, match)
    _grouping(draft)
    draft.operation, draft.yes_no, draft.limit = "count", True, ALL
    return not _empty(draft.text)


def _which(draft: _Draft, match: re.Match[str]) -> bool:
    noun = "who" if _groups(match, "who") else "path" if _groups(match, "where") else _groups(match, "noun", "noun4")
    about = _about(draft, without=match[0])
    linked = link(noun, draft.catalog, owners=about)
    if (linked is None or linked.score < 0.5) and " " in noun:
        linked = link(noun.split()[0], draft.catalog, owners=about)
    if linked is None or linked.score < 0.4:
        return False
    _cut(draft, match)
    if linked.ref == "template":
        draft.operation, draft.limit = "templates", 20
        word = singular(noun.split()[0])
        draft.text += f" {word}s" if word in {"error", "warning", "failure", "exception"} else ""
        return True
    draft.operation, draft.limit = "top", 100
    _choose(draft, linked, noun)
    return True


def _value(draft: _Draft, match: re.Match[str]) -> bool:
    """"what was the size of blk_1": the values of a field in the lines of a target."""
    linked = link(match["noun"], draft.catalog, owners=_about(draft, without=match[0]))
    if linked is None or linked.score < 0.5 or linked.ref == "template":
        return False
    _cut(draft, match)
    draft.operation, draft.limit = "top", 100
    _choose(draft, linked, match["noun"])
    return True


def _lines(draft: _Draft, match: re.Match[str]) -> bool:
    n = re.search(r"\b(\d+)\s+(?:lines|logs|records|messages|entries)\b", draft.text, re.I)
    _cut(draft, match)
    draft.text = re.sub(r"^\W*(?:please|lines?|logs?)\b", " ", draft.text, flags=re.I)
    draft.operation, draft.limit = "lines", int(n[1]) if n else 50
    if n:
        draft.text = draft.text.replace(n[1], " ", 1)
    return True


_READERS = {
    "gaps": _gaps, "cooccur": _cooccur, "compare": _compare, "distinct": _distinct, "share": _share,
    "stats": _stats, "howlong": _howlong, "stats_tail": _stats_tail, "stats_many": _stats_many, "value": _value, "peak": _peak, "firstlast": _firstlast,
    "which_template": _which_template, "top": _top, "which_most": _which_most, "trend": _trend, "count": _count,
    "summary": _summary, "yes_no": _yes_no, "which": _which, "lines": _lines,
}


def _choose(draft: _Draft, linked: Linked, noun: str) -> None:
    draft.field = linked.ref
    name = linked.ref.removeprefix("param:")
    if name.lower() != singular(noun.lower()):
        draft.statements.append(f'"{noun}" was read as the field {name}')
    if linked.others:
        others = ", ".join(o.removeprefix("param:") for o in linked.others)
        draft.ambiguities.append(f'"{noun}" as {others}')


def _about(draft: _Draft, without: str = "") -> frozenset[str]:
    """Templates whose words the question uses: they tell which of two fields of one name is meant."""
    words = {singular(w) for w in re.findall(r"[a-z]{3,}", draft.text.replace(without, " ").lower())}
    found = set()
    for template in draft.catalog.templates:
        own = {singular(w) for w in re.findall(r"[a-z]{3,}", template.pattern.lower())}
        if words & own:
            found.add(template.id)
    return frozenset(found)


def _written(draft: _Draft, word: str) -> bool:
    """Whether some template writes ``word``: "response time" asks for messages of responses only if there are any."""
    return any(singular(word.lower()) in t.pattern.lower() for t in draft.catalog.templates)


def _empty(text: str) -> bool:
    return not re.search(r"\w", _FILLER.sub(" ", text))


def _clean(text: str) -> str:
    """The target words without stray punctuation; nothing when only filler is left."""
    text = re.sub(r"\s+", " ", text).strip(" ,.;:?-()")
    text = re.sub(r"^(?:of|by|for|with|in|were|are|was|is|did|do|does|the|has|had|have|made|lines|logs|about|a|an|"
                  r"on|at|between|what|show|there|and)\s+(?=\S)(?!.*[\"'])", "", text, flags=re.I) \
        if not re.match(r"in\b.*\bout\b", text, re.I) else text
    text = re.sub(r"\s+(?:were|was|are|is|there|of|by|for|from|the|with|between|and|did|does)(?:\s+there)?$", "",
                  text, flags=re.I).strip(" ,.;:?-()")
    return "" if _empty(text) else text


def _sides(window: Window, catalog: Catalog) -> tuple[Window, Window | None]:
    """A comparison with one window: against the equally long stretch before it, or all that was before."""
    last = catalog.last
    if window.start is None or last is None:
        if catalog.first is None or last is None:
            return window, None
        middle = catalog.first + (last - catalog.first) / 2
        return Window(start=middle, end=None), Window(start=None, end=middle)
    return window, Window(start=None, end=window.start)


__all__ = ["NUMERIC", "Reading", "Refusal", "offers", "read"]

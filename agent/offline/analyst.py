"""The offline analyst: reading, target, query, sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from agent.analyst import Given, Progress, Step, Summary, ToolCall, Triage, Turn
from agent.numerals import NUMERALS
from agent.offline import several
from agent.offline.alternatives import alternatives, joined
from agent.offline.deploys import Changes, dated
from agent.offline.fields import unit_after
from agent.offline.negation import Denied, denied, kept
from agent.offline.oddities import SESSIONS, sessions, strange, told
from agent.offline.phrasing import interpretation, phrase
from agent.offline.reading import offers, read
from agent.offline.settle import merged, settle
from agent.offline.target import Probe, Target, TemplateSearch, resolve
from agent.offline.understanding import Reading, Refusal
from agent.offline.words import singular
from telemetry.models import Catalog, Filter, Found, Query, Result
from tools.registry import ToolResult

_TIMED = re.compile(rf"\d\s*(?:s|secs?|seconds?|minutes?|mins?)\b|\b(?:{'|'.join(NUMERALS)}|a|half a) (?:seconds?|minutes?)\b", re.IGNORECASE)
UNITLESS = re.compile(r"param:(?:duration|latency|elapsed|took|response_time|request_time|rt)")
_NUMBERED = re.compile(r"\d")
CERTAIN = 0.95
CARRIED = 0.5
"""Score of templates that are chosen only because they carry the field asked about, not for their words."""
LOG_IN = re.compile(r"\b(?:log(?:ged|s|ging)?|sign(?:ed|s|ing)?)[ -](?:in|on)\b", re.IGNORECASE)

_NEVER = re.compile(r"\bnever\b", re.IGNORECASE)
FAILED = re.compile(r"fail|invalid|unsuccess|denied|reject|wrong|bad|attempt|tried|try|could not|unable", re.IGNORECASE)


class OfflineAnalyst:
    """Deterministic: the same question over the same store gives the same answer."""

    name = "offline"

    def __init__(
        self, catalog: Catalog, search: TemplateSearch | None, probe: Probe | None = None, *, tools: Collection[str] = (), changes: Changes = tuple,
    ) -> None:
        """``probe`` tells whether any record meets given conditions; without it words are judged by templates alone.

        ``tools`` are names of those there are; ``changes`` gives every change on record.
        """
        self._sessions = SESSIONS in tools
        self._changes = changes
        self.catalog = catalog
        self._search = search
        self._probe = probe
        self._resolved: dict[tuple[str, str | None], Target | None] = {}

    def triage(self, given: Given) -> Triage:
        """The reading of the question, or of the first of several in one."""
        return several.first(given, self._read)

    def _read(self, given: Given) -> Triage:
        """One question; "since the deploy" is read as since the time that is known of it."""
        when = dated(given.question, self.catalog, self._changes)
        if when.missing:
            return Triage(refusal=when.missing, nearest=list(offers(self.catalog)))
        found = self._understood(replace(given, question=when.question))
        return found.model_copy(update={"statements": [*found.statements, when.statement]}) if when.statement and found.refusal is None else found

    def _understood(self, given: Given) -> Triage:
        previous = Reading.from_json(given.previous) if given.previous else None
        reading = read(given.question, self.catalog, given.now, previous)
        if isinstance(reading, Refusal):
            return Triage(refusal=reading.reason, nearest=list(reading.nearest))
        reading = self._in_milliseconds(reading, given.question)
        reading = replace(reading, target=merged(reading.target, self._resolve))
        settled = settle(reading, self.catalog, self._resolve)
        reading, target = settled.reading, settled.target
        if settled.lost:
            asked = f'"{reading.noun}"' if reading.noun else "this question"
            return Triage(refusal=f"No field of these logs answers to {asked}.", nearest=list(offers(self.catalog)))
        if reading.guessed and (not _answered(target) or _ordered(given.question, target)):
            reason = "I cannot read this as a question about these logs, and nothing in them answers to its words."
            return Triage(refusal=reason, nearest=list(offers(self.catalog)))
        if target is not None and not (reading.filters or reading.group_by) and _mostly_unknown(target):
            words = ", ".join(f'"{word}"' for word in target.unmatched)
            return Triage(refusal=f"Nothing in these logs answers to {words}.", nearest=list(offers(self.catalog)))
        if reading.operation in {"top", "distinct"} and _NEVER.search(given.question) and not any(_NEVER.search(t.pattern) for t in self.catalog.templates):
            reason = "What never happened leaves no record: I can list those of which it is logged, and what is not among them did not"
            return Triage(refusal=reason, nearest=[_NEVER.sub("", given.question).replace("  ", " ").strip(" ?")])
        lost = denied(given.question)
        if lost and not self._kept(lost, reading, target):
            reason = f'No message of these logs says what was "{lost.said}", and those that say the opposite are no answer.'
            return Triage(refusal=reason, nearest=list(offers(self.catalog)))
        if reading.yes_no and target is not None and target.unmatched:  # what was found is not all that was asked: no yes
            reading = replace(reading, yes_no=False)
        base = self._resolve(reading.base_target)
        query = to_query(reading, target, base, given, tuple(self._excluded(words) for words in reading.excluded))
        statements = [*reading.statements, *_notes(target)]
        return Triage(
            reading=reading.to_json(), query=query, target=target.reading if target else "",
            statements=[s for s in statements if s],
            ambiguities=[*reading.ambiguities, *(target.ambiguities if target else ())],
            confidence=_confidence(reading, target),
        )

    def step(self, given: Given, triage: Triage, progress: Progress) -> Step:
        """One query, made once; then those of the later parts of the question."""
        if triage.refusal is not None or triage.query is None:
            return Step(done=True)
        if progress.results:
            return several.next_step(given, triage, progress, self._read)
        calls = {"E1": ToolCall(tool=several.TOOL, arguments=triage.query.model_dump(mode="json"))}
        if self._sessions and triage.query.baseline is not None and triage.reading and triage.reading.get("unusual") and not triage.query.filters:
            calls["E2"] = sessions(triage.query)
        return Step(turn=Turn(calls=calls))

    def summarise(
        self, given: Given, triage: Triage, results: Mapping[str, ToolResult], conclusion: dict[str, Any] | None
    ) -> Summary:
        if triage.refusal is not None or triage.query is None or triage.reading is None:
            return _refused(triage)
        first = results["E1"]
        if first.found is None:
            return Summary(answer=f"I could not answer: {first.error}", interpretation="",
                           result=Result(kind="none"), confidence=0.0)
        more = [self._part(one, Reading.from_json(triage.reading), results) for one in several.later(given, triage, results, self._read)]
        odd = strange(next((result for result in results.values() if result.tool == SESSIONS), None)) if triage.reading.get("unusual") else ""
        answer = "\n".join([self._said(triage, first.found), *([odd] if odd else []), *(str(part["answer"]) for part in more)])
        return Summary(answer=answer, interpretation=interpretation(triage.query), result=first.found.result,
                       confidence=min([triage.confidence, *(float(part["confidence"]) for part in more if part["evidence"])]), parts=more)

    def _said(self, triage: Triage, found: Found) -> str:
        """What was found, how it was read, and what else it could mean."""
        assert triage.query is not None and triage.reading is not None  # noqa: S101, PT018 - what was answered was read
        reading = Reading.from_json(triage.reading)
        if reading.unusual:
            said = told(triage.query, found, self.catalog) + (f"\n{triage.target[:1].upper()}{triage.target[1:]}." if triage.target else "")
        else:
            said = phrase(reading, triage.query, found, triage.target, unit_after(triage.query, self.catalog))
        return ("\n" if reading.unusual else " ").join([said, *map(_sentence, [*triage.statements, *(f"Also possible: {one}" for one in triage.ambiguities)])])

    def _part(self, one: several.Later, before: Reading, results: Mapping[str, ToolResult]) -> dict[str, Any]:
        """The answer to a later part: ``question``, ``answer``, ``evidence``, ``interpretation``, ``result``, ``confidence``."""
        name = several.evidence_of(one, results)
        found = results[name].found if name is not None else None
        if found is None or one.triage.query is None:
            why = one.triage.refusal or (results[name].error if name is not None else None) or "It was not looked up"
            return {"question": one.part, "answer": several.unanswered(one.part, why, before, one.held), "evidence": None, "confidence": 0.0}
        held = f", of {one.held}" if one.held else ""
        return {"question": one.part, "answer": f'"{one.part}"{held}: {self._said(one.triage, found)}', "evidence": name,
                "interpretation": interpretation(one.triage.query), "result": found.result.model_dump(mode="json", exclude_none=True),
                "confidence": one.triage.confidence}

    def _kept(self, deed: Denied, reading: Reading, target: Target | None) -> bool:
        """Whether what is looked for still says that something was not done; also when nothing is looked for by its words."""
        if target is None or reading.excluded:
            return True
        chosen = {id_ for id_, _ in target.templates} | {
            id_ for item in target.filters if item.field == "template" for id_ in (item.value if isinstance(item.value, tuple) else (str(item.value),))}
        patterns = [t.pattern for t in self.catalog.templates if t.id in chosen]
        return kept(deed, (*reading.filters, *target.filters), patterns, (t.pattern for t in self.catalog.templates))

    def _in_milliseconds(self, reading: Reading, question: str) -> Reading:
        """A duration without a unit that reaches hundreds is taken for milliseconds when it is compared with seconds."""
        if self._probe is None or not _TIMED.search(question):
            return reading
        numbers = {f.ref for f in self.catalog.fields if f.type == "number" and UNITLESS.fullmatch(f.ref)}
        filters, said = [], list(reading.statements)
        for item in reading.filters:
            scaled = item.field in numbers and item.op in {"gt", "ge", "lt", "le"} and isinstance(item.value, float)
            if scaled and self._probe((Filter(field=item.field, op="gt", value=300.0),)):
                item = item.model_copy(update={"value": float(str(item.value)) * 1000})  # noqa: PLW2901 - the one that goes on
                said.append(f"{item.field.removeprefix('param:')} states no unit and holds values above 300: taken for milliseconds")
            filters.append(item)
        return replace(reading, filters=tuple(filters), statements=tuple(said))

    def _resolve(self, words: str, field: str | None = None) -> Target | None:
        key = (plain(words).strip(), field)
        if key not in self._resolved:
            self._resolved[key] = self._either(*key) if key[0] else None
        return self._resolved[key]

    def _either(self, words: str, field: str | None) -> Target:
        """Words with two values of one thing ("for root or admin") mean the records of either."""
        sides = alternatives(words) if self._probe is not None else ()
        whole = self._look_up(words, field)
        if not sides or (not sides[0].exclusive and not whole.unmatched and self._probe is not None and self._probe(whole.filters)):
            return whole
        return joined([self._look_up(one.words, field) for one in sides]) or whole

    def _look_up(self, words: str, field: str | None) -> Target:
        """With a field of some messages only, the words are matched within those messages."""
        found = resolve(words, self.catalog, self._search, probe=self._probe, field=field)
        held = next((set(f.templates) for f in self.catalog.fields if f.ref == field), set())
        if not held or len(held) == len(self.catalog.templates) or not found.unmatched and _within(found, held):
            return found
        carriers = tuple(t for t in self.catalog.templates if t.id in held)
        only = Filter(field="template", op="in", value=tuple(sorted(held)))
        probe = self._probe
        inner = (lambda filters: probe((only, *filters))) if probe is not None else None
        narrow = resolve(words, replace(self.catalog, templates=carriers), None, probe=inner, lenient=True)
        if not _within(narrow, held):
            narrow = replace(narrow, filters=(*narrow.filters, only), templates=tuple((id_, CARRIED) for id_ in sorted(held)))
        return found if _within(found, held) and len(found.unmatched) <= len(narrow.unmatched) else narrow

    def _excluded(self, words: str) -> Filter:
        """The condition that keeps out what ``words`` mean."""
        target = self._resolve(words)
        if target is not None and len(target.filters) == 1:
            only = target.filters[0]
            if only.field == "template":
                ids = only.value if isinstance(only.value, tuple) else (str(only.value),)
                return Filter(field="template", op="not_in", value=ids)
            if only.field == "level" and isinstance(only.value, tuple):
                return Filter(field="level", op="not_in", value=only.value)
            if only.op == "eq":
                return Filter(field=only.field, op="ne", value=only.value)
        longest = max(re.findall(r"[\w.-]+", words), key=len, default=words)
        return Filter(field="text", op="not_regex", value=rf"(?i)\b{re.escape(singular(longest))}")


def _within(target: Target, templates: set[str]) -> bool:
    """Whether a target is held to messages among ``templates``."""
    for item in target.filters:
        if item.field == "template":
            return set(item.value if isinstance(item.value, tuple) else (str(item.value),)) <= templates
    return False


def to_query(reading: Reading, target: Target | None, base: Target | None, given: Given, excluded: tuple[Filter, ...] = ()) -> Query:
    """Put what was read and what was resolved into one query."""
    base_filters = base.filters if base else ()
    filters: tuple[Filter, ...] = (*reading.filters, *excluded, *(target.filters if target else ()))
    return Query(
        operation=reading.operation, window=given.window or reading.window, baseline=reading.baseline,
        filters=tuple(dict.fromkeys(filters)), base_filters=base_filters, field=reading.field, stats=reading.stats,
        group_by=reading.group_by, bucket=reading.bucket, limit=reading.limit, order=reading.order,
        order_by=reading.order_by, rank=target.rank if target and reading.operation == "lines" else (),
    )


def _answered(target: Target | None) -> bool:
    """Whether anything in the logs answers to the words: a template, an identifier, a field's value."""
    if target is None:
        return False
    if target.by_meaning and target.unmatched:
        return False
    linked = any(f.field not in {"text", "message"} for f in target.filters)
    return linked or bool(target.templates or target.identifiers)


def _mostly_unknown(target: Target) -> bool:
    """Whether more of the words mean nothing here than mean something: what is left is another question."""
    said = any(score > CARRIED for _, score in target.templates) or any(map(_NUMBERED.search, target.identifiers))
    named = [item for item in target.filters if item.field != "template"]
    return not said and len(target.unmatched) > max(len(named), 1)


def _ordered(question: str, target: Target | None) -> bool:
    """Whether a question that fits no form begins with a word that nothing answers to: an order, more likely."""
    first = re.match(r"\s*(?:please\s+)?([A-Za-z]+)", question)
    return bool(target and first and first[1].lower() in target.unmatched)


def plain(words: str) -> str:
    """Say what a phrasal verb means: who "logged in" did so with success, unless the words say otherwise."""
    if FAILED.search(words):
        return LOG_IN.sub(" login ", words)
    return LOG_IN.sub(" successful login ", words)


def _notes(target: Target | None) -> list[str]:
    if target is None:
        return []
    notes = []
    if target.unmatched:
        words = ", ".join(f'"{w}"' for w in target.unmatched)
        notes.append(f"Nothing in these logs answers to {words}")
    if target.lexical:
        notes.append("Meaning was compared by spelling only: no sentence-embedding weights were found")
    return notes


def _confidence(reading: Reading, target: Target | None) -> float:
    value = min(reading.confidence, CERTAIN)
    if target is not None:
        if target.unmatched:
            value *= 0.6
        if target.ambiguities or reading.ambiguities:
            value *= 0.85
    return round(value, 2)


def _refused(triage: Triage) -> Summary:
    nearest = "; ".join(triage.nearest)
    answer = triage.refusal or "I cannot read this question."
    if nearest:
        answer = f"{_sentence(answer)} What I can do with these logs: {nearest}."
    return Summary(answer=answer, interpretation="not understood", result=Result(kind="none"), confidence=0.0)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."

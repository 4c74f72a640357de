"""The grounding check: a claim is shown only as far as the results it cites show it.

A claim stands when it cites at least one result that supports it and all it says that can be checked stands in
those results, in the question, or follows from them by one step (:mod:`agent.evidence.derived`).

- A figure, a moment, a quote, or a name that can only come from the evidence (an address, an id, a path, an
  error class, a known service or host) that is not shown: the claim is **dropped**.
- A name that could be general knowledge (a product, a word with capitals or hyphens) that is not shown: the
  claim stays and the name is **marked**.
- An absence needs a result that searched for it and found none.

Confidence is the lower of the model's and of what the evidence allows:

    allowed = cap x 0.85^dropped x 0.95^marked x 0.85^missing

``cap`` is .95 when two or more results support what stands, .90 for one, 0 for none or when the answer fell;
``missing`` counts results that failed or were not assessed, but for calls that were no calls (bad input).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from agent.evidence.absence import claims_absence, denies, unsearched
from agent.evidence.conclusion import Claim, Conclusion
from agent.evidence.derived import follows, operands
from agent.evidence.direction import misplaced_moment, reversed_change, reversed_order
from agent.evidence.figures import COUNTED, Figure
from agent.evidence.figures import shows as shows_figure
from agent.evidence.instants import shows as shows_instant
from agent.evidence.matching import shows_name, shows_quote
from agent.evidence.overreach import acted, generalised
from agent.evidence.pairing import misplaced
from agent.evidence.shown import Shown, fold, labels_of, show, show_text
from agent.evidence.statements import Statement, read
from tools.registry import ToolResult

_CHANCE = 20
"""Numbers up to this stand in many a result."""
MAX_CLAIM = 2000
"""Characters of a claim at most: one sentence or two."""
Hide = Callable[[str], str]
NOT_SHOWN = "(not shown by the cited evidence)"
CAP_TWO, CAP_ONE = 0.95, 0.90
PER_DROPPED, PER_MARKED, PER_MISSING = 0.85, 0.95, 0.85
_SLIPS = ("bad input", "there is no tool", "not made", "the arguments are not")
"""How the errors of calls begin that could not be made as they were asked for."""
_OF_COUNT = re.compile(rf"\s+(?:[a-z]+\s+){{0,2}}(?:{COUNTED})\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:limit|threshold|quota|maximum|allowed|target|budget|asked|question|configured)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)


class Dropped(BaseModel):
    """A claim nobody is shown, and why."""

    model_config = ConfigDict(frozen=True)
    text: str
    why: str


class Marked(BaseModel):
    """A claim that is shown with parts marked."""

    model_config = ConfigDict(frozen=True)
    text: str
    parts: tuple[str, ...]


class Grounded(BaseModel):
    """What is left of a conclusion; plain data, as a run's state keeps it.

    ``answer`` is None when the headline answer is not shown by what it cites: it must not be shown then.
    """

    model_config = ConfigDict(frozen=True)
    answer: Claim | None
    claims: list[Claim] = []
    ruled_out: list[Claim] = []
    unchecked: list[str] = []
    result_from: str | None = None
    dropped: list[Dropped] = []
    marked: list[Marked] = []
    confidence: float = 0.0
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class _Judged:
    claim: Claim
    why: str | None = None
    parts: tuple[str, ...] = ()


class _Court:
    """Judges claims against one run's results, each result read once."""

    def __init__(self, results: Mapping[str, ToolResult], question: str, hide: Hide) -> None:
        self._results = results
        self._hide = hide
        self._shown: dict[str, Shown] = {}
        self._question = show_text(hide(question))
        labels = (label for result in results.values() if _usable(result) for label in labels_of(result, hide))
        self._labels = frozenset(label for label in labels if _names_something(label))

    def judge(self, claim: Claim) -> _Judged:
        """The claim as it may be shown, or why it may not; with another result's id where the cited one was a slip."""
        judged = self._judge(claim)
        if judged.why is None or not judged.claim.evidence or claims_absence(claim.text) or not self._tells(claim.text):
            return judged
        others = (key for key, result in self._results.items() if key not in claim.evidence and result.status == "found")
        if any(_usable(self._results.get(key)) for key in claim.evidence):
            for key in others:
                again = self._judge(Claim(text=claim.text, evidence=[key]), cited_only=True)
                if again.why is None and not again.parts:
                    return again
        return judged

    def _tells(self, text: str) -> bool:
        """Whether a claim says enough that a result which shows it all is not so by chance."""
        statement = read(text, self._labels, self._results)
        telling = [f for f in statement.figures if f.value > _CHANCE and f.exact and not f.bound]
        names = [name for name in statement.names if name.hard]
        return bool(statement.quotes) or bool(telling) and bool(names or statement.instants)

    def _judge(self, claim: Claim, *, cited_only: bool = False) -> _Judged:
        text = claim.text.strip()
        if len(text) > MAX_CLAIM:
            return _Judged(Claim(text=text[:200] + " …", evidence=claim.evidence), "it is too long to be one statement")
        statement = read(text, self._labels, self._results)
        ids = [i for i in dict.fromkeys((*claim.evidence, *(() if cited_only else statement.cited))) if _usable(self._results.get(i))]
        if not text:
            return _Judged(claim, "it says nothing")
        if not ids:
            return _Judged(claim, self._no_support(claim))
        cited = [self._results[i] for i in ids]
        if all(r.status == "nothing_found" for r in cited) and not denies(text):
            return _Judged(claim, "the cited evidence found nothing")
        evidence = self._evidence(ids, text)
        missing = _first_unshown(text, statement, evidence, self._question) or unsearched(text, cited, evidence.texts)
        missing = missing or _overreaches(text, evidence, cited)
        if missing:
            return _Judged(claim, missing)
        both = evidence.join(self._question)
        soft = tuple(dict.fromkeys(n.text for n in statement.names if not n.hard and not shows_name(both, n)))
        return _Judged(Claim(text=_mark(text, soft), evidence=ids), parts=soft)

    def _evidence(self, ids: list[str], text: str) -> Shown:
        """All that the ids show together. What a search that found nothing was about shows only a denial."""
        empty = [key for key in ids if self._results[key].status == "nothing_found"]
        evidence = Shown()
        for key in ids:
            if key not in empty or len(empty) == len(ids) or denies(text):
                evidence = evidence.join(self._show(key))
        return evidence

    def _show(self, key: str) -> Shown:
        if key not in self._shown:
            self._shown[key] = show(self._results[key], self._hide)
        return self._shown[key]

    def _no_support(self, claim: Claim) -> str:
        if not claim.evidence:
            return "it cites no evidence"
        said = []
        for key in claim.evidence:
            result = self._results.get(key)
            said.append(f"{key} {'does not exist' if result is None else result.status.replace('_', ' ')}")
        return f"nothing it cites supports anything: {', '.join(said)}"


def ground(conclusion: Conclusion, results: Mapping[str, ToolResult], question: str, *, hide: Hide = str) -> Grounded:
    """Check every claim of ``conclusion`` against ``results`` (by evidence id). Never raises for any text.

    ``hide`` writes a text as the model saw it, with placeholders for secrets: claims are compared with that, so
    that no secret stands in a claim, a reason or a note.
    """
    court = _Court(results, question, hide)
    dropped: list[Dropped] = []
    marked: list[Marked] = []

    def keep(claims: list[Claim]) -> list[Claim]:
        kept = []
        for judged in map(court.judge, claims):
            if judged.why is not None:
                dropped.append(Dropped(text=judged.claim.text, why=judged.why))
                continue
            if judged.parts:
                marked.append(Marked(text=judged.claim.text, parts=judged.parts))
            kept.append(judged.claim)
        return kept

    answer, claims, ruled_out = keep([conclusion.answer]), keep(conclusion.claims), keep(conclusion.ruled_out)
    missing = {key: result for key, result in results.items() if not _usable(result) and not _slipped(result)}
    source = conclusion.result_from
    usable = source is not None and _usable(results.get(source))
    supporting = {i for claim in (*answer, *claims, *ruled_out) for i in claim.evidence}
    allowed = allowed_confidence(
        supporting=len(supporting) if answer else 0, dropped=len(dropped), marked=len(marked), missing=len(missing))
    return Grounded(
        answer=answer[0] if answer else None, claims=claims, ruled_out=ruled_out,
        unchecked=_unchecked(conclusion.unchecked, missing, hide), result_from=source if usable else None,
        dropped=dropped, marked=marked, confidence=round(min(conclusion.confidence, allowed), 2),
        notes=_notes(dropped, marked, missing, source=None if usable else source))


def allowed_confidence(*, supporting: int, dropped: int, marked: int, missing: int) -> float:
    """The most confidence the evidence allows, 0 to 1; see the head of this module."""
    cap = CAP_TWO if supporting >= 2 else CAP_ONE if supporting == 1 else 0.0
    return round(float(cap * PER_DROPPED**dropped * PER_MARKED**marked * PER_MISSING**missing), 4)


def _usable(result: ToolResult | None) -> bool:
    return result is not None and result.status in {"found", "nothing_found"}


def _slipped(result: ToolResult) -> bool:
    """Whether a call failed by the model's own mistake: no source was there to be read."""
    return result.status == "failed" and (result.error or "").startswith(_SLIPS)


def _names_something(label: str) -> bool:
    """Whether a label value is a name; a service called "error" would make every error one."""
    return len(label) > 2 and not label.isdigit() and label not in _ORDINARY


_ORDINARY = frozenset("error errors info debug warn warning none null true false unknown default main app service host server "
                      "log logs system user test the and for web api database cache queue network kernel client".split())


def _first_unshown(text: str, statement: Statement, evidence: Shown, question: Shown) -> str | None:
    """The first thing the claim says that neither the evidence nor the question shows, said as a reason."""
    both = evidence.join(question)
    for quote in statement.quotes:
        if not shows_quote(both, quote):
            return f'the cited evidence does not hold "{quote}"'
    for moment in statement.instants:
        if not any(shows_instant(s, moment) for s in both.instants):
            return f"the cited evidence does not show the time {moment.text.strip()}"
    for name in statement.names:
        if name.hard and not shows_name(both, name):
            return f"the cited evidence does not name {name.text}"
    given = None
    for figure in statement.figures:
        pool = evidence.figures if _counts(figure, text) else both.figures
        if any(shows_figure(s, figure) for s in pool) or _enumerates(figure, statement):
            continue
        given = given or operands(fold(text), statement, evidence)
        if not follows(figure, given) and not (figure.parts and all(
                any(shows_figure(s, part) for s in both.figures) for part in figure.parts)):
            return f"the cited evidence does not show {figure.text}"
    wrong = misplaced(text, evidence)
    return f"the cited evidence shows {wrong.text} for something else" if wrong else None


def _overreaches(text: str, evidence: Shown, cited: list[ToolResult]) -> str | None:
    """Why a claim goes further than what is shown, though all its parts stand there."""
    return (reversed_change(text, evidence) or misplaced_moment(text, evidence) or reversed_order(text, cited)
            or acted(text, evidence.texts) or generalised(text, cited))


def _enumerates(figure: Figure, statement: Statement) -> bool:
    """Whether a small number only says how many are listed beside it: "two of them are order 18884 and order 89831"."""
    others = [one for one in statement.figures if one is not figure]
    return figure.kind in {"plain", "count"} and 2 <= figure.value <= 10 and figure.value in {len(others), len(statement.names)}


def _counts(figure: Figure, text: str) -> bool:
    """Whether a figure counts something: the question saying it first does not make it so."""
    if figure.kind not in {"plain", "count"} or 400 <= figure.value < 600:
        return False
    at = text.find(figure.text)
    return at >= 0 and not _LIMIT.search(text[:at]) and bool(_OF_COUNT.match(text, at + len(figure.text)))


def _mark(text: str, parts: tuple[str, ...]) -> str:
    """``text`` with the mark after the first place of each part."""
    for part in parts:
        at = text.find(part)
        if at >= 0:
            at += len(part)
            text = f"{text[:at]} {NOT_SHOWN}{text[at:]}"
    return text


def _unchecked(said: list[str], missing: Mapping[str, ToolResult], hide: Hide) -> list[str]:
    """What could not be checked: what the model says, and every source that gave nothing it may rest on."""
    told = [item.strip() for item in said if item.strip()]
    for key, result in missing.items():
        if any(re.search(rf"\b{re.escape(key)}\b", item) for item in told):
            continue
        what = "failed" if result.status == "failed" else "was not assessed"
        reason = re.sub(r"\s+", " ", hide(_reason(result))).strip()[:300]
        told.append(f"{key} ({result.tool}) {what}{': ' + reason if reason else ''}")
    return told


def _reason(result: ToolResult) -> str:
    """Why a call gave nothing, in whichever field its tool says so."""
    dumped = result.model_dump(include={"error", "reason"})
    return str(dumped.get("error") or dumped.get("reason") or "")


def _notes(dropped: list[Dropped], marked: list[Marked], missing: Mapping[str, ToolResult], *, source: str | None) -> list[str]:
    notes = []
    if dropped:
        notes.append(f"{_n(len(dropped), 'claim')} dropped: the cited evidence does not show what they say"
                     if len(dropped) > 1 else "1 claim dropped: the cited evidence does not show what it says")
    if marked:
        notes.append(f"{_n(len(marked), 'claim')} marked: a part is not shown by the cited evidence")
    if missing:
        notes.append(f"{_n(len(missing), 'source')} could not be read: {', '.join(missing)}")
    if source:
        notes.append(f"the data was said to come from {source}, which holds none")
    return notes


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

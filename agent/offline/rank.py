"""Order of lines for questions that ask for lines: which one would a person point at?

Lines that hold the identifiers of the question come first; among them decides how well their template
fits the words, whether it carries the kind of value asked for ("who", "which port", "where"), and how
many of the words stand in the line itself. Between equals the plainer message wins: it says little else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.offline.target import Target
from agent.offline.target_choose import TemplateSearch, grade
from agent.offline.target_link import content
from agent.offline.target_terms import cut
from agent.offline.words import likeness, pieces, tokens
from telemetry.models import Catalog, Filter, Line, Template

_PER_TEMPLATE = 3
_TEMPLATES = 5
_CODE = re.compile(
    r"\b[a-z]+(?:_[a-z0-9]+)+\b|\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+\b|\b\w+\([\w:]*\)"
)
_ASKED: tuple[tuple[str, str], ...] = (
    (r"\bwho\b|\bwhose\b|\busers?(?:names?)?\b|\baccount\b", "user username account uname ruser"),
    (
        r"\bwhere\b|\blocat|\baddress\b|\bips?\b|\bdevice\b",
        "ip ipv6 addr address host hostname path src dest rhost file url",
    ),
    (r"\bports?\b", "port"),
    (r"\bhow (?:big|large|long|many|much)\b|\bsize\b|\bnumber of\b", "number size count duration bytes"),
    (r"\bfile\b|\bpath\b|\bdirectory\b", "path file"),
)  # fmt: skip
_ASKS_CODE = re.compile(
    r"\b(?:function|method|routine|component|module|class|thread|procedure)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One look-up whose lines are worth ranking."""

    filters: tuple[Filter, ...]
    limit: int


def fetches(
    question: str, target: Target, catalog: Catalog, search: TemplateSearch | None
) -> tuple[Fetch, ...]:
    """Look-ups from narrow to wide: all that was understood, the values alone, the best templates."""
    exact = tuple(f for f in target.filters if f.field != "template")
    plan: list[Fetch] = []
    if target.filters and target.templates:
        plan.append(Fetch(target.filters, 50))
    if exact:
        plan.append(Fetch(exact, 200))
    else:
        grades = _grades(question, target, catalog, search)
        best = sorted(catalog.templates, key=lambda t: (-grades[t.id], len(t.pattern)))[:_TEMPLATES]
        plan.extend(Fetch((Filter(field="template", op="eq", value=t.id),), _PER_TEMPLATE) for t in best)
    return tuple(plan)


def rank(
    question: str, lines: Sequence[Line], target: Target, catalog: Catalog, search: TemplateSearch | None
) -> list[Line]:
    """``lines`` without repeats, best answer to ``question`` first, in their given order when equal."""
    grades = _grades(question, target, catalog, search)
    templates = {template.id: template for template in catalog.templates}
    asked = list(dict.fromkeys(re.findall(r"[a-z]{2,}", question.lower())))
    unique = list({line.id: line for line in lines}.values())
    rarity = _rarity(asked, unique)
    scored = [
        (
            _identified(line.text, question, target)
            + grades.get(line.template, 0.0)
            + 0.3 * _held(line.text, rarity)
            + _fits(question, templates.get(line.template)),
            line,
        )
        for line in unique
    ]
    return [line for _, line in sorted(scored, key=lambda pair: -pair[0])]


def _words(question: str, target: Target) -> list[str]:
    named = {part.lower() for value in target.identifiers for part in value.split()}
    return [w for w in content([term.text for term in cut(question)]) if w not in named]


def _grades(
    question: str, target: Target, catalog: Catalog, search: TemplateSearch | None
) -> dict[str, float]:
    grades = grade(_words(question, target), catalog.templates, search)
    for id_, _ in target.templates:
        grades[id_] = grades.get(id_, 0.0) + 0.1
    return grades


def _identified(text: str, question: str, target: Target) -> float:
    """3 when every identifier stands in the line as a whole token, more when beside its own word."""
    if not target.identifiers:
        return 0.0
    hits = 0.0
    for value in target.identifiers:
        token = rf"(?<![0-9A-Za-z_]){re.escape(value)}(?![0-9A-Za-z_])"
        if re.search(token, text, re.IGNORECASE):
            hits += 1.0 + (0.2 if _beside(value, text, question, token) else 0.0)
        elif value.lower() in text.lower():
            hits += 0.3
    return 3.0 * hits / len(target.identifiers)


def _beside(value: str, text: str, question: str, token: str) -> bool:
    """Whether the word before ``value`` in the question stands before it in the line too."""
    asked = re.search(rf"([A-Za-z]+)\W{{1,3}}{re.escape(value)}", question, re.IGNORECASE)
    found = re.search(rf"([A-Za-z]+)\W{{1,3}}{token}", text, re.IGNORECASE)
    return bool(asked and found and likeness(asked.group(1).lower(), found.group(1).lower()) >= 0.9)


def _rarity(asked: Sequence[str], lines: Sequence[Line]) -> dict[str, float]:
    """Inverse document frequency of the asked words over the candidate lines."""
    held = {word: sum(word in line.text.lower() for line in lines) for word in asked}
    return {word: math.log(1.0 + (len(lines) + 0.5) / (count + 0.5)) for word, count in held.items()}


def _held(text: str, rarity: dict[str, float]) -> float:
    total = sum(rarity.values())
    low = text.lower()
    return sum(weight for word, weight in rarity.items() if word in low) / total if total else 0.0


def _fits(question: str, template: Template | None) -> float:
    """Carries the kind of value asked for (+0.1 each kind), names code when code is asked; plain wins."""
    if template is None:
        return 0.0
    score = -0.03 * math.log(1.0 + len({token.place for token in tokens(template.pattern)}))
    names = {piece for p in template.params for name in (p.name, p.type) for piece in pieces(name)}
    for pattern, wanted in _ASKED:
        if re.search(pattern, question, re.IGNORECASE) and names & set(wanted.split()):
            score += 0.1
    if _ASKS_CODE.search(question) and _CODE.search(template.pattern):
        score += 0.2
    return score
